# SPDX-License-Identifier: BSD-2-Clause
"""What one send or receive costs: mean run time of keepwatch's programs beside that of the reference programs on
the same hooks in the same run. Who comes first on a hook finds colder caches: so each has its turn, of all orders four."""

import programs
import server
from rows import row

STATISTICS = 60  # ns that the kernel's statistics add to a run: an empty program shows little else
RUNS = {
    "keep-alive": {},
    "heads of 300 bytes": {"path": "/300", "headers": server.fields(300, 45)},
    "heads of 1,000 bytes": {"path": "/1000", "headers": server.fields(1000, 45)},
    "heads of 4,000 bytes": {"path": "/4000", "headers": server.fields(4000, 45)},
    "bodies of 1 MB": {"path": "/megabyte", "connections": 10},
    "chunked": {"path": "/chunked"},
    "one connection per request": {"headers": [("Connection", "close")], "connections": 20},
}
TO_FLOOR = 1.5  # that a request over keep-alive may cost, of what lies above empty
TO_EMPTY = 1.2  # that a send of a body may cost
COLUMNS = ("kw", "empty", "storage", "floor")
KINDS = (*COLUMNS, "glance")
OURS = {"kw_send": ("kw", "send"), "kw_receive": ("kw", "receive")}


def slice_of(work, reference_first, reverse, seconds):
    """{(kind, direction): (nanoseconds, runs)} of one slice of @work(seconds), which has begun a second before."""
    reference = programs.Reference(reverse) if reference_first else None
    keepwatch = programs.Keepwatch()
    reference = reference or programs.Reference(reverse)
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
            if kind[0] in KINDS and kind[1] in ("send", "receive") and len(kind) == 2:
                counted[kind] = figures
    return counted


def measure(work, slices, seconds):
    """Means of all slices, and how they stand to each other."""
    sums = {}
    for index in range(slices):
        for kind, (spent, runs) in slice_of(work, index % 2 == 0, index // 2 % 2, seconds).items():
            was = sums.get(kind, (0, 0))
            sums[kind] = (was[0] + spent, was[1] + runs)
    means = {kind: spent / runs if runs else 0 for kind, (spent, runs) in sums.items()}
    result = {f"{kind}_{direction}": round(mean, 1) for (kind, direction), mean in sorted(means.items())}
    both = {kind: means[kind, "send"] + means[kind, "receive"] for kind in KINDS}
    result["sends"] = sums["kw", "send"][1]
    result["receives"] = sums["kw", "receive"][1]
    empty = both["empty"]
    result["to_floor"] = round((both["kw"] - empty) / (both["floor"] - empty), 2)
    result["to_empty"] = round(both["kw"] / empty, 2)
    result["to_storage"] = round(both["kw"] / both["storage"], 2)
    return result


def run(nginx, plan):
    def work(load):
        return lambda seconds: server.wrk(nginx, seconds=seconds, **load)

    return {name: measure(work(load), plan.slices, plan.seconds) for name, load in RUNS.items()
            if not plan.only or name in plan.only}


def cells(result):
    """Send / receive of each kind, in ns."""
    return [f"{result[f'{kind}_send']:.0f} / {result[f'{kind}_receive']:.0f}" for kind in COLUMNS]


def table(results):
    yield ("per event: mean run time in ns, send / receive; ratio to floor: what is above empty of both, all else as "
           "it is")
    yield f"{'':28}{'keepwatch':>13}{'empty':>13}{'storage':>13}{'floor':>13}{'to floor':>10}{'to storage':>12}"
    for name, result in results.items():
        yield (f"{name:28}" + "".join(f"{cell:>13}" for cell in cells(result)) +
               f"{result['to_floor']:>10}{result['to_storage']:>12}")


def markdown(results):
    yield "| | keepwatch | empty | storage | floor | ratio to floor |"
    yield "|---|---|---|---|---|---|"
    for name, result in results.items():
        yield f"| {name} | {' | '.join(cells(result))} | {result['to_floor']} |"


def rows(results):
    part = "per event"
    if keep_alive := results.get("keep-alive"):
        yield row(part, "keep-alive: send and receive to floor, less empty", keep_alive["to_floor"], TO_FLOOR)
    if bodies := results.get("bodies of 1 MB"):
        yield row(part, "bodies of 1 MB: a send to empty", bodies["kw_send"] / bodies["empty_send"], TO_EMPTY)
        yield row(part, "bodies of 1 MB: a glance at a table of sockets, to empty",
                  bodies["glance_send"] / bodies["empty_send"])
