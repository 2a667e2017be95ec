# SPDX-License-Identifier: BSD-2-Clause
"""--netns: only the connections of one network namespace, those that were open before included."""

import contextlib

import pytest

from lib import namespaces, observer, wire
from test_bad_input import check_refused, run


@pytest.fixture
def apart():
    namespace = namespaces.Namespace()
    try:
        namespace.ip("link", "set", "lo", "up")
        yield namespace
    finally:
        namespace.close()


def pair_inside(namespace, stack):
    with namespace.inside():
        door = stack.enter_context(wire.listen())
        return stack.enter_context(wire.Pair(door))


def test_only_connections_within_it_are_seen_old_ones_too(apart, own_listener):
    with contextlib.ExitStack() as stack:
        older = pair_inside(apart, stack)
        outside = stack.enter_context(wire.Pair(own_listener))
        with observer.Trace([], "--netns", f"/run/netns/{apart.name}") as trace:
            newer = pair_inside(apart, stack)
            for pair in older, outside, newer:
                pair.exchange()
                pair.close(first=pair.client)
            records = trace.wait_for(4)
            trace.stop()
    assert len(trace.records()) == 4
    assert {record["netns"] for record in records} == {apart.inode}
    assert sorted(record["preexisting"] for record in records) == [False, False, True, True]


@pytest.mark.parametrize("place", ["/etc/passwd", "/run/netns/keepwatch-none", "/proc/self/ns/mnt", ""])
def test_what_is_no_network_namespace_is_bad_usage(place):
    check_refused(run("trace", "--netns", place), 2, "--netns", "network namespace")
