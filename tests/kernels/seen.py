# SPDX-License-Identifier: BSD-2-Clause
"""Reads what the observers of one session saw, and compares it with what those of another session saw."""

import json
import re
from collections import deque

from lib import record

# Keys whose values differ from run to run, or from host to host.
DIFFER = {"id", "opened", "closed", "local", "remote", "netns", "pid", "cgroup", "container", "srtt_us", "retransmits"}
NUMBER = re.compile(r"\d[\d.,]*( (ns|us|ms|s|min|h)\b)?")
SLOW = "retransmitted"  # a sentence of evidence that only shows that the guest acknowledged too slowly
SWEEP = "iter/bpf_sk_storage_map"  # finds all open connections, on kernels that allow it, as Debian's do
TROUBLE = re.compile(r"BUG:|Oops|WARNING:|Call Trace|Kernel panic|general protection|Out of memory")
# Metrics that count events, and not time.
COUNTED = re.compile(r"(keepwatch_\w+_total|keepwatch_connection_requests_(?:bucket|count|sum)|keepwatch_finding)"
                     r"({.*}) (\S+)")
PORT = re.compile(r'(?<=:)\d+(?=")')  # at the end of a service's name
TIMED = 'finding="forwards_hop_by_hop"'  # how severe it is depends on times; that it is raised, the reports show
# Reasons of a close by the server right after a response, and after a pause. A slow machine makes pauses of its own.
AT_ONCE = 0.1  # s, as user/judge/judge.c has it
PAUSED = {"server_closed_idle", "closed_before_timeout"}
IDLE = {"unannounced_close", "max_requests", *PAUSED}
ANY_IDLE = re.compile("|".join(map(re.escape, sorted(IDLE))))
UNCOUNTED = ("keepwatch_bpf_", "keepwatch_hidden_softirqs_")


def told(value, key=""):
    """A value without the parts that differ from run to run: numbers with a fraction, and numbers within a sentence."""
    if isinstance(value, float) or key.endswith("_s") and value is not None:
        return "a number"
    if key == "flow" and value is not None:
        return "known"
    if isinstance(value, dict):
        return {name: told(one, name) for name, one in value.items() if name not in DIFFER}
    if isinstance(value, list):
        return [told(one) for one in value if not (isinstance(one, str) and SLOW in one)]
    if key in ("evidence", "service", "summary", "") and isinstance(value, str):
        return NUMBER.sub("N", value)
    return value


def is_paused(records):
    return any(one.get("reason") in PAUSED and (one["idle_at_close_s"] or 0) > AT_ONCE for one in records)


def compared(one, other):
    """Yields the differences between the records of an end and those of the same end elsewhere."""
    if is_paused(one) or is_paused(other):
        one, other = ([{**record, "reason": "idle"} if record.get("reason") in IDLE else record for record in records]
                      for records in (one, other))
    yield from differing(told(one), told(other))


def idle_together(counts):
    """Counts by names, with those of idle reasons added up."""
    total = {}
    for name, count in counts.items():
        name = ANY_IDLE.sub("idle", name)
        total[name] = total.get(name, 0) + float(count)
    return total


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


class Observed:
    """The records of an observer, by the connection they belong to."""

    def __init__(self, path, names):
        self.of = {}
        self.faults = []
        lines = lines_of(path)
        by_ends, rest = {}, {}
        for one in lines:
            if one["type"] == "connection":
                by_ends.setdefault((one["local"], one["remote"]), deque()).append(one)
            elif one["type"] in ("exchange", "amend"):
                rest.setdefault(one["id"], []).append(one)
            elif one["type"] == "summary" and one["lost_events"]:
                self.faults.append(f"{path.name}: {one['lost_events']} events were lost")
        for name, client, server in names:
            found = self._take_refused(by_ends, server) if client == "-" else [
                by_ends.get(ends, deque()) for ends in ((client, server), (server, client))]
            self.of[name] = [[one.popleft()] if one else [] for one in found]
            for records in self.of[name]:
                records += [more for one in records for more in rest.get(one["id"], [])]
        surplus = [one["local"] for records in by_ends.values() for one in records]
        if surplus:
            self.faults.append(f"{path.name}: records of nobody's connection: {surplus[:3]}")

    @staticmethod
    def _take_refused(by_ends, remote):
        return [records for ends, records in by_ends.items() if ends[1] == remote]


class Session:
    def __init__(self, folder):
        names = [line.split() for line in (folder / "names").read_text().splitlines()]
        self.folder = folder
        self.observed = {name: Observed(folder / name, names) for name in ("trace", "replay")}
        self.report = json.loads((folder / "report").read_text())
        ports = dict(zip((folder / "ports").read_text().strip().split(","), ("PORT", "NOBODY")))
        self.metrics = idle_together({
            name + PORT.sub(lambda port: ports[port[0]], labels): value
            for name, labels, value in COUNTED.findall((folder / "metrics").read_text())
            if not name.startswith(UNCOUNTED) and TIMED not in labels
        })

    def own_faults(self, connections):
        """Yields the differences between the records and what the cases and the endings expect."""
        faults = [fault for one in self.observed.values() for fault in one.faults]
        for observer, observed in self.observed.items():
            for connection in connections:
                ends = observed.of.get(connection.name, [])
                if any(not records for records in ends) or not ends:
                    faults.append(f"{observer}: {connection.name}: no record")
                    continue
                faults += [f"{observer}: {fault}" for fault in faults_of(connection, ends)]
        return faults

    def differences(self, observer, reference, connections):
        mine, others = self.observed[observer], reference.observed["trace"]
        found = list(mine.faults)
        for connection in connections:
            ends = zip(("client", "server"), mine.of.get(connection.name, []), others.of[connection.name])
            for end, one, other in ends:
                found += [f"{observer}: {connection.name}: {end}: {what}" for what in compared(one, other)]
            if len(mine.of.get(connection.name, [])) != len(others.of[connection.name]):
                found.append(f"{observer}: {connection.name}: no record")
        return found

    def summary_differences(self, reference):
        """Yields faults of the report and of the metrics, which add up what the trampolines saw."""
        found = [f"metrics: {what}" for what in differing(self.metrics, reference.metrics)]
        mine, others = summed_up(self.report), summed_up(reference.report)
        return found + [f"report: {what}" for what in differing(mine, others)]


def faults_of(connection, ends):
    for reason, (told_of, *_) in zip(connection.reasons, ends):
        if reason and told_of["reason"] != reason:
            yield f"{connection.name}: {told_of['role']}: {told_of['reason']}, not {reason}"
    if connection.case:
        for told_of, *more in ends:
            record.advertised(told_of)
            exchanges = [one for one in more if one["type"] == "exchange"]
            yield from map(str, connection.case.differences(told_of, exchanges))


def summed_up(report):
    services = [{key: one[key] for key in ("role", "connections", "requests", "premature", "reasons", "lost_requests")}
                for one in report["services"]]
    for one in services:
        one["reasons"] = idle_together(one["reasons"])
    return {"findings": sorted((one["id"], one["role"]) for one in report["findings"]),
            "services": sorted(services, key=lambda one: (one["role"], one["connections"]))}


def differing(one, other, where=""):
    """Yields sentences that say where two values differ, as deep inside as they can be compared."""
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*other, *(key for key in one if key not in other)]:
            yield from differing(one.get(key), other.get(key), f"{where}{key}: ")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for mine, others in zip(one, other):
            yield from differing(mine, others, where)
    else:
        yield f"{where}{kinds(one)}, on the host {kinds(other)}"


def kinds(value):
    """For several records, only their types."""
    records = isinstance(value, list) and value and all(isinstance(one, dict) and "type" in one for one in value)
    return [one["type"] for one in value] if records else value


def check(path, front_end):
    """Returns the faults in the output of `keepwatch check`."""
    lines = path.read_text().splitlines()
    last = f"keepwatch can run here, with its {front_end} front end"
    faults = [] if lines[-1] == last else [f"check: {lines[-1]}"]
    if not any(line.startswith(f"ok       {front_end} front end: ") for line in lines):
        faults.append(f"check: no word of the {front_end} front end")
    if not any(line.startswith(f"ok       {SWEEP}: ") for line in lines):
        faults.append(f"check: sweeps do not go by {SWEEP}")
    return faults + [f"check: {line}" for line in lines if line.startswith(("missing", "unseen"))]


def console(path):
    return [f"console: {line}" for line in path.read_text(errors="replace").splitlines() if TROUBLE.search(line)]
