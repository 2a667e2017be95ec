# SPDX-License-Identifier: BSD-2-Clause
"""A witness of what the kernel shows to nobody. There are kernels that run no programs in interrupts of certain
processes. Where all of a connection's end falls into one, not even keepwatch can count it; but the kernel itself counts
each softirq in /proc/softirqs, and a program at their entry counts those that programs are shown."""

import ctypes
import os
import struct
from pathlib import Path

from lib import loss, maps
from lib.maps import address, bpf

MAP_CREATE, PROGRAM_LOAD, RAW_TRACEPOINT_OPEN = 0, 5, 17  # enum bpf_cmd
RAW_TRACEPOINT = 17  # enum bpf_prog_type


def instruction(code, destination=0, source=0, offset=0, immediate=0):
    """struct bpf_insn"""
    return struct.pack("BBhi", code, source << 4 | destination, offset, immediate)


def counting(map_fd):
    """A program that adds one to the only value of an array."""
    return b"".join([
        instruction(0x62, 10, 0, -4, 0),  # *(u32 *)(r10 - 4) = 0
        instruction(0x18, 1, 1, 0, map_fd), instruction(0),  # r1 = the map
        instruction(0xbf, 2, 10),  # r2 = r10
        instruction(0x07, 2, 0, 0, -4),  # r2 -= 4
        instruction(0x85, 0, 0, 0, 1),  # r0 = bpf_map_lookup_elem(r1, r2)
        instruction(0x15, 0, 0, 2, 0),  # if r0 == 0 goto the end
        instruction(0xb7, 1, 0, 0, 1),  # r1 = 1
        instruction(0xdb, 0, 1),  # lock *(u64 *)r0 += r1
        instruction(0xb7),  # r0 = 0
        instruction(0x95),
    ])


def opened(command, attributes):
    fd = bpf(command, attributes)
    if fd < 0:
        raise OSError(-fd, os.strerror(-fd))
    return fd


def softirqs():
    """How many there were, by the kernel's own count."""
    _, *rows = Path("/proc/softirqs").read_text().splitlines()
    return sum(int(number) for row in rows for number in row.split()[1:])


class Witness:
    """Looked at as the losses of an observer are."""

    def __init__(self):
        self.map = opened(MAP_CREATE, struct.pack("5I", maps.ARRAY, 4, 8, 1, 0))
        instructions = counting(self.map)
        text, terms, hook = (ctypes.create_string_buffer(one) for one in (instructions, b"GPL", b"softirq_entry"))
        self.program = opened(PROGRAM_LOAD, struct.pack("IIQQ", RAW_TRACEPOINT, len(instructions) // 8, address(text),
                                                        address(terms)))
        self.link = opened(RAW_TRACEPOINT_OPEN, struct.pack("QI", address(hook), self.program))
        self.before = self._hidden()

    def _shown(self):
        key, value = ctypes.create_string_buffer(4), ctypes.create_string_buffer(8)
        assert bpf(maps.LOOKUP, struct.pack("IIQQQ", self.map, 0, address(key), address(value), 0)) == 0
        return struct.unpack("Q", value)[0]

    def _hidden(self):
        """At least so many, and a constant: what comes between the two looks counts as shown."""
        return softirqs() - self._shown()

    def look(self):
        return dict.fromkeys(loss.KINDS, 0) | {"recursion": self._hidden() - self.before}

    def close(self):
        for fd in (self.link, self.program, self.map):
            os.close(fd)
