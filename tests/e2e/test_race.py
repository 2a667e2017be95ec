# SPDX-License-Identifier: BSD-2-Clause
"""The keep-alive race, forced again and again: a server closes idle connections at 50 ms, and its client uses
them again at 50 ms, give or take a millisecond. Which requests failed is known from what the client went
through. In clear text, and over TLS by servers that end their sessions and by those that just close."""

import collections
import contextlib
import json
import random
import subprocess
import sys
import time

import pytest

from lib import observer, sessions, tls, wire

RACES = 200
IDLE = 0.050  # seconds
SPREAD = 0.001
STEP = 0.0002
UNREAD = RACES // 20  # a server's plaintext may be given up in a race

ANSWER = wire.response("200 OK", "Connection: keep-alive", "Keep-Alive: timeout=0")  # 50 ms, rounded down

# In a process of its own, so that its clock does not depend on when the client lets go of the interpreter.
SERVER = f"""
import contextlib, itertools, json, socket, sys
sys.path.insert(0, {str(tls.__file__).rpartition("/lib/")[0]!r})
from lib import openssl

def serve(connection):
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while connection.recv(1000):
            connection.sendall({ANSWER!r})
            connection.settimeout({IDLE})

def serve_securely(connection, context, polite):
    with openssl.Object(context) as end:
        end.use(connection)
        end.accept()
        with contextlib.suppress(OSError):
            while end.receive({len(wire.GET)}):
                end.send({ANSWER!r})
                openssl.wait_at_most(connection, {IDLE})
        if polite:
            end.end()

secrets, polite, descriptors = json.loads(sys.argv[1])
context = openssl.Context(*secrets, tickets=2) if secrets else None
listeners = [socket.socket(fileno=descriptor) for descriptor in descriptors]
for listener in listeners:
    listener.setblocking(True)
for listener in itertools.cycle(listeners):
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or an answer might wait until session tickets are acknowledged
    with connection:
        serve_securely(connection, context, polite) if context else serve(connection)
"""


@pytest.fixture(
    params=[(), *((version, polite) for version in tls.VERSIONS for polite in (True, False))],
    ids=lambda terms: "TLS {}, {} close_notify".format(terms[0], "with" if terms[1] else "without") if terms else "in clear text",
)
def terms(request, certificates):
    """Not played: a server whose library reads on behind its close_notify, as that of Python's unwrap() does. There a request that it meets is
    dropped, so that this end is told by records, or not at all."""
    return sessions.Terms(certificates, *request.param) if request.param else sessions.Terms()


@contextlib.contextmanager
def serving(terms, *listeners):
    """A server that accepts connections from these listeners in turn, one at a time."""
    descriptors = [listener.fileno() for listener in listeners]
    secrets = [terms.version, terms.certificates.server, terms.certificates.server_key] if terms.certificates else []
    command = [sys.executable, "-c", SERVER, json.dumps([secrets, terms.polite, descriptors], default=str)]
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
    except (OSError, AssertionError):
        return False


def race(address, age):
    """Uses one connection again after this idle time. Returns its name, and whether its second request failed."""
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
    """For each race, whether its request failed, and its two records. Two races may have used the same port."""
    of_name = collections.defaultdict(list)
    for *names, failed in raced:
        of_name[tuple(names)].append(failed)
    for (client, server), failures in of_name.items():
        ends = (client, server), (server, client)
        told = (trace.wait_for(len(failures), local=local, remote=remote) for local, remote in ends)
        yield from zip(failures, *(sorted(records, key=lambda one: one["opened"]) for records in told))


def test_each_request_that_failed_is_stale_and_late_and_no_other(nothing_left, terms):
    del nothing_left
    options = ["--tls"] if terms.certificates else []
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(wire.listen(address)) for address in ("127.0.0.1", "::1")]
        trace = stack.enter_context(observer.Trace([wire.port_of(listener) for listener in listeners], *options))
        with serving(terms, *listeners):
            raced = list(races([terms.address(listener.getsockname()) for listener in listeners]))
        records = list(records_of(trace, raced))
        late = [server["id"] for failed, _, server in records if failed and not server["late_request"]]
        trace.wait_until(lambda: len(trace.records("amend")) >= len(late), f"{len(late)} amendments")
        assert sorted(one["id"] for one in trace.records("amend")) == sorted(late)
    if terms.certificates:
        check_plaintext([client for _, client, _ in records], 0)
        check_plaintext([server for *_, server in records], UNREAD)
    check_clients([(failed, client) for failed, client, _ in records])
    check_servers([(failed, server) for failed, _, server in records])
    assert 0 < sum(failed for failed, *_ in records) < RACES, "nothing was raced for"


def check_plaintext(ends, unread_most):
    """At most so many of them may have been judged by records of TLS."""
    unread = [end for end in ends if not end["tls"]["plaintext"]]
    assert len(unread) <= unread_most, unread


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
