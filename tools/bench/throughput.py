# SPDX-License-Identifier: BSD-2-Clause
"""The loss of an observed server: requests per second, and its processor time per request, in slices with and without
keepwatch, and with the reference programs in its place, which show the cost of the hooks alone and of the minimum per
message. Both ends are on this host, so both are observed. The programs are started and stopped outside of the slices,
the kernel's statistics are off."""

from statistics import median, quantiles

import programs
import server
from rows import Row, row

LOSS = 0.05  # of the throughput, that is allowed
OBSERVERS = {
    "keepwatch": programs.Keepwatch,
    "empty programs": lambda: programs.Reference("empty", statistics=False),
    "programs at the floor": lambda: programs.Reference("floor", statistics=False),
}


def slice_of(nginx, seconds):
    """Requests a second, and microseconds of the server per request."""
    before = nginx.cpu()
    requests, took = server.wrk(nginx, seconds=seconds)
    return requests / took, (nginx.cpu() - before) / requests * 1e6


def observed(nginx, seconds, observer):
    there = observer()
    try:
        return slice_of(nginx, seconds)
    finally:
        there.stop()


def pair(nginx, seconds, observer, observed_first):
    if observed_first:
        there = observed(nginx, seconds, observer)
        return there, slice_of(nginx, seconds)
    alone = slice_of(nginx, seconds)
    return observed(nginx, seconds, observer), alone


def spread(ratios):
    """Lower quartile, median, upper quartile."""
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return {"low": low, "median": median(ratios), "high": high}


def run(nginx, plan):
    """Pairs of slices with each observer, in turns."""
    slice_of(nginx, plan.slice)
    pairs = {name: [] for name in OBSERVERS}
    for index in range(plan.pairs):
        for name, observer in OBSERVERS.items():
            pairs[name].append(pair(nginx, plan.slice, observer, index % 2))
    return {name: {"pairs": [{"requests_per_s": [there[0], alone[0]], "server_us_per_request": [there[1], alone[1]]}
                             for there, alone in of],
                   "throughput": spread([there[0] / alone[0] for there, alone in of]),
                   "server_cpu": spread([there[1] / alone[1] for there, alone in of])} for name, of in pairs.items()}


def quartiles(of):
    return f" (quartiles {of['low']:.3f} to {of['high']:.3f})"


def rows(result):
    part, least = "throughput", 1 - LOSS
    for name, of in result.items():
        throughput, cpu = of["throughput"], of["server_cpu"]
        target = (f"at least {least:.2f}", throughput["median"] >= least) if name == "keepwatch" else ("", None)
        yield Row(part, f"{name}: requests a second, to that without, of {len(of['pairs'])} pairs",
                  f"{throughput['median']:.3f}" + quartiles(throughput), *target)
        yield row(part, f"{name}: server's CPU per request, to that without", cpu["median"], form="{:.3f}",
                  note=quartiles(cpu))
