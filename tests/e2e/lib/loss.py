# SPDX-License-Identifier: BSD-2-Clause
"""Losses of observers, by kind: read from the kernel as the observers themselves read them (see kw_loader_totals()), so that
it is known at any time, and remembered beyond their end."""

import contextlib
import functools
import json
import struct
import subprocess
from collections import Counter

from lib import kernel, maps

COUNTED = ("closed", "exchange", "late", "state", "recursion")  # in the kernel: enum kw_lost, as metrics name it
KINDS = (*COUNTED, "unseen")  # the last is known by a comparison that the observer alone makes
TWINS = (b"kw_set_state", b"kw_destroy")  # what such a program misses, its twin on the same hook does

observed = []  # the losses of every observer of this session


class Program(maps.Object):
    by_id = maps.PROGRAM_BY_ID

    def __init__(self, number):
        super().__init__(number)
        self.name = self.info[64:80]  # of struct bpf_prog_info
        (self.misses,) = struct.unpack_from("Q", self.info, 208)  # its recursion_misses


@functools.cache
def name_of(number):
    """Of a program, as far as the kernel keeps it."""
    with contextlib.closing(Program(number)) as one:
        return one.name.rstrip(b"\0").decode()


@functools.cache
def place(number):
    """Where the losses begin in the values of this map, a struct kw_totals, in words."""
    listing = subprocess.run(["bpftool", "--json", "btf", "dump", "map", "id", str(number), "value"], check=True,
                             capture_output=True).stdout
    (totals,) = json.loads(listing)["types"]
    (begin,) = [one["bits_offset"] for one in totals["members"] if one["name"] == "lost"]
    return begin // 64


@functools.cache
def is_totals(number):
    """Opens each map once, and no array of programs: see kernel.existing()."""
    if number in kernel.must_stay_shut:
        return False
    with contextlib.closing(maps.Map(number)) as one:
        return one.name == "totals"


def of_map(number):
    """The counts there, of all processors; nothing if the map is for something else."""
    if not is_totals(number):
        return {}
    with contextlib.closing(maps.Map(number)) as one:
        value, begin = one.lookup(bytes(one.key_size)), place(number)
    words = struct.unpack(f"{len(value) // 8}Q", value)
    return {kind: sum(words[at :: one.value_size // 8]) for at, kind in enumerate(COUNTED, begin)}


def of_program(number):
    """How often it was wanted while it was running, and no other one was there to see."""
    with contextlib.closing(Program(number)) as one:
        return {} if one.name.startswith(TWINS) else {"recursion": one.misses}


OF = {"map": of_map, "prog": of_program}


class Losses:
    """Those of one observer."""

    def __init__(self, held):
        self.held = held  # its objects in the kernel, {(kind, id)}; there may come more
        self.known = dict.fromkeys(KINDS, 0)
        self.gone = False
        observed.append(self)

    def look(self):
        """So far; of an observer that is gone, what was known last."""
        try:
            if not self.gone:
                self.known = self._counted()
        except FileNotFoundError:
            self.gone = True
        return self.known

    def _counted(self):
        counted = Counter()
        for kind, number in self.held:
            counted.update(OF[kind](number) if kind in OF else {})
        return {kind: counted[kind] for kind in COUNTED} | {"unseen": self.known["unseen"]}

    def note_unseen(self, number):
        """Connections that the kernel showed to no program, as the observer itself has counted them."""
        self.known["unseen"] = number


def unseen():
    """How many events the kernel has not shown to the observers of this session, as they have counted them."""
    return sum(one.look()[kind] for one in observed for kind in ("recursion", "unseen"))
