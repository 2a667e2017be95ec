# SPDX-License-Identifier: BSD-2-Clause
"""A host is healthy only if nothing was lost: every loss and every failed connect belongs to a finding."""

import contextlib
import re
import socket
import time
from pathlib import Path

import pytest

from lib import namespaces, observer, wire
from lib.reporter import Report, advises

CUT = wire.request("POST", "/", "Content-Length: 1000", body=b"x" * 10)
BOTH = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
FAIL = 4  # the exit status that --fail-on asks for


@BOTH
def test_a_request_that_is_cut_is_a_finding_and_an_exit_status(carried, address):
    with carried(wire.listen(address)) as listener:
        port = wire.port_of(listener)
        with Report([port], "--fail-on", "critical") as report:
            report.status = FAIL
            for _ in range(3):
                with wire.Pair(listener) as pair:
                    pair.client.sendall(CUT)
                    wire.read_head(pair.server)
                    wire.read_exactly(pair.server, 10)
                    pair.close(first=pair.client)
            conclusion = report.conclude()
    assert conclusion.value["healthy"] is False
    finding = conclusion.only(port, "lost_requests", "critical")
    assert finding["summary"].startswith("3 requests lost: request_truncated x 3.")
    assert finding["numbers"] == {"lost_requests": 3, "request_truncated": 3}


@BOTH
def test_connects_that_are_refused_list_a_service_to_which_no_connection_ever_was(carried, address):
    with carried(wire.listen(address)) as listener:
        port = wire.port_of(listener)
        name = listener.getsockname()
    with Report([port]) as report:
        for _ in range(3):
            with socket.socket(listener.family) as client, pytest.raises(ConnectionRefusedError):
                client.connect(name)
        conclusion = report.conclude()
    finding = conclusion.first("client", port, "connects_fail", "critical")
    numbers = finding["numbers"]
    assert (numbers["failed"], numbers["refused"], numbers["share"]) == (3, 3, 1.0)
    assert conclusion.service("client", port)["connections"] == 0
    assert conclusion.value["healthy"] is False


def overflows():
    """ListenOverflows of this host."""
    names, values = [line.split() for line in Path("/proc/net/netstat").read_text().splitlines()[:2]]
    return int(values[names.index("ListenOverflows")])


def wait_for_overflows(before):
    end = time.monotonic() + wire.DEADLINE
    while overflows() == before:
        assert time.monotonic() < end, "the queue never was full"
        time.sleep(0.01)


def test_a_full_accept_queue_is_named():
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = wire.port_of(listener)
        report = stack.enter_context(Report([port]))
        clients = [stack.enter_context(socket.socket()) for _ in range(4)]
        before = overflows()
        for client in clients:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        wait_for_overflows(before)
        for client in clients:
            client.close()
        listener.close()
        conclusion = report.conclude()
    finding = conclusion.of("client", port)[0]
    assert finding["id"] == "connects_fail"
    assert finding["numbers"]["aborted"] >= 1
    assert finding["numbers"]["accept_queue_overflows"] >= 1
    assert "ListenOverflows" in finding["summary"]
    assert advises(finding, "somaxconn")


def test_a_listener_that_goes_with_requests_in_its_queue_is_to_be_reloaded_gracefully(carried):
    with contextlib.ExitStack() as stack:
        listener = carried(wire.listen())
        port = wire.port_of(listener)
        report = stack.enter_context(Report([port]))
        clients = [stack.enter_context(wire.connect(listener.getsockname())) for _ in range(3)]
        for client in clients:
            client.sendall(wire.GET)
        listener.close()
        for client in clients:
            wire.wait_for_end(client)
        conclusion = report.conclude()
    finding = conclusion.only(port, "timeout_race", "critical")
    assert (finding["numbers"]["lost_requests"], finding["numbers"]["never_accepted"]) == (3, 3)
    assert finding["numbers"]["retryable_unknown"] == 3
    assert advises(finding, "SO_REUSEPORT") and not advises(finding, "keep them longer")


@BOTH
def test_a_reset_over_a_request_at_the_servers_timeout_is_a_race(carried, address):
    """The server closes while the request is in its accept queue; the client sees only a reset."""
    idle = 0.6
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(carried(wire.listen(address)))
        port = wire.port_of(listener)
        report = stack.enter_context(Report([port], "--role", "client"))
        pairs = [stack.enter_context(wire.Pair(listener)) for _ in range(8)]
        for pair in pairs:
            pair.exchange()
            time.sleep(idle)  # the server's timeout
            if pair in pairs[-2:]:
                pair.client.sendall(wire.GET)
                wire.wait_for_bytes(pair.server, len(wire.GET))
            pair.server.close()
            wire.wait_for_end(pair.client)
            pair.client.close()
        conclusion = report.conclude()
    finding = conclusion.first("client", port, "timeout_race", "critical")
    numbers = finding["numbers"]
    assert (numbers["lost_requests"], numbers["retryable"], numbers["retryable_unknown"]) == (2, 2, 0)
    assert numbers["server_idle_timeout_s"] >= idle
    assert not [one for one in conclusion.findings if one["id"] == "no_responses"]


@pytest.mark.parametrize("family", [4, 6])
def test_a_reset_from_the_path_after_long_idling_is_a_path_that_forgot(carried, family):
    with contextlib.ExitStack() as stack:
        cable = namespaces.Cable()
        stack.callback(cable.close)
        listener = stack.enter_context(carried(cable.listen(family)))
        port = wire.port_of(listener)
        report = stack.enter_context(Report([port], "--role", "client"))
        pairs = [stack.enter_context(cable.pair(listener)) for _ in range(3)]
        for pair in pairs:
            for _ in range(5):
                pair.exchange()
            time.sleep(0.1)
            pair.exchange()
        time.sleep(1.2)  # it was idle, not just slow
        with cable.rejecting(cable.server, "rst"):
            for pair in pairs:
                pair.client.sendall(wire.GET)
                wire.wait_for_end(pair.client)
                pair.client.close()
            conclusion = report.conclude()
    finding = conclusion.first("client", port, "dead_path", "warning")
    numbers = finding["numbers"]
    assert (numbers["connections"], numbers["reset_at_once"], numbers["lost_requests"]) == (3, 3, 3)
    assert numbers["longest_idle_worked_s"] < 1.2 <= numbers["shortest_idle_failed_s"]
    assert "the server, or something on the path" in finding["summary"]
    assert advises(finding, "tcp_keepalive_time")
    assert conclusion.of("client", port) == [finding]


@BOTH
@pytest.mark.parametrize("closing", ["fin", "rst"])
def test_a_response_that_stalls_says_how_much_came_and_how_long_nothing_did(carried, address, closing):
    with carried(wire.listen(address)) as listener:
        port = wire.port_of(listener)
        with observer.Trace([port]) as trace:
            with wire.Pair(listener) as pair:
                pair.send_request()
                part = wire.response("200 OK", "Content-Length: 1000", body=b"")
                part = part.replace(b"Content-Length: 0\r\n", b"") + b"x" * 379
                pair.send_response(part)
                time.sleep(0.4)
                if closing == "rst":
                    wire.reset(pair.server)
                else:
                    pair.server.close()
                wire.wait_for_end(pair.client)
                pair.client.close()
                records = trace.both(pair)
            trace.stop()
    for record in records:
        told = [re.fullmatch(r"379 of 1,000 bytes, then (\S+ m?s) of silence", one) for one in record["evidence"]]
        (silence,) = [one[1].split() for one in told if one]
        assert float(silence[0]) >= {"ms": 400, "s": 1}[silence[1]], record
        assert (record["body_bytes"], record["body_declared"]) == (379, 1000)
