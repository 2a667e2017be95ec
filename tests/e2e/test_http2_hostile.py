# SPDX-License-Identifier: BSD-2-Clause
"""Floods of HTTP/2 frames, and frames that lie: the sender is not held up, its own connection at most is unknown, and nobody
else's record suffers."""

import subprocess

import pytest

from lib import observer, wire
from lib.http2 import endings, frames, go_program
from lib.http2.stage import check, ends_of, free_port

DEADLINE = 60
MANY = 100_000
EMPTY = 10_000_000


@pytest.fixture
def trace(nothing_left, own_listener):
    """Of a port for floods, and of one for a neighbour."""
    del nothing_left
    with observer.Trace([free_port(), wire.port_of(own_listener)]) as trace:
        yield trace


@pytest.fixture
def neighbour(trace, own_listener):
    """A connection that goes on as if nothing was."""
    with wire.Client(own_listener.getsockname()) as one, frames.Peer(one.client) as client:
        client.send(frames.BEGIN)
        server = frames.accept(own_listener)
        exchange(client, server, 1)
        yield
        exchange(client, server, 3)
        client.end.close()
        server.read_to_end()
        server.end.close()
        ends = ends_of(trace, local=one.client_name)
    check(ends, reason="client_closed_idle", confidence="certain", streams=2, answered=2, lost_requests=0, blind_bytes=0, errors=[])


def exchange(client, server, stream):
    client.send(frames.request(stream))
    server.read_until(frames.HEADERS, (stream + 1) // 2)
    server.send(frames.response(stream))
    client.read_until(frames.HEADERS, (stream + 1) // 2)


def flooded(trace, kind, count, size=65536):
    """The records of a connection that so many frames came on, in calls of this size."""
    command = [go_program.built("flood"), f"127.0.0.1:{trace_port(trace)}", kind, str(count), str(size)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=DEADLINE).stdout
    return ends_of(trace, local=said.split()[0])


def trace_port(trace):
    """The first of those that it observes."""
    return trace.arguments[trace.arguments.index("--port") + 1].split(",")[0]


@pytest.mark.parametrize("size", [500, 4096, 65536])
def test_a_rapid_reset_is_counted_exactly(trace, neighbour, size):
    del neighbour
    check(flooded(trace, "resets", MANY, size), streams=MANY, cancelled=MANY, peak=1, lost_requests=0, closer="client",
          reason="client_closed_idle", premature=False)


def test_streams_that_are_never_answered_are_counted(trace, neighbour):
    del neighbour
    check(flooded(trace, "streams", MANY), streams=MANY, answered=0, peak=MANY, closer="client", reason="client_gave_up")


@pytest.mark.parametrize(("kind", "count"), [("data", EMPTY), ("continuations", MANY)])
def test_frames_of_nothing_leave_one_stream_that_waits(trace, neighbour, kind, count):
    del neighbour
    check(flooded(trace, kind, count), streams=1, answered=0, peak=1, closer="client", reason="client_gave_up", premature=True)


def test_pings_and_settings_begin_no_stream(trace, neighbour):
    del neighbour
    pings = flooded(trace, "pings", MANY)
    check(pings, streams=0, pings={"client": MANY}, reason="unused", premature=False)
    check(flooded(trace, "settings", MANY), streams=0, max_concurrent={"client": 9}, reason="unused", premature=False)


def test_ids_that_go_back_begin_no_stream(trace, neighbour):
    del neighbour
    ends = flooded(trace, "back", MANY)
    check(ends, streams=1, closer="client", confidence=("unknown", "inferred"))


@pytest.mark.parametrize("lie", endings.LIES)
def test_frames_that_lie_make_no_loss_up(trace, neighbour, own_listener, lie):
    """The stream before them was answered; nothing certain is said that came behind."""
    del neighbour
    with wire.Client(own_listener.getsockname()) as one, frames.Peer(one.client) as client:
        client.send(frames.BEGIN)
        server = frames.accept(own_listener)
        exchange(client, server, 1)
        client.send(endings.LIES[lie])
        client.end.close()
        assert wire.read_to_end(server.end).endswith(endings.LIES[lie])
        server.end.close()
        ends = ends_of(trace, local=one.client_name)
    for found in ends:
        assert found["reason"] == "unknown" or not found["premature"] or found["confidence"] != "certain", found
        assert found["http2"]["answered"] == 1
