# SPDX-License-Identifier: BSD-2-Clause
"""Connections that were open when the observer came and close without another byte: idle by TCP's own times, or unknown."""

import contextlib
import socket
import struct
import time

import pytest

from lib import observer, wire
from lib.reasons import both_say

TICK = 0.01  # seconds: that of the slowest kernel timer
SLOW = 0.05  # seconds from a request to its response: longer than a tick
AGE = 0.3  # seconds: more than the tenth of a second within which a close may go with a response
LAST_ACKNOWLEDGED, LAST_RECEIVED = 56, 52  # offsets of tcpi_last_ack_recv and tcpi_last_data_recv, in ms
ADDRESSES = ("127.0.0.1", "::1")
MANY = {("server", False): 50}  # by which side closes, and whether by a RST: a pool that its server closes is what operators meet


@pytest.fixture(params=ADDRESSES, ids=["IPv4", "IPv6"])
def door(request):
    with wire.listen(request.param) as listener:
        yield listener


def used(pair, pause=0.0):
    """Two exchanges, whose responses come at once or after a pause. Returns between which times the last response came."""
    for _ in range(2):
        pair.send_request()
        time.sleep(pause)
        before = time.monotonic()
        pair.send_response()
    return before, time.monotonic()


def since(end, offset):
    """One of TCP's ages of the socket, in seconds."""
    return struct.unpack_from("=I", end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), offset)[0] / 1000


def wait_until_idle(pair):
    """Until all is acknowledged, as it is in a pool, and the connection is older than what closes with a response."""
    wait_until(lambda: since(pair.client, LAST_RECEIVED) > AGE)


def wait_until(condition):
    end = time.monotonic() + wire.DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def close(pair, first, reset):
    end, other = (pair.client, pair.server) if first == "client" else (pair.server, pair.client)
    if not reset:
        pair.close(first=end)
        return
    wire.reset(end)
    wire.wait_for_end(other)
    other.close()


def reason_of(first, reset):
    if first == "client":
        return "client_closed_idle"
    return "idle_reset" if reset else "server_closed_idle"


@pytest.mark.parametrize("pause", [0, SLOW], ids=["at-once", "slow"])
def test_a_pool_that_was_idle_before_closes_as_idle_with_its_age(nothing_left, door, pause):
    ways = [(first, reset) for first in ("client", "server") for reset in (False, True)]
    with contextlib.ExitStack() as stack:
        pool = [(stack.enter_context(wire.Pair(door)), way) for way in ways for _ in range(MANY.get(way, 3))]
        times = [used(pair, pause) for pair, _ in pool]
        wait_until_idle(pool[-1][0])
        trace = stack.enter_context(observer.Trace([wire.port_of(door)]))
        for (pair, (first, reset)), (earliest, latest) in zip(pool, times):
            least = time.monotonic() - latest
            close(pair, first, reset)
            most = time.monotonic() - earliest
            verdict = reason_of(first, reset), first, "rst" if reset else "fin", "idle"
            for record in both_say(trace, pair, *verdict, confidence="inferred"):
                assert record["preexisting"] and record["requests"] == 0
                assert least - 2 * TICK <= record["idle_at_close_s"] <= most + 2 * TICK
                assert any("open before keepwatch started" in sentence for sentence in record["evidence"])


def ask_at_once(pair):
    pair.send_request()


def ask_again_at_once(pair):
    pair.exchange()
    pair.send_request()


def ask_again_later(pair):
    pair.exchange()
    time.sleep(SLOW)
    pair.send_request()


def ask_and_be_probed(pair):
    """The server's kernel sends keep-alive probes meanwhile, whose answers are the client's last segments."""
    pair.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    pair.server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    ask_again_at_once(pair)
    wait_until(lambda: since(pair.server, LAST_RECEIVED) - since(pair.server, LAST_ACKNOWLEDGED) > 0.5)


@pytest.mark.parametrize("first", ["client", "server"])
@pytest.mark.parametrize("ask", [ask_at_once, ask_again_at_once, ask_again_later, ask_and_be_probed])
def test_one_whose_request_may_be_waiting_stays_unknown(nothing_left, door, ask, first):
    with contextlib.ExitStack() as stack:
        pool = [stack.enter_context(wire.Pair(door)) for _ in range(3)]
        for pair in pool:
            ask(pair)
        wait_until(lambda: since(pool[-1].server, LAST_RECEIVED) > AGE)
        trace = stack.enter_context(observer.Trace([wire.port_of(door)]))
        for pair in pool:
            pair.close(first=getattr(pair, first))
            both_say(trace, pair, "unknown", first, "fin", None, None, None, "unknown")
    assert not trace.records("amend")


@pytest.mark.parametrize("first", ["client", "server"])
def test_one_that_was_never_used_stays_unknown(nothing_left, door, first):
    with contextlib.ExitStack() as stack:
        pool = [stack.enter_context(wire.Pair(door)) for _ in range(3)]
        trace = stack.enter_context(observer.Trace([wire.port_of(door)]))
        for pair in pool:
            pair.close(first=getattr(pair, first))
            both_say(trace, pair, "unknown", first, "fin", None, None, None, "unknown")


@pytest.mark.parametrize("pause", [0, SLOW], ids=["at-once", "slow"])
def test_a_request_that_meets_the_close_of_one_stays_unknown(nothing_left, door, pause):
    """A byte came: TCP's times say no more which side was the last to send, and nothing is claimed to be lost."""
    with contextlib.ExitStack() as stack:
        pair = stack.enter_context(wire.Pair(door))
        used(pair, pause)
        wait_until_idle(pair)
        trace = stack.enter_context(observer.Trace([wire.port_of(door)]))
        pair.server.shutdown(socket.SHUT_WR)
        wire.wait_for_end(pair.client)
        pair.client.sendall(wire.GET)
        wire.wait_for_bytes(pair.server, len(wire.GET))
        wire.reset(pair.server)
        wait_until(lambda: since_closed(pair.client))
        pair.client.close()
        for record in trace.both(pair, mirrored=False):
            assert (record["reason"], record["lost_requests"]) == ("unknown", None)


def since_closed(end):
    """Whether TCP has given the socket up."""
    return end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 7
