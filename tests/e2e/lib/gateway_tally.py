# SPDX-License-Identifier: BSD-2-Clause
"""How many of a gateway's errors were explained, and how many rightly: what its servers did is the truth."""

import collections
from datetime import datetime, timedelta

from lib import wire

EXACT = timedelta(seconds=0.002)  # to which two clocks agree


def time_of(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def errors_of(scene, trace):
    """The gateway's errors, so far. The backend's own 502 is one, too, but not the gateway's."""
    ending = f":{scene.gateway.port}"
    return [one for one in trace.records("gateway_error") if one["service"].endswith(ending)]


class Tally:
    """Of what was answered in a scene and of the records of a trace. Counts: see row(). `wrong` lists what is not as it was."""

    def __init__(self, scene, trace):
        self.scene = scene
        self.connections = {one["id"]: one for one in trace.records()}
        self.errors = {(one["connection"], one["exchange"]): one for one in errors_of(scene, trace)}
        self.accepted = collections.defaultdict(list)
        self.attempts = collections.defaultdict(list)  # connections by where they went
        for one in self.connections.values():
            self.accepted[one["remote"]].append(one)
            if one["role"] == "client":
                self.attempts[one["remote"]].append(one)
        self.peers = collections.defaultdict(set)
        for path, peer, _ in scene.backend.log:
            self.peers[path].add(peer)
        self.counts, self.wrong = collections.Counter(), []
        for answer in scene.errors():
            self._count(answer)

    def error_of(self, answer):
        for one in self.accepted[answer.client]:
            if one["opened"] >= answer.client.since and (one["id"], answer.exchange) in self.errors:
                return self.errors[one["id"], answer.exchange]
        return None

    def server_of(self, path):
        """The server at an address of its own that a path asks for; None if it is the backend, or none."""
        kind, *rest = path.split("/")[1:]
        ports = {"down": self.scene.down, "full": self.scene.full.name}
        return f"{rest[0]}:{wire.port_of_name(ports[kind])}" if kind in ports else None

    def is_of_its_own(self, answer, error):
        """Whether the gateway answered without asking a server, or passed the server's answer on."""
        if answer.path == "/own":
            return True
        server = self.server_of(answer.path)
        if not server:
            return not self.peers[answer.path] or answer.path.startswith("/passed")
        since, until = answer.asked - EXACT, time_of(error["at"])  # some give a server that is down a rest
        return not any(since <= time_of(one["opened"]) <= until for one in self.attempts[server])

    def is_right(self, answer, cause):
        server = self.server_of(answer.path)
        if server:
            return cause["service"] == server
        found = self.connections.get(cause["connection"])
        if not self.peers[answer.path]:  # the request was under way when the backend died
            return cause["service"] == self.scene.backend.name and answer.path != "/own"
        return found is not None and found["local"] in self.peers[answer.path]

    def _count(self, answer):
        self.counts["errors"] += 1
        error = self.error_of(answer)
        if not error:
            self.wrong.append(("no record", answer))
            return
        self.counts["records"] += 1
        own, cause = self.is_of_its_own(answer, error), error["cause"]
        self.counts["caused"] += not own
        self.counts["caused, certain"] += not own and error["confidence"] == "certain"
        self.counts[error["confidence"]] += 1
        if not cause:
            return
        right = self.is_right(answer, cause)
        self.counts[f"{error['confidence']}, right"] += right
        self.counts["invented"] += answer.path == "/own"
        if not right:
            self.wrong.append((error["confidence"], answer, cause))

    def row(self):
        names = ["errors", "records", "caused", "caused, certain", "certain", "certain, right", "inferred", "inferred, right", "unknown",
                 "invented"]
        return f"{self.scene.kind:9} " + "  ".join(f"{name} {self.counts[name]}" for name in names)
