# SPDX-License-Identifier: BSD-2-Clause
"""The machine says in the kernel what it says on the host: every case of tests/cases over real sockets, by
every system call that can carry it. The host build computes the expected results; none are written down."""

from collections import Counter, deque

import pytest

from lib import carriers, mmsg, observer, record, rings, wire
from lib.case import CASES, Case

PLAIN = carriers.send, carriers.recv
AGREED = ("phase", "lost_requests", "premature", "overrun", "unread_data")


class Observed(observer.Trace):
    """An observer of many connections, one after the other: its records by their ends, although two connections
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


def carry_out(listener, plan, responses_are_the_case):
    """Plays a plan over a connection of its own, which the side that sent the case closes; the names of both
    sockets."""
    with wire.Pair(listener) as pair:
        for from_client, data, send, receive in plan:
            ends = (pair.client, pair.server) if from_client else (pair.server, pair.client)
            pass_on(*ends, data, send, receive)
        pair.close(first=pair.server if responses_are_the_case else pair.client)
    return [(pair.client_name, pair.server_name), (pair.server_name, pair.client_name)]


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


@pytest.mark.parametrize("pair", [*carriers.PAIRS, *mmsg.PAIRS, *rings.PAIRS], ids=pair_name)
def test_every_case_reads_in_the_kernel_as_on_the_host(observed, ground, cases, pair):
    plans = [case.plan(*case.carriers(*pair), PLAIN) for case in cases]
    compare(observed, cases, [carry_out(ground, plan, case.responses) for case, plan in zip(cases, plans)])


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
        case.expect_blind(receive is carriers.recv_splice)
    plans = [case.plan_bodies(*pair, PLAIN) for case in cases]
    compare(observed, cases, [carry_out(ground, plan, case.responses) for case, plan in zip(cases, plans)])
