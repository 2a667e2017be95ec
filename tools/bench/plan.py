# SPDX-License-Identifier: BSD-2-Clause
"""How long each part measures. Short slices and many of them: the host's speed swings from minute to minute."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    attachments: int = 8  # of all programs, fresh for each load, where the kernel's statistics are read
    seconds: int = 1  # that each attachment is measured
    only: tuple = ()  # loads of per-event and other, and cases of felt
    pairs: int = 24  # slices with each observer, and as many without
    felt: int = 16  # the same, for each case of the part felt
    rounds: int = 8  # of slices, each with another tool
    slice: int = 1  # seconds of a slice of these three
    steady: int = 10  # seconds at an even rate
    requests: int = 20000  # a second
    connections: int = 5000  # a second
    steps: tuple = (1000, 10000, 100000, 200000)  # open connections, both ends on this host
    storm: int = 20000  # new connections a second
    storm_seconds: int = 4
    idle: int = 3  # seconds in which nothing happens

    def chosen(self, names):
        """Those of a part's names that were asked for; all of them, if none was."""
        return [name for name in names if name in self.only] or list(names)


SMOKE = Plan(attachments=1, only=("keep-alive",), pairs=1, felt=1, rounds=1, steady=1, requests=2000,
             connections=500, steps=(10, 40), storm=1000, storm_seconds=1, idle=1)
