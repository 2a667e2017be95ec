# SPDX-License-Identifier: BSD-2-Clause
"""Scenarios of other test files, each played over several carriers: all of them must be told alike.

A scenario is a test function with one set of its parameters. It gets by the names of its fixtures what this carrier has for them, and
its own assertions hold over each carrier. The records that it looks at are compared, too."""

import concurrent.futures
import contextlib
import inspect
import itertools
import re
import threading
from dataclasses import dataclass, field
from typing import Callable

from lib import observer, sessions, wire

# Facts of HTTP and of the end, which are the same whatever carried them. Not times, names, and counts of TCP's bytes.
ALIKE = (
    "type", "role", "protocol", "preexisting", "requests", "responses", "closer", "manner", "phase", "reason", "premature",
    "lost_requests", "confidence", "body_bytes", "body_declared", "announced", "advertised", "overrun", "close_ignored",
    "late_request", "unread_data", "hop_by_hop", "directives", "last_status", "app_error", "errors", "http2",
)  # fmt: skip
NUMBER = re.compile(r" ?\d[\d.,]*( [num]?s| times?)?")
OWN = re.compile("|".join((
    "the HTTP inside TLS was read where",
    "the first to end the TLS session",
    "TCP segments? (was|were) retransmitted",
    "other end, on this host too, confirms this",
    "the program got",
    "both sides sent FIN at the same time",
)))


@dataclass
class Scenario:
    """One play of a test function."""

    suite: str
    test: Callable
    parameters: dict = field(default_factory=dict)

    @property
    def name(self):
        return f"{self.suite}.{self.test.__name__}"

    def __str__(self):
        """Its name and what sets it apart, for pytest."""
        values = [str(value) for value in self.parameters.values() if isinstance(value, (int, str)) and len(str(value)) < 20]
        return "-".join([self.name, *values])

    @property
    def wants(self):
        """The fixtures that it asks for."""
        return [name for name in inspect.signature(self.test).parameters if name not in self.parameters]

    @property
    def chosen(self):
        """Its own parameters: others are of its fixtures."""
        return {name: value for name, value in self.parameters.items() if name in inspect.signature(self.test).parameters}


def _sets_of(mark):
    """The sets of values that a parametrize mark lists."""
    names, values = mark.args
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
    for value in values:
        yield dict(zip(names, value if len(names) > 1 else [value]))


def scenarios_of(module):
    """All scenarios of a test file, those of each function together."""
    for name, test in vars(module).items():
        if not name.startswith("test_") or not inspect.isfunction(test):
            continue
        marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
        for chosen in itertools.product(*map(_sets_of, marks)):
            merged = {key: value for one in chosen for key, value in one.items()}
            yield Scenario(module.__name__.removeprefix("test_"), test, merged)


class Trace(observer.Trace):
    """Notes the records that a scenario looks at: it has a thread to itself. The other end of a path that was cut may be closing still."""

    allowed = re.compile(f"{observer.Trace.allowed.pattern}|keepwatch: .* closing and not final yet")

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.notes = threading.local()

    def wait_for(self, count, kind="connection", **fields):
        records = super().wait_for(count, kind, **fields)
        self.notes.told += records
        return records


def _sentences(record):
    """Its evidence but for numbers, for what is TLS's own (a server's first act is its close_notify), and for what follows from TCP's
    clock: more segments have passed over TLS, so an acknowledgement may be one of those that wait."""
    sentences = [NUMBER.sub("", sentence) for sentence in record.get("evidence") or () if not OWN.search(sentence)]
    return [sentence.replace("the server's close_notify", "the server's FIN") for sentence in sentences]


def likeness(record):
    """The part of a record that its twins have, too. HTTP/2 has one name in clear text, and another within TLS."""
    alike = {key: record[key] for key in ALIKE if key in record} | {"evidence": _sentences(record)}
    return alike | {"protocol": "h2"} if record.get("protocol") == "h2c" else alike


def differences(read, clear, besides=()):
    """Between the records of two plays of a scenario, besides these keys: (role, what, over TLS, in clear text)."""
    assert len(read) == len(clear), (read, clear)
    for one, other in zip(map(likeness, read), map(likeness, clear)):
        for key in other.keys() - set(besides):
            if one.get(key) != other[key]:
                yield other.get("role"), key, one.get(key), other[key]


@dataclass
class Carrier:
    """The things that a scenario gets for the names of its fixtures. @more: for each further name a function that gets the scenario and the stack
    of its contexts. @polite: see sessions.Door."""

    trace: Trace
    door: object
    more: dict = field(default_factory=dict)

    def _give(self, name, scenario, stack):
        if name in ("talk", "pair"):
            return stack.enter_context(wire.Pair(self.door))
        if name in ("door", "listener"):
            return self.door
        return self.trace if name == "trace" else self.more[name](scenario, stack)

    def play(self, scenario, polite=False):
        """Returns the records that the scenario looked at, in that order."""
        if isinstance(self.door, sessions.Door):
            self.door.polite = polite
        self.trace.notes.told = []
        with contextlib.ExitStack() as stack:
            given = {name: self._give(name, scenario, stack) for name in scenario.wants}
            scenario.test(**given, **scenario.chosen)
        return self.trace.notes.told


def play_all(scenario, carriers, polite=False):
    """Plays it over all carriers at once, because it waits most of the time. Returns for each what it looked at, or how it failed."""
    with concurrent.futures.ThreadPoolExecutor(len(carriers)) as pool:
        plays = [pool.submit(carrier.play, scenario, polite) for carrier in carriers]
        return [play.exception() or play.result() for play in plays]
