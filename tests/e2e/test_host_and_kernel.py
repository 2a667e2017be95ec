# SPDX-License-Identifier: BSD-2-Clause
"""The machine says in the kernel what it says on the host: every case of tests/cases over real sockets, by
every system call that can carry it. What is expected is asked of the host build, nothing is written down."""

import json
from collections import Counter, deque

import pytest

import carriers
import host
import observer
import record
import wire

CASES = sorted((host.ROOT / "tests" / "cases").glob("*/*.http"))
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
OUTSTANDING = 16  # requests that may wait for their responses
AGREED = ("phase", "lost_requests", "premature", "overrun", "unread_data")
RESYNC = 5  # the shortest call that may be taken for the start of a message


class Observed(observer.Trace):
    """An observer of many connections, one after the other: its records by their ends, of which two connections
    may have the same, and the exchanges with their connection."""

    def __init__(self, ports):
        super().__init__(ports, "--exchanges")
        self.read = 0
        self.connections = {}
        self.exchanges = {}

    def _read_new(self):
        for line in self.output[self.read :]:
            one = record.checked(line)
            if one["type"] == "connection":
                self.connections.setdefault((one["local"], one["remote"]), deque()).append(one)
            elif one["type"] == "exchange":
                self.exchanges.setdefault(one["id"], []).append(one)
            self.read += 1

    def records_of(self, names):
        """Takes the records of these (local, remote) sockets, in their order, each with its exchanges."""
        wanted = Counter(names)

        def all_there():
            self._read_new()
            return all(len(self.connections.get(name, ())) >= count for name, count in wanted.items())

        self.wait_until(all_there, f"the records of {len(names)} sockets")
        found = [self.connections[name].popleft() for name in names]
        return [(one, self.exchanges.get(one["id"], [])) for one in found]


@pytest.fixture(scope="module")
def ground():
    """A listener of these tests alone: the observer of the session is spared their thousands of records."""
    with wire.listen() as listener:
        yield listener


@pytest.fixture(scope="module")
def observed(nothing_left, ground):
    with Observed([wire.port_of(ground)]) as trace:
        yield trace


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
        self.blind = {"client": 0, "server": 0}
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

    def run(self, listener, send, receive):
        """Sends the case by these carriers, and what goes with it plainly; the names of both sockets."""
        send, receive = self.carriers(send, receive)
        with wire.Pair(listener) as pair:
            for requests, responses in self.rounds:
                plain = carriers.send, carriers.recv
                pass_on(pair.client, pair.server, requests, *(plain if self.responses else (send, receive)))
                pass_on(pair.server, pair.client, responses, *((send, receive) if self.responses else plain))
            pair.close(first=pair.server if self.responses else pair.client)
        return [(pair.client_name, pair.server_name), (pair.server_name, pair.client_name)]

    def bodies(self):
        """The parts of the case of which nothing needs to be read; none if there are several rounds."""
        if len(self.rounds) > 1 or host.is_lost(self.expected.messages):
            return []
        if self.responses:
            methods = host.methods_of(host.parse("requests", self.expected.requests))
            return host.bodies("responses", self.expected.responses, methods)
        return host.bodies("requests", self.expected.requests)

    def run_bodies(self, listener, send, receive):
        """Sends the case with its bodies by these carriers, and all else plainly."""
        (requests, responses), = self.rounds
        data = responses if self.responses else requests
        with wire.Pair(listener) as pair:
            ends = pair.client, pair.server
            if self.responses:
                pass_on(*ends, requests, carriers.send, carriers.recv)
                ends = ends[::-1]
            at = 0
            for start, stop in self.bodies():
                pass_on(*ends, data[at:start], carriers.send, carriers.recv)
                pass_on(*ends, data[start:stop], send, receive)
                at = stop
            pass_on(*ends, data[at:], carriers.send, carriers.recv)
            if not self.responses:
                pass_on(*ends[::-1], responses, carriers.send, carriers.recv)
            pair.close(first=ends[0])
        return [(pair.client_name, pair.server_name), (pair.server_name, pair.client_name)]

    def expect_blind(self, sending, receiving):
        size = sum(stop - start for start, stop in self.bodies())
        sender, receiver = ("server", "client") if self.responses else ("client", "server")
        self.blind = {sender: size * sending, receiver: size * receiving}
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
            "blind_bytes": self.blind[told["role"]], "preexisting": False,
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


def pass_on(sender, receiver, data, send, receive):
    if not data:
        return
    assert send(sender, data) == len(data)
    wire.wait_for_bytes(receiver, len(data))
    assert receive(receiver, len(data)) == data


@pytest.fixture(scope="module")
def cases():
    return [Case(path) for path in CASES]


def pair_name(pair):
    return "-".join(carrier.__name__ for carrier in pair)


def compare(observed, cases, names):
    """@names: of both sockets of each case's connection."""
    told = observed.records_of([name for both in names for name in both])
    differing = []
    for number, case in enumerate(cases):
        client, server = told[2 * number : 2 * number + 2]
        agreed = [[one[key] for key in AGREED] for one, _ in (client, server)]
        assert agreed[0] == agreed[1], case.name
        differing += case.differences(*client) + case.differences(*server)
    assert not differing, "\n".join(map(str, differing))


@pytest.mark.parametrize("pair", carriers.PAIRS, ids=pair_name)
def test_every_case_reads_in_the_kernel_as_on_the_host(observed, ground, cases, pair):
    compare(observed, cases, [case.run(ground, *pair) for case in cases])


@pytest.mark.parametrize("pair", [
    (carriers.sendfile, carriers.recv), (carriers.splice, carriers.recv_twos),
    (carriers.send, carriers.recv_splice), (carriers.sendfile, carriers.recv_splice),
], ids=pair_name)
def test_a_body_that_cannot_be_read_is_understood_all_the_same(observed, ground, pair):
    cases = [Case(path) for path in CASES]
    cases = [case for case in cases if case.bodies()]
    assert len(cases) > 50
    send, receive = pair
    for case in cases:
        case.expect_blind(send is not carriers.send, receive is carriers.recv_splice)
    compare(observed, cases, [case.run_bodies(ground, *pair) for case in cases])
