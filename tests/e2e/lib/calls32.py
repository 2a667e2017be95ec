# SPDX-License-Identifier: BSD-2-Clause
"""Carriers by the calls of a 32-bit program, caller32.c."""

import errno
import subprocess

import pytest

from lib import wire
from lib.host import ROOT

CALLER = ROOT / "build" / "tests" / "e2e" / "lib" / "caller32"
ELF32 = b"\x7fELF\x01"
NAMES = {"read": "r", "readv": "v", "recv": "S", "recvfrom": "T", "recvmsg": "M", "recvfrom-direct": "t", "recvmsg-direct": "m",
         "write": "w", "writev": "v", "send": "S", "sendto": "T", "sendmsg": "M", "sendto-direct": "t", "sendmsg-direct": "m"}


def run(receives, sends, **options):
    """The bytes that the program sent after it received once; only where the kernel runs such programs."""
    assert CALLER.read_bytes().startswith(ELF32), "it would be refused by any kernel"
    try:
        return subprocess.run([CALLER, NAMES[receives], NAMES[sends]], timeout=wire.DEADLINE, check=True, **options).stdout
    except OSError as error:
        if error.errno == errno.ENOEXEC:
            pytest.skip("this kernel runs no 32-bit programs: it was tried")
        raise


def sender(name):
    def send(end, data):
        run("read", name, input=data, stdout=end)
        return len(data)

    send.__name__ = f"send_{name}_32"
    return send


def receiver(name):
    def receive(end, _):
        return run(name, "write", stdin=end, stdout=subprocess.PIPE)

    receive.__name__ = f"receive_{name}_32"
    return receive


SENDS = [sender(name) for name in ("write", "writev", "send", "sendto", "sendmsg", "sendto-direct", "sendmsg-direct")]
RECEIVES = [receiver(name) for name in ("read", "readv", "recv", "recvfrom", "recvmsg", "recvfrom-direct", "recvmsg-direct")]
