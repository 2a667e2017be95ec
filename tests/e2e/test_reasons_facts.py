# SPDX-License-Identifier: BSD-2-Clause
"""The further facts of a record, whatever its reason: each from real sockets, by the end that can know it."""

import contextlib
import socket
import time

import pytest

from lib import reasons, wire
import test_reasons_network
from test_reasons_network import FAMILIES, wait_for_retransmission

door, talk = reasons.door, reasons.talk  # fixtures
cable, ends = test_reasons_network.cable, test_reasons_network.ends


def promise(value):
    return wire.response("200 OK", "Connection: keep-alive", f"Keep-Alive: {value}")


def closed_by_client(trace, pair):
    pair.close(first=pair.client)
    return trace.both(pair)


# ---- late requests ----------------------------------------------------------------------------------------


def amended(trace, server):
    """The amendment of a server's record that did not know of the late request yet."""
    assert (server["late_request"], server["premature"], server["lost_requests"]) == (False, False, 0)
    (amend,) = trace.wait_for(1, "amend", id=server["id"])
    assert (amend["late_request"], amend["premature"], amend["lost_requests"]) == (True, True, 1)


def test_a_request_that_lies_unread_at_the_close_is_late(trace, talk):
    talk.exchange()
    talk.client.sendall(wire.GET)
    wire.wait_for_bytes(talk.server, len(wire.GET))
    talk.server.close()
    wire.wait_for_end(talk.client)
    talk.client.close()
    client, server = trace.both(talk, mirrored=False)
    assert (server["late_request"], server["premature"], server["lost_requests"]) == (True, True, 1)
    assert server["unread_data"] is True
    assert (client["late_request"], client["lost_requests"]) == (False, 1)
    assert trace.records("amend", id=server["id"]) == []


def test_a_request_that_a_lingering_close_discards_is_late(trace, talk):
    talk.exchange()
    talk.server.shutdown(socket.SHUT_WR)
    wire.wait_for_end(talk.client)
    talk.client.sendall(wire.GET)
    assert talk.server.recv(1000, socket.MSG_TRUNC)  # as lighttpd does: its bytes are not looked at
    talk.client.close()
    assert talk.server.recv(1000, socket.MSG_TRUNC) == b""
    talk.server.close()
    client, server = trace.both(talk, mirrored=False)
    assert (server["late_request"], server["premature"], server["lost_requests"]) == (True, True, 1)
    assert "another request reached the server after the server's FIN and was discarded unread" in server["evidence"]
    assert (server["closer"], server["manner"], server["phase"]) == ("server", "fin", "idle")
    assert client["reason"] == "stale_reuse"


def test_an_empty_line_that_a_lingering_close_discards_is_no_request(trace, talk):
    talk.exchange()
    talk.server.shutdown(socket.SHUT_WR)
    wire.wait_for_end(talk.client)
    talk.client.sendall(b"\r\n")
    assert talk.server.recv(1000, socket.MSG_TRUNC)
    talk.client.close()
    assert talk.server.recv(1000, socket.MSG_TRUNC) == b""
    talk.server.close()
    for one in trace.both(talk):
        assert (one["reason"], one["confidence"], one["lost_requests"]) == ("unannounced_close", "certain", 0), one
        assert not one["late_request"], one


def test_the_rest_of_a_request_that_lies_unread_is_not_late(trace, talk):
    head = wire.head("POST / HTTP/1.1", "Host: test", "Content-Length: 1000")
    talk.send_request(head)
    talk.client.sendall(b"x" * 100)
    wire.wait_for_bytes(talk.server, 100)
    talk.server.close()
    wire.wait_for_end(talk.client)
    talk.client.close()
    _, server = trace.both(talk, mirrored=False)
    assert (server["late_request"], server["unread_data"]) == (False, True)
    assert server["reason"] == "request_truncated"


def server_end_is_gone(trace, pair):
    """Waits for the record of the server's end: then no full socket is left of it."""
    (server,) = trace.wait_for(1, local=pair.server_name, remote=pair.client_name)
    return server


def send_late_request(pair):
    """On a connection that its server has closed; the client sees it fail."""
    pair.client.sendall(wire.GET)
    with contextlib.suppress(ConnectionResetError):
        while pair.client.recv(1000):
            pass
    pair.client.close()


def test_a_request_that_meets_a_minisocket_is_late_and_amends_the_record(trace, talk):
    talk.exchange()
    talk.server.close()
    server = server_end_is_gone(trace, talk)
    send_late_request(talk)
    amended(trace, server)
    (client,) = trace.wait_for(1, local=talk.client_name, remote=talk.server_name)
    assert client["reason"] == "stale_reuse"


def test_a_request_that_meets_no_socket_any_more_is_late_all_the_same(trace, talk):
    talk.exchange()
    talk.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2, 1)  # seconds that a minisocket is kept
    talk.server.close()
    server = server_end_is_gone(trace, talk)
    wait_until_forgotten(talk)
    send_late_request(talk)
    amended(trace, server)


def wait_until_forgotten(pair):
    """Until the kernel's table of sockets does not hold the server's end."""
    deadline = time.monotonic() + wire.DEADLINE
    ports = [f"{int(name.rpartition(':')[2]):04X}" for name in (pair.server_name, pair.client_name)]
    table = "/proc/net/tcp6" if "[" in pair.client_name else "/proc/net/tcp"
    while time.monotonic() < deadline:
        with open(table, encoding="ascii") as lines:
            ends = [[end.rpartition(":")[2] for end in line.split()[1:3]] for line in lines]
        if ports not in ends:
            return
        time.sleep(0.02)
    raise AssertionError("the minisocket stays")


@pytest.mark.parametrize("first", ["client", "server"])
def test_a_connection_that_ends_without_a_late_request_has_none(trace, talk, first):
    talk.exchange()
    talk.close(first=getattr(talk, first))
    client, server = trace.both(talk)
    assert client["late_request"] is False and server["late_request"] is False
    assert trace.records("amend", id=server["id"]) == []


# ---- what was announced, promised and not kept --------------------------------------------------------------


ASKS_TO_CLOSE = wire.request("GET", "/", "Connection: close")
CLOSES = wire.response("200 OK", "Connection: close")


@pytest.mark.parametrize("request_, response, expected", [
    (ASKS_TO_CLOSE, CLOSES, ("client", "close")),
    (wire.request(version="1.0"), wire.response(version="1.0"), ("client", "http10")),
    (wire.GET, CLOSES, ("server", "close")),
    (wire.GET, wire.response(version="1.0"), ("server", "http10")),
    (wire.GET, wire.head("HTTP/1.1 200 OK") + b"to the end", ("server", "delimited")),
    (wire.GET, wire.OK, None),
])  # fmt: skip
def test_who_announced_a_close_first_and_how(trace, talk, request_, response, expected):
    talk.exchange(request_, response)
    talk.close(first=talk.server)
    announced = dict(zip(("by", "how"), expected)) if expected else None
    client, server = trace.both(talk)
    assert client["announced"] == announced
    assert server["announced"] == announced


@pytest.mark.parametrize("request_, response", [
    (wire.GET, CLOSES),
    (ASKS_TO_CLOSE, wire.OK),
])  # fmt: skip
def test_an_exchange_after_an_announced_close_ignored_it(trace, talk, request_, response):
    talk.exchange(request_, response)
    talk.exchange()
    client, server = closed_by_client(trace, talk)
    assert client["close_ignored"] is True and server["close_ignored"] is True


def test_the_exchange_that_announces_the_close_does_not_ignore_it(trace, talk):
    talk.exchange()
    talk.exchange(ASKS_TO_CLOSE, CLOSES)
    client, server = closed_by_client(trace, talk)
    assert client["close_ignored"] is False and server["close_ignored"] is False


def test_a_reuse_later_than_the_timeout_overran_it(trace, talk):
    talk.exchange(response=promise("timeout=0"))
    time.sleep(0.01)
    talk.exchange()
    client, server = closed_by_client(trace, talk)
    assert client["overrun"] is True and server["overrun"] is True
    assert client["idle_max_s"] >= 0.01 and server["idle_max_s"] >= 0.01


@pytest.mark.parametrize("values", [(1, 0), (2, 2)], ids=["counted down", "constant"])
def test_a_reuse_more_often_than_max_overran_it(trace, talk, values):
    for value in values:
        talk.exchange(response=promise(f"timeout=60, max={value}"))
    talk.exchange()
    client, server = closed_by_client(trace, talk)
    assert client["overrun"] is True and server["overrun"] is True


def test_as_many_requests_as_max_are_no_overrun(trace, talk):
    for value in (2, 1, 0):  # Apache's way: after "max=1" it takes one more
        talk.exchange(response=promise(f"timeout=60, max={value}"))
    client, server = closed_by_client(trace, talk)
    assert client["overrun"] is False and server["overrun"] is False


# ---- how it felt -------------------------------------------------------------------------------------------


def test_unread_data_is_told_of_the_end_that_had_it(trace, talk):
    talk.exchange(response=wire.OK[:10])
    talk.server.sendall(wire.OK[10:])
    wire.wait_for_bytes(talk.client, len(wire.OK) - 10)
    wire.wait_until_acknowledged(talk.server)
    talk.client.close()
    wire.wait_for_end(talk.server)
    talk.server.close()
    client, server = trace.both(talk, mirrored=False)
    assert client["unread_data"] is True and server["unread_data"] is False


def test_how_long_a_client_waited_in_vain(trace, talk):
    talk.send_request()
    time.sleep(0.05)
    client, server = closed_by_client(trace, talk)
    assert client["waited_s"] >= 0.05 and server["waited_s"] >= 0.05


def test_how_late_a_request_was(trace, talk):
    talk.exchange()
    talk.server.close()
    wire.wait_for_end(talk.client)
    time.sleep(0.03)
    send_late_request(talk)
    (client,) = trace.wait_for(1, local=talk.client_name)
    assert client["late_by_s"] >= 0.03
    assert client["waited_s"] is None


def test_where_nothing_was_waited_for_there_is_no_duration(trace, talk):
    talk.exchange()
    client, server = closed_by_client(trace, talk)
    for one in client, server:
        assert one["waited_s"] is None and one["late_by_s"] is None
        assert one["idle_at_close_s"] is not None


def test_the_application_saw_the_end_of_the_stream(trace, talk):
    talk.exchange()
    talk.close(first=talk.server)
    client, server = trace.both(talk)
    assert client["app_error"] == "EOF"
    assert server["app_error"] is None


def test_the_application_saw_a_reset(trace, talk):
    talk.exchange()
    wire.reset(talk.server)
    with pytest.raises(ConnectionResetError):
        talk.client.recv(1)
    talk.client.close()
    client, server = trace.both(talk)
    assert client["app_error"] == "ECONNRESET"
    assert server["app_error"] is None


def test_the_application_wrote_into_a_closed_connection(trace, talk):
    talk.exchange()
    wire.reset(talk.server)
    wire.wait_for_end(talk.client)
    with pytest.raises(ConnectionResetError):  # the first call is told of the reset, any further one gets EPIPE
        talk.client.send(wire.GET)
    with pytest.raises(BrokenPipeError):
        talk.client.send(wire.GET)
    talk.client.close()
    client, _ = trace.both(talk)
    assert client["app_error"] == "EPIPE"


@FAMILIES
def test_retransmissions_and_the_round_trip_time(cable, ends):
    ends.exchange()
    wire.wait_until_acknowledged(ends.server)
    with cable.path.deaf(cable.server):
        ends.client.sendall(wire.GET)
        wait_for_retransmission(ends.client)
    assert wire.read_exactly(ends.server, len(wire.GET)) == wire.GET
    ends.send_response()
    ends.close(first=ends.client)
    client, server = cable.trace.both(ends)
    assert client["retransmits"] >= 1 and server["retransmits"] == 0
    assert client["srtt_us"] > 0 and server["srtt_us"] > 0
    assert client["reason"] == "client_closed_idle"


@FAMILIES
def test_a_connection_without_loss_has_no_retransmissions(cable, ends):
    ends.exchange()
    ends.close(first=ends.client)
    client, server = cable.trace.both(ends)
    assert client["retransmits"] == 0 and server["retransmits"] == 0
