# SPDX-License-Identifier: BSD-2-Clause
"""Figures of the same work in slices with and without an observer. A slice with one is compared with both of its
neighbours without, because the host's speed drifts by a tenth within ten seconds. Each slice starts its observer anew,
because the cost of one and the same program differs from attachment to attachment. The kernel's statistics are off."""

from dataclasses import dataclass
from statistics import median, quantiles

import programs

OBSERVERS = {
    "keepwatch": programs.Keepwatch,
    "empty programs": lambda: programs.Reference("empty", statistics=False),
    "programs at the floor": lambda: programs.Reference("floor", statistics=False),
}


@dataclass(frozen=True)
class Slice:
    """The figures of @work, with the observer, and without it before and after."""

    there: tuple
    before: tuple
    after: tuple

    def alone(self, figure):
        return (self.before[figure] + self.after[figure]) / 2

    def ratio(self, figure):
        return self.there[figure] / self.alone(figure)

    def added(self, figure):
        return self.there[figure] - self.alone(figure)

    def all(self, figure):
        return [self.there[figure], self.before[figure], self.after[figure]]


def observed(work, observer):
    """The figures of @work, a tuple, with an observer that is started before and stopped after."""
    there = observer()
    try:
        return work()
    finally:
        there.stop()


def measure(work, count, observers):
    """{observer: [Slice]}, @count of each; the observers take turns."""
    work()
    found = {name: [] for name in observers}
    before = work()
    for _ in range(count):
        for name, observer in observers.items():
            there, after = observed(work, observer), work()
            found[name].append(Slice(there, before, after))
            before = after
    return found


def spread(values):
    """Lower quartile, median, upper quartile."""
    values = list(values)
    low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"low": low, "median": median(values), "high": high}


def quartiles(of, form="{:.3f}"):
    return f" (quartiles {form.format(of['low'])} to {form.format(of['high'])})"
