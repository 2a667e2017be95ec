# SPDX-License-Identifier: BSD-2-Clause
"""Compares keepwatch's records of HTTP/2 connections with what those who played them know."""

import collections

from lib.http2.stage import protocol_of

KEYS = ("role", "closer", "manner", "reason", "premature", "confidence", "requests", "responses", "lost_requests", "evidence", "http2")

AGREED = ("protocol", "closer", "manner", "reason", "premature", "requests", "responses", "lost_requests")
STREAMS = ("streams", "answered", "trailers_only", "refused", "cancelled", "cut", "retryable", "forbidden_fields")
ANSWERS = ("answered", "trailers_only")


def is_by_records(one):
    """TLS whose plaintext was not read to the end, so that it is told by its records: then nothing is said of streams."""
    return bool(one["tls"]) and one["tls"]["plaintext"] is None


def told(one):
    return {key: one.get(key) for key in KEYS}


def _sum(records, *path):
    """Over the records; None if one of them does not know it."""
    total = 0
    for one in records:
        for key in path:
            one = one and one[key]
        if one is None:
            return None
        total += one
    return total


class Tally:
    def __init__(self):
        self.records = 0
        self.unknown = collections.Counter()
        self.reasons = collections.Counter()
        self.wrong = []

    def judge(self, truth, records):
        """Those of all connections of one process, at one end of them."""
        self.records += len(records)
        for one in records:
            self.reasons[one["reason"]] += 1
            if one["reason"] == "unknown" or is_by_records(one):
                self.unknown[truth.scene, one["role"]] += 1
                print(f"unknown: {truth} {told(one)}")
        faults = [*self._ends(truth, records), *self._sums(truth, records)]
        if faults:
            self.wrong.append((truth, faults, [told(one) for one in records[:2]]))

    @staticmethod
    def _ends(truth, records):
        for one in records:
            reasons = truth.own_reasons if one["role"] == "server" and truth.own_reasons is not None else truth.reasons
            if one["protocol"] != protocol_of(one) and not is_by_records(one):
                yield f"protocol {one['protocol']}"
            if one["reason"] == "unknown":
                continue
            if truth.closer and one["closer"] != truth.closer:
                yield f"closer {one['closer']}"
            if reasons and one["reason"] not in reasons:
                yield f"reason {one['reason']}"
            if truth.losing is not None and one["premature"] != truth.losing:
                yield f"premature {one['premature']}"

    @staticmethod
    def _sums(truth, records):
        found = {"streams": _sum(records, "http2", "streams"), "answered": _sum(records, "http2", "answered"),
                 "lost": _sum(records, "lost_requests")}
        for name, value in found.items():
            if getattr(truth, name) is not None and value is not None and value != getattr(truth, name):
                yield f"{name} {value}"
        if truth.unanswered is not None and None not in (found["streams"], found["answered"]):
            if found["streams"] - found["answered"] != truth.unanswered:
                yield f"unanswered {found['streams'] - found['answered']}"

    def compare(self, truth, client, server):
        """Both ends say the same, but where one of them does not know, or died with more than the other had read, or where the
        scene has both close at once. A client that leaves with bytes unread may not have read the end of an answer."""
        if is_by_records(client) or is_by_records(server):
            return
        said = [{key: one[key] for key in AGREED} | {key: one["http2"][key] for key in STREAMS} for one in (client, server)]
        if client["unread_data"]:
            said = [{key: one[key] for key in one if key not in ANSWERS} for one in said]
        if truth.closer and said[0] != said[1] and not {client["reason"], server["reason"]} & {"unknown", "process_exit"}:
            self.wrong.append((truth, ["the ends differ"], [told(client), told(server)]))

    def check(self, name):
        print(f"\n{name}: {self.records} records, {len(self.wrong)} wrong, unknown {dict(self.unknown)}, {dict(self.reasons)}")
        for truth, faults, records in self.wrong:
            print(f"wrong: {faults} {truth} {records}")
        assert not self.wrong


def by_flow(records):
    """Ports come again, flows do not."""
    return {one["flow"]: one for one in records}


def judge(trace, truths, tally):
    """Waits for the records of both ends of all connections, and judges them. They say the same, but where one side died."""

    def of(truth):
        return trace.records(role="client", pid=truth.pid)

    for truth in truths:
        trace.wait_until(lambda truth=truth: len(of(truth)) >= truth.count, f"the records of {truth}")
    ends = {truth.pid: of(truth) for truth in truths}
    wanted = by_flow(one for records in ends.values() for one in records).keys()
    trace.wait_until(lambda: wanted <= by_flow(trace.records(role="server")).keys(), "the records of the servers' ends")
    servers = by_flow(trace.records(role="server"))
    for truth in truths:
        records = ends[truth.pid]
        tally.judge(truth, records)
        tally.judge(truth, [servers[one["flow"]] for one in records])
        for one in records:
            tally.compare(truth, one, servers[one["flow"]])
