# SPDX-License-Identifier: BSD-2-Clause
"""Each server ends a connection after so many requests, in its own way."""

import pytest

from lib import record, wire

pytest_plugins = ["lib.stage"]

LIMIT = 3
KEEP_ALIVE = "Connection: keep-alive"


def verdict(one):
    return one["closer"], one["manner"], one["phase"], one["reason"], one["premature"], one["lost_requests"]


def exhaust(server, most):
    """Sends requests until a response announces the close; the connection, the heads of the responses."""
    one, heads = wire.Client(server.address), []
    while len(heads) < most and not (heads and "connection: close" in heads[-1]):
        one.client.sendall(wire.request("GET", "/", KEEP_ALIVE))
        heads.append(wire.read_head(one.client).decode().lower())
        length = int(heads[-1].split("content-length:")[1].split("\r\n")[0])
        wire.read_exactly(one.client, length)
    return one, heads


# Its setting for three requests, how many it really allows, and what it says of it. nginx and gunicorn count
# as they say. Apache and lighttpd count what may come after the first: they allow one more. Apache counts down
# to max=1 and closes after the next. gunicorn's limit is that of a worker, which then ends; one connection
# meets one worker, so it shows as a limit of the connection. Python's server has none but that of HTTP/1.0.
SERVERS = {
    "nginx": ({"keepalive_requests": LIMIT}, LIMIT, None, "announced_by_response"),
    "apache": ({"max_requests": LIMIT}, LIMIT + 1, 1, "max_requests"),
    "lighttpd": ({"max_requests": LIMIT}, LIMIT + 1, None, "announced_by_response"),
    "gunicorn": ({"max_requests": LIMIT}, LIMIT, None, "announced_by_response"),
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_limit_of_requests_is_the_reason(stage, name):
    settings, allowed, last_max, reason = SERVERS[name]
    with stage.running(name, **settings) as server:
        one, heads = exhaust(server, LIMIT + 3)
        one.close_after_server()
        client, accepted = stage.both(one)
    assert len(heads) == allowed
    for end in client, accepted:
        assert (end["requests"], end["responses"]) == (allowed, allowed)
        assert verdict(end) == ("server", "fin", "idle", reason, False, 0)
        assert record.advertised(end)[1] == last_max
        assert end["announced"] == {"by": "server", "how": "close"}
        assert end["directives"]["response"]["close"] == 1


def test_node_announces_the_close_and_leaves_it_to_the_client(stage):
    """maxRequestsPerSocket sends Connection: close with the last response, but does not close: the announced
    close is the client's to carry out. Until then every response says max=3, constant."""
    with stage.node(limit=LIMIT) as node, stage.captured(node) as capture:
        one, heads = exhaust(node, LIMIT + 3)
        one.client.close()
        client, server = stage.both(one)
    (stream,) = capture.streams()
    assert len(heads) == LIMIT and all("max=3" in head for head in heads[:-1])
    for end in client, server:
        assert verdict(end) == (stream.closer, stream.manner, "idle", "announced_by_response", False, 0)
        assert record.advertised(end)[1] == LIMIT


def test_node_refuses_what_comes_after_its_limit(stage):
    """And answers 503 to a client that goes on: an exchange after an announced close."""
    with stage.node(limit=1) as node:
        with wire.Client(node.address) as one:
            assert one.get()[0] == 200
            one.client.sendall(wire.GET)
            assert wire.read_head(one.client).startswith(b"HTTP/1.1 503 ")
            assert wire.read_exactly(one.client, 5) == b"0\r\n\r\n"
        client, _ = stage.both(one, mirrored=False)
    assert (client["requests"], client["responses"], client["last_status"]) == (2, 2, 503)
    assert client["close_ignored"] is True and client["premature"] is False


def test_the_simplest_workers_of_gunicorn_keep_nothing_alive(stage):
    with stage.gunicorn(worker="sync") as gunicorn:
        one, heads = exhaust(gunicorn, 2)
        one.close_after_server()
        client, _ = stage.both(one)
    assert len(heads) == 1
    assert verdict(client) == ("server", "fin", "idle", "announced_by_response", False, 0)


def test_pythons_server_speaks_http10_and_that_is_the_reason(stage):
    with stage.http_server() as server:
        with wire.Client(server.address) as one:
            one.get()
            one.close_after_server()
        client, _ = stage.both(one)
    assert verdict(client) == ("server", "fin", "idle", "announced_by_response", False, 0)
    assert client["announced"] == {"by": "server", "how": "http10"}


def test_haproxy_carries_out_the_close_that_its_backend_only_announces(stage):
    """HAProxy has no such limit (its max-reuse is for HTTP/2); it heeds that of Node."""
    with stage.node(limit=LIMIT) as node, stage.haproxy(node) as haproxy:
        with stage.captured(node) as capture:
            for _ in range(LIMIT + 1):
                with wire.Client(haproxy.address) as one:
                    one.get()
            (ended,) = stage.ended(node, 1, requests=LIMIT)
    stream = {stream.client_name: stream for stream in capture.streams()}[ended["local"]]
    assert (stream.closer, stream.requests, stream.responses) == ("client", LIMIT, LIMIT)
    assert verdict(ended) == ("client", stream.manner, "idle", "announced_by_response", False, 0)
