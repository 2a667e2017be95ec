# SPDX-License-Identifier: BSD-2-Clause
"""The flow of a record: the initial sequence numbers of a connection, which are the same at both of its ends. The sockets
themselves say where their sequence numbers stand, by TCP_REPAIR."""

import contextlib
import errno
import socket
from datetime import datetime, timezone

import pytest

from lib import namespaces, observer, wire

FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21
REPAIR_ON, REPAIR_OFF_WITHOUT_PROBE = 1, -1
RECEIVE_QUEUE, SEND_QUEUE = 1, 2
SYN = 1  # it takes a sequence number

NAT = """
table inet test {
    chain output {
        type nat hook output priority -100
        ip daddr %s meta l4proto tcp dnat ip to %s
        ip6 daddr %s meta l4proto tcp dnat ip6 to %s
    }
}
"""


@pytest.fixture(params=["listener", "listener6"], ids=["IPv4", "IPv6"])
def door(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def own_door(door):
    """For an observer that starts after the connection: its port is that of no other observer's."""
    with wire.listen(door.getsockname()[0]) as own:
        yield own


def next_number(end, queue):
    end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_ON)
    end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
    number = end.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ)
    end.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF_WITHOUT_PROBE)
    return number


def initial_numbers(end, sent=0, received=0):
    """This socket's and its peer's, hexadecimal, after that many bytes."""
    own = next_number(end, SEND_QUEUE) - sent - SYN
    peer = next_number(end, RECEIVE_QUEUE) - received - SYN
    return [f"{number % (1 << 32):08x}" for number in (own, peer)]


def flow_of(pair):
    return "-".join(initial_numbers(pair.client))


@pytest.mark.parametrize("first", ["client", "server"])
def test_both_ends_say_the_numbers_that_the_connection_began_with(trace, door, first):
    with wire.Pair(door) as pair:
        flow = flow_of(pair)
        pair.exchange()
        assert initial_numbers(pair.server, len(wire.OK), len(wire.GET)) == flow.split("-")[::-1]
        pair.close(first=getattr(pair, first))
    assert [one["flow"] for one in trace.both(pair)] == [flow] * 2


def test_a_connection_that_was_never_established_has_none(trace, closed_port):
    with socket.socket() as client:
        client.bind(("127.0.0.1", 0))
        name = wire.Name(client.getsockname(), datetime.now(timezone.utc))
        assert client.connect_ex(("127.0.0.1", closed_port)) == errno.ECONNREFUSED
        (record,) = trace.wait_for(1, local=name)
    assert record["flow"] is None


def test_an_open_connection_has_its_own_and_an_older_one_none(own_door):
    with wire.Pair(own_door) as older, observer.Trace([wire.port_of(own_door)], "--open") as trace:
        older.exchange()
        with wire.Pair(own_door) as newer:
            flow = flow_of(newer)
            older.close(first=older.client)
            assert [one["flow"] for one in trace.both(older)] == [None] * 2
            trace.stop()
    assert [one["flow"] for one in trace.records("open")] == [flow] * 2


@FAMILIES
def test_addresses_that_are_translated_do_not_change_it(family):
    with contextlib.ExitStack() as stack:
        path = namespaces.Cable()
        stack.callback(path.close)
        inside, outside = namespaces.SERVER, namespaces.NOBODY
        path.client.nft(NAT % (outside[4], inside[4], outside[6], inside[6]))
        door = stack.enter_context(path.listen(family))
        trace = stack.enter_context(observer.Trace([wire.port_of(door)]))
        with path.client.inside():
            pair = stack.enter_context(wire.Pair(door, (outside[family], wire.port_of(door))))
        flow = flow_of(pair)
        pair.exchange()
        pair.close(first=pair.client)
        (client,) = trace.wait_for(1, role="client")
        (server,) = trace.wait_for(1, role="server")
    assert client["remote"] != server["local"]
    assert client["flow"] == server["flow"] == flow


def bound(namespace, address):
    with namespace.inside():
        end = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    end.bind((address, 0))
    end.settimeout(wire.DEADLINE)
    return end


@FAMILIES
def test_if_both_sides_connect_at_the_same_time_the_lower_number_comes_first(family):
    with contextlib.ExitStack() as stack:
        path = namespaces.Wire()
        stack.callback(path.close)
        one = stack.enter_context(bound(path.client, namespaces.CLIENT[family]))
        other = stack.enter_context(bound(path.server, namespaces.SERVER[family]))
        trace = stack.enter_context(observer.Trace([wire.port_of(one)]))
        with path.held_back():
            for end, peer in (one, other), (other, one):
                end.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    end.connect(peer.getsockname()[:2])
        for end in one, other:
            end.settimeout(wire.DEADLINE)
            end.sendall(b"\n")
        assert one.recv(1) == other.recv(1) == b"\n"
        flow = "-".join(sorted(initial_numbers(one, 1, 1)))
        one.close()
        assert other.recv(1) == b""
        other.close()
        records = trace.wait_for(2)
    assert [one["flow"] for one in records] == [flow] * 2
