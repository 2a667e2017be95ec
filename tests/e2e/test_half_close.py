# SPDX-License-Identifier: BSD-2-Clause
"""shutdown() of the sending direction is no close: who goes on reading has not given up."""

import socket

import pytest

from lib import reasons, wire
from lib.reasons import proves, says, verdict, each_says

door, talk = reasons.door, reasons.talk  # fixtures

UPLOAD = wire.head("POST / HTTP/1.1", "Host: test", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n"
REQUESTS = pytest.mark.parametrize("request_", [wire.GET, UPLOAD], ids=["GET", "chunked"])
GAVE_UP = verdict("client_gave_up", "client", "fin", "waiting", True, 1)


def records_of(trace, talk):
    """The records of both ends. Alone, the server's cannot tell a half-close from a close."""
    (client,) = trace.wait_for(1, local=talk.client_name, remote=talk.server_name)
    (server,) = trace.wait_for(1, local=talk.server_name, remote=talk.client_name)
    return client, server


def half_close(talk, request):
    talk.exchange()
    talk.send_request(request)
    talk.client.shutdown(socket.SHUT_WR)
    wire.wait_for_end(talk.server)


@REQUESTS
@proves("half_close_refused")
def test_a_server_that_closes_for_a_half_close_refused_it(trace, talk, request_):
    half_close(talk, request_)
    talk.server.close()
    assert wire.read_to_end(talk.client) == b""
    talk.client.close()
    client, server = records_of(trace, talk)
    says(client, "half_close_refused", "server", "fin", "waiting", True, 1)
    says(server, "half_close_refused", "server", "fin", "waiting", True, 1)
    assert server["evidence"][0] == "this end did not see why it closed: its other end, on this host too, did"


@REQUESTS
@proves("half_close_refused")
def test_so_does_one_that_resets(trace, talk, request_):
    half_close(talk, request_)
    wire.reset(talk.server)
    with pytest.raises(ConnectionResetError):
        talk.client.recv(1)
    talk.client.close()
    client, _ = records_of(trace, talk)
    says(client, "half_close_refused", "server", "rst", "waiting", True, 1)


@pytest.mark.parametrize("response", [
    wire.head("HTTP/1.1 200 OK", "Content-Length: 100") + b"abc",
    wire.head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n",
], ids=["length", "chunked"])  # fmt: skip
@proves("half_close_refused")
def test_so_does_one_that_stops_in_the_middle_of_its_response(trace, talk, response):
    half_close(talk, wire.GET)
    talk.send_response(response)
    talk.server.close()
    assert wire.read_to_end(talk.client) == b""
    talk.client.close()
    client, _ = records_of(trace, talk)
    says(client, "half_close_refused", "server", "fin", "response", True, 1)


@pytest.mark.parametrize("how", [socket.SHUT_RDWR, None], ids=["shutdown of both directions", "close"])
def test_a_client_that_does_not_go_on_reading_gave_up(trace, talk, how):
    talk.send_request()
    if how is not None:
        talk.client.shutdown(how)
    talk.client.close()
    wire.wait_for_end(talk.server)
    talk.server.close()
    each_says(trace, talk, GAVE_UP, GAVE_UP)


def test_a_client_that_closes_behind_its_half_close_gave_up(trace, talk):
    talk.send_request()
    talk.client.shutdown(socket.SHUT_WR)
    talk.client.close()
    wire.wait_for_end(talk.server)
    talk.server.close()
    each_says(trace, talk, GAVE_UP, GAVE_UP)


def test_a_server_whose_response_draws_a_reset_knows_that_the_client_had_gone(trace, talk):
    talk.send_request()
    talk.client.close()
    wire.wait_for_end(talk.server)
    talk.server.sendall(wire.OK[:20])
    with pytest.raises(OSError):
        while True:
            talk.server.sendall(b"x")
    talk.server.close()
    _, server = records_of(trace, talk)
    assert (server["closer"], server["confidence"]) == ("client", "certain")


@pytest.mark.parametrize("status", [100, 103])
@pytest.mark.parametrize("closer", ["client", "server"])
def test_an_interim_response_is_named_where_no_other_came(trace, talk, status, closer):
    talk.send_request()
    talk.send_response(wire.head(f"HTTP/1.1 {status} Interim"))
    talk.close(first=getattr(talk, closer))
    client, server = trace.both(talk)
    assert f"only an interim response ({status}) was received" in client["evidence"]
    assert f"only an interim response ({status}) was sent" in server["evidence"]


def test_an_interim_response_of_an_earlier_exchange_is_not(trace, talk):
    talk.exchange(response=wire.head("HTTP/1.1 103 Early Hints") + wire.OK)
    talk.send_request()
    talk.close(first=talk.server)
    client, _ = trace.both(talk)
    assert "no response byte was received" in client["evidence"]
