# SPDX-License-Identifier: BSD-2-Clause
"""Connections with both ends on one host are one: the two records agree, and a race is one finding."""

import contextlib
import random
import threading
import time

from lib import namespaces, observer, wire
from lib.reporter import Report

RACES = 200
SPREAD = 0.0003


def close_at(server, moment):
    while time.monotonic() < moment:
        pass
    server.close()


def race(pair, gap):
    """The server closes the idle connection, and after @gap seconds, or before, its client sends a request."""
    moment = time.monotonic() + 0.002
    closing = threading.Thread(target=close_at, args=(pair.server, moment))
    closing.start()
    while time.monotonic() < moment + gap:
        pass
    with contextlib.suppress(ConnectionError):
        pair.client.sendall(wire.GET)
        wire.wait_for_end(pair.client)
    closing.join()
    pair.client.close()


def races(listener):
    """Returns the names of both ends of each connection."""
    chance = random.Random(16)
    with contextlib.ExitStack() as stack:
        pairs = [stack.enter_context(wire.Pair(listener)) for _ in range(RACES)]
        for pair in pairs:
            pair.exchange()
        time.sleep(0.15)  # so that no close is one right after a response
        for pair in pairs:
            race(pair, chance.uniform(-SPREAD, SPREAD))
    return [(pair.client_name, pair.server_name) for pair in pairs]


def late_ids(trace, servers):
    """The server's records that say that a request came too late, at once or by an amendment."""
    amended = {one["id"] for one in trace.records("amend")}
    return {one["id"] for one in servers if one["late_request"] or one["id"] in amended}


def test_both_ends_say_the_same_of_each_race_and_the_report_has_one_finding(nothing_left):
    del nothing_left
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(wire.listen())
        port = wire.port_of(listener)
        trace = stack.enter_context(observer.Trace([port]))
        report = stack.enter_context(Report([port]))
        names = races(listener)
        clients = [trace.wait_for(1, local=client, remote=server)[0] for client, server in names]
        servers = [trace.wait_for(1, local=server, remote=client)[0] for client, server in names]
        trace.wait_until(lambda: len(late_ids(trace, servers)) == RACES, "a late request of each server's end")
        conclusion = report.conclude()
    for client, server in zip(clients, servers):
        assert (client["reason"], client["confidence"]) == ("stale_reuse", "certain"), client
        assert client["flow"] == server["flow"]
        assert (client["closer"], server["closer"]) == ("server", "server")
        assert (client["premature"], client["lost_requests"]) == (True, 1)
    assert {client["manner"] for client in clients} == {"fin", "rst"}, "one way of losing a race was not seen"
    finding = conclusion.only(port, "timeout_race", "critical")
    assert finding["numbers"]["lost_requests"] == RACES
    for role in ("client", "server"):
        assert conclusion.service(role, port)["lost_requests"] == RACES


def test_ends_in_two_namespaces_find_each_other_through_address_translation(nothing_left):
    del nothing_left
    with contextlib.ExitStack() as stack:
        cable = namespaces.Translated()
        stack.callback(cable.close)
        listener = stack.enter_context(cable.listen())
        called = cable.translate(wire.port_of(listener))
        trace = stack.enter_context(observer.Trace([wire.port_of(listener)]))
        client = stack.enter_context(cable.connect(called))
        server = stack.enter_context(listener.accept()[0])
        client.sendall(wire.GET)
        wire.wait_for_bytes(server, len(wire.GET))
        server.close()
        wire.wait_for_end(client)
        client.close()
        told, other = sorted(trace.wait_for(2), key=lambda one: one["role"])
    assert (told["role"], other["role"], told["flow"]) == ("client", "server", other["flow"])
    assert told["remote"] == wire.name_of(called) != other["local"], "nothing was translated"
    for record in (told, other):  # never read, so the client came too late
        assert (record["closer"], record["manner"], record["confidence"]) == ("server", "rst", "certain"), record
    assert (told["reason"], other["late_request"]) == ("stale_reuse", True)
