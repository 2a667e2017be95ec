# SPDX-License-Identifier: BSD-2-Clause
"""The daemon's use of processor time, memory, and bytes on the ring buffer, at even rates. The load holds both
ends of its connections, so there are two observed sockets to each."""

import time

import programs
import ring
from rows import row

CONNECTIONS = 100
SHARE_REQUESTS, SHARE_CONNECTIONS = 1, 10  # percent of a core that are allowed
RESIDENT = 16  # MiB


def steady(keepwatch, work, seconds, rate):
    """The daemon's use while @work goes on, including one sweep after it."""
    cpu, position, started = keepwatch.cpu(), ring.position(keepwatch.process.pid), time.monotonic()
    done, took = work(seconds, rate)
    time.sleep(1.1)
    spent, used = keepwatch.cpu() - cpu, ring.position(keepwatch.process.pid) - position
    return {"done": done, "rate": done / took, "cpu_s": spent, "share_percent": spent / took * 100,
            "cpu_ms_per_10000": spent / done * 1e7, "ring_bytes_each": used / done,
            "resident_mib": keepwatch.resident(), "seconds": time.monotonic() - started,
            "lost": keepwatch.total("keepwatch_events_lost_total")}


def idle(keepwatch, seconds):
    cpu = keepwatch.cpu()
    time.sleep(seconds)
    return {"share_percent": (keepwatch.cpu() - cpu) / seconds * 100, "resident_mib": keepwatch.resident()}


def run(plan):
    load = programs.Load(processes=2)
    keepwatch = programs.Keepwatch("--port", str(load.port))
    try:
        result = {"idle": idle(keepwatch, plan.idle)}
        load.open(CONNECTIONS)
        load.exchanges(0)
        result["requests"] = steady(keepwatch, load.exchanges, plan.steady, plan.requests)
        result["connections"] = steady(keepwatch, load.connections, plan.steady, plan.connections)
    finally:
        keepwatch.stop()
        load.stop()
    return result


def rows(result):
    part = "daemon"
    requests, connections = result["requests"], result["connections"]
    yield row(part, "CPU while nothing happens, % of a core", result["idle"]["share_percent"])
    yield row(part, f"CPU at {requests['rate']:,.0f} requests a second over {CONNECTIONS} connections, % of a core",
              requests["share_percent"], SHARE_REQUESTS)
    yield row(part, f"CPU at {connections['rate']:,.0f} new connections a second, % of a core",
              connections["share_percent"], SHARE_CONNECTIONS)
    yield row(part, "CPU per 10,000 requests, ms", requests["cpu_ms_per_10000"])
    yield row(part, "CPU per 10,000 connections, ms", connections["cpu_ms_per_10000"])
    yield row(part, "resident at these requests, MiB", requests["resident_mib"], RESIDENT, form="{:.1f}")
    yield row(part, "resident at these connections, MiB", connections["resident_mib"], RESIDENT, form="{:.1f}")
    yield row(part, "ring buffer, bytes per request", requests["ring_bytes_each"], form="{:.1f}")
    yield row(part, "ring buffer, bytes per connection", connections["ring_bytes_each"], form="{:.0f}")
    yield row(part, "events lost", requests["lost"] + connections["lost"], 0, form="{:.0f}")
