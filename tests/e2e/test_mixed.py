# SPDX-License-Identifier: BSD-2-Clause
"""All connections of a mixed run are reported, once per socket, and correctly."""

import collections
import queue
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib import observer, wire
from lib.kinds import Truth, WITH_BOTH_ENDS, WITH_NGINX

OF_EACH_KIND = 12
WORKERS = 6


@pytest.fixture
def listeners():
    """Listeners to borrow, because opening a connection with both ends needs a listener of its own."""
    pool = queue.SimpleQueue()
    made = [wire.listen() for _ in range(WORKERS)]
    for listener in made:
        pool.put(listener)
    yield made, pool
    for listener in made:
        listener.close()


def make_all(nginx, pool):
    """Makes connections of every kind, in a mixed order, several at once. Returns the facts of each."""

    def make(job):
        kind, number = job
        if kind in WITH_NGINX:
            return kind(nginx, number)
        listener = pool.get()
        try:
            return kind(listener, number)
        finally:
            pool.put(listener)

    jobs = [(kind, number) for kind in WITH_NGINX + WITH_BOTH_ENDS for number in range(OF_EACH_KIND)]
    random.Random(1).shuffle(jobs)
    with ThreadPoolExecutor(WORKERS) as workers:
        return list(workers.map(make, jobs))


def tally(truths, left_open):
    """How often each was told or made: a port may serve twice. Reasons are left open on these connections."""
    def known(truth):
        return truth._replace(reason=None) if (truth.client_name, truth.server_name) in left_open else truth

    return collections.Counter(map(known, truths))


def told_by(records, role, client, server):
    keys = [client, server, "requests", "responses", "closer", "manner", "reason"]
    return [Truth(*(one[key] for key in keys)) for one in records if one["role"] == role]


def test_every_connection_is_told_once_by_each_socket_and_right(nginx, listeners):
    made, pool = listeners
    with observer.Trace([*nginx.ports, *map(wire.port_of, made)]) as trace:
        truths = make_all(nginx, pool)
        assert len(truths) >= 200
        trace.comes_true(lambda: len(trace.records()) >= 2 * len(truths))
    records = trace.records()
    left_open = {(truth.client_name, truth.server_name) for truth in truths if truth.reason is None}
    expected = tally(truths, left_open)
    clients = tally(told_by(records, "client", "local", "remote"), left_open)
    servers = tally(told_by(records, "server", "remote", "local"), left_open)
    for told in clients, servers:
        assert {"told": told - expected, "true": expected - told} == {"told": {}, "true": {}}
    assert len(records) == 2 * len(truths)
