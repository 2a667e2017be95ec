# SPDX-License-Identifier: BSD-2-Clause
"""Every byte of a process's BPF maps, read as any privileged process can read them: by bpf(2) and mmap(2)."""

import ctypes
import mmap
import os
import struct

from lib import kernel
from lib.kernel import bpf

LOOKUP, UPDATE, NEXT_KEY, PROGRAM_BY_ID, MAP_BY_ID, INFO_BY_FD = 1, 2, 4, 13, 14, 15
HASHES, ARRAY, PROGRAMS, PER_CPU_ARRAY, RING, STORAGE, TASK_STORAGE = (1, 9), 2, 3, 6, 27, 24, 29  # enum bpf_map_type


def address(buffer):
    return ctypes.addressof(buffer)


def possible_cpus():
    with open("/sys/devices/system/cpu/possible", encoding="ascii") as file:
        return int(file.read().strip().split("-")[-1]) + 1


class Object:
    """A map of the kernel, by its id."""

    by_id = None  # the command that opens one

    def __init__(self, number):
        self.number = number
        self.fd = bpf(self.by_id, struct.pack("II", number, 0))
        if self.fd < 0:
            raise OSError(-self.fd, os.strerror(-self.fd))
        self.info = ctypes.create_string_buffer(256)
        assert bpf(INFO_BY_FD, struct.pack("IIQ", self.fd, len(self.info), address(self.info))) == 0

    def close(self):
        os.close(self.fd)


class Map(Object):
    by_id = MAP_BY_ID

    def __init__(self, number):
        super().__init__(number)
        self.type, _, self.key_size, self.value_size, self.entries, _, name = struct.unpack_from("6I16s", self.info)
        self.name = name.rstrip(b"\0").decode()

    def lookup(self, key):
        """The bytes of a value, those of all processors in a row; b"" if there is none."""
        size = (self.value_size + 7) // 8 * 8 * (possible_cpus() if self.type == PER_CPU_ARRAY else 1)
        key, value = ctypes.create_string_buffer(key, self.key_size), ctypes.create_string_buffer(size)
        attributes = struct.pack("IIQQQ", self.fd, 0, address(key), address(value), 0)
        return value.raw if bpf(LOOKUP, attributes) == 0 else b""

    def update(self, key, value):
        """Puts such bytes there, as lookup() gives them."""
        key, value = (ctypes.create_string_buffer(data, len(data)) for data in (key, value))
        assert bpf(UPDATE, struct.pack("IIQQQ", self.fd, 0, address(key), address(value), 0)) == 0

    def keys(self):
        key, after = None, ctypes.create_string_buffer(self.key_size)
        while bpf(NEXT_KEY, struct.pack("IIQQ", self.fd, 0, address(key) if key else 0, address(after))) == 0:
            key = ctypes.create_string_buffer(after.raw, self.key_size)
            yield key.raw

    def ring(self):
        """All that lies in the ring, read or not: behind a page for the reader and one for the writer."""
        with mmap.mmap(self.fd, self.entries, prot=mmap.PROT_READ, offset=2 * mmap.PAGESIZE) as data:
            return data[:]

    def of_this_thread(self):
        """The bytes of task storage that are this process's, of its first thread."""
        task = os.pidfd_open(os.getpid())
        try:
            return self.lookup(struct.pack("i", task))
        finally:
            os.close(task)

    def contents(self, sockets):
        """All bytes of the map; of socket storage, those of these sockets; of task storage, those of this process."""
        if self.type == RING:
            return self.ring()
        if self.type == STORAGE:
            return b"".join(self.lookup(struct.pack("i", socket.fileno())) for socket in sockets)
        if self.type == TASK_STORAGE:
            return self.of_this_thread()
        if self.type == PROGRAMS:
            return b""  # it holds programs and no bytes
        assert self.type in (*HASHES, ARRAY, PER_CPU_ARRAY), self.name
        return b"".join(key + self.lookup(key) for key in self.keys())


class Maps:
    """The maps that a process holds."""

    def __init__(self, pid):
        self.maps = [Map(number) for kind, number in sorted(kernel.held_by(pid)) if kind == "map"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.maps:
            one.close()

    def contents(self, sockets=()):
        """{name: all bytes}"""
        return {one.name: one.contents(sockets) for one in self.maps}
