# SPDX-License-Identifier: BSD-2-Clause
"""Each way to end a connection is recognised, and the records of both sockets agree."""

import socket
import time

import pytest

from lib import record, wire

RETRIES = 50


def verdict(one):
    return one["closer"], one["manner"], one["phase"], one["reason"], one["premature"]


def test_a_client_that_asks_for_the_close_is_blamed_for_it(trace, nginx):
    with wire.Client(nginx.addresses["plain"]) as one:
        one.get()
        one.get("/", "Connection: close")
        one.close_after_server()
    client, _ = trace.both(one)
    assert (client["requests"], client["responses"]) == (2, 2)
    assert verdict(client) == ("server", "fin", "idle", "announced_by_request", False)
    assert client["announced"] == {"by": "client", "how": "close"}
    assert client["directives"]["request"]["close"] == 1
    assert client["directives"]["response"]["close"] == 1


def test_a_server_that_announces_the_close_is_named(trace, nginx):
    with wire.Client(nginx.addresses["single"]) as one:
        one.get()
        one.close_after_server()
    client, _ = trace.both(one)
    assert (client["requests"], client["responses"]) == (1, 1)
    assert verdict(client) == ("server", "fin", "idle", "announced_by_response", False)
    assert client["announced"] == {"by": "server", "how": "close"}


def test_a_server_that_closes_at_its_advertised_timeout_is_right(trace, nginx):
    with wire.Client(nginx.addresses["advertised"]) as one:
        one.get()
        one.close_after_server()
    client, server = trace.both(one)
    assert verdict(client) == ("server", "fin", "idle", "server_idle_timeout", False)
    assert record.advertised(client) == (1, None)
    assert client["idle_at_close_s"] > 0.5
    assert server["idle_at_close_s"] > 0.5
    assert client["announced"] is None


def test_a_server_that_closes_idle_and_advertised_nothing(trace, nginx):
    with wire.Client(nginx.addresses["silent"]) as one:
        one.get()
        one.get()
        one.close_after_server()
    client, _ = trace.both(one)
    assert client["requests"] == 2
    assert verdict(client) == ("server", "fin", "idle", "server_closed_idle", False)
    assert client["idle_at_close_s"] > 0.1


def test_a_server_that_closes_sooner_than_it_advertised(trace, pair):
    pair.exchange(response=wire.response("200 OK", "Keep-Alive: timeout=60"))
    time.sleep(0.2)  # beyond the tenth of a second within which a close goes with the response
    pair.close(first=pair.server)
    client, _ = trace.both(pair)
    assert verdict(client) == ("server", "fin", "idle", "closed_before_timeout", False)
    assert record.advertised(client) == (60, None)


def test_nginx_announces_the_last_of_its_keepalive_requests(trace, nginx):
    with wire.Client(nginx.addresses["three"]) as one:
        for _ in range(3):
            one.get()
        one.close_after_server()
    client, _ = trace.both(one)
    assert (client["requests"], client["responses"]) == (3, 3)
    assert verdict(client) == ("server", "fin", "idle", "announced_by_response", False)


def close_at_once(listener, *responses):
    """Exchanges whose last response is followed by the server's close within 50 ms: that is tried until the
    clock says so, since this process may be held up between the two calls."""
    for _ in range(RETRIES):
        with wire.Pair(listener) as pair:
            for response in responses[:-1]:
                pair.exchange(response=response)
            pair.send_request()
            start = time.monotonic()
            pair.server.sendall(responses[-1])
            pair.server.close()
            took = time.monotonic() - start
            assert wire.read_to_end(pair.client) == responses[-1]
        if took < 0.05:
            return pair
    raise AssertionError("this machine is too busy to close within 50 ms")


def test_a_close_right_after_a_response_that_announced_none(trace, listener):
    pair = close_at_once(listener, wire.OK, wire.OK)
    client, _ = trace.both(pair)
    assert client["requests"] == 2
    assert verdict(client) == ("server", "fin", "idle", "unannounced_close", False)


def test_a_max_that_counted_down_to_its_end_explains_the_close(trace, listener):
    responses = [wire.response("200 OK", f"Keep-Alive: timeout=5, max={left}") for left in (2, 1, 0)]
    pair = close_at_once(listener, *responses)
    client, _ = trace.both(pair)
    assert client["requests"] == 3
    assert verdict(client) == ("server", "fin", "idle", "max_requests", False)
    assert record.advertised(client) == (5, 0)


def test_a_body_delimited_by_the_close_explains_it(trace, pair):
    pair.exchange(response=wire.head("HTTP/1.1 200 OK") + b"body of unknown length")
    pair.close(first=pair.server)
    client, _ = trace.both(pair)
    assert (client["requests"], client["responses"], client["lost_requests"]) == (1, 1, 0)
    assert client["reason"] == "close_delimited"
    assert (client["closer"], client["manner"], client["premature"]) == ("server", "fin", False)
    assert client["announced"] == {"by": "server", "how": "delimited"}


def test_a_client_that_resets_in_the_middle_of_a_response_left(trace, nginx):
    with wire.Client(nginx.addresses["plain"]) as one:
        one.client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        one.client.sendall(wire.request("GET", "/large"))
        wire.read_head(one.client)
        wire.read_exactly(one.client, 1000)
        wire.reset(one.client)
    client, server = trace.both(one, mirrored=False)
    for side in client, server:
        assert (side["requests"], side["responses"], side["lost_requests"]) == (1, 1, 1)
        assert verdict(side) == ("client", "rst", "response", "client_left", False)
    assert client["unread_data"] is True


def test_a_client_that_resets_between_requests_is_no_harm(trace, pair):
    pair.exchange()
    wire.reset(pair.client)
    with pytest.raises(ConnectionResetError):
        pair.server.recv(1)
    pair.server.close()
    client, server = trace.both(pair)
    assert verdict(client) == ("client", "rst", "idle", "client_closed_idle", False)
    assert server["app_error"] == "ECONNRESET"


def test_a_client_that_does_not_wait_gave_up(trace, pair):
    pair.send_request()
    pair.close(first=pair.client)
    client, server = trace.both(pair)
    assert verdict(client) == ("client", "fin", "waiting", "client_gave_up", True)
    assert (client["requests"], client["responses"], client["lost_requests"]) == (1, 0, 1)
    assert client["waited_s"] is not None and server["waited_s"] is not None
    assert client["last_status"] is None


def test_a_response_cut_by_the_server_is_truncated(trace, pair):
    pair.send_request()
    pair.send_response(wire.head("HTTP/1.1 200 OK", "Content-Length: 1000") + b"only this")
    pair.close(first=pair.server)
    client, _ = trace.both(pair)
    assert verdict(client) == ("server", "fin", "response", "response_truncated", True)
    assert (client["requests"], client["responses"], client["lost_requests"]) == (1, 1, 1)


def test_a_response_cut_by_a_reset_is_truncated(trace, pair):
    pair.send_request()
    pair.send_response(wire.head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n")
    wire.reset(pair.server)
    with pytest.raises(ConnectionResetError):
        pair.client.recv(1)
    pair.client.close()
    client, _ = trace.both(pair)
    assert verdict(client) == ("server", "rst", "response", "response_truncated", True)
    assert client["app_error"] == "ECONNRESET"


def test_a_server_that_reads_the_request_and_closes_gave_no_response(trace, pair):
    pair.exchange()
    pair.send_request()
    pair.close(first=pair.server)
    client, _ = trace.both(pair)
    assert verdict(client) == ("server", "fin", "waiting", "no_response", True)
    assert (client["requests"], client["responses"], client["lost_requests"]) == (2, 1, 1)
    assert client["confidence"] == "certain"


def test_a_request_cut_by_the_client_is_truncated(trace, pair):
    pair.send_request(b"GET / HTTP/1.1\r\nHos")
    pair.close(first=pair.client)
    client, _ = trace.both(pair)
    assert verdict(client) == ("client", "fin", "request", "request_truncated", True)
    assert (client["requests"], client["responses"], client["lost_requests"]) == (0, 0, 1)


def test_a_pipeline_cut_by_an_announced_close(trace, pair):
    pair.send_request(wire.GET * 3)
    pair.send_response(wire.response("200 OK", "Connection: close"))
    pair.close(first=pair.server)
    client, _ = trace.both(pair)
    assert (client["closer"], client["manner"], client["reason"]) == ("server", "fin", "pipeline_cut")
    assert client["premature"] is True
    assert (client["requests"], client["responses"], client["lost_requests"]) == (3, 1, 2)


def test_the_keep_alive_race_is_stale_reuse_at_the_client(trace, pair):
    """The server closes an idle connection, and a client that has not noticed sends its next request."""
    pair.exchange()
    pair.server.close()
    wire.wait_for_end(pair.client)
    time.sleep(0.05)
    pair.client.sendall(wire.GET)
    pair.client.close()
    client, server = trace.both(pair, mirrored=False)
    assert verdict(client) == ("server", "fin", "waiting", "stale_reuse", True)
    assert (client["requests"], client["responses"], client["lost_requests"]) == (2, 1, 1)
    assert client["confidence"] == "certain"
    assert client["late_by_s"] >= 0.05
    assert any("after the server's FIN had arrived" in sentence for sentence in client["evidence"])
    assert (server["requests"], server["responses"]) == (1, 1)
    assert (server["phase"], server["closer"]) == ("idle", "server")
    assert server["reason"] in ("unannounced_close", "server_closed_idle")


def test_the_first_request_on_a_connection_opened_in_advance_can_be_stale(trace, pair):
    pair.server.close()
    wire.wait_for_end(pair.client)
    pair.client.sendall(wire.GET)
    pair.client.close()
    client, server = trace.both(pair, mirrored=False)
    assert verdict(client) == ("server", "fin", "waiting", "stale_reuse", True)
    assert client["lost_requests"] == 1
    assert server["reason"] == "unused"


def test_a_request_that_the_server_left_unread_was_late(trace, pair):
    pair.exchange()
    pair.client.sendall(wire.GET)
    wire.wait_for_bytes(pair.server, len(wire.GET))
    pair.server.close()  # with unread bytes in its queue, which makes it a reset
    with pytest.raises(ConnectionResetError):
        pair.client.recv(1)
    pair.client.close()
    client, server = trace.both(pair, mirrored=False)
    assert verdict(client) == ("server", "rst", "waiting", "stale_reuse", True)
    assert client["confidence"] == "certain"  # because the server's end is on this host
    assert verdict(server) == ("server", "rst", "idle", "idle_reset", True)
    assert server["late_request"] is True
    assert server["unread_data"] is True
    assert (client["lost_requests"], server["lost_requests"]) == (1, 1)
    assert (client["requests"], server["requests"]) == (2, 1)


def test_a_half_close_that_is_answered_is_no_giving_up(trace, pair):
    pair.send_request()
    pair.client.shutdown(socket.SHUT_WR)
    assert pair.server.recv(1) == b""
    pair.send_response()
    pair.server.close()
    assert pair.client.recv(1) == b""
    pair.client.close()
    client, _ = trace.both(pair)
    assert (client["closer"], client["manner"], client["reason"]) == ("client", "fin", "half_closed")
    assert client["premature"] is False
    assert (client["requests"], client["responses"], client["lost_requests"]) == (1, 1, 0)


@pytest.mark.parametrize("first", ["client", "server"])
def test_a_connection_without_a_byte_is_unused(trace, pair, first):
    pair.close(first=getattr(pair, first))
    client, _ = trace.both(pair)
    assert verdict(client) == (first, "fin", "unused", "unused", False)
    assert client["protocol"] == "none"
    assert (client["requests"], client["responses"]) == (0, 0)
    assert (client["tx_bytes"], client["rx_bytes"]) == (0, 0)


@pytest.mark.parametrize("protocol, first_bytes", [
    ("opaque", b"\x00\x01\x02binary" * 10),
    ("tls", bytes.fromhex("160301020001fc0303") + bytes(500)),
])  # fmt: skip
def test_what_is_not_http1_is_told_apart_and_left_alone(trace, pair, protocol, first_bytes):
    pair.send_request(first_bytes)
    pair.send_response(bytes(1000))
    pair.close(first=pair.client)
    client, _ = trace.both(pair)
    assert verdict(client) == ("client", "fin", "opaque", "not_http", False)
    assert client["protocol"] == protocol
    counted = None if protocol == "tls" else 0  # they cannot be seen
    assert (client["requests"], client["responses"]) == (counted, counted)
    assert (client["tx_bytes"], client["rx_bytes"]) == (len(first_bytes), 1000)


def test_an_upgraded_connection_ends_as_a_tunnel(trace, pair):
    fields = ["Connection: Upgrade", "Upgrade: websocket"]
    pair.exchange(wire.request("GET", "/", *fields), wire.head("HTTP/1.1 101 Switching Protocols", *fields))
    pair.exchange(b"\x81\x05hello", wire.OK)  # what looks like HTTP in there is none
    pair.close(first=pair.client)
    client, _ = trace.both(pair)
    assert verdict(client) == ("client", "fin", "tunnel", "tunnel_ended", False)
    assert (client["requests"], client["responses"], client["last_status"]) == (1, 1, 101)
    assert client["directives"]["request"]["upgrade"] == 1


def test_a_refused_connect_is_told_once(trace, closed_port):
    with pytest.raises(ConnectionRefusedError):
        wire.connect(("127.0.0.1", closed_port))
    (refused,) = trace.wait_for(1, remote=f"127.0.0.1:{closed_port}")
    assert (refused["role"], refused["manner"], refused["phase"]) == ("client", "refused", "connecting")
    assert (refused["reason"], refused["premature"]) == ("connect_refused", False)
    assert refused["protocol"] == "none"


def test_a_descriptor_that_is_kept_does_not_hold_back_the_record(trace, pair):
    pair.exchange()
    wire.reset(pair.server)
    wire.wait_for_end(pair.client)
    client, _ = trace.both(pair)  # while the client's descriptor is still open
    assert verdict(client) == ("server", "rst", "idle", "idle_reset", False)
    assert pair.client.fileno() >= 0


def test_an_exchange_after_an_announced_close_is_noted(trace, pair):
    pair.exchange(response=wire.response("200 OK", "Connection: close"))
    pair.exchange()
    pair.close(first=pair.client)
    client, server = trace.both(pair)
    assert client["requests"] == 2
    assert client["close_ignored"] is True and server["close_ignored"] is True


def test_a_reuse_after_the_advertised_timeout_is_noted(trace, pair):
    promise = wire.response("200 OK", "Keep-Alive: timeout=1")
    pair.exchange(response=promise)
    pair.exchange(response=promise)
    time.sleep(1.1)
    pair.exchange(response=promise)
    pair.close(first=pair.client)
    client, server = trace.both(pair)
    assert client["requests"] == 3
    assert client["overrun"] is True and server["overrun"] is True
    assert client["idle_max_s"] >= 1.0 and server["idle_max_s"] >= 1.0
