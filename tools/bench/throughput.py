# SPDX-License-Identifier: BSD-2-Clause
"""What the observed loses: requests a second, and processor time of the server per request, in slices with and
without keepwatch. Both ends are on this host, so both are observed. The daemon is started and stopped outside of
the slices, the kernel's statistics are off."""

from statistics import median, quantiles

import programs
import server
from rows import Row, row

LOSS = 0.05  # of the throughput, that is allowed


def slice_of(nginx, seconds):
    """Requests a second, and microseconds of the server per request."""
    before = nginx.cpu()
    requests, took = server.wrk(nginx, seconds=seconds)
    return requests / took, (nginx.cpu() - before) / requests * 1e6


def observed(nginx, seconds):
    keepwatch = programs.Keepwatch()
    try:
        return slice_of(nginx, seconds)
    finally:
        keepwatch.stop()


def pair(nginx, seconds, observed_first):
    if observed_first:
        there = observed(nginx, seconds)
        return there, slice_of(nginx, seconds)
    alone = slice_of(nginx, seconds)
    return observed(nginx, seconds), alone


def spread(ratios):
    """Lower quartile, median, upper quartile."""
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return {"low": low, "median": median(ratios), "high": high}


def run(nginx, plan):
    slice_of(nginx, plan.slice)
    pairs = [pair(nginx, plan.slice, index % 2) for index in range(plan.pairs)]
    return {"pairs": [{"requests_per_s": [there[0], alone[0]], "server_us_per_request": [there[1], alone[1]]}
                      for there, alone in pairs],
            "throughput": spread([there[0] / alone[0] for there, alone in pairs]),
            "server_cpu": spread([there[1] / alone[1] for there, alone in pairs])}


def quartiles(of):
    return f" (quartiles {of['low']:.3f} to {of['high']:.3f})"


def rows(result):
    throughput, cpu = result["throughput"], result["server_cpu"]
    part = "throughput"
    note = f", of {len(result['pairs'])} pairs"
    least = 1 - LOSS
    yield Row(part, "requests a second, to that without" + note, f"{throughput['median']:.3f}" + quartiles(throughput),
              f"at least {least:.2f}", throughput["median"] >= least)
    yield row(part, "server's CPU per request, to that without", cpu["median"], form="{:.3f}", note=quartiles(cpu))
