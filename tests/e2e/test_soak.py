# SPDX-License-Identifier: BSD-2-Clause
"""A daemon under mixed load for as long as it is asked to: it grows in nothing, and what it has counted in the end
is what there was. SOAK_SECONDS says how long."""

import contextlib
import os
import threading
import time
from pathlib import Path

from lib import metrics, wire
from lib.kinds import WITH_NGINX
from lib.nginx import Nginx
from lib.traffic import Traffic
from test_fuzzed import Fuzz, converse

SECONDS = float(os.environ.get("SOAK_SECONDS", "30"))
SAMPLES = 40  # over all that time
SLACK = 512 * 1024  # bytes by which memory may differ between two thirds of it: an allocator is no clock

LOST = ["response_truncated", "no_response", "client_gave_up", "client_left"]
ROLES = ["client", "server"]


class Sample:
    """The resources that the daemon holds."""

    def __init__(self, pid):
        process = Path(f"/proc/{pid}")
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
        self.memory = int(status["VmRSS"].split()[0]) * 1024
        self.threads = int(status["Threads"])
        self.descriptors = len(list((process / "fd").iterdir()))


class Noise(threading.Thread):
    """Makes connections that are not HTTP any more; only their number is known."""

    def __init__(self, listener):
        super().__init__()
        self.listener, self.fuzz = listener, Fuzz(None)
        self.over = threading.Event()
        self.connections = 0

    def run(self):
        while not self.over.is_set():
            with wire.Pair(self.listener) as pair:
                self.connections += 1
                converse(self.fuzz, pair)
            time.sleep(0.02)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


@contextlib.contextmanager
def own_nginx(folder):
    folder.mkdir()
    with Nginx(folder) as server:
        yield server


def watch(daemon):
    """Scrapes the daemon at intervals for the length of the test. Returns the resources that it held."""
    samples = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(SECONDS / SAMPLES)
        daemon.scrape()
        samples.append(Sample(daemon.process.pid))
    return samples


def check_flat(samples):
    """Ignores the first third of the time, in which caches, windows and buffers still grow."""
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    for what, slack in ("memory", SLACK), ("descriptors", 0), ("threads", 0):
        before, after = (max(getattr(one, what) for one in some) for some in (middle, last))
        assert after <= before + slack, (what, [getattr(one, what) for one in samples])


def told(scrape, name, role, ports, **labels):
    """The sum over the services of these ports."""
    return sum(value for has, value in scrape.all_of(f"keepwatch_{name}", role=role, **labels)
               if int(has["service"].rsplit(":", 1)[1]) in ports)


def check_true(scrape, load, ports):
    """Asserts that no counter differs from the traffic."""
    reasons = load.reasons()
    for role in ROLES:
        for name, count in load.counts().items():
            assert told(scrape, name, role, ports) == count, (name, role)
        for gauge in "connections_open", "connections_half_closed":
            assert told(scrape, gauge, role, ports) == 0, (gauge, role)
        for reason in reasons.keys() - {None}:
            found = told(scrape, "connections_closed_total", role, ports, reason=reason)
            assert found >= reasons[reason] if None in reasons else found == reasons[reason], (reason, role)
    assert told(scrape, "lost_requests_total", "client", ports) == sum(reasons[reason] for reason in LOST)


def test_soak(own_listener, tmp_path):
    noisy = wire.port_of(own_listener)
    with own_nginx(tmp_path / "nginx") as nginx, contextlib.ExitStack() as working:
        loads = {load: [load.port] for load in (Traffic(), Traffic())}
        loads[Traffic(WITH_NGINX, 0.02, nginx)] = nginx.ports
        with metrics.Daemon([noisy, *sum(loads.values(), [])], "--log-premature") as daemon:
            noise = working.enter_context(Noise(own_listener))
            for load in loads:
                working.enter_context(load)
            samples = watch(daemon)
            working.close()
            made = noise.connections + sum(len(load.truths) for load in loads)
            scrape = daemon.scrape_until(
                lambda page: page.sum_of("keepwatch_connections_closed_total") == 2 * made
                and page.sum_of("keepwatch_connections_open") == 0, "all closes")
            for load, ports in loads.items():
                check_true(scrape, load, ports)
            for role in ROLES:
                assert told(scrape, "connections_opened_total", role, [noisy]) == noise.connections
            assert scrape.sum_of("keepwatch_events_lost_total") == 0
            check_flat(samples)
