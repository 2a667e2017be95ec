# SPDX-License-Identifier: BSD-2-Clause
"""The keep-alive race, forced again and again: a server closes idle connections at 50 ms, and its client uses
them again at 50 ms, give or take a millisecond. Which requests failed is known from what the client went
through."""

import collections
import contextlib
import random
import subprocess
import sys
import time

from lib import observer, wire

RACES = 200
IDLE = 0.050  # seconds
SPREAD = 0.001
STEP = 0.0002

ANSWER = wire.response("200 OK", "Connection: keep-alive", "Keep-Alive: timeout=0")  # 50 ms, rounded down

# In a process of its own, so that its clock does not depend on when the client lets go of the interpreter.
SERVER = f"""
import contextlib, socket, sys
listeners = [socket.socket(fileno=int(argument)) for argument in sys.argv[1:]]
for listener in listeners:
    listener.setblocking(True)
turn = 0
while True:
    connection, _ = listeners[turn % len(listeners)].accept()
    turn += 1
    with connection:
        connection.settimeout({IDLE})
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while connection.recv(1000):
                connection.sendall({ANSWER!r})
"""


@contextlib.contextmanager
def serving(*listeners):
    """A server that takes connections from these listeners in turn, one at a time."""
    descriptors = [listener.fileno() for listener in listeners]
    command = [sys.executable, "-c", SERVER, *map(str, descriptors)]
    with subprocess.Popen(command, pass_fds=descriptors) as server:
        try:
            yield
        finally:
            server.kill()


def is_answered(client):
    """Whether a request gets its response, whole."""
    try:
        client.sendall(wire.GET)
        return wire.read_exactly(client, len(ANSWER)) == ANSWER
    except (ConnectionError, AssertionError):
        return False


def race(address, age):
    """One connection that is used again at this idle age; its name, and whether its second request failed."""
    with wire.Client(address) as one:
        assert is_answered(one.client)
        end = time.monotonic() + age
        while time.monotonic() < end:
            pass
        failed = not is_answered(one.client)
        return one.client_name, one.server_name, failed


def races(addresses):
    """All of them. A busy machine's server is late by more than a millisecond: then the client must be so, too,
    or nothing would be raced for. So it aims at where its requests begin to fail."""
    chance = random.Random(50)
    aim = IDLE
    for number in range(RACES):
        result = race(addresses[number % len(addresses)], aim + chance.uniform(-SPREAD, SPREAD))
        aim += -STEP if result[2] else STEP
        yield result


def records_of(trace, raced):
    """For each race whether its request failed, and its two records. Two of them may have had one port."""
    of_name = collections.defaultdict(list)
    for *names, failed in raced:
        of_name[tuple(names)].append(failed)
    for (client, server), failures in of_name.items():
        ends = (client, server), (server, client)
        told = (trace.wait_for(len(failures), local=local, remote=remote) for local, remote in ends)
        yield from zip(failures, *(sorted(records, key=lambda one: one["opened"]) for records in told))


def test_each_request_that_failed_is_stale_and_late_and_no_other(nothing_left):
    del nothing_left
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(wire.listen(address)) for address in ("127.0.0.1", "::1")]
        trace = stack.enter_context(observer.Trace([wire.port_of(listener) for listener in listeners]))
        with serving(*listeners):
            raced = list(races([listener.getsockname() for listener in listeners]))
        records = list(records_of(trace, raced))
        late = [server["id"] for failed, _, server in records if failed and not server["late_request"]]
        trace.wait_until(lambda: len(trace.records("amend")) >= len(late), f"{len(late)} amendments")
        assert sorted(one["id"] for one in trace.records("amend")) == sorted(late)
    check_clients([(failed, client) for failed, client, _ in records])
    check_servers([(failed, server) for failed, _, server in records])
    assert 0 < sum(failed for failed, *_ in records) < RACES, "nothing was raced for"


def check_clients(records):
    for failed, client in records:
        stale = client["reason"] == "stale_reuse"
        assert stale == failed, client
        assert client["premature"] is failed and client["lost_requests"] == failed, client
        assert client["closer"] == ("server" if failed else client["closer"]), client


def check_servers(records):
    for failed, server in records:
        assert failed or (server["late_request"], server["premature"]) == (False, False), server
        assert not server["late_request"] or server["lost_requests"] == 1, server
