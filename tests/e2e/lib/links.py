# SPDX-License-Identifier: BSD-2-Clause
"""The probes in functions of files that a process holds: BPF links of the type uprobe_multi, whose files the kernel says from Linux 6.8
on."""

import ctypes
import os
import struct

from lib import kernel
from lib.kernel import bpf

INFO_BY_FD, LINK_BY_ID = 15, 30  # enum bpf_cmd
UPROBE_MULTI = 12  # enum bpf_link_type
PATH_AT, PATH_SIZE_AT = 16, 48  # in struct bpf_link_info


def path_of(number):
    """The file that a link is in; None if it is gone, or another kind of link."""
    fd = bpf(LINK_BY_ID, struct.pack("II", number, 0))
    if fd < 0:
        return None
    try:
        info, path = ctypes.create_string_buffer(128), ctypes.create_string_buffer(4096)
        struct.pack_into("Q", info, PATH_AT, ctypes.addressof(path))
        struct.pack_into("I", info, PATH_SIZE_AT, len(path))
        size = len(info)
        if bpf(INFO_BY_FD, struct.pack("IIQ", fd, size, ctypes.addressof(info))) < 0:
            return None
        return path.value.decode() if struct.unpack_from("I", info)[0] == UPROBE_MULTI else None
    finally:
        os.close(fd)


def paths_of(pid):
    """The file of each link of a process, as often as it has one."""
    numbers = [number for kind, number in kernel.held_by(pid) if kind == "link"]
    return [path for path in map(path_of, numbers) if path]
