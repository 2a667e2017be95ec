# SPDX-License-Identifier: BSD-2-Clause
"""How HTTP/2 connections end that lose something: real clients at a server that is played by hand, and the other way round. The
client's own results say what was lost."""

import re
import socket
import subprocess
import time
from dataclasses import dataclass

import pytest

from lib import observer, tls, wire
from lib.http2 import frames, libraries, servers
from lib.http2.scenes import OPEN, open_streams, stays_until_closed
from lib.http2.stage import check, client_of, each, ends_of, started, talk_to
from lib.http2.talk import Talk

CLIENTS = ("go", "node")
CLEAR = "clear"
MET = [*[(client, CLEAR) for client in CLIENTS], *[("go", name) for name in libraries.NAMES]]
DEADLINE = 30
IDLE = 0.25  # seconds: more than the tenth within which a close may go with a response


@dataclass
class Played:
    """A server that is the test, in clear text or within TLS by a library, and its observer."""

    trace: observer.Trace
    listener: socket.socket
    library: libraries.Library
    certificates: tls.Certificates

    @property
    def name(self):
        return wire.name_of(self.listener.getsockname())

    def talk(self, client):
        return Talk(client, self.name, certificates=self.library and self.certificates)

    def accept(self):
        return frames.accept(self.listener, self.library and self.library.server)


@pytest.fixture
def watched(request, nothing_left, own_listener, certificates, library):
    """Within TLS the tests share an observer."""
    del nothing_left
    if library == CLEAR:
        with observer.Trace([wire.port_of(own_listener)]) as trace:
            yield Played(trace, own_listener, None, certificates)
    else:
        listener, trace = request.getfixturevalue("h2_watched")
        yield Played(trace, listener, request.getfixturevalue("h2_libraries")[library], certificates)


# ---- a server that is played -----------------------------------------------------------------------------


def with_open_streams(watched, talk, count):
    """The server's end of the client's connection: one stream is answered, so many are open. Go's first stream has the id 3."""
    peer = watched.accept()
    talk.wait("open")
    talk.open("/")
    peer.read_until(frames.HEADERS)
    peer.send(frames.response(*peer.streams()))
    talk.wait("result", path="/")
    talk.open("/wait", count)
    peer.read_until(frames.HEADERS, 1 + count)
    return peer


@pytest.mark.parametrize(("client", "library"), MET)
def test_streams_above_the_last_id_are_refused_and_may_be_sent_again(watched, client):
    with watched.talk(client) as talk, with_open_streams(watched, talk, 3) as peer:
        last = peer.streams()[0]
        peer.send(frames.goaway(last))
        talk.wait("result", 3, path="/wait")
        peer.end.close()
        stays_until_closed(talk)
        ends = ends_of(watched.trace, pid=talk.pid)
    check(ends, closer="server", lost_requests=0, streams=4, answered=1,
          goaway={"by": "server", "last_stream": last, "code": "NO_ERROR", "graceful": False, "debug": "none"})
    check(ends, reason="goaway_refused", premature=True, retryable=3, cancelled=0)


@pytest.mark.parametrize(("client", "library"), MET)
def test_streams_that_were_promised_are_lost(watched, client):
    """The last id covers two of the three that are open."""
    with watched.talk(client) as talk, with_open_streams(watched, talk, 3) as peer:
        last = peer.streams()[2]
        peer.send(frames.goaway(last))
        if client == "go":
            talk.wait("result", path="/wait")
        else:
            talk.wait("goaway", last=last)
        wire.reset(peer.end)
        talk.wait("result", 3, path="/wait")
        stays_until_closed(talk)
        ends = ends_of(watched.trace, pid=talk.pid)
    check(ends, reason="goaway_cut", closer="server", premature=True, lost_requests=2, streams=4, answered=1, retryable=1, cancelled=0,
          goaway={"by": "server", "last_stream": last, "code": "NO_ERROR"})


@pytest.mark.parametrize(("client", "library"), MET)
@pytest.mark.parametrize("begun", [False, True], ids=["no head", "with a head"])
def test_a_server_that_closes_without_a_word(watched, client, begun):
    with watched.talk(client) as talk, with_open_streams(watched, talk, OPEN) as peer:
        if begun:
            peer.send(*[frames.response(stream, end=False) for stream in peer.streams()[1:]])
            talk.wait("head", OPEN, path="/wait")
        peer.end.close()
        talk.wait("result", OPEN, path="/wait")
        stays_until_closed(talk)
        ends = ends_of(watched.trace, pid=talk.pid)
    check(ends, reason="response_truncated" if begun else "no_response", closer="server", premature=True, lost_requests=OPEN,
          retryable=0, streams=1 + OPEN, answered=1, goaway=None)


@pytest.mark.parametrize(("client", "library"), MET)
@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_server_that_closes_an_idle_connection_without_goaway(watched, client, library, how):
    with watched.talk(client) as talk, with_open_streams(watched, talk, 0) as peer:
        time.sleep(IDLE)
        peer.end.close() if how == "fin" else wire.reset(peer.end)
        stays_until_closed(talk)
        ends = ends_of(watched.trace, pid=talk.pid)
    # A library may leave bytes of the client unread, over which the kernel resets.
    closed = ("server_closed_idle", "idle_reset") if library != CLEAR else "server_closed_idle"
    check(ends, reason=closed if how == "fin" else "idle_reset", closer="server", lost_requests=0, retryable=0, premature=False,
          streams=1, answered=1)


BROKEN = {
    "DATA on stream 0": frames.frame(frames.DATA, 0, 0, b"x"),
    "PING of five bytes": frames.frame(frames.PING, 0, 0, bytes(5)),
    "a window of nothing": frames.frame(frames.WINDOW_UPDATE, 0, 0, bytes(4)),
}


@pytest.mark.parametrize(("client", "library"), MET)
@pytest.mark.parametrize("fault", BROKEN)
def test_a_client_that_finds_a_fault(watched, client, fault):
    """The truth is the GOAWAY that it sent, if it sent one."""
    with watched.talk(client) as talk, with_open_streams(watched, talk, OPEN) as peer:
        peer.send(BROKEN[fault])
        peer.read_to_goaway()
        peer.end.close()
        talk.kill()  # node goes on waiting
        ends = ends_of(watched.trace, pid=talk.pid)
    check(ends, streams=1 + OPEN, answered=1)
    if said := peer.of(frames.GOAWAY):
        assert said[0].payload[4:8] != bytes(4)
        check(ends, reason="goaway_error", closer="client", premature=True, goaway={"by": "client"})


# ---- a client that is played ------------------------------------------------------------------------------

SAY_SO = [kind for kind in servers.KINDS if kind not in ("grpc", "node")]  # node waits on


@pytest.mark.parametrize(("kind", "secured"), each(*SAY_SO))
def test_a_server_that_finds_a_fault(nothing_left, kind, secured, tmp_path):
    del nothing_left
    with started(kind, tmp_path, secured) as (trace, server):
        for fault, data in BROKEN.items():
            with client_of(server) as peer:
                peer.ask(1)
                peer.send(data)
                peer.read_to_goaway()
            ends = ends_of(trace, local=peer.name)
            said = peer.of(frames.GOAWAY)
            check(ends, streams=1, answered=1, lost_requests=0)
            if said and said[0].payload[4:8] != bytes(4):
                check(ends, reason="goaway_error", closer="server", goaway={"by": "server"})


@pytest.mark.parametrize(("kind", "secured"), each("nginx", "go"))
def test_a_stream_that_is_begun_behind_the_goaway(nothing_left, kind, secured, tmp_path):
    """nginx's limit of requests, and Go's Shutdown: the client has read GOAWAY and begins a stream all the same."""
    del nothing_left
    with started(kind, tmp_path, secured, requests=2) as (trace, server), client_of(server) as peer:
        peer.ask(1)
        if kind == "nginx":
            peer.ask(3)
        else:
            server.process.terminate()
        (said,) = peer.read_until(frames.GOAWAY)
        last = int.from_bytes(said.payload[:4], "big")
        peer.send(frames.request(5))
        peer.read_to_end()
        peer.end.close()
        ends = ends_of(trace, local=peer.name)
    assert last < 5
    check(ends, reason="stream_after_goaway", closer="server", premature=True, lost_requests=0,
          goaway={"by": "server", "last_stream": last, "code": "NO_ERROR"})
    check(ends[:1] if secured else ends, retryable=1)  # within TLS nginx discards the stream undeciphered


REFUSES = ("node", "/refuse", {"refused": OPEN, "retryable": OPEN, "cut": 0, "lost_requests": 0})
CUTS = ("go", "/cut", {"cut": OPEN, "lost_requests": OPEN, "refused": 0, "retryable": 0})


@pytest.mark.parametrize(("client", "kind", "path", "facts", "secured"), [
    *[(client, *how, False) for client in CLIENTS for how in (REFUSES, CUTS)], ("go", *CUTS, True),
])
def test_streams_that_the_server_resets(nothing_left, client, kind, path, facts, secured, tmp_path):
    del nothing_left
    with started(kind, tmp_path, secured) as (trace, server), talk_to(client, server) as talk:
        talk.wait("open")
        assert all("error" in one for one in talk.ask(path, OPEN))
        talk.ask()
        talk.close()
        ends = ends_of(trace, pid=talk.pid)
    check(ends, closer="client", streams=1 + OPEN, answered=1, **facts)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("path", ["/destroy", "/break", "/drop"])
def test_ways_of_node_to_end_a_session(nothing_left, client, path, tmp_path):
    """session.destroy(), the same with an error, and the end of the socket: none of them answers what is open."""
    del nothing_left
    with started("node", tmp_path) as (trace, server), Talk(client, server.name) as talk:
        talk.wait("open")
        open_streams(talk)
        talk.open(path)
        talk.wait("result", OPEN, path="/wait")
        stays_until_closed(talk)
        ends = ends_of(trace, pid=talk.pid)
    check(ends, closer="server", premature=True, answered=1)
    for one in ends:
        assert one["http2"]["streams"] == OPEN + 2
        assert one["lost_requests"] + one["http2"]["retryable"] == OPEN + 1
    check(ends, reason={"/destroy": ("no_response", "goaway_cut", "goaway_refused"), "/break": ("goaway_error",),
                        "/drop": ("no_response",)}[path])


# ---- servers that do not speak HTTP/2 ------------------------------------------------------------------------

HTTP1 = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("library", [CLEAR])
@pytest.mark.parametrize("client", ["curl", "nghttp", "h2load"])
def test_a_server_that_speaks_http1(watched, client):
    """test_plaintext_http2_peers.py has it within TLS."""
    command = {"curl": ["curl", "-s", "--http2-prior-knowledge"], "nghttp": ["nghttp", "-n"],
               "h2load": ["h2load", "-n", "1", "-c", "1"]}[client]
    with subprocess.Popen([*command, f"http://{watched.name}/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        end, _ = watched.listener.accept()
        with end:
            end.settimeout(DEADLINE)
            assert wire.read_exactly(end, len(frames.PREFACE)) == frames.PREFACE
            end.sendall(HTTP1)
            wire.wait_for_end(end)
        process.wait(DEADLINE)
        ends = ends_of(watched.trace, pid=process.pid)
    check(ends, reason="preface_failed", premature=True)


def test_nginx_without_http2_is_no_server_of_it(nothing_left, trace, nginx):
    del nothing_left
    made = subprocess.Popen(["nghttp", "-n", nginx.url("/")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    made.wait(DEADLINE)
    ends = ends_of(trace, pid=made.pid)
    check(ends, reason="preface_failed", premature=True)


# ---- limits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 10])
@pytest.mark.parametrize(("kind", "secured"), each("nginx"))
def test_the_request_limit_of_nginx_under_h2load(nothing_left, kind, secured, at_once, tmp_path):
    """h2load counts the streams that it lost; it opens no other connection."""
    del nothing_left
    limit = 30
    with started(kind, tmp_path, secured, requests=limit) as (trace, server):
        command = ["h2load", "-n", "200", "-c", "1", "-m", str(at_once), server.url("/")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            said, _ = process.communicate(timeout=DEADLINE)
        begun, done, lost = map(int, re.search(r"(\d+) started, \d+ done, (\d+) succeeded, (\d+) failed", said).groups())
        ends = ends_of(trace, pid=process.pid)
    print(said, begun, done, lost)
    check(ends, closer="server", answered=done, lost_requests=0, goaway={"by": "server", "code": "NO_ERROR"})
    for one in ends:
        assert one["http2"]["streams"] == done + one["http2"]["retryable"]


@pytest.mark.parametrize(("kind", "secured"), each("nginx", "nghttpd", "haproxy", "apache", "go", "node"))
def test_the_limit_of_streams_at_once_and_their_peak(nothing_left, kind, secured, tmp_path):
    """h2load wants more at once than the server allows."""
    del nothing_left
    with started(kind, tmp_path, secured, streams=5) as (trace, server):
        command = ["h2load", "-n", "100", "-c", "1", "-m", "20", server.url("/large")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            said, _ = process.communicate(timeout=DEADLINE)
        done = int(re.search(r"(\d+) succeeded", said).group(1))
        ends = ends_of(trace, pid=process.pid)
    check(ends, max_concurrent={"server": 5}, answered=done, closer="client", premature=False)
    for one in ends:
        assert one["http2"]["streams"] == done + one["http2"]["refused"]
        assert one["http2"]["peak"] >= 5
