# SPDX-License-Identifier: BSD-2-Clause
"""A debugger that makes a running process do system calls of the test's choice, as code would that got into it."""

import errno
import signal

from ptrace.debugger import PtraceDebugger

SYSCALL = b"\x0f\x05"
RED_ZONE = 128  # bytes below the stack pointer that may be in use
ROOM = 4096
WORD = (1 << 64) - 1


class Injected:
    """A process whose main thread stands still for the length of a with statement, and is then as it was before."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        self.debugger = PtraceDebugger()
        try:
            self.process = self.debugger.addProcess(self.pid, is_attached=False)
            self.before = self.process.getregs()
            self.place = self.before.rip - len(SYSCALL)  # it was waiting in a system call
            assert self.process.readBytes(self.place, len(SYSCALL)) == SYSCALL
            self.room = self.before.rsp - RED_ZONE - ROOM
        except BaseException:
            self.debugger.quit()
            raise
        return self

    def __exit__(self, *_):
        self.process.setregs(self.before)
        self.process.detach()
        self.debugger.quit()

    def put(self, *parts):
        """The addresses of these bytes in the process's memory, until the next put()."""
        places, at = [], self.room
        with open(f"/proc/{self.pid}/mem", "r+b", buffering=0) as memory:
            for part in parts:
                memory.seek(at)
                memory.write(part)
                places.append(at)
                at += (len(part) + 15) & ~15
        assert at <= self.room + ROOM
        return places

    def call(self, number, *arguments):
        """The result of a system call: from 0 on, or the negative errno."""
        registers = self.process.getregs()
        registers.rip, registers.rax, registers.orig_rax = self.place, number, WORD
        names = "rdi", "rsi", "rdx", "r10", "r8", "r9"
        for name, value in zip(names, [*arguments, *[0] * (len(names) - len(arguments))]):
            setattr(registers, name, value & WORD)
        self.process.setregs(registers)
        self.process.singleStep()
        self.process.waitSignals(signal.SIGTRAP)
        result = self.process.getregs().rax
        return result - (1 << 64) if result >> 63 else result


def name_of(result):
    """"EPERM" for -EPERM; a result that is no error as it is."""
    return errno.errorcode.get(-result, result) if result < 0 else result
