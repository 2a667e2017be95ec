# SPDX-License-Identifier: BSD-2-Clause
"""keepwatch, the reference programs and the load as processes, and what the kernel counts of their programs."""

import json
import re
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / "build"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def end(process):
    """Waits for the end of a process that was asked to; none is left behind."""
    try:
        process.wait(120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


class Lines:
    """A program that answers each line with one."""

    def __init__(self, name, *arguments):
        self.name = name
        self.process = subprocess.Popen([BUILD / name, *map(str, arguments)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} did not start")
        return json.loads(line)

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return self.answer()

    def stop(self):
        self.process.stdin.close()
        end(self.process)


class Reference(Lines):
    """Attaches reference programs of some kinds; the kernel's statistics are on as long as it runs, if asked for."""

    def __init__(self, *kinds, reverse=False, statistics=True):
        super().__init__("reference", *["-r"] * reverse, *["-s"] * statistics, *kinds)
        self.counted(0)

    def counted(self, pid=0):
        """{program: (nanoseconds, runs)} of a process, 0 being the reference programs themselves."""
        return self.ask(pid)


class Load(Lines):
    """A load that holds both ends of its connections: see load.c."""

    def __init__(self, processes=2, protocol="http"):
        super().__init__("load", processes, protocol)
        self.port = self.answer()["port"]

    def open(self, count):
        return self.ask("open", count)["done"]

    def exchanges(self, seconds, rate=0):
        """Returns how many there were, and in how many seconds; with 0 seconds, one on each connection."""
        answer = self.ask("exchanges", seconds, rate)
        return answer["done"], answer["seconds"]

    def connections(self, seconds, rate=0):
        answer = self.ask("connections", seconds, rate)
        return answer["done"], answer["seconds"]

    def served(self, verb, seconds):
        """One of the verbs that count the server's processor time; returns how many there were, and its seconds."""
        answer = self.ask(verb, seconds, 0)
        return answer["done"], answer["server"]

    def bytes(self, seconds):
        answer = self.ask("bytes", seconds, 0)
        return answer["done"], answer["seconds"]


class Keepwatch:
    """The daemon, on its defaults."""

    def __init__(self, *arguments):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.metrics = free.getsockname()[1]
        started = time.monotonic()
        self.process = subprocess.Popen([BUILD / "keepwatch", "--listen", f"127.0.0.1:{self.metrics}", *arguments],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if "observing" not in self.process.stderr.readline():
            raise RuntimeError("keepwatch did not start")
        self.started_after = time.monotonic() - started

    def stop(self):
        self.process.terminate()
        end(self.process)

    def cpu(self):
        return cpu_of(self.process.pid)

    def resident(self):
        """MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024

    def scrape(self):
        """{metric: [(labels as they stand there, value)]}"""
        found = {}
        with DIRECT.open(f"http://127.0.0.1:{self.metrics}/metrics", timeout=60) as answer:
            for name, labels, value in re.findall(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$", answer.read().decode(), re.M):
                found.setdefault(name, []).append((labels, float(value)))
        return found

    def total(self, name, label=""):
        return sum(value for labels, value in self.scrape().get(name, ()) if label in labels)


def cpu_of(*pids):
    """Seconds that processes and their threads have run, to the nanosecond."""
    return sum(int(task.read_text().split()[0]) for pid in pids
               for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def family(pid):
    """A process and all that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [one for child in children for one in family(int(child))]


def difference(before, after):
    return {name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in after}
