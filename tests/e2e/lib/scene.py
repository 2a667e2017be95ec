# SPDX-License-Identifier: BSD-2-Clause
"""A daemon, a Prometheus that scrapes it, and traffic that gives every metric of the contract a value that is
known."""

import contextlib
import os
import time
from dataclasses import dataclass, field

from lib import acts, metrics, wire
from lib.prometheus import Prometheus

MANY = 6  # closes that betray a timeout, or make a drain
IDLE = 0.3  # how long those are idle that close at a timeout, at least
FREE = 700  # descriptors from here on are in nobody's use
SERVICES = 11  # those of Scene.play() that have a place of their own
LISTENERS = "main more timeouts drained streams refused".split()


@dataclass
class Ages:
    """The bounds of an idle time, measured with this process's clock."""

    least: float = float("inf")
    most: float = 0.0

    def add(self, response, end):
        """The response was sent and read, and the idle time ended, within these spans of time."""
        self.least = min(self.least, end[0] - response[1])
        self.most = max(self.most, end[1] - response[0])


@dataclass
class Scene:
    daemon: metrics.Daemon
    prometheus: Prometheus
    listeners: dict
    closed_port: int
    stack: contextlib.ExitStack
    ages: dict = field(default_factory=lambda: {"server": Ages(), "client": Ages(), "reuse": Ages()})

    def port(self, name):
        return wire.port_of(self.listeners[name])

    def play(self):
        acts.make_traffic(self.listeners["main"])
        acts.connect_in_vain(self.closed_port)
        self._make_more()
        self._reuse_and_close_at_timeouts()
        self._drain()
        acts.speak_http2(self.listeners["streams"])
        self._wait_for_places()
        for _ in range(3):  # past the ceiling
            with wire.Pair(self.listeners["refused"]) as pair:
                pair.exchange()
                pair.close(first=pair.client)

    def close_unannounced(self):
        """The server closes right after a response that did not say so."""
        with self._pair("main") as pair:
            pair.exchange()
            pair.close(first=pair.server)

    def _make_more(self):
        """Adds the kinds of connections that acts.make_traffic() lacks, one of each."""
        with self._pair("more") as pair:
            pair.send_request(wire.request("POST", "/", "Content-Length: 2", body=b"{}"))
            pair.close(first=pair.server)
        with self._pair("more") as pair:
            pair.exchange(wire.request("GET", "/", "Connection: close"), wire.response("200 OK", "Connection: close"))
            pair.close(first=pair.server)
        with self._pair("more") as pair:
            fields = "Connection: upgrade, content-length", "Upgrade: raw"
            pair.exchange(wire.request("GET", "/", *fields), wire.head("HTTP/1.1 101 Switching", *fields))
            pair.close(first=pair.client)
        for first in b"\x16\x03\x01\x00\x05hello", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":
            with self._pair("more") as pair:
                pair.send_request(first)
                pair.close(first=pair.client)
        with self._pair("more") as pair:
            pair.exchange(wire.head("GET / HTTP/1.1", "Connection"), wire.response("400 Bad Request"))
            pair.close(first=pair.client)
        with self._pair("more") as pair:
            pair.close(first=pair.client)
        pair = self.stack.enter_context(self._pair("more"))  # stays half-closed
        pair.exchange()
        pair.server.shutdown(1)
        wire.wait_for_end(pair.client)

    def _pair(self, name):
        return wire.Pair(self.listeners[name])

    @staticmethod
    def _timed(act, *arguments, **named):
        start = time.monotonic()
        act(*arguments, **named)
        return start, time.monotonic()

    def _reuse_and_close_at_timeouts(self):
        with contextlib.ExitStack() as stack:
            pairs = [stack.enter_context(self._pair("timeouts")) for _ in range(2 * MANY)]
            times = [self._timed(pair.exchange) for pair in pairs]
            time.sleep(IDLE / 3)
            reused = self._timed(pairs[0].exchange)
            self.ages["reuse"].add(times[0], reused)
            times[0] = reused
            time.sleep(IDLE)
            for at, pair in enumerate(pairs):
                side = "client" if at % 2 else "server"
                end = self._timed(pair.close, first=pair.client if at % 2 else pair.server)
                self.ages[side].add(times[at], end)

    def _drain(self):
        """All are closed by one system call."""
        with contextlib.ExitStack() as stack:
            for at in range(MANY):
                pair = stack.enter_context(self._pair("drained"))
                pair.exchange()
                os.dup2(pair.server.fileno(), FREE + at)
                pair.server.close()
                time.sleep(0.25)
            os.closerange(FREE, FREE + MANY)

    def _wait_for_places(self):
        self.daemon.scrape_until(
            lambda scrape: len(scrape.all_of("keepwatch_connections_opened_total")) == SERVICES
            and scrape.sum_of("keepwatch_drains_total") == 2, "all services but those past the ceiling")

    def wait_for(self, expression, expected):
        """Waits until Prometheus has these values."""
        seen = []

        def holds():
            seen.append(self.prometheus.value(expression))
            return seen[-1] == expected

        assert self.daemon.comes_true(holds), f"{expression} is {seen[-1]}, not {expected}"


@contextlib.contextmanager
def scene(folder, closed_port, rules=()):
    """One connection of "more" is older than the daemon."""
    with contextlib.ExitStack() as stack:
        listeners = {name: stack.enter_context(wire.listen()) for name in LISTENERS}
        old = stack.enter_context(wire.Pair(listeners["more"]))
        ports = [*map(wire.port_of, listeners.values()), closed_port]
        daemon = stack.enter_context(metrics.Daemon(ports, "--services", str(SERVICES)))
        prometheus = stack.enter_context(Prometheus(folder, daemon.url, rules))
        old.exchange()
        old.close(first=old.client)
        yield Scene(daemon, prometheus, listeners, closed_port, stack)
