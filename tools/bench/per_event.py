# SPDX-License-Identifier: BSD-2-Clause
"""The cost of one send or receive: mean run time of keepwatch's programs beside that of the reference programs on the
same hooks in the same run. The mean differs by a factor of up to three from one attachment of the same object to the
next, so each load is measured on several fresh attachments of all programs, and the result is the median and the
quartiles over them. The first program on a hook finds colder caches, so four different orders take turns."""

import paired
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
TO_FLOOR = {"keep-alive": 1.6, "heads of 1,000 bytes": 2.5}  # that a request may cost, of what lies above empty
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


def attachment(work, index, seconds, other):
    """The figures of one attachment: means in ns, how many events there were, and how the means stand to each other.
    Besides keepwatch only `empty` and one @other are attached: on one hook programs warm the caches for each other."""
    kinds = ("kw", "empty", other)
    counted = slice_of(work, kinds[1:], index % 2 == 0, index // 2 % 2, seconds)
    mean = {key: spent / runs if runs else 0 for key, (spent, runs) in counted.items()}
    both = {kind: mean[kind, "send"] + mean[kind, "receive"] for kind in kinds}
    figures = {f"{kind}_{direction}": mean[kind, direction] for kind in kinds for direction in ("send", "receive")}
    return figures | {
        "sends": counted["kw", "send"][1], "receives": counted["kw", "receive"][1],
        "send_to_empty": mean["kw", "send"] / mean["empty", "send"],
        f"{other}_send_to_empty": mean[other, "send"] / mean["empty", "send"],
        "to_empty": both["kw"] / both["empty"], f"to_{other}": both["kw"] / both[other],
        "net": (both["kw"] - both["empty"]) / (both[other] - both["empty"])}


def measure(work, attachments, seconds, other="floor"):
    """Median and quartiles of each figure over fresh attachments, and the figures of every attachment."""
    each = [attachment(work, index, seconds, other) for index in range(attachments)]
    return {"attachments": each} | {name: paired.spread(one[name] for one in each) for name in each[0]}


def run(nginx, plan):
    def work(name):
        return lambda seconds: server.wrk(nginx, seconds=seconds, **RUNS[name])

    results = {name: measure(work(name), plan.attachments, plan.seconds) for name in plan.chosen(RUNS)}
    if BODIES in results:
        results[BODIES]["glance"] = measure(work(BODIES), plan.attachments, plan.seconds, "glance")
    return results


def cells(result, other):
    """Send / receive of each kind, in ns."""
    return [f"{result[f'{kind}_send']['median']:.0f} / {result[f'{kind}_receive']['median']:.0f}"
            for kind in ("kw", "empty", other)]


def net(result):
    of = result["net"]
    return f"{of['median']:.2f} ({of['low']:.2f} to {of['high']:.2f})"


def table(results, other="floor"):
    yield (f"run time in ns, send / receive; ratio to {other}: as it is, and of what is above empty; medians over "
           "attachments (and quartiles)")
    yield f"{'':28}{'keepwatch':>13}{'empty':>13}{other:>13}{'ratio':>8}{'above':>24}"
    for name, result in results.items():
        yield (f"{name:28}" + "".join(f"{cell:>13}" for cell in cells(result, other)) +
               f"{result[f'to_{other}']['median']:>8.2f}{net(result):>24}")


def markdown(results):
    yield "| | keepwatch | empty | floor | ratio to floor, above empty (quartiles) |"
    yield "|---|---|---|---|---|"
    for name, result in results.items():
        yield f"| {name} | {' | '.join(cells(result, 'floor'))} | {net(result)} |"


def row_of(what, of, most=None):
    return row("per event", what, of["median"], most, note=paired.quartiles(of, "{:.2f}"))


def rows(results):
    for name, most in TO_FLOOR.items():
        if name in results:
            yield row_of(f"{name}: send and receive to floor, less empty", results[name]["net"], most)
    if bodies := results.get(BODIES):
        yield row_of(f"{BODIES}: a send to empty", bodies["send_to_empty"], TO_EMPTY)
        yield row_of(f"{BODIES}: a glance at a table of sockets, to empty", bodies["glance"]["glance_send_to_empty"])
