# SPDX-License-Identifier: BSD-2-Clause
"""Other tools on the same work: each tool in turn, with a slice without any, round by round; each round begins with another
tool. The results include how much of the traffic a tool reported, because a tool that drops packets is cheap."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from statistics import median

import programs
import server
from rows import Row
from throughput import slice_of

SCRIPT = Path(__file__).with_name("connections.bt")
MOUNT = 'mount -t tracefs tracefs /sys/kernel/tracing && exec "$@"'  # in a mount namespace of its own


class Tool:
    """A program that observes, as a process; its output is in a file."""

    ready = ""  # text that it prints once it observes
    after = 0.0  # seconds from then on until it is
    ending = signal.SIGINT

    def __init__(self, nginx):
        self.said = nginx.folder / "said"
        with open(self.said, "w") as file:
            self.process = subprocess.Popen(self.arguments(nginx), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                            env=os.environ | {"TMPDIR": str(nginx.folder)}, start_new_session=True)
        end = time.monotonic() + 60
        while self.ready not in self.text():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.arguments(nginx)[0]}: {self.text()}")
            time.sleep(0.05)
        time.sleep(self.after)

    def text(self):
        return self.said.read_text(errors="replace")

    def cpu(self):
        return programs.cpu_of(*programs.family(self.process.pid))

    def stop(self):
        """Ends it with its children, without waiting for its backlog."""
        os.killpg(self.process.pid, self.ending)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


class Tcpdump(Tool):
    ready = "listening on"

    def arguments(self, nginx):
        return ["tcpdump", "-Z", "root", "-i", "lo", "-w", "/dev/null", f"tcp port {nginx.port}"]

    def finish(self, requests):
        self.stop()
        received, dropped = (int(re.search(rf"(\d+) packets? {what}", self.text())[1])
                             for what in ("received by filter", "dropped by kernel"))
        return 1 - dropped / received if received else 0


class Tshark(Tool):
    ready = "Capturing on"
    after = 0.5
    ending = signal.SIGTERM

    def arguments(self, nginx):
        return ["tshark", "-l", "-i", "lo", "-f", f"tcp port {nginx.port}", "-d", f"tcp.port=={nginx.port},http",
                "-Y", "http.request", "-T", "fields", "-e", "frame.time_epoch", "-e", "tcp.stream"]

    def finish(self, requests):
        told = len(re.findall(r"^\d+\.\d+\t\d+$", self.text(), re.M))
        self.stop()
        return told / requests


class Bpftrace(Tool):
    ready = "Attaching"
    after = 1.0

    def arguments(self, nginx):
        self.port = nginx.port
        return ["unshare", "-m", "sh", "-c", MOUNT, "sh", "bpftrace", SCRIPT]

    def finish(self, requests):
        time.sleep(0.5)  # for the closes
        self.stop()
        served = re.findall(rf"^(?:{self.port} -> \d+|\d+ -> {self.port}): .* (\d+) requests$", self.text(), re.M)
        return sum(map(int, served)) / 2 / requests


class Keepwatch(programs.Keepwatch):
    def __init__(self, nginx):
        super().__init__("--port", str(nginx.port))

    def finish(self, requests):
        time.sleep(1.1)  # for a sweep
        told = self.total("keepwatch_requests_total") / 2
        self.stop()
        return told / requests


TOOLS = {"keepwatch": Keepwatch, "tcpdump -w /dev/null": Tcpdump, "tshark, HTTP dissector": Tshark,
         "bpftrace script": Bpftrace}


def watched(make, nginx, seconds):
    tool = make(nginx)
    try:
        cpu = tool.cpu()
        before = nginx.cpu()
        requests, took = server.wrk(nginx, seconds=seconds)
        served, spent = nginx.cpu() - before, tool.cpu() - cpu
    except BaseException:
        tool.stop()
        raise
    return {"requests_per_s": requests / took, "server_us_per_request": served / requests * 1e6,
            "tool_us_per_request": spent / requests * 1e6, "told": tool.finish(requests)}


def unwatched(nginx, seconds):
    rate, spent = slice_of(nginx, seconds)
    return {"requests_per_s": rate, "server_us_per_request": spent, "tool_us_per_request": 0, "told": 0}


def one_round(nginx, seconds, first):
    turns = [None, *TOOLS]
    turns = turns[first % len(turns):] + turns[:first % len(turns)]
    found = {name: watched(TOOLS[name], nginx, seconds) if name else unwatched(nginx, seconds) for name in turns}
    alone = found.pop(None)
    cost = alone["server_us_per_request"]
    for one in found.values():
        one["throughput"] = one["requests_per_s"] / alone["requests_per_s"]
        one["server_cpu"] = one["server_us_per_request"] / cost
        one["all_cpu"] = (one["server_us_per_request"] + one["tool_us_per_request"]) / cost
    return found


def run(nginx, plan):
    slice_of(nginx, plan.slice)
    rounds = [one_round(nginx, plan.slice, first) for first in range(plan.rounds)]
    names = ("throughput", "server_cpu", "all_cpu", "tool_us_per_request", "told")
    medians = {tool: {name: median(one[tool][name] for one in rounds) for name in names} for tool in TOOLS}
    return {"rounds": rounds, "medians": medians}


def rows(result):
    for tool, of in result["medians"].items():
        yield Row("instead", f"{tool}: requests a second, to that without", f"{of['throughput']:.3f}")
        yield Row("instead", f"{tool}: CPU per request of server, of both, to that without",
                  f"{of['server_cpu']:.2f}, {of['all_cpu']:.2f}")
        yield Row("instead", f"{tool}: of the requests, told or captured", f"{of['told'] * 100:.0f}%")
