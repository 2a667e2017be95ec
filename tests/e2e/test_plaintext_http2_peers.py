# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/2 inside TLS between a program and a peer that is played, or ended: each scene is played in clear text and over TLS, and both
records must say the same (--tls)."""

import contextlib
import subprocess
import time

import pytest

from lib import observer, tls, wire
from lib.http2 import frames, libraries, scenes, twins
from lib.http2.servers import GRACEFUL
from lib.http2.stage import client_of, ends_of, started
from lib.http2.talk import Talk

DEADLINE = 30
IDLE = 0.25  # seconds: more than the tenth within which a close may go with a response
WAIT = b"\x82\x86\x04" + frames.string(b"/wait") + b"\x01" + frames.string(b"test")  # GET http /wait test


def ask_in_vain(peer, stream):
    """The server has taken it, because it has answered the next one."""
    peer.send(frames.frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream, WAIT))
    peer.ask(stream + 2)


# ---- servers ------------------------------------------------------------------------------------------------


def closes_when_idle(server, peer):
    del server
    peer.ask(1)
    peer.read_to_end()


def goes_while_idle(server, peer):
    peer.ask(1)
    time.sleep(IDLE)
    server.signal(GRACEFUL[server.kind])
    peer.read_to_end()


def is_killed_while_idle(server, peer):
    """A program that is killed within a call of its library leaves it unknown what that call has sent; this one waits."""
    peer.ask(1)
    time.sleep(IDLE)
    server.wait_until_asleep()
    server.kill()
    peer.read_to_end()


def is_killed_over_streams(server, peer):
    ask_in_vain(peer, 1)
    server.wait_until_asleep()
    server.kill()
    peer.read_to_end()


def loses_its_client(server, peer):
    del server
    ask_in_vain(peer, 1)
    wire.reset(peer.end)


def is_cancelled(server, peer):
    del server
    ask_in_vain(peer, 1)
    peer.send(frames.reset(1, frames.CANCEL))
    peer.ask(5)
    time.sleep(IDLE)


WAITING = (is_killed_over_streams, loses_its_client, is_cancelled)
SERVERS = [
    *[(kind, closes_when_idle, "openssl") for kind in ("nginx", "haproxy", "apache")],
    *[(kind, goes_while_idle, "openssl") for kind in ("nginx", "apache")],
    *[(kind, is_killed_while_idle, "openssl") for kind in ("nginx", "haproxy", "nghttpd")],
    *[(kind, act, "openssl") for act in WAITING for kind in ("nginx", "haproxy")],
    *[("nginx", act, library) for act in (closes_when_idle, is_killed_over_streams, loses_its_client) for library in ("gnutls", "go")],
    *[(kind, act, library) for act in (closes_when_idle, goes_while_idle, is_killed_while_idle, *WAITING)
      for kind, library in (("lighttpd", "gnutls"), ("caddy", "go"), ("go", "go"))
      if (kind, act) != ("caddy", goes_while_idle)],  # it sends a GOAWAY only within TLS
]  # fmt: skip


@pytest.mark.parametrize(("kind", "act", "library"), SERVERS, ids=lambda one: one if isinstance(one, str) else one.__name__)
def test_a_server_does_within_tls_what_it_does_in_clear_text(nothing_left, h2_libraries, kind, act, library, tmp_path):
    """@library: the client's."""
    del nothing_left
    records = []
    for secured in False, True:
        folder = tmp_path / str(secured)
        folder.mkdir()
        idle = 1 if act is closes_when_idle else 600
        with started(kind, folder, secured, idle=idle) as (trace, server):
            own = secured and library != "openssl" and h2_libraries[library]
            with client_of(server, own) as peer:
                act(server, peer)
                peer.end.close()
                records.append(ends_of(trace, local=peer.name))
    for clear, within, read in zip(*records, (library, server.library)):
        twins.compare_programs(clear, within, read)


# ---- clients ------------------------------------------------------------------------------------------------


def answers(peer):
    peer.read_until(frames.HEADERS, 2)
    peer.send(*[frames.response(stream) for stream in peer.streams()])
    peer.read_to_end()


def refuses(peer):
    peer.read_until(frames.HEADERS, 2)
    peer.send(frames.goaway(0))


def promises_and_closes(peer):
    peer.read_until(frames.HEADERS, 2)
    peer.send(frames.goaway(peer.streams()[1]))


def closes_without_a_word(peer):
    peer.read_until(frames.HEADERS, 2)


def closes_behind_heads(peer):
    peer.read_until(frames.HEADERS, 2)
    peer.send(*[frames.response(stream, end=False) for stream in peer.streams()])


def resets_streams(peer):
    peer.read_until(frames.HEADERS, 2)
    first, second = peer.streams()
    peer.send(frames.reset(first, frames.REFUSED_STREAM), frames.reset(second, frames.INTERNAL_ERROR))
    peer.read_to_end()


def breaks_the_rules(peer):
    peer.read_until(frames.HEADERS, 2)
    peer.send(frames.frame(frames.PING, 0, 0, bytes(5)))
    peer.read_to_end()


ACTS = (answers, refuses, promises_and_closes, closes_without_a_word, closes_behind_heads, resets_streams, breaks_the_rules)


def nghttp(url):
    return ["nghttp", "-n", url + "/a", url + "/b"]


@contextlib.contextmanager
def running(command):
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def by_nghttp(name, secured, certificates):
    """Asks twice. Its process id."""
    del certificates
    with running(nghttp(f"{'https' if secured else 'http'}://{name}")) as process:
        yield process.pid
        process.wait(DEADLINE)


@contextlib.contextmanager
def by_go(name, secured, certificates):
    with Talk("go", name, certificates=certificates if secured else None) as talk:
        talk.open("/", 2)
        yield talk.pid


CLIENTS = [(by_nghttp, "openssl", act, library) for act in ACTS for library in libraries.NAMES]
# Go's stays when it is done; and where the server closes at once, sends of its own may fail, and then its records decide.
# test_http2_endings.py has it with servers that wait.
CLIENTS += [(by_go, "go", breaks_the_rules, library) for library in libraries.NAMES]


@pytest.mark.parametrize(("client", "read", "act", "library"), CLIENTS, ids=lambda one: getattr(one, "__name__", one))
def test_a_client_does_within_tls_what_it_does_in_clear_text(h2_watched, certificates, h2_libraries, client, read, act, library):
    """@library: the server's."""
    listener, trace = h2_watched
    records = []
    for session in None, h2_libraries[library].server:
        with client(wire.name_of(listener.getsockname()), bool(session), certificates) as pid:
            with frames.accept(listener, session) as peer:
                act(peer)
            records.append(ends_of(trace, pid=pid))
    for clear, within, name in zip(*records, (read, library)):
        twins.compare_programs(clear, within, name)


@pytest.mark.parametrize("client", ["curl", "nghttp", "h2load"])
def test_a_server_that_answers_within_tls_by_http1(nothing_left, own_listener, client, tmp_path):
    """It has chosen HTTP/2 by ALPN."""
    del nothing_left
    certificates = tls.Certificates(tmp_path)
    url = f"https://{wire.name_of(own_listener.getsockname())}/"
    command = {"curl": ["curl", "-sk", "--http2"], "nghttp": ["nghttp", "-n"], "h2load": ["h2load", "-n", "1", "-c", "1"]}[client]
    with observer.Trace([wire.port_of(own_listener)], "--tls") as trace, running([*command, url]) as process:
        end, _ = own_listener.accept()
        end.settimeout(DEADLINE)
        with tls.server_context(certificates, alpn=["h2"]).wrap_socket(end, server_side=True) as session:
            assert wire.read_exactly(session, len(frames.PREFACE)) == frames.PREFACE
            session.sendall(wire.response("400 Bad Request", "Connection: close"))
            wire.wait_for_end(session)
        process.wait(DEADLINE)
        for one in ends_of(trace, pid=process.pid):
            assert (one["protocol"], one["reason"], one["premature"]) == ("h2", "preface_failed", True)


def test_a_client_that_gives_up(nothing_left, tmp_path):
    del nothing_left
    with started("nginx", tmp_path, secured=True) as (trace, server):
        truth = scenes.curl_gives_up(server)
        for one in ends_of(trace, pid=truth.pid):
            assert (one["protocol"], one["closer"], one["http2"]["streams"]) == ("h2", "client", 1)
