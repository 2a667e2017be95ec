# SPDX-License-Identifier: BSD-2-Clause
"""Reads what the observers of one session saw, and compares it with what those of another session saw."""

import json
import re
from collections import Counter, deque

from lib import record

# Keys whose values differ from run to run, or from host to host.
DIFFER = {"id", "opened", "closed", "local", "remote", "netns", "pid", "cgroup", "container", "srtt_us", "retransmits"}
NUMBER = re.compile(r"\d[\d.,]*( (ns|us|ms|s|min|h)\b)?")
SLOW = "retransmitted"  # a sentence of evidence that only shows that the guest acknowledged too slowly
SWEEP = "iter/bpf_sk_storage_map"  # finds all open connections, on kernels that allow it, as Debian's do
URING = "bytes that io_uring sends and receives"  # from 6.3 on, as the tracepoint front end
HOOK = "tp_btf/io_uring_submit_req"
TROUBLE = re.compile(r"BUG:|Oops|WARNING:|Call Trace|Kernel panic|general protection|Out of memory")
# Metrics that count events, and not time.
COUNTED = re.compile(r"(keepwatch_\w+_total|keepwatch_connection_requests_(?:bucket|count|sum)|keepwatch_finding)"
                     r"({.*}) (\S+)")
PORT = re.compile(r'(?<=:)\d+(?=")')  # at the end of a service's name
TIMED = 'finding="forwards_hop_by_hop"'  # how severe it is depends on times; that it is raised, the reports show
# Reasons of a close by the server right after a response, and of one after a pause. Where the story has no pause, a slow machine
# makes one now and then; longer ones are not excused, because other times of the story mean nothing then either.
AT_ONCE = 0.1  # s, as user/judge/judge.c has it
SLOWEST = 1.0  # s
PROMPT = {"unannounced_close", "max_requests"}
PAUSED = {"server_closed_idle", "closed_before_timeout"}
RAISED = {"closed_before_timeout": "timeout_not_honoured"}  # the finding that a single such close raises
# Sentences of evidence that show such a pause, where one is not played: one of its own, and the end of another.
SILENCE = "N of silence before the close"
THEN_SILENCE, NO_SILENCE = ", then N of silence", " had come"
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


def is_held_up(mine, others):
    """Did a machine make a pause before a close, where the other one had none, and does each name the reason that follows?"""
    return (mine.get("reason") in PAUSED and others.get("reason") in PROMPT
            and AT_ONCE < (mine["idle_at_close_s"] or 0) < SLOWEST and (others["idle_at_close_s"] or 0) <= AT_ONCE)


def held_up(connection, one, other):
    """The record of one machine's that was held up, with the reason that it would have had; else (None, None)."""
    if connection.pauses or not one or not other or not is_held_up(one[0], other[0]):
        return None, None
    return one[0], other[0]["reason"]


def excused(connection, one, other):
    """The records of one machine, with the reason of the other one's where it was held up."""
    record, reason = held_up(connection, one, other)
    return [{**record, "reason": reason}, *one[1:]] if record else one


def without_silence(records):
    return [{**one, "evidence": [text.replace(THEN_SILENCE, NO_SILENCE) for text in one["evidence"] if text != SILENCE]}
            if "evidence" in one else one for one in records]


def compared(connection, one, other):
    """Yields the differences between the records of an end and those of the same end elsewhere."""
    both = told(excused(connection, one, other)), told(excused(connection, other, one))
    yield from differing(*(both if connection.pauses else map(without_silence, both)))


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
        self.ports = dict(zip((folder / "ports").read_text().strip().split(","), ("PORT", "NOBODY")))
        self.metrics = {
            name + self.without_ports(labels): float(value)
            for name, labels, value in COUNTED.findall((folder / "metrics").read_text())
            if not name.startswith(UNCOUNTED) and TIMED not in labels
        }

    def without_ports(self, labels):
        return PORT.sub(lambda port: self.ports[port[0]], labels)

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
                found += [f"{observer}: {connection.name}: {end}: {what}" for what in compared(connection, one, other)]
            if len(mine.of.get(connection.name, [])) != len(others.of[connection.name]):
                found.append(f"{observer}: {connection.name}: no record")
        return found

    def closed(self, record, reason):
        """The name of the metric that counts closes like this record's, for that reason."""
        return "keepwatch_connections_closed_total" + self.without_ports(
            f'{{role="{record["role"]}",service="{record["service"]}",reason="{reason}",closer="{record["closer"]}"}}')

    def summary(self, other, connections):
        """The metrics, and the report; closes that were held up count under the reason that they have in the other session."""
        metrics, report = Counter(self.metrics), summed_up(self.report)
        mine, others = (session.observed["replay"].of for session in (self, other))
        for connection in connections:
            for one, theirs in zip(mine.get(connection.name, []), others.get(connection.name, [])):
                record, reason = held_up(connection, one, theirs)
                if record:
                    metrics.subtract([self.closed(record, record["reason"])])
                    metrics.update([self.closed(record, reason)])
                    move(report, record, reason)
                    if not metrics[self.closed(record, record["reason"])]:
                        withdraw(metrics, report, record)
        return {name: count for name, count in metrics.items() if count}, anonymous(report)

    def summary_differences(self, reference, connections):
        """Yields faults of the report and of the metrics, which add up what the trampolines saw."""
        metrics, report = self.summary(reference, connections)
        their_metrics, their_report = reference.summary(self, connections)
        found = [f"metrics: {what}" for what in differing(metrics, their_metrics)]
        return found + [f"report: {what}" for what in differing(report, their_report)]


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
    """The parts of a report that do not differ from run to run. Services have their names still."""
    keys = ("service", "role", "connections", "requests", "premature", "reasons", "lost_requests")
    return {"findings": sorted((one["id"], one["role"]) for one in report["findings"]),
            "services": [{key: one[key] for key in keys} for one in report["services"]]}


def move(report, record, reason):
    """Counts a close under another reason."""
    for service in report["services"]:
        if (service["service"], service["role"]) == (record["service"], record["role"]):
            reasons = Counter(service["reasons"])
            reasons.subtract([record["reason"]])
            reasons.update([reason])
            service["reasons"] = {name: count for name, count in reasons.items() if count}


def withdraw(metrics, report, record):
    """Takes back the finding that such a close raised: no other one did."""
    finding = RAISED.get(record["reason"])
    raised = [name for name in metrics
              if name.startswith(f'keepwatch_finding{{role="{record["role"]}"') and f'finding="{finding}"' in name]
    for name in raised:
        del metrics[name]
    report["findings"] = [one for one in report["findings"] if one != (finding, record["role"])]


def anonymous(report):
    """Names of services have ports, and which connection comes first is chance."""
    services = [{key: value for key, value in one.items() if key != "service"} for one in report["services"]]
    return {**report, "services": sorted(services, key=lambda one: (one["role"], one["connections"]))}


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
    expected = f"unseen   {URING}: {HOOK}: this kernel has no such hook" if front_end == "trampoline" else f"ok       {URING}"
    if expected not in lines:
        faults.append(f"check: no line {expected}")
    return faults + [f"check: {line}" for line in lines if line.startswith(("missing", "unseen")) and line != expected]


def console(path):
    return [f"console: {line}" for line in path.read_text(errors="replace").splitlines() if TROUBLE.search(line)]
