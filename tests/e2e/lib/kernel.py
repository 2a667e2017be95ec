# SPDX-License-Identifier: BSD-2-Clause
"""Objects that a process holds in the kernel, and whether they are gone after it."""

import ctypes
import re
import struct
import time
from pathlib import Path

DEADLINE = 30.0
SYS_BPF = 321  # x86_64
NEXT_ID = {"prog": 11, "map": 12, "link": 31}  # enum bpf_cmd

libc = ctypes.CDLL(None, use_errno=True)
IDENTITY = re.compile(r"^(prog|link|map)_id:\s*(\d+)$", re.M)
ARRAY_OF_PROGRAMS = re.compile(r"^map_type:\s*3$", re.M)  # enum bpf_map_type

must_stay_shut = set()  # ids of arrays of programs, as far as held_by() met them: see existing()


def held_by(pid):
    """The BPF objects that a process holds by a descriptor, as {(kind, id)}."""
    held = set()
    for fdinfo in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            text = fdinfo.read_text()
        except FileNotFoundError:
            continue
        objects = {(kind, int(number)) for kind, number in IDENTITY.findall(text)}
        held |= objects
        if ARRAY_OF_PROGRAMS.search(text):
            must_stay_shut.update(number for _, number in objects)
    return held


def bpf(command, attributes):
    """bpf(2). @attributes: bytes, or a buffer for those that the kernel fills in."""
    if isinstance(attributes, bytes):
        attributes = ctypes.create_string_buffer(attributes, max(len(attributes), 128))
    result = libc.syscall(SYS_BPF, command, attributes, len(attributes))
    return result if result >= 0 else -ctypes.get_errno()


def ids(command):
    buffer = ctypes.create_string_buffer(128)
    number = 0
    while True:
        struct.pack_into("II", buffer, 0, number, 0)
        if bpf(command, buffer) < 0:
            return
        _, number = struct.unpack_from("II", buffer)
        yield number


def existing():
    """All BPF objects of the kernel, as {(kind, id)}. None of them is opened: where an array of programs is opened and closed
    while the kernel is about to free it, Linux loses count and keeps it for ever."""
    return {(kind, number) for kind, command in NEXT_ID.items() for number in ids(command)}


def left_of(objects):
    """Which of these objects stay in the kernel. It frees them in its own time, so wait for that."""
    end = time.monotonic() + DEADLINE
    left = objects & existing()
    while left and time.monotonic() < end:
        time.sleep(0.1)
        left = objects & existing()
    return left
