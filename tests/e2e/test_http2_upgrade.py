# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/2 that begins as HTTP/1.1 (RFC 7540 section 3.2), and connections that are older than the observer."""

import pytest

from lib import observer, wire
from lib.http2 import frames, servers
from lib.http2.scenes import run
from lib.http2.stage import check, ends_of, free_port, hole, started
from lib.http2.talk import Talk


@pytest.mark.parametrize("kind", ["apache", "go", "caddy"])
def test_the_request_that_upgrades_is_the_first_stream(nothing_left, kind, tmp_path):
    del nothing_left
    with started(kind, tmp_path) as (trace, server):  # curl fails if more than 32 KiB come with the 101
        pid, said = run(["curl", "-sS", "--http2", "-w", "%{http_version}", "-o", "/dev/null", server.url("/")])
        assert said == "2"
        ends = ends_of(trace, pid=pid)
    check(ends, premature=False, streams=1, requests=1)
    for one in ends:
        # curl may leave with the last byte that Content-Length names, before the frame that ends the stream has left, or is read.
        assert one["lost_requests"] == (one["reason"] == "client_left"), one


@pytest.mark.parametrize("kind", ["apache", "go", "caddy"])
def test_another_stream_follows_the_request_that_upgrades(nothing_left, kind, tmp_path):
    del nothing_left
    with started(kind, tmp_path) as (trace, server):
        pid, said = run(["nghttp", "-nuv", server.url("/"), server.url("/large")], (0, 1))
        assert "101 Switching Protocols" in said
        ends = ends_of(trace, pid=pid)
    # Apache may take the connection for idle right behind the first response, and refuse the second request.
    refused = "total=2, processed=1" in said
    check(ends, streams=2, requests=2, answered=1 if refused else 2, lost_requests=0, premature=refused)
    if refused:
        check(ends, reason="goaway_refused")


def test_a_server_that_does_not_upgrade_speaks_http1(nothing_left, trace, nginx):
    del nothing_left
    pid, said = run(["curl", "-sS", "--http2", "-w", "%{http_version}", "-o", "/dev/null", nginx.url("/")])
    assert said == "1.1"
    for one in ends_of(trace, pid=pid):
        assert (one["protocol"], one["http2"], one["reason"], one["premature"]) == ("http/1.1", None, "client_closed_idle", False)


@pytest.mark.parametrize("kind", ["nginx", "go", "node", "apache"])
@pytest.mark.parametrize("client", ["go", "node"])
def test_a_connection_that_is_older_than_the_observer(nothing_left, kind, client, tmp_path):
    """Streams count from where it joined, and nothing is lost."""
    del nothing_left
    port = free_port()
    with hole() as silent, servers.server(kind, tmp_path, port, hole=wire.port_of(silent)) as server:
        with Talk(client, server.name) as talk:
            talk.wait("open")
            talk.ask("/", 5)
            with observer.Trace([port]) as trace:
                for _ in range(3):
                    talk.ask()
                talk.close()
                ends = ends_of(trace, pid=talk.pid)
    for one in ends:
        assert one["preexisting"]
        assert one["lost_requests"] in (0, None) and not one["premature"], one
        assert one["confidence"] != "certain", one
        if one["reason"] != "unknown":
            assert one["http2"]["streams"] <= 3 and one["protocol"] == "h2c", one


@pytest.mark.parametrize("first", ["client", "server"])
def test_streams_that_were_open_before_the_observer_came_are_no_certain_loss(nothing_left, own_listener, first):
    del nothing_left
    with wire.Client(own_listener.getsockname()) as one, frames.Peer(one.client) as client:
        client.send(frames.BEGIN, frames.request(1), frames.request(3))
        with frames.accept(own_listener) as server:
            server.read_until(frames.HEADERS, 2)
            with observer.Trace([wire.port_of(own_listener)]) as trace:
                client.send(frames.request(5))
                server.read_until(frames.HEADERS, 3)
                server.send(frames.response(5))
                client.read_until(frames.HEADERS)
                server.read_until(frames.SETTINGS, 2)
                ends = (client.end, server.end) if first == "client" else (server.end, client.end)
                ends[0].close()
                wire.read_to_end(ends[1])
                ends[1].close()
                found = ends_of(trace, local=one.client_name)
    for one in found:
        assert one["preexisting"] and one["confidence"] != "certain", one
        assert one["http2"]["streams"] in (0, 1) and one["http2"]["answered"] in (0, 1), one
