# SPDX-License-Identifier: BSD-2-Clause
"""Many open connections. The load holds both ends of each, so to every connection there are two observed sockets.

At each step: what an event costs while requests go round robin over all connections (so that none finds its
socket in a cache), beside the reference programs, for whom caches are as cold; memory; how long keepwatch takes to
start. The first step is measured again at the end: the host may have become slower meanwhile."""

import resource
import time
from pathlib import Path

import per_event
import programs
from rows import row

RATIO = 1.3  # of the cost of an event to that with few connections
RESIDENT = 48  # MiB
SPARE = 500  # descriptors of a process that are not connections


def processes_for(connections):
    """Each holds both ends of its share, and no more descriptors than a process may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(2, -(-2 * connections // (most - SPARE)))


def general_memory():
    """Bytes that the kernel has taken for allocations of no cache of their own, as the storage of sockets is."""
    caches = (line.split() for line in Path("/proc/slabinfo").read_text().splitlines() if line.startswith("kmalloc-"))
    return sum(int(cache[5]) * int(cache[14]) for cache in caches) * resource.getpagesize()


def all_told(keepwatch, connections):
    """Waits until a request of each connection is told by both its ends. The sweep that does it may be so long that
    the next one has to wait for its turn: until then the daemon would seem to do nothing."""
    cpu, end = keepwatch.cpu(), time.monotonic() + 120
    while keepwatch.total("keepwatch_requests_total") < 2 * connections:
        if time.monotonic() > end:
            raise RuntimeError("keepwatch reported no requests")
        time.sleep(0.2)
    time.sleep(4 * (keepwatch.cpu() - cpu))


def memory(load, connections, plan):
    """Of keepwatch with so many connections open, each used and reported once; and how long it takes to start."""
    before = general_memory()
    keepwatch = programs.Keepwatch("--port", str(load.port))
    try:
        load.exchanges(0)
        all_told(keepwatch, connections)
        kernel = general_memory() - before
        cpu, began = keepwatch.cpu(), time.monotonic()
        time.sleep(plan.idle)
        idle = (keepwatch.cpu() - cpu) / (time.monotonic() - began)
        known = keepwatch.total("keepwatch_connections_preexisting_total")
        return {"start_s": keepwatch.started_after, "kernel_bytes_per_socket": kernel / (2 * connections),
                "resident_mib": keepwatch.resident(), "idle_share_percent": idle * 100,
                "not_found": 2 * connections - known}
    finally:
        keepwatch.stop()


def step(load, connections, plan):
    def work(seconds):
        load.exchanges(0)
        load.exchanges(seconds)

    load.open(connections)
    result = memory(load, connections, plan)
    result["connections"] = connections
    result["events"] = per_event.measure(work, max(plan.attachments // 2, 1), plan.seconds)
    return result


TOTALS = {"opened": "keepwatch_connections_opened_total", "closed": "keepwatch_connections_closed_total",
          "requests": "keepwatch_requests_total", "lost": "keepwatch_events_lost_total"}


def storm(load, connections, plan):
    """New connections, as many a second as are asked for or can be had: all of them must be counted."""
    load.open(connections)
    keepwatch = programs.Keepwatch("--port", str(load.port))
    try:
        load.exchanges(0)
        all_told(keepwatch, connections)
        before = {name: keepwatch.total(metric) for name, metric in TOTALS.items()}
        cpu = keepwatch.cpu()
        done, took = load.connections(plan.storm_seconds, plan.storm)
        share = (keepwatch.cpu() - cpu) / took
        time.sleep(2.1)
        counted = {name: keepwatch.total(metric) - before[name] for name, metric in TOTALS.items()}
        return {"open": connections, "done": done, "rate": done / took, "share_percent": share * 100,
                "resident_mib": keepwatch.resident(), **counted}
    finally:
        keepwatch.stop()


def run(plan):
    load = programs.Load(processes=processes_for(plan.steps[-1]))
    try:
        steps = [step(load, connections, plan) for connections in plan.steps]
        storms = [storm(load, plan.steps[-1], plan)]
        again = step(load, plan.steps[0], plan)
        storms.insert(0, storm(load, plan.steps[0], plan))
    finally:
        load.stop()
    return {"steps": steps, "again": again, "storms": storms}


def cost(steps, kind):
    """Of a send and a receive together."""
    costs = [of["events"][f"{kind}_send"]["median"] + of["events"][f"{kind}_receive"]["median"] for of in steps]
    return sum(costs) / len(costs)


def rows_of_step(of, few, last):
    part, name = "scale", f"{of['connections']:,} open connections"
    if of not in few:
        for kind, who, most in (("kw", "keepwatch", RATIO if last else None), ("floor", "floor", None)):
            yield row(part, f"{name}: cost of an event to that at {few[0]['connections']:,}, {who}",
                      cost([of], kind) / cost(few, kind), most)
    yield row(part, f"{name}: cost of an event to floor, less empty", of["events"]["net"]["median"])
    if last:
        yield row(part, f"{name}: kernel memory per socket, bytes", of["kernel_bytes_per_socket"], form="{:,.0f}")
    yield row(part, f"{name}: sockets not found at the start", of["not_found"], 0, form="{:.0f}")
    yield row(part, f"{name}: resident, MiB", of["resident_mib"], RESIDENT if last else None, form="{:.1f}")
    yield row(part, f"{name}: start until observing, s", of["start_s"])
    yield row(part, f"{name}: CPU while nothing happens, % of a core", of["idle_share_percent"])


def missing(of):
    """Connections and requests of both ends that are not in the totals, or more than there were."""
    return sum(abs(of[name] - 2 * of["done"]) for name in ("opened", "closed", "requests"))


def rows_of_storm(of):
    name = f"{of['rate']:,.0f} new connections a second beside {of['open']:,}"
    yield row("scale", f"{name}: wrongly counted", missing(of), 0, form="{:.0f}")
    yield row("scale", f"{name}: events lost", of["lost"], 0, form="{:.0f}")
    yield row("scale", f"{name}: CPU, % of a core", of["share_percent"])


def rows(result):
    few = [result["steps"][0], result["again"]]
    for of in result["steps"]:
        yield from rows_of_step(of, few, of is result["steps"][-1])
    for of in result["storms"]:
        yield from rows_of_storm(of)
