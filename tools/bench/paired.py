# SPDX-License-Identifier: BSD-2-Clause
"""Figures of the same work in slices with and without an observer: in pairs, so that the host's speed, which swings
from minute to minute, is nearly the same in both. Each pair starts its observer anew, because the cost of one and the
same program differs from attachment to attachment. The kernel's statistics are off."""

from statistics import median, quantiles

import programs

OBSERVERS = {
    "keepwatch": programs.Keepwatch,
    "empty programs": lambda: programs.Reference("empty", statistics=False),
    "programs at the floor": lambda: programs.Reference("floor", statistics=False),
}


def observed(work, observer):
    """The figures of @work, with an observer that is started before and stopped after."""
    there = observer()
    try:
        return work()
    finally:
        there.stop()


def pair(work, observer, observed_first):
    if observed_first:
        there = observed(work, observer)
        return there, work()
    alone = work()
    return observed(work, observer), alone


def measure(work, pairs, observers):
    """{observer: [(figures with it, figures without it)]}; observers take turns, and so does the order in a pair."""
    work()
    found = {name: [] for name in observers}
    for index in range(pairs):
        for name, observer in observers.items():
            found[name].append(pair(work, observer, index % 2))
    return found


def spread(values):
    """Lower quartile, median, upper quartile."""
    values = list(values)
    low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"low": low, "median": median(values), "high": high}


def quartiles(of, form="{:.3f}"):
    return f" (quartiles {form.format(of['low'])} to {form.format(of['high'])})"
