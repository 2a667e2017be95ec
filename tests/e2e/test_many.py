# SPDX-License-Identifier: BSD-2-Clause
"""Many connections at once, on the smallest ring: a sweep stops where the ring fills up, and goes on from there."""

import contextlib
import os

from lib import metrics, wire

CONNECTIONS = 600  # two sockets each; half of the ring holds records of some 30
ROLES = ("client", "server")


def counts(scrape, name):
    return [scrape.sum_of(f"keepwatch_{name}_total", role=role) for role in ROLES]


def test_each_of_many_living_connections_is_told_though_the_ring_holds_few(own_listener):
    port = wire.port_of(own_listener)
    with metrics.Daemon([port], "--ring-size", "64K") as daemon, contextlib.ExitStack() as open_ones:
        pairs = [open_ones.enter_context(wire.Pair(own_listener)) for _ in range(CONNECTIONS)]
        for more in (1, 2):
            for pair in pairs:
                pair.exchange()
            scrape = daemon.scrape_until(lambda scrape: counts(scrape, "requests") == [more * CONNECTIONS] * 2,
                                         "every request")
        assert counts(scrape, "connections_opened") == [CONNECTIONS] * 2
        assert scrape.sum_of("keepwatch_events_lost_total") == 0


def priority_of_daemon(nice, *options):
    with metrics.Daemon([1], *options, preexec_fn=lambda: os.setpriority(os.PRIO_PROCESS, 0, nice)) as daemon:
        return os.getpriority(os.PRIO_PROCESS, daemon.process.pid)


def test_the_reader_goes_before_others_unless_it_was_told_otherwise():
    assert priority_of_daemon(0) == -10
    assert priority_of_daemon(5) == 5
