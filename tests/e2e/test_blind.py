# SPDX-License-Identifier: BSD-2-Clause
"""Bytes that cannot be read where they pass: sendfile, splice, recvmmsg into messages that were used before, and
MSG_TRUNC. They are counted. In a body they do no harm; in place of a head nothing is known of what they said, and the record says
so, until a message begins that can be read. The other socket, which could be read, tells it all."""

import socket

import pytest

from lib import carriers, mmsg, wire

BODY = b"b" * 700


def recvmmsg(end, count):
    """The messages bear lengths already, as those do that a program uses again: each may be the one that the kernel fills."""
    return mmsg.receive(end, count, messages=2, used=True)


def recv_truncated(end, count):
    """The bytes are thrown away instead of being copied: those that were looked at before."""
    seen = end.recv(count, socket.MSG_PEEK)
    assert len(seen) == count and len(end.recv(count, socket.MSG_TRUNC)) == count
    return seen


SENDS = {"sendfile": carriers.sendfile, "splice": carriers.splice}
RECEIVES = {"splice": carriers.recv_splice, "recvmmsg": recvmmsg, "MSG_TRUNC": recv_truncated}
QUESTION = wire.request("POST", "/", "Connection: x-marker", f"Content-Length: {len(BODY)}")
ANSWER = wire.response("200 OK", "Connection: x-marker", body=BODY)


@pytest.fixture(params=SENDS.values(), ids=SENDS)
def send(request):
    return request.param


@pytest.fixture(params=RECEIVES.values(), ids=RECEIVES)
def receive(request):
    return request.param


def pass_on(sender, receiver, data, send=carriers.send, receive=carriers.recv):
    assert send(sender, data) == len(data)
    wire.wait_for_bytes(receiver, len(data))
    assert receive(receiver, len(data)) == data


def records(trace, pair):
    """Of the client's socket and the server's."""
    pair.close(first=pair.client)
    (client,) = trace.wait_for(1, local=pair.client_name, remote=pair.server_name)
    (server,) = trace.wait_for(1, local=pair.server_name, remote=pair.client_name)
    assert (client["tx_bytes"], client["rx_bytes"]) == (server["rx_bytes"], server["tx_bytes"])
    return client, server


def check_known(record, exchanges=1):
    assert (record["requests"], record["responses"]) == (exchanges, exchanges)
    assert (record["reason"], record["confidence"]) == ("client_closed_idle", "certain")
    assert (record["premature"], record["lost_requests"]) == (False, 0)
    assert record["blind_bytes"] == 0
    assert record["errors"] == []


def check_unknown(record, requests, responses, blind):
    assert (record["requests"], record["responses"]) == (requests, responses)
    assert (record["reason"], record["confidence"]) == ("unknown", "unknown")
    assert (record["premature"], record["lost_requests"]) == (None, None)
    assert record["blind_bytes"] == blind


def test_a_request_sent_blind_is_unknown(trace, pair, send):
    pass_on(pair.client, pair.server, QUESTION + BODY, send)
    pass_on(pair.server, pair.client, ANSWER)
    client, server = records(trace, pair)
    check_unknown(client, 0, 1, len(QUESTION + BODY))
    check_known(server)


def test_a_response_sent_blind_is_unknown(trace, pair, send):
    pass_on(pair.client, pair.server, wire.GET)
    pass_on(pair.server, pair.client, ANSWER, send)
    client, server = records(trace, pair)
    check_known(client)
    check_unknown(server, 1, 0, len(ANSWER))


def test_bodies_sent_blind_do_no_harm(trace, pair, send):
    for _ in range(2):
        pass_on(pair.client, pair.server, QUESTION)
        pass_on(pair.client, pair.server, BODY, send)
        pass_on(pair.server, pair.client, ANSWER[: -len(BODY)])
        pass_on(pair.server, pair.client, BODY, send)
    client, server = records(trace, pair)
    check_known(client, 2)
    check_known(server, 2)


def test_a_request_received_blind_is_unknown(trace, pair, receive):
    pass_on(pair.client, pair.server, QUESTION + BODY, receive=receive)
    pass_on(pair.server, pair.client, ANSWER)
    client, server = records(trace, pair)
    check_known(client)
    check_unknown(server, 0, 1, len(QUESTION + BODY))


def test_a_response_received_blind_is_unknown(trace, pair, receive):
    pass_on(pair.client, pair.server, wire.GET)
    pass_on(pair.server, pair.client, ANSWER, receive=receive)
    client, server = records(trace, pair)
    check_unknown(client, 1, 0, len(ANSWER))
    check_known(server)


def test_bodies_received_blind_do_no_harm(trace, pair, receive):
    for _ in range(2):
        pass_on(pair.client, pair.server, QUESTION)
        pass_on(pair.client, pair.server, BODY, receive=receive)
        pass_on(pair.server, pair.client, ANSWER[: -len(BODY)])
        pass_on(pair.server, pair.client, BODY, receive=receive)
    client, server = records(trace, pair)
    check_known(client, 2)
    check_known(server, 2)


def test_what_can_be_read_after_a_blind_head_is_known_again(trace, pair, send):
    pass_on(pair.client, pair.server, wire.GET, send)
    pass_on(pair.server, pair.client, ANSWER, send)
    pass_on(pair.client, pair.server, wire.GET)
    pass_on(pair.server, pair.client, ANSWER)
    client, server = records(trace, pair)
    assert (client["requests"], server["responses"]) == (1, 1)
    assert (client["reason"], server["reason"]) == ("client_closed_idle", "client_closed_idle")
    assert (client["blind_bytes"], server["blind_bytes"]) == (len(wire.GET), len(ANSWER))


def test_a_chunk_sent_blind_does_no_harm(trace, pair, send):
    pass_on(pair.client, pair.server, wire.GET)
    pass_on(pair.server, pair.client, wire.head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"))
    for _ in range(2):
        pass_on(pair.server, pair.client, b"%x\r\n" % len(BODY))
        pass_on(pair.server, pair.client, BODY, send)
        pass_on(pair.server, pair.client, b"\r\n")
    pass_on(pair.server, pair.client, b"0\r\n\r\n")
    client, server = records(trace, pair)
    check_known(client)
    check_known(server)


def test_a_blind_span_over_the_end_of_a_chunk_is_unknown(trace, pair, send):
    pass_on(pair.client, pair.server, wire.GET)
    pass_on(pair.server, pair.client, wire.head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + b"a\r\n")
    pass_on(pair.server, pair.client, b"0123456789\r\n0", send)
    pass_on(pair.server, pair.client, b"\r\n\r\n")
    client, server = records(trace, pair)
    check_known(client)
    check_unknown(server, 1, 1, len(b"\r\n0"))
