# SPDX-License-Identifier: BSD-2-Clause
"""Streams made to wear the observer out: the sender is not held up, and nobody else's record suffers. The work
of one call is bounded: where a call holds more message parts than are followed, its connection is unknown."""

import threading

import pytest

from lib import record, wire

CALL = 64 * 1024
MEGABYTE = 1 << 20
CHUNKED = wire.head("POST / HTTP/1.1", "Transfer-Encoding: chunked")
CHUNK = b"1\r\nx\r\n"


class Neighbour:
    """A connection of the same service that goes on as if nothing was."""

    def __init__(self, listener):
        self.pair = wire.Pair(listener)
        self.exchanges = 0

    def exchange(self):
        self.pair.exchange()
        self.exchanges += 1

    def check(self, trace):
        self.exchange()
        self.pair.close(first=self.pair.client)
        for one in trace.both(self.pair):
            assert (one["requests"], one["responses"]) == (self.exchanges, self.exchanges)
            assert (one["reason"], one["confidence"]) == ("client_closed_idle", "certain")
            assert one["blind_bytes"] == 0
            assert one["errors"] == []


@pytest.fixture
def neighbour(trace, listener):
    neighbour = Neighbour(listener)
    neighbour.exchange()
    yield neighbour
    neighbour.check(trace)


def pour(sender, receiver, calls, at_once=CALL):
    """Sends each of these by a call of its own, while the other end reads it all; how much it was."""
    size = sum(map(len, calls))
    taken = []
    reader = threading.Thread(target=lambda: taken.append(take(receiver, size, at_once)), daemon=True)
    reader.start()
    for data in calls:
        sender.sendall(data)
    reader.join(wire.DEADLINE)
    assert taken == [size]
    return size


def take(end, size, at_once):
    taken = 0
    while taken < size and (count := len(end.recv(at_once))):
        taken += count
    return taken


def close(trace, pair):
    pair.close(first=pair.client)
    (client,) = trace.wait_for(1, local=pair.client_name, remote=pair.server_name)
    (server,) = trace.wait_for(1, local=pair.server_name, remote=pair.client_name)
    return client, server


def cut(data, size=CALL):
    return [data[at : at + size] for at in range(0, len(data), size)]


CUT_REQUESTS = {
    "an endless line": [b"GET /", *[b"a" * CALL] * 64],
    "an endless name": [b"GET / HTTP/1.1\r\n", *[b"a" * CALL] * 64],
    "an endless value": [b"GET / HTTP/1.1\r\nX: ", *[b"a" * CALL] * 64],
    "an endless header section": [b"GET / HTTP/1.1\r\n", *[(b"X: " + b"a" * 251 + b"\r\n") * 256] * 64],
    "an endless Connection": [b"GET / HTTP/1.1\r\nConnection: ", *[b"a" * CALL] * 16],
    "a megabyte of NULs in a value": [b"GET / HTTP/1.1\r\nX: ", *[bytes(CALL)] * 16],
    "a megabyte of CR in a value": [b"GET / HTTP/1.1\r\nX: ", *[b"\r" * CALL] * 16],
    "an endless chunk extension": [CHUNKED, b"5;", *[b"a" * CALL] * 16],
    "an endless trailer": [CHUNKED, b"0\r\n", *[(b"X: " + b"a" * 251 + b"\r\n") * 256] * 16],
}


@pytest.mark.parametrize("calls", CUT_REQUESTS.values(), ids=CUT_REQUESTS)
def test_a_request_without_an_end_is_followed_to_its_cut(trace, pair, neighbour, calls):
    size = pour(pair.client, pair.server, calls)
    neighbour.exchange()
    client, server = close(trace, pair)
    record.check_agreement(client, server)
    assert (client["tx_bytes"], client["blind_bytes"]) == (size, 0)
    assert (client["reason"], client["confidence"]) == ("request_truncated", "certain")
    assert client["errors"] == []


FOREIGN = {
    "a megabyte of NULs": [bytes(CALL)] * 16,
    "a megabyte of CR": [b"\r" * CALL] * 16,
    "a megabyte of LF": [b"\n" * CALL] * 16,
    "a megabyte of spaces": [b" " * CALL] * 16,
}


@pytest.mark.parametrize("calls", FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_http_is_not_looked_at_for_long(trace, pair, neighbour, calls):
    size = pour(pair.client, pair.server, calls)
    neighbour.exchange()
    client, server = close(trace, pair)
    record.check_agreement(client, server)
    assert (client["protocol"], client["reason"]) == ("opaque", "not_http")
    assert client["tx_bytes"] == size


OVER_BUDGET = {
    "a call of tiny fields": [b"GET / HTTP/1.1\r\n", *[b"a:\n" * (CALL // 3)] * 16],
    "a call of tiny requests": [b"A / HTTP/1.1\n\n" * (MEGABYTE // 14)] * 4,
    "a call of tiny chunks": [CHUNKED, *[CHUNK * (MEGABYTE // 6)] * 4],
    "a call of empty members": [b"GET / HTTP/1.1\r\nConnection: ", *[b"a," * (MEGABYTE // 2)] * 2],
}


@pytest.mark.parametrize("calls", OVER_BUDGET.values(), ids=OVER_BUDGET)
def test_a_call_of_more_parts_than_are_followed_taints_its_connection_alone(trace, pair, neighbour, calls):
    size = pour(pair.client, pair.server, calls)
    neighbour.exchange()
    client, _ = close(trace, pair)
    assert (client["reason"], client["premature"]) == ("unknown", None)
    assert client["tx_bytes"] == size
    assert 0 < client["blind_bytes"] < size


def test_ten_million_chunks_of_one_byte_taint_their_connection_alone(trace, pair, neighbour):
    pair.exchange()
    calls = [CHUNKED, *[CHUNK * 100_000] * 100, b"0\r\n\r\n"]
    size = pour(pair.client, pair.server, calls)
    neighbour.exchange()
    client, _ = close(trace, pair)
    assert client["tx_bytes"] == len(wire.GET) + size
    assert client["reason"] == "unknown"


def test_ten_million_chunks_of_one_byte_are_followed_where_a_call_holds_few_enough(trace, pair, neighbour):
    """And the next request is found behind them."""
    size = pour(pair.client, pair.server, [CHUNKED, *[CHUNK * 2_500] * 4_000, b"0\r\n\r\n"], 15_000)
    pair.send_response()
    pair.exchange()
    neighbour.exchange()
    pair.close(first=pair.client)
    for one in trace.both(pair):
        assert (one["requests"], one["reason"], one["blind_bytes"]) == (2, "client_closed_idle", 0)
        assert size + len(wire.GET) in (one["tx_bytes"], one["rx_bytes"])


def test_a_megabyte_of_empty_lines_between_requests_is_passed_over(trace, pair, neighbour):
    pair.exchange()
    pour(pair.client, pair.server, [b"\r\n" * (CALL // 2)] * 16)
    pair.exchange()
    for one in close(trace, pair):
        assert (one["requests"], one["responses"], one["reason"]) == (2, 2, "client_closed_idle")


FIELDS = [f"X-Field-{number}: {'v' * 87}" for number in range(2_000)]
HEAD = wire.head("GET / HTTP/1.1", *FIELDS, "Connection: x-last")


@pytest.mark.parametrize("calls", [[HEAD], cut(HEAD, 1), cut(HEAD, 1448)], ids=["whole", "bytes", "segments"])
def test_a_head_of_200_kilobytes_and_2000_fields_is_understood(trace, pair, calls):
    assert len(HEAD) > 200_000
    pour(pair.client, pair.server, calls)
    pair.send_response()
    pair.close(first=pair.client)
    for one in trace.both(pair):
        assert (one["requests"], one["responses"], one["reason"]) == (1, 1, "client_closed_idle")
        assert one["hop_by_hop"] == ["x-last"]
        assert one["blind_bytes"] == 0
