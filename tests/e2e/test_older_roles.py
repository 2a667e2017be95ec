# SPDX-License-Identifier: BSD-2-Clause
"""Whose side a connection is that is older than the observer, where its listener has gone (a server that drains)."""

import pytest

from lib import observer, wire

CHUNKED = wire.head("POST / HTTP/1.1", "Host: test", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n"


@pytest.fixture(params=["127.0.0.1", "::1"], ids=["IPv4", "IPv6"])
def drained(request):
    """A used connection, whose listener does not listen any more; its ports."""
    listener = wire.listen(request.param)
    with listener, wire.Pair(listener) as pair:
        pair.exchange()
        listener.close()
        yield pair, [int(name.rpartition(":")[2]) for name in (pair.client_name, pair.server_name)]


@pytest.mark.parametrize("request_", [wire.GET, CHUNKED], ids=["GET", "chunked"])
@pytest.mark.parametrize("first", ["client", "server"])
def test_the_first_message_says_whose_side_it_is(nothing_left, drained, request_, first):
    pair, ports = drained
    with observer.Trace(ports) as trace:
        for _ in range(2):
            pair.exchange(request_)
        pair.close(first=getattr(pair, first))
        client, server = trace.both(pair)
    for record in client, server:
        assert record["preexisting"] is True
        assert (record["requests"], record["responses"], record["errors"]) == (2, 2, [])
        assert (record["closer"], record["phase"], record["confidence"]) == (first, "idle", "certain")


def test_a_response_says_it_too(nothing_left, drained):
    pair, ports = drained
    pair.send_request()
    with observer.Trace(ports) as trace:
        pair.send_response()
        pair.exchange()
        pair.close(first=pair.client)
        client, server = trace.both(pair)
    assert (client["role"], server["role"]) == ("client", "server")
    assert (client["requests"], server["requests"]) == (1, 1)
    assert client["reason"] == server["reason"] == "client_closed_idle"


@pytest.mark.parametrize("role", ["client", "server"])
def test_only_the_side_that_is_asked_for_is_observed(nothing_left, drained, role):
    pair, ports = drained
    with observer.Trace(ports, "--role", role) as trace:
        pair.exchange()
        pair.close(first=pair.client)
        (record,) = trace.wait_for(1)
        trace.stop()
    assert record["role"] == role
    assert len(trace.records("connection")) == 1


def test_a_connection_on_which_nothing_is_said_any_more_is_unknown(nothing_left, drained):
    pair, ports = drained
    with observer.Trace(ports) as trace:
        pair.close(first=pair.client)
        trace.wait_for(2)
        trace.stop()
    for record in trace.records("connection"):
        assert (record["reason"], record["requests"], record["premature"]) == ("unknown", 0, None)
