# SPDX-License-Identifier: BSD-2-Clause
"""Runs a program for which the kernel refuses bpf(), or one command of it, as other hosts' kernels do:

    refusing.py ERRNO any|COMMAND PROGRAM [ARGUMENT...]"""

import ctypes
import errno
import os
import platform
import struct
import sys

BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]  # the number of the system call
BTF_GET_NEXT_ID = "23"  # include/uapi/linux/bpf.h, enum bpf_cmd
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # of classic BPF
NUMBER, FIRST_ARGUMENT = 0, 16  # places in struct seccomp_data
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
PR_SET_SECCOMP, MODE_FILTER = 22, 2


def instructions(error, command):
    looks = [] if command == "any" else [(LOAD, 0, 0, FIRST_ARGUMENT), (EQUAL, 0, 1, int(command))]
    return [(LOAD, 0, 0, NUMBER), (EQUAL, 0, len(looks) + 1, BPF), *looks, (RETURN, 0, 0, REFUSE | error), (RETURN, 0, 0, ALLOW)]


def refuse(error, command):
    packed = b"".join(struct.pack("=HBBI", *one) for one in instructions(error, command))
    room = ctypes.create_string_buffer(packed)
    program = struct.pack("@HP", len(packed) // 8, ctypes.addressof(room))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, program, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    refuse(getattr(errno, sys.argv[1]), sys.argv[2])
    os.execvp(sys.argv[3], sys.argv[3:])
