# SPDX-License-Identifier: BSD-2-Clause
"""A case of tests/cases as a connection: what each side sends, and what the records of both sockets must say of it."""

import json

from lib import carriers, host, record

CASES = sorted((host.ROOT / "tests" / "cases").glob("*/*.http"))
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
OUTSTANDING = 16  # requests that may wait for their responses
RESYNC = 5  # the shortest call that may be taken for the start of a message


class Case:
    """A connection that carries one case: rounds of requests and responses, and which of both are the case."""

    def __init__(self, path):
        self.name = f"{path.parent.name}/{path.stem}"
        self.responses = path.parent.name == "responses"
        data = path.read_bytes()
        options = json.loads(path.with_suffix(".json").read_text())["options"]
        methods = options.get("methods", "GET").split(",")
        self.rounds = self._ask(data, tuple(methods)) if self.responses else [(data, self._answer(data))]
        self.expected = host.Connection(self.rounds)
        self.unnoticed = False

    @staticmethod
    def _answer(data):
        """A response to each request, unless there are more than can be paired: those are sent apart."""
        count = len(host.methods_of(host.parse("requests", data)))
        return ANSWER * count if count <= OUTSTANDING else b""

    @staticmethod
    def _ask(data, methods):
        """The requests to these responses, in rounds of as many as can be paired; none to what is no HTTP."""
        if any(message["kind"] == "not_http1" for message in host.parse("responses", data)):
            return [(b"", data)]
        spans = host.spans("responses", data, methods)
        ends = [end for message, _, end in spans if message["kind"] == "response"]
        rounds, at = [], 0
        for first in range(0, len(methods), OUTSTANDING):
            asked = methods[first : first + OUTSTANDING]
            end = ends[first + OUTSTANDING - 1] if first + OUTSTANDING < len(methods) else len(data)
            requests = b"".join(f"{method} / HTTP/1.1\r\n\r\n".encode() for method in asked)
            rounds.append((requests, data[at:end]))
            at = end
        return rounds

    def carriers(self, send, receive):
        """Behind a malformed message, a call may be taken for the start of another: the case is one send, so it
        goes in one call there, or in pieces that are too short for it."""
        if host.is_lost(self.expected.messages):
            send = carriers.send if carriers.PIECES.get(send, 0) >= RESYNC else send
            receive = carriers.recv if carriers.PIECES.get(receive, 0) >= RESYNC else receive
        return send, receive

    def plan(self, send, receive, plain):
        """The case by these carriers, and what goes with it plainly: (from the client?, bytes, send, receive)."""
        for requests, responses in self.rounds:
            yield True, requests, *(plain if self.responses else (send, receive))
            yield False, responses, *((send, receive) if self.responses else plain)

    def bodies(self):
        """The parts of the case of which nothing needs to be read; none if there are several rounds."""
        if len(self.rounds) > 1 or host.is_lost(self.expected.messages):
            return []
        if self.responses:
            methods = host.methods_of(host.parse("requests", self.expected.requests))
            return host.bodies("responses", self.expected.responses, methods)
        return host.bodies("requests", self.expected.requests)

    def plan_bodies(self, send, receive, plain):
        """The case with its bodies by these carriers, and all else plainly, likewise."""
        (requests, responses), = self.rounds
        data = responses if self.responses else requests
        if self.responses:
            yield True, requests, *plain
        at = 0
        for start, stop in self.bodies():
            yield not self.responses, data[at:start], *plain
            yield not self.responses, data[start:stop], send, receive
            at = stop
        yield not self.responses, data[at:], *plain
        if not self.responses:
            yield False, responses, *plain

    def expect_blind(self, receiving):
        taken_last = self.bodies()[-1][1] == len(self.expected.requests)
        self.unnoticed = receiving and not self.responses and taken_last

    def differences(self, told, exchanges):
        """What the record of a socket says otherwise than the host."""
        client = told["role"] == "client"
        up, down = ("tx_bytes", "rx_bytes") if client else ("rx_bytes", "tx_bytes")
        said = dict(told, advertised=record.advertised(told), errors=set(told["errors"]), up=told[up],
                    down=told[down])
        expected = self.expected.record() | {
            "closer": "server" if self.responses else "client", "manner": "fin",
            "blind_bytes": 0, "preexisting": False,
        }
        if not expected["protocol"]:
            assert told["protocol"] in ("http/1.0", "http/1.1")
            del expected["protocol"]
        differing = [(key, said[key], value) for key, value in expected.items() if said[key] != value]
        of_exchanges = self.expected.exchanges()
        if self.unnoticed and not client:
            of_exchanges[-1]["request_bytes"] = 0  # nothing has shown yet that the request is complete
        said = [{key: one[key] for key in of_exchanges[0]} for one in exchanges] if of_exchanges else exchanges
        if said != of_exchanges:
            differing.append(("exchanges", said, of_exchanges))
        return [(self.name, told["role"], *difference) for difference in differing]
