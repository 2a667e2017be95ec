# SPDX-License-Identifier: BSD-2-Clause
"""The common part of all servers: a process, its children, and a port that it listens on."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from lib import deadlines

DEADLINE = 30.0
ESTABLISHED, LISTEN = "01", "0A"


def count_sockets(port, state):
    """How many sockets have this local port and are in this state. Asked of the kernel: to connect would add a
    connection to those that are watched."""
    wanted = re.compile(rf"^ *\d+: [0-9A-F]+:{port:04X} [0-9A-F]+:[0-9A-F]{{4}} {state} ", re.MULTILINE)
    return sum(len(wanted.findall(Path(f"/proc/net/{table}").read_text())) for table in ("tcp", "tcp6"))


def wait_until(condition, what, deadline=DEADLINE):
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_asleep(pid):
    threads = list(Path(f"/proc/{pid}/task").iterdir())
    return all((thread / "stat").read_text().rpartition(")")[2].split()[0] == "S" for thread in threads)


class Server:
    """A server on 127.0.0.1, for a with statement. Of what can be fetched / is small, and /large is more than any
    buffer holds. With tls.Certificates it speaks TLS."""

    LARGE = 16_000_000

    def __init__(self, folder, port, arguments, certificates=None, **environment):
        self.scheme = "https" if certificates else "http"
        self.folder = folder
        self.port = port
        self.address = ("127.0.0.1", port)
        self.log = folder / "log"
        self.arguments = [str(argument) for argument in arguments]
        self.environment = environment

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                self.arguments,
                cwd=self.folder,
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(lambda: self.is_up() or self.process.poll() is not None, "a server that is up", deadlines.START)
            assert self.process.poll() is None, self.said()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def is_up(self):
        return count_sockets(self.port, LISTEN) > 0

    @property
    def pid(self):
        return self.process.pid

    @property
    def name(self):
        return f"127.0.0.1:{self.port}"

    def said(self):
        return self.log.read_text(errors="replace")

    def url(self, path="/"):
        return f"{self.scheme}://{self.name}{path}"

    def connections(self):
        """How many are established, as the kernel counts."""
        return count_sockets(self.port, ESTABLISHED)

    def children(self):
        """The process ids of its workers."""
        try:
            threads = list(Path(f"/proc/{self.pid}/task").iterdir())
            return [int(pid) for thread in threads for pid in (thread / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            return []

    def wait_until_asleep(self):
        """All that it does is done: each of its threads waits for something."""
        wait_until(lambda: all(map(is_asleep, [self.pid, *self.children()])), "a server that waits")

    def signal(self, number, pids=None):
        for pid in [self.pid] if pids is None else pids:
            os.kill(pid, number)

    def kill(self):
        """Ends it and its workers at once and without a word."""
        workers = []
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)  # so that it makes no new ones meanwhile
            workers = self.children()
            for pid in [*workers, self.pid]:
                os.kill(pid, signal.SIGKILL)
        self.process.wait(DEADLINE)
        wait_until(lambda: not any(map(is_alive, workers)), "the end of its workers")

    stop = kill


def www(folder, size=Server.LARGE):
    """A folder with the pages that every server has."""
    pages = folder / "www"
    pages.mkdir()
    (pages / "index.html").write_text("ok\n")
    (pages / "large").write_bytes(b"x" * size)
    return pages
