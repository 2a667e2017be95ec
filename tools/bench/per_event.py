# SPDX-License-Identifier: BSD-2-Clause
"""The cost of one send or receive: mean run time of keepwatch's programs beside that of the reference programs on the same
hooks in the same run. The first program on a hook finds colder caches, so four different orders take turns."""

import programs
import server
from rows import row

BODIES = "bodies of 1 MB"
RUNS = {
    "keep-alive": {},
    "heads of 300 bytes": {"path": "/300", "headers": server.fields(300, 45)},
    "heads of 1,000 bytes": {"path": "/1000", "headers": server.fields(1000, 45)},
    "heads of 4,000 bytes": {"path": "/4000", "headers": server.fields(4000, 45)},
    BODIES: {"path": "/megabyte", "connections": 10},
    "chunked": {"path": "/chunked"},
    "one connection per request": {"headers": [("Connection", "close")], "connections": 20},
}
TO_FLOOR = 1.5  # that a request over keep-alive may cost, of what lies above empty
TO_EMPTY = 1.2  # that a send of a body may cost
OURS = {"kw_send": ("kw", "send"), "kw_receive": ("kw", "receive")}


def slice_of(work, kinds, reference_first, reverse, seconds):
    """{(kind, direction): (nanoseconds, runs)} of one slice of @work(seconds), which has begun a second before."""
    reference = programs.Reference(*kinds, reverse=reverse) if reference_first else None
    keepwatch = programs.Keepwatch()
    reference = reference or programs.Reference(*kinds, reverse=reverse)
    try:
        work(1)
        pids = (0, keepwatch.process.pid)
        before = [reference.counted(pid) for pid in pids]
        work(seconds)
        after = [reference.counted(pid) for pid in pids]
    finally:
        keepwatch.stop()
        reference.stop()
    counted = {}
    for was, now in zip(before, after):
        for name, figures in programs.difference(was, now).items():
            kind = OURS.get(name) or tuple(name.split("_"))
            if kind[0] in ("kw", *kinds) and kind[1] in ("send", "receive") and len(kind) == 2:
                counted[kind] = figures
    return counted


def measure(work, slices, seconds, other="floor"):
    """Means of all slices beside those of `empty` and of one @other, and how they stand to each other. No more are
    attached at once: on one hook programs warm the caches for each other."""
    kinds = ("empty", other)
    sums = {}
    for index in range(slices):
        for kind, (spent, runs) in slice_of(work, kinds, index % 2 == 0, index // 2 % 2, seconds).items():
            was = sums.get(kind, (0, 0))
            sums[kind] = (was[0] + spent, was[1] + runs)
    means = {kind: spent / runs if runs else 0 for kind, (spent, runs) in sums.items()}
    result = {f"{kind}_{direction}": round(mean, 1) for (kind, direction), mean in sorted(means.items())}
    both = {kind: means[kind, "send"] + means[kind, "receive"] for kind in ("kw", *kinds)}
    result["sends"] = sums["kw", "send"][1]
    result["receives"] = sums["kw", "receive"][1]
    result["to_empty"] = round(both["kw"] / both["empty"], 2)
    result[f"to_{other}"] = round(both["kw"] / both[other], 2)
    result["net"] = round((both["kw"] - both["empty"]) / (both[other] - both["empty"]), 2)
    return result


def run(nginx, plan):
    def work(name):
        return lambda seconds: server.wrk(nginx, seconds=seconds, **RUNS[name])

    results = {name: measure(work(name), plan.slices, plan.seconds) for name in RUNS
               if not plan.only or name in plan.only}
    if BODIES in results:
        results[BODIES]["glance"] = measure(work(BODIES), plan.slices, plan.seconds, "glance")
    return results


def cells(result, other):
    """Send / receive of each kind, in ns."""
    return [f"{result[f'{kind}_send']:.0f} / {result[f'{kind}_receive']:.0f}" for kind in ("kw", "empty", other)]


def table(results, other="floor"):
    yield (f"mean run time in ns, send / receive; ratio to {other}: as it is, and of what is above empty")
    yield f"{'':28}{'keepwatch':>13}{'empty':>13}{other:>13}{'ratio':>8}{'above':>8}"
    for name, result in results.items():
        yield (f"{name:28}" + "".join(f"{cell:>13}" for cell in cells(result, other)) +
               f"{result[f'to_{other}']:>8}{result['net']:>8}")


def markdown(results):
    yield "| | keepwatch | empty | floor | ratio to floor, above empty |"
    yield "|---|---|---|---|---|"
    for name, result in results.items():
        yield f"| {name} | {' | '.join(cells(result, 'floor'))} | {result['net']} |"


def rows(results):
    part = "per event"
    if keep_alive := results.get("keep-alive"):
        yield row(part, "keep-alive: send and receive to floor, less empty", keep_alive["net"], TO_FLOOR)
    if bodies := results.get(BODIES):
        glance = bodies["glance"]
        yield row(part, f"{BODIES}: a send to empty", bodies["kw_send"] / bodies["empty_send"], TO_EMPTY)
        yield row(part, f"{BODIES}: a glance at a table of sockets, to empty",
                  glance["glance_send"] / glance["empty_send"])
