# SPDX-License-Identifier: BSD-2-Clause
"""A TLS connection is known by its records, however calls cut them: the same facts and the same verdict."""

import pytest

from lib import handshakes, observer, tls, wire

HEADER = 5
REQUESTS = 3  # records that make one request, and one response


@pytest.fixture(scope="module")
def watched(nothing_left):
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)]) as trace:
        yield trace, listener


def records(data):
    while data:
        size = HEADER + int.from_bytes(data[3:HEADER], "big")
        yield data[:size]
        data = data[size:]


def one_call(data):
    return [data]


def one_record_a_call(data):
    return list(records(data))


def headers_apart(data):
    return [part for one in records(data) for part in (one[:HEADER], one[HEADER:])]


def bodies_cut(data):
    return [part for one in records(data) for part in (one[: HEADER + 1], one[HEADER + 1 : -1], one[HEADER + 1 :][-1:]) if part]


def headers_cut(data):
    return [part for one in records(data) for part in (one[:2], one[2:])]


def seven_bytes(data):
    return [data[at : at + 7] for at in range(0, len(data), 7)]


CUTS = [one_call, one_record_a_call, headers_apart, bodies_cut, headers_cut, seven_bytes]


def carry(sender, receiver, pieces, taken):
    for piece in pieces:
        sender.sendall(piece)
    for piece in taken:
        assert wire.read_exactly(receiver, len(piece)) == piece


def play(listener, version, sent, received):
    """A connection of whose messages each is several records. The client ends the session."""
    used, alerts = handshakes.polite(version)
    exchanges = 2
    used = used[: -2 * exchanges] + [(end, data * REQUESTS) for end, data in used[-2 * exchanges :]]
    with wire.Pair(listener) as pair:
        for end, data in used + alerts:
            ends = (pair.client, pair.server) if end == "client" else (pair.server, pair.client)
            carry(*ends, sent(data), received(data))
        pair.close(first=pair.client)
        return pair


def facts(one):
    kept = ("role", "protocol", "reason", "closer", "premature", "confidence", "lost_requests", "bytes_sent")
    return {name: one.get(name) for name in kept} | {
        "tls": {name: value for name, value in one["tls"].items() if name != "handshake_s"}}


@pytest.mark.parametrize("version", tls.VERSIONS)
@pytest.mark.parametrize("cut", CUTS[1:], ids=lambda cut: cut.__name__)
def test_the_cuts_of_calls_change_nothing(watched, version, cut):
    trace, listener = watched
    whole = list(map(facts, trace.both(play(listener, version, one_call, one_call))))
    assert [one["tls"]["exchanges_inferred"] for one in whole] == [2, 2], whole
    for sent, received in ((cut, one_call), (one_call, cut), (cut, cut)):
        assert list(map(facts, trace.both(play(listener, version, sent, received)))) == whole
