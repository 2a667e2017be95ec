# SPDX-License-Identifier: BSD-2-Clause
"""Misleading endings of real servers: each verdict matches the packets, and nobody is wrongly accused."""

import socket
import subprocess
import time

import pytest
from lib import wire

pytest_plugins = ["lib.stage"]

NOTHING_LOST = (False, 0)
LOST = (True, 1)
BODY = b"x" * 100


def verdict(one):
    return one["closer"], one["manner"], one["phase"], one["reason"], one["premature"], one["lost_requests"]


def post(path, length, *fields):
    return wire.request("POST", path, f"Content-Length: {length}", *fields)


def exchange_to_the_end(stage, server, data):
    """Sends this and reads until the server has closed. Returns the bytes that came, and the records of both ends."""
    with wire.Client(server.address) as one:
        one.client.sendall(data)
        got = wire.read_to_end(one.client)
    return got, *stage.both(one)


def test_nginx_return_444_is_no_response_and_no_stale_reuse(stage):
    """The server reads the request and closes at once, so its FIN acknowledges the request; also on a reuse."""
    with stage.nginx() as nginx, stage.captured(nginx) as capture:
        with wire.Client(nginx.address) as one:
            for _ in range(3):
                one.get()
            one.client.sendall(wire.request("GET", "/drop"))
            one.close_after_server()
        ends = stage.both(one)
        got, *others = exchange_to_the_end(stage, nginx, wire.request("GET", "/drop"))
    assert got == b""
    streams = capture.streams()
    assert [(stream.requests, stream.responses) for stream in streams] == [(4, 3), (1, 0)]
    for stream in streams:
        assert (stream.closer, stream.manner) == ("server", "fin")
        assert stream.fin_acknowledges == stream.request_end
    for end in (*ends, *others):
        assert verdict(end) == ("server", "fin", "waiting", "no_response", *LOST)
        assert end["confidence"] == "certain"
        assert end["late_request"] is False


def test_gos_abort_handler_is_no_response_before_the_first_byte(stage):
    with stage.go() as go:
        got, *ends = exchange_to_the_end(stage, go, wire.request("GET", "/abort"))
    assert got == b""
    for end in ends:
        assert verdict(end) == ("server", "fin", "waiting", "no_response", *LOST)


def test_gos_abort_handler_truncates_what_it_has_begun(stage):
    with stage.go() as go:
        got, *ends = exchange_to_the_end(stage, go, wire.request("GET", "/abort-later"))
    assert got.endswith(b"some of it\n\r\n")  # a chunk, and no last chunk
    for end in ends:
        assert verdict(end) == ("server", "fin", "response", "response_truncated", *LOST)


def test_a_413_with_lingering_close_is_an_early_response(stage):
    """nginx answers before the body, which the client goes on sending, reads on for a while and closes by FIN,
    so that the response survives."""
    with stage.nginx() as nginx:
        got, *ends = exchange_to_the_end(stage, nginx, post("/", 5000) + BODY)
    assert got.startswith(b"HTTP/1.1 413 ") and b"Connection: close" in got
    for end in ends:
        assert verdict(end) == ("server", "fin", "idle", "early_response", *NOTHING_LOST)
        assert (end["last_status"], end["unread_data"]) == (413, False)


def test_a_413_whose_body_came_all_the_same_is_an_announced_close(stage):
    with stage.nginx() as nginx:
        got, *ends = exchange_to_the_end(stage, nginx, post("/", 5000) + BODY * 50)
    assert got.startswith(b"HTTP/1.1 413 ")
    for end in ends:
        assert verdict(end) == ("server", "fin", "idle", "announced_by_response", *NOTHING_LOST)


def test_lighttpds_413_closes_while_the_body_is_on_its_way(stage):
    with stage.lighttpd() as lighttpd, stage.captured(lighttpd) as capture:
        got, *ends = exchange_to_the_end(stage, lighttpd, post("/", 5000) + BODY)
    assert got.startswith(b"HTTP/1.1 413 ")
    (stream,) = capture.streams()
    assert (stream.requests, stream.responses, stream.closer, stream.manner) == (1, 1, "server", "fin")
    for end in ends:
        assert verdict(end) == ("server", "fin", "idle", "early_response", *NOTHING_LOST)


def test_gos_413_waits_before_it_closes(stage):
    """Half a second, so that the response is read before a RST can destroy it: the client may close first."""
    with stage.go() as go:
        with wire.Client(go.address) as one:
            one.client.sendall(post("/upload", 5000) + BODY * 20)
            assert wire.read_response(one.client)[0] == 413
        ends = stage.both(one)
    for end in ends:
        assert verdict(end) == ("client", "fin", "idle", "early_response", *NOTHING_LOST)


EXPECT = "Expect: 100-continue"


@pytest.mark.parametrize("name", ["apache", "node"])
def test_a_401_instead_of_100_continue_is_an_early_response(stage, name):
    """The server closes, because it cannot know whether the client will still send the body."""
    with stage.running(name) as server:
        got, *ends = exchange_to_the_end(stage, server, post("/private", 500, EXPECT))
    assert got.startswith(b"HTTP/1.1 401 ") and b"Connection: close" in got
    for end in ends:
        assert verdict(end) == ("server", "fin", "idle", "early_response", *NOTHING_LOST)


@pytest.mark.parametrize("name", ["go", "caddy"])
def test_gos_401_instead_of_100_continue_leaves_the_close_to_the_client_for_a_while(stage, name):
    with stage.running(name) as server:
        with wire.Client(server.address) as one:
            one.client.sendall(post("/private", 500, EXPECT))
            assert wire.read_response(one.client)[0] == 401
        ends = stage.both(one)
    for end in ends:
        assert verdict(end) == ("client", "fin", "idle", "early_response", *NOTHING_LOST)
        assert end["announced"] == {"by": "server", "how": "close"}


def test_nginx_says_100_continue_and_then_401(stage):
    """An interim response ends nothing: the client that then does not send its body breaks off an answered
    request."""
    with stage.nginx() as nginx:
        with wire.Client(nginx.address) as one:
            one.client.sendall(post("/private", 500, EXPECT))
            assert wire.read_head(one.client).startswith(b"HTTP/1.1 100 ")
            assert wire.read_response(one.client)[0] == 401
        ends = stage.both(one)
    for end in ends:
        assert verdict(end) == ("client", "fin", "idle", "early_response", *NOTHING_LOST)
        assert (end["requests"], end["responses"]) == (1, 1)


@pytest.mark.parametrize("name", ["nginx", "apache", "node", "go", "caddy", "gunicorn"])
def test_a_401_to_a_whole_request_is_an_exchange_like_any_other(stage, name):
    with stage.running(name) as server:
        with wire.Client(server.address) as one:
            one.client.sendall(post("/private", 100) + BODY)
            assert wire.read_response(one.client)[0] == 401
            one.get()
        ends = stage.both(one)
    for end in ends:
        assert verdict(end) == ("client", "fin", "idle", "client_closed_idle", *NOTHING_LOST)
        assert (end["requests"], end["responses"]) == (2, 2)


def test_curl_that_sees_a_401_keeps_its_body_to_itself(stage):
    """curl waits for the 100, gets a final answer and closes a connection that it cannot use again."""
    with stage.go() as go:
        sent = [
            "curl", "-q", "-s", "--http1.1", "--noproxy", "*", "-H", EXPECT, "--data-binary", "x" * 5000,
            "-o", "/dev/null", "-w", "%{http_code} %{local_ip}:%{local_port}", "--expect100-timeout", "20",
            go.url("/private"),
        ]  # fmt: skip
        done = subprocess.run(sent, check=True, capture_output=True, text=True, timeout=wire.DEADLINE)
        status, name = done.stdout.split()
        assert status == "401"
        (client,) = stage.wait_for(1, local=name, remote=go.name)
        (server,) = stage.wait_for(1, remote=name, local=go.name)
    for end in client, server:
        assert verdict(end) == ("client", "fin", "idle", "early_response", *NOTHING_LOST)


HALF = b"GET / HTTP/1.1\r\nHos"
TIMEOUTS = {"headersTimeout": 500, "requestTimeout": 500, "connectionsCheckingInterval": 100}


@pytest.mark.parametrize("sent", [b"", HALF], ids=["unused", "half a head"])
def test_nodes_408_is_a_request_timeout(stage, sent):
    """Node sends 408 even on connections without a byte, because its timeouts begin with the connection."""
    with stage.node(**TIMEOUTS) as node, stage.captured(node) as capture:
        got, *ends = exchange_to_the_end(stage, node, sent)
    assert got.startswith(b"HTTP/1.1 408 ")
    (stream,) = capture.streams()
    assert (stream.requests, stream.responses, stream.closer, stream.manner) == (0, 1, "server", "fin")
    for end in ends:
        assert (end["closer"], end["manner"], end["reason"]) == ("server", "fin", "request_timeout")
        assert (end["premature"], end["requests"], end["last_status"]) == (False, 0, 408)


@pytest.mark.parametrize("sent", [b"", HALF], ids=["unused", "half a head"])
def test_haproxys_408_is_a_request_timeout(stage, sent):
    with stage.node() as node, stage.haproxy(node, http_request="500ms") as haproxy:
        got, *ends = exchange_to_the_end(stage, haproxy, sent)
    assert got.startswith(b"HTTP/1.1 408 ")
    for end in ends:
        assert (end["closer"], end["manner"], end["reason"]) == ("server", "fin", "request_timeout")
        assert (end["premature"], end["requests"], end["last_status"]) == (False, 0, 408)


def test_a_408_after_half_a_second_request_is_a_request_timeout(stage):
    with stage.node() as node, stage.haproxy(node, http_request="500ms") as haproxy:
        got, *ends = exchange_to_the_end(stage, haproxy, wire.GET + HALF)
    assert got.startswith(b"HTTP/1.1 200 ") and b"HTTP/1.1 408 " in got
    for end in ends:
        assert (end["closer"], end["manner"], end["reason"]) == ("server", "fin", "request_timeout")
        assert (end["premature"], end["requests"], end["responses"]) == (False, 1, 2)


def test_nginx_closes_after_half_a_head_without_a_word(stage):
    """Its documentation mentions 408, but it only logs that; the client's request is cut."""
    with stage.nginx() as nginx:
        got, *ends = exchange_to_the_end(stage, nginx, HALF)
    assert got == b""
    for end in ends:
        assert verdict(end) == ("server", "fin", "request", "request_truncated", *LOST)


def test_nginx_closes_an_unused_connection_and_nothing_is_lost(stage):
    with stage.nginx() as nginx:
        got, *ends = exchange_to_the_end(stage, nginx, b"")
    assert got == b""
    for end in ends:
        assert verdict(end) == ("server", "fin", "unused", "unused", *NOTHING_LOST)


def test_nginx_asks_its_upstream_for_the_close_and_is_named(stage):
    """HTTP/1.0 with Connection: close is its default to an upstream. gunicorn echoes the close; which of them
    then is the first to close is a race, and does not change who caused it."""
    with stage.gunicorn() as gunicorn, stage.nginx(upstream=gunicorn.name) as nginx:
        with stage.captured(gunicorn) as capture, wire.Client(nginx.address) as one:
            for _ in range(3):
                assert one.get("/up/")[0] == 200
            upstream = stage.ended(gunicorn, 3)
    closers = {stream.client_name: stream.closer for stream in capture.streams()}
    for end in upstream:
        assert verdict(end) == (closers[end["local"]], "fin", "idle", "announced_by_request", *NOTHING_LOST)
        assert (end["comm"], end["announced"]) == ("nginx", {"by": "client", "how": "close"})
        assert (end["requests"], end["directives"]["response"]["close"]) == (1, 1)


def test_node_delimits_its_body_to_nginx_by_the_close(stage):
    """A response without a length to an HTTP/1.0 client: the close ends its body."""
    with stage.node() as node, stage.nginx(upstream=node.name) as nginx:
        with wire.Client(nginx.address) as one:
            one.client.sendall(wire.request("GET", "/up/"))
            assert b"Transfer-Encoding: chunked" in wire.read_head(one.client)
            assert wire.read_exactly(one.client, 13) == b"3\r\nok\n\r\n0\r\n\r\n"
        (upstream,) = stage.ended(node, 1)
    assert upstream["reason"] == "close_delimited"
    assert (upstream["closer"], upstream["manner"], upstream["premature"]) == ("server", "fin", False)
    assert upstream["announced"] == {"by": "client", "how": "close"}


def test_nginx_without_a_pool_closes_each_upstream_connection_itself(stage):
    """HTTP/1.1 with an empty Connection field: nobody announces a close, and the client closes when it is done."""
    with stage.gunicorn() as gunicorn, stage.nginx(upstream=gunicorn.name) as nginx:
        with wire.Client(nginx.address) as one:
            one.get("/pass/")
        (upstream,) = stage.ended(gunicorn, 1)
    assert verdict(upstream) == ("client", "fin", "idle", "client_closed_idle", *NOTHING_LOST)
    assert upstream["announced"] is None


@pytest.mark.parametrize("name", ["nginx", "apache", "lighttpd", "caddy", "node", "go", "gunicorn"])
def test_a_client_that_asked_for_the_close_is_named_and_not_the_server_that_echoed_it(stage, name):
    with stage.running(name) as server:
        with wire.Client(server.address) as one:
            one.get()
            one.client.sendall(wire.request("GET", "/", "Connection: close"))
            assert b"connection: close" in wire.read_head(one.client).lower()
            assert wire.read_to_end(one.client) == b"ok\n"
        ends = stage.both(one)
    for end in ends:
        assert verdict(end) == ("server", "fin", "idle", "announced_by_request", *NOTHING_LOST)
        assert end["announced"] == {"by": "client", "how": "close"}


def read_until(end, mark):
    got = b""
    while mark not in got:
        piece = end.recv(65536)
        assert piece, got
        got += piece
    return got


def test_an_event_stream_that_a_deploy_cuts_is_truncated(stage):
    """The process exits in the middle of a chunked body: the server's socket knows why, the client's knows that
    its response is not complete."""
    with stage.node() as node:
        with wire.Client(node.address) as one:
            one.client.sendall(wire.request("GET", "/events"))
            read_until(one.client, b"data: tick")
            node.reload()
            wire.read_to_end(one.client)
        client, server = stage.client(one), stage.server(one)
    assert verdict(client) == ("server", "fin", "response", "response_truncated", *LOST)
    assert verdict(server) == ("server", "fin", "response", "process_exit", *LOST)


def test_an_event_stream_through_a_proxy_is_cut_on_both_sides_of_it(stage):
    """nginx takes HTTP/1.1 chunks from its upstream, and cannot complete what that does not."""
    with stage.node() as node, stage.nginx(upstream=node.name) as nginx:
        with wire.Client(nginx.address) as one:
            one.client.sendall(wire.request("GET", "/pass/events"))
            read_until(one.client, b"data: tick")
            node.reload()
            wire.read_to_end(one.client)
        client, server = stage.client(one), stage.server(one)
        (upstream,) = stage.ended(node, 1)
    for end in client, server, upstream:
        assert verdict(end) == ("server", "fin", "response", "response_truncated", *LOST)


def test_a_body_that_its_process_ends_with_is_complete(stage):
    """Python's server sends HTTP/1.0 without a length; the exit of its process ends the body."""
    with stage.http_server() as server:
        got, *ends = exchange_to_the_end(stage, server, wire.request("GET", "/endless"))
    assert got.endswith(b"all there is\n")
    for end in ends:
        assert end["reason"] == "close_delimited"
        assert (end["closer"], end["manner"], end["premature"]) == ("server", "fin", False)
        assert end["lost_requests"] == 0


def test_a_client_that_stops_reading_a_large_response_left(stage):
    with stage.caddy() as caddy:
        with wire.Client(caddy.address) as one:
            one.client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            one.client.sendall(wire.request("GET", "/large"))
            wire.read_head(one.client)
            time.sleep(0.05)
            wire.wait_for_bytes(one.client, 1)
        client, server = stage.client(one), stage.server(one)
    for end in client, server:
        assert (end["closer"], end["manner"]) == ("client", "rst")  # there was more to read
        assert (end["reason"], end["premature"]) == ("client_left", False)
