# SPDX-License-Identifier: BSD-2-Clause
"""The loss of an observed server: requests per second, and its processor time per request, in slices with and without
keepwatch, and with the reference programs in its place, which show the cost of the hooks alone and of the minimum per
message. Both ends are on this host, so both are observed."""

import paired
import server
from rows import Row, row

LEAST = 0.93  # of the throughput without


def slice_of(nginx, seconds):
    """Requests a second, and microseconds of the server per request."""
    before = nginx.cpu()
    requests, took = server.wrk(nginx, seconds=seconds)
    return requests / took, (nginx.cpu() - before) / requests * 1e6


def run(nginx, plan):
    found = paired.measure(lambda: slice_of(nginx, plan.slice), plan.pairs, paired.OBSERVERS)
    return {name: {"slices": [{"requests_per_s": one.all(0), "server_us_per_request": one.all(1)} for one in slices],
                   "throughput": paired.spread(one.ratio(0) for one in slices),
                   "server_cpu": paired.spread(one.ratio(1) for one in slices)}
            for name, slices in found.items()}


def rows(result):
    part = "throughput"
    floor = result["programs at the floor"]["throughput"]["median"]
    for name, of in result.items():
        throughput, cpu = of["throughput"], of["server_cpu"]
        target = ("", None)
        if name == "keepwatch":
            target = (f"at least {LEAST:.2f} (floor: {floor:.3f})", throughput["median"] >= LEAST)
        yield Row(part, f"{name}: requests a second, to that without, of {len(of['slices'])} slices",
                  f"{throughput['median']:.3f}" + paired.quartiles(throughput), *target)
        yield row(part, f"{name}: server's CPU per request, to that without", cpu["median"], form="{:.3f}",
                  note=paired.quartiles(cpu))
