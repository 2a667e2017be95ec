# SPDX-License-Identifier: BSD-2-Clause
"""Ends that no program on either side asked for in so many words: a listener that goes with connections nobody has
accepted, a queue that overflows, a socket that is disconnected and used again. Each connection has its record all
the same, and what was opened is closed."""

import contextlib
import ctypes
import os
import select
import socket

import pytest

from lib import metrics, observer, wire

QUEUED = 5
CROWD = 20  # for a queue that holds one
BODY = bytes(50_000)
LIBC = ctypes.CDLL(None, use_errno=True)


def disconnect(end):
    """connect() to nowhere: the connection is reset, the socket stays."""
    nowhere = ctypes.create_string_buffer(16)  # a struct sockaddr whose family is AF_UNSPEC
    assert LIBC.connect(end.fileno(), nowhere, len(nowhere)) == 0, os.strerror(ctypes.get_errno())


@pytest.fixture
def listener():
    with wire.listen() as door:
        yield door


@pytest.fixture
def trace(listener):
    with observer.Trace([wire.port_of(listener)]) as one:
        yield one


def has_room(listener):
    """Whether the listener's accept queue is still empty; nobody accepts from it."""
    return not select.select([listener], [], [], 0)[0]


@pytest.mark.parametrize("end", [socket.socket.close, lambda door: door.shutdown(socket.SHUT_RDWR)],
                         ids=["closed", "shut down"])
def test_a_listener_that_goes_takes_along_what_nobody_accepted(listener, trace, end):
    with contextlib.ExitStack() as open_ones:
        clients = [open_ones.enter_context(wire.Client(listener.getsockname())) for _ in range(QUEUED)]
        clients[0].client.sendall(wire.GET)
        assert not has_room(listener)
        end(listener)
        for one in clients:
            wire.wait_for_end(one.client)
    for number, one in enumerate(clients):
        client, server = trace.both(one, mirrored=False)
        for side in client, server:
            assert (side["closer"], side["manner"]) == ("server", "rst")
        assert server["pid"] == client["pid"] == os.getpid()
        assert server["requests"] == 0
        assert client["requests"] == (number == 0)
        assert client["reason"] == ("stale_reuse" if number == 0 else "unused")


def test_a_queue_that_overflows_leaves_no_connection_open(listener):
    """Some clients never get a connection; others believe that they have one, but the server does not know of it."""
    listener.listen(0)
    with metrics.Daemon([wire.port_of(listener)]) as daemon:
        with contextlib.ExitStack() as open_ones:
            clients = []
            for _ in range(CROWD):
                clients.append(open_ones.enter_context(socket.socket()))
                clients[-1].setblocking(False)
                clients[-1].connect_ex(listener.getsockname())
            assert select.select([], clients, [], wire.DEADLINE)[1]
            assert len(select.select([], clients, [], 0)[1]) < CROWD, "they all were let in"
        listener.close()

        def ended(page):
            return page.sum_of("keepwatch_connections_closed_total", role="client") + \
                page.sum_of("keepwatch_connect_failures_total")

        scrape = daemon.scrape_until(
            lambda page: ended(page) == CROWD and page.sum_of("keepwatch_connections_open") == 0, "all ends")
        for role in "client", "server":
            opened, closed = (scrape.sum_of(f"keepwatch_connections_{what}_total", role=role)
                              for what in ("opened", "closed"))
            assert 1 <= opened == closed < CROWD
        assert scrape.sum_of("keepwatch_events_lost_total") == 0


@pytest.mark.parametrize("role", ["client", "server"])
def test_a_socket_that_is_disconnected_has_closed(listener, trace, role):
    with wire.Pair(listener) as pair:
        pair.exchange()
        end, other = (pair.client, pair.server) if role == "client" else (pair.server, pair.client)
        disconnect(end)
        wire.wait_for_end(other)
        other.close()
        client, server = trace.both(pair)
    for side in client, server:
        assert (side["closer"], side["manner"], side["phase"]) == (role, "rst", "idle")


def test_a_socket_that_connects_again_is_two_connections(listener, trace):
    with wire.Pair(listener) as pair:
        pair.exchange()
        disconnect(pair.client)
        pair.client.connect(listener.getsockname())
        again, _ = listener.accept()
        with again:
            assert (pair.client.getsockname(), again.getsockname()) == (again.getpeername(), listener.getsockname())
            pair.client.sendall(wire.GET * 2)
            wire.read_exactly(again, 2 * len(wire.GET))
            pair.client.close()
    records = trace.wait_for(2, role="client")
    assert [(one["requests"], one["manner"]) for one in records] == [(1, "rst"), (2, "fin")]
    assert len({one["id"] for one in records}) == len({one["flow"] for one in records}) == 2


def test_a_body_does_not_outlive_its_connection(listener, trace):
    """The rest of its state might be taken up by the socket's next connection."""
    length = f"Content-Length: {1 << 30}"
    with wire.Pair(listener) as pair:
        pair.client.sendall(wire.request("POST", "/", length) + BODY)
        wire.read_head(pair.server)
        wire.read_exactly(pair.server, len(BODY))
        pair.server.sendall(wire.head("HTTP/1.1 200 OK", length) + BODY)
        wire.read_head(pair.client)
        wire.read_exactly(pair.client, len(BODY))
        disconnect(pair.client)
        pair.client.connect(listener.getsockname())
        again, _ = listener.accept()
        with again:
            for _ in range(3):
                pair.client.sendall(wire.GET)
                wire.read_exactly(again, len(wire.GET))
                again.sendall(wire.OK)
                wire.read_exactly(pair.client, len(wire.OK))
            pair.client.close()
    records = trace.wait_for(2, role="client")
    assert [(one["requests"], one["responses"], one["tx_bytes"], one["errors"]) for one in records][1] == (
        3, 3, 3 * len(wire.GET), [])
