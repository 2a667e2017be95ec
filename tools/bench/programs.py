# SPDX-License-Identifier: BSD-2-Clause
"""keepwatch and the reference programs as processes, and what the kernel counts of their programs."""

import json
import socket
import subprocess
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / "build"


class Reference:
    """Attaches the reference programs; the kernel's statistics are on as long as it runs."""

    def __init__(self):
        self.process = subprocess.Popen([BUILD / "reference"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.counted(0)

    def counted(self, pid=0):
        """{program: (nanoseconds, runs)} of a process, 0 being the reference programs themselves."""
        print(pid, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the reference programs do not run")
        return json.loads(line)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


class Keepwatch:
    """The daemon, on its defaults."""

    def __init__(self, *arguments):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.metrics = free.getsockname()[1]
        self.process = subprocess.Popen([BUILD / "keepwatch", "--listen", f"127.0.0.1:{self.metrics}", *arguments],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if "observing" not in self.process.stderr.readline():
            raise RuntimeError("keepwatch does not run")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def difference(before, after):
    return {name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in after}
