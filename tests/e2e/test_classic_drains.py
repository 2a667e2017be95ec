# SPDX-License-Identifier: BSD-2-Clause
"""A reload and a deploy under load: the report says when, how many connections, and what was lost."""

import contextlib
import datetime
import threading
import time

import pytest

from lib import stage, wire
from lib.reporter import Report

IDLE = 8  # connections whose idle ages are 0.2 s apart


@contextlib.contextmanager
def idle_connections(address):
    """Opens connections that each carry a request and then become idle, one after the other."""
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(IDLE):
            clients.append(stack.enter_context(wire.Client(address)))
            assert clients[-1].get()[0] == 200
            time.sleep(0.2)
        yield clients


class Load:
    """Clients that are never idle for long; a client that loses its connection opens another."""

    def __init__(self, address, count=3):
        self.address = address
        self.stopped = threading.Event()
        self.lost = 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._work) for _ in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(wire.DEADLINE)

    def _work(self):
        while not self.stopped.is_set():
            try:
                with wire.Client(self.address) as client:
                    while not self.stopped.is_set():
                        client.get()
                        time.sleep(0.02)
            except ConnectionRefusedError:
                return  # nobody listens any more
            except (OSError, AssertionError):
                with self.lock:
                    self.lost += 1


@contextlib.contextmanager
def running(kind, terms):
    with stage.place(1) as (folder, (port,)), stage.KINDS[kind](folder, port, certificates=terms.certificates) as server:
        server.address = terms.address(server.address)
        yield server


def told_of(conclusion, server):
    """The one drain in the timeline of the server's own sockets."""
    (drain,) = conclusion.service("server", server.port)["drains"]
    return drain


@pytest.mark.parametrize("kind", ["nginx", "node"])
def test_a_drain_under_load_is_told(terms, kind):
    with running(kind, terms) as server, Report([server.port]) as report, Load(server.address) as load:
        with idle_connections(server.address) as clients:
            before = datetime.datetime.now(datetime.timezone.utc)
            server.reload()
            for client in clients:
                wire.wait_for_end(client.client)
            after = datetime.datetime.now(datetime.timezone.utc)
            load.__exit__()
        conclusion = report.conclude()
    drain = told_of(conclusion, server)
    assert IDLE <= drain["closed"] <= IDLE + len(load.threads)
    at = datetime.datetime.fromisoformat(drain["at"][:26] + "+00:00")
    assert before - datetime.timedelta(milliseconds=20) <= at <= after
    (finding,) = [one for one in conclusion.of("server", server.port) if one["id"] == "drain"]
    assert finding["numbers"]["drains"] == 1
    assert finding["numbers"]["closed"] == drain["closed"]
    assert finding["numbers"]["lost_requests"] == drain["lost_requests"]
    assert finding["severity"] == ("critical" if drain["lost_requests"] else "info")
    assert drain["lost_requests"] <= load.lost  # what clients saw fail, they did lose
    if not load.lost:
        conclusion.first("server", server.port, "drain", "info")
