# SPDX-License-Identifier: BSD-2-Clause
"""Helpers for the scenarios of close reasons: which reason each one proves, connections of both families.

A scenario says by @proves(...) which reasons it is the proof of, and fails if no record with them was looked
at: so test_reasons_complete.py can tell that no reason lacks one."""

import functools
import threading
import time

import pytest

from lib import wire

proven = set()  # every reason that some scenario is a proof of
_seen = threading.local()  # .reasons: those that the running test has looked at; several run at once, each in a thread

FIELDS = ("reason", "closer", "manner", "phase", "premature", "lost_requests", "confidence")
RETRIES = 50


def proves(*reasons):
    def wrap(test):
        proven.update(reasons)

        @functools.wraps(test)
        def proof(*args, **kwargs):
            _seen.reasons = set()
            test(*args, **kwargs)
            assert _seen.reasons.issuperset(reasons), f"it looked at {_seen.reasons} only"

        return proof

    return wrap


def says(record, reason, closer, manner, phase, premature=False, lost=0, confidence="certain"):
    """Asserts that a record has this verdict."""
    expected = dict(zip(FIELDS, (reason, closer, manner, phase, premature, lost, confidence)))
    told = {field: record[field] for field in FIELDS}
    assert told == expected, f"of {record['role']}: {told}, expected {expected}; {record['evidence']}"
    assert record["evidence"], "a verdict without evidence"
    vars(_seen).setdefault("reasons", set()).add(reason)


def both_say(trace, pair, *verdict, **more):
    """Asserts that the records of both ends agree and have this verdict."""
    client, server = trace.both(pair)
    says(client, *verdict, **more)
    says(server, *verdict, **more)
    return client, server


def each_says(trace, pair, client_verdict, server_verdict):
    """Asserts each end's verdict separately, because one end may know less than the other."""
    client, server = trace.both(pair, mirrored=False)
    says(client, **client_verdict)
    says(server, **server_verdict)
    return client, server


def verdict(*values, **more):
    """A verdict's values by name, for each_says()."""
    names = ("reason", "closer", "manner", "phase", "premature", "lost", "confidence")
    return dict(zip(names, values)) | more


@pytest.fixture(params=["listener", "listener6"], ids=["IPv4", "IPv6"])
def door(request, trace):
    """A listening socket of each family, under observation."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def talk(door):
    """A connection with both ends in the test, over each family."""
    with wire.Pair(door) as pair:
        yield pair


def answered_and_closed_at_once(door, *responses, request=wire.GET):
    """Exchanges whose last response is followed by the server's close within 50 ms. That is tried until the
    clock says so, since this process may be held up between the two calls."""
    for _ in range(RETRIES):
        with wire.Pair(door) as pair:
            for response in responses[:-1]:
                pair.exchange(request, response)
            pair.send_request(request)
            start = time.monotonic()
            pair.server.sendall(responses[-1])
            pair.server.close()
            took = time.monotonic() - start
            assert wire.read_to_end(pair.client) == responses[-1]
        if took < 0.05:
            return pair
    raise AssertionError("this machine is too busy to close within 50 ms")
