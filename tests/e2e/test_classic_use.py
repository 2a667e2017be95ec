# SPDX-License-Identifier: BSD-2-Clause
"""The classic ways to waste connections or to cut them, and a service that does neither."""

import contextlib
import json
import signal
import socket
import struct
import time

import pytest

from lib import namespaces, observer, wire
from lib.reporter import Report, advises, near

TOTAL_RETRANSMITS = 100  # offset of tcpi_total_retrans in struct tcp_info


FIN_WAIT1 = "04"  # as /proc/net/tcp has it


def wait_until_sent_again(end):
    limit = time.monotonic() + wire.DEADLINE
    while time.monotonic() < limit:
        info = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TOTAL_RETRANSMITS + 4)
        if struct.unpack_from("I", info, TOTAL_RETRANSMITS)[0]:
            return
        time.sleep(0.01)
    raise AssertionError("nothing is sent again")


def wait_until_given_up(namespace):
    """Waits until no socket waits for an acknowledgment of its FIN: the kernel has given these sockets up."""
    limit = time.monotonic() + wire.DEADLINE
    while time.monotonic() < limit:
        with namespace.inside(), open("/proc/thread-self/net/tcp", encoding="ascii") as table:
            if not any(line.split()[3] == FIN_WAIT1 for line in table):
                return
        time.sleep(0.01)
    raise AssertionError("a socket is not given up")


def test_a_client_asks_to_close_each_time(nginx):
    port = nginx.addresses["plain"][1]
    with Report([port]) as report:
        for _ in range(60):
            with wire.Client(nginx.addresses["plain"]) as client:
                assert client.get("/", "Connection: close")[0] == 200
                client.close_after_server()
        conclusion = report.conclude()
    finding = conclusion.only(port, "low_reuse", "warning")
    assert finding["numbers"]["cause"] == "client_sends_close"
    assert finding["numbers"]["connections"] == 60
    assert finding["numbers"]["requests_per_connection"] == 1
    assert finding["numbers"]["handshakes_per_s"] > 0
    assert advises(finding, "requests.Session")
    for role in ("client", "server"):
        service = conclusion.service(role, port)
        assert (service["connections"], service["requests"], service["reuse_ratio"]) == (60, 60, 0)


def test_a_server_closes_after_each_response_unannounced(own_listener):
    port = wire.port_of(own_listener)
    with Report([port]) as report:
        for _ in range(60):
            with wire.Pair(own_listener) as pair:
                pair.send_request()
                pair.server.sendall(wire.OK)
                pair.server.close()
                assert wire.read_to_end(pair.client) == wire.OK
        conclusion = report.conclude()
    finding = conclusion.first("server", port, "unannounced_closes", "warning")
    assert finding["numbers"] == {"unannounced": 60, "server_closes": 60, "share": 1.0}
    assert [one["id"] for one in conclusion.findings] == ["unannounced_closes", "low_reuse"]
    assert conclusion.findings[1]["numbers"]["cause"] == "server_closes_unannounced"


def test_a_server_resets_over_an_unread_body(own_listener):
    port = wire.port_of(own_listener)
    body = b"x" * 10_000
    with Report([port]) as report:
        for _ in range(5):
            with wire.Pair(own_listener) as pair:
                pair.client.sendall(wire.request("POST", "/", f"Content-Length: {2 * len(body)}", body=body))
                wire.read_head(pair.server)
                wire.wait_for_bytes(pair.server, len(body))
                pair.server.sendall(wire.response("413 Content Too Large"))
                pair.server.close()
                wire.wait_for_end(pair.client)
        conclusion = report.conclude()
    finding = conclusion.first("server", port, "truncated_responses", "critical")
    assert finding["numbers"] == {"truncated": 5, "by_reset": 5, "over_unread_data": 5}
    assert advises(finding, "lingering close")


def test_a_health_checker_only_connects(own_listener):
    port = wire.port_of(own_listener)
    with Report([port]) as report:
        for _ in range(20):
            with wire.Pair(own_listener) as pair:
                pair.close(first=pair.client)
        with wire.Pair(own_listener) as pair:
            pair.exchange()
            pair.close(first=pair.client)
        conclusion = report.conclude()
    finding = conclusion.only(port, "probe_only", "info")
    assert finding["numbers"]["unused"] == 20
    assert near(finding["numbers"]["share"], 20 / 21)


def test_a_client_gives_up_before_the_server_answers(own_listener):
    """The client waits for 100 ms; the server would answer after 300."""
    port = wire.port_of(own_listener)
    with Report([port]) as report:
        for _ in range(10):
            with wire.Pair(own_listener) as pair:
                pair.send_request()
                pair.client.settimeout(0.1)
                with contextlib.suppress(TimeoutError):
                    pair.client.recv(1)
                pair.client.close()
                time.sleep(0.2)
                with contextlib.suppress(ConnectionError):
                    pair.server.sendall(wire.OK)
        conclusion = report.conclude()
    numbers = conclusion.only(port, "clients_give_up", "warning")["numbers"]
    assert (numbers["gave_up"], numbers["share"]) == (10, 1.0)
    assert near(numbers["typical_wait_s"], 0.1, 0.2)
    assert near(numbers["client_timeout_s"], 0.1, 0.2)


def test_a_path_forgets_idle_connections(nothing_left, carried):
    """Packets of connections that were idle for a second and a half are dropped; those of less idle ones are not."""
    del nothing_left
    with contextlib.ExitStack() as stack:
        cable = namespaces.Cable()
        stack.callback(cable.close)
        listener = stack.enter_context(carried(cable.listen()))
        port = wire.port_of(listener)
        report = stack.enter_context(Report([port]))
        pairs = [stack.enter_context(cable.pair(listener)) for _ in range(3)]
        for pair in pairs:
            pair.exchange()
        time.sleep(0.3)
        for pair in pairs:
            pair.exchange()
        time.sleep(1.5)
        for pair in pairs:
            pair.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000)
        with cable.deaf(cable.server):
            for pair in pairs:
                pair.client.sendall(wire.GET)
            wait_until_sent_again(pairs[0].client)
            pairs[0].client.close()  # an impatient client; the others wait until the kernel gives up
            for pair in pairs[1:]:
                with pytest.raises(OSError):  # ETIMEDOUT, for which an end of a session has another name
                    pair.client.recv(1)
                pair.client.close()
            wait_until_given_up(cable.client)
            conclusion = report.conclude()
    finding = conclusion.first("client", port, "dead_path", "warning")
    numbers = finding["numbers"]
    assert (numbers["connections"], numbers["lost_requests"]) == (3, 3)
    assert 1.5 <= numbers["shortest_idle_failed_s"] <= 3
    assert 0.3 <= numbers["longest_idle_worked_s"] < 1.5
    assert advises(finding, "tcp_keepalive_time")
    reasons = conclusion.service("client", port)["reasons"]
    assert reasons == {"request_unacknowledged": 1, "retransmit_timeout": 2}


def test_a_healthy_service_gives_no_finding(nginx):
    port = nginx.addresses["plain"][1]
    with Report([port], "--fail-on", "info") as report:
        for _ in range(60):
            with wire.Client(nginx.addresses["plain"]) as client:
                for _ in range(5):
                    assert client.get()[0] == 200
        conclusion = report.conclude()
    assert conclusion.findings == []
    assert conclusion.value["healthy"] is True
    for role in ("client", "server"):
        service = conclusion.service(role, port)
        assert (service["connections"], service["requests"]) == (60, 300)
        assert near(service["requests_per_connection"], 5)
        assert near(service["reuse_ratio"], 0.8)
        assert service["reasons"] == {"client_closed_idle": 60}


def test_an_idle_host_is_told_in_one_line(closed_port):
    with observer.Observer("report", "--port", str(closed_port)) as report:
        report.process.send_signal(signal.SIGINT)
        assert report.end() == 0
    (line,) = report.output
    assert line.startswith("No HTTP connection was seen in ")
    assert report.errors == [observer.OBSERVING]


def test_closes_that_are_pending_in_the_kernel_are_counted_with_their_requests(carried):
    """Their programs are done with them, and their records come minutes later."""
    with contextlib.ExitStack() as stack:
        cable = namespaces.Cable()
        stack.callback(cable.close)
        listener = stack.enter_context(carried(cable.listen()))
        port = wire.port_of(listener)
        report = stack.enter_context(Report([port]))
        text = stack.enter_context(observer.Observer("report", "--port", str(port)))
        trace = stack.enter_context(observer.Observer("trace", "--json", "--port", str(port)))
        pairs = [stack.enter_context(cable.pair(listener)) for _ in range(3)]
        for pair in pairs:
            pair.exchange()
        with cable.deaf(cable.server):
            for pair in pairs[1:]:
                pair.client.sendall(wire.GET)
            for pair in pairs:
                pair.client.close()
            time.sleep(0.3)  # a close that takes less is on its way
            for one in (report, text, trace):
                one.stop()
    value = json.loads(report.output[-1])
    assert value["closing"] == {"connections": 3, "requests": 2}
    sentence = "3 connections are closing and not final yet: 2 requests on them may be lost"
    assert f"{sentence}." in text.output
    assert [line for line in trace.errors if sentence in line], trace.errors


def test_the_page_reads_top_down(own_listener):
    """The verdict, then the findings with what to do, then the services, then their idle times."""
    port = wire.port_of(own_listener)
    with observer.Observer("report", "--port", str(port)) as report:
        with wire.Pair(own_listener) as pair:  # closed while idle
            pair.exchange()
            pair.exchange()
            pair.close(first=pair.client)
        with wire.Pair(own_listener) as pair:  # the keep-alive race
            pair.exchange()
            time.sleep(0.15)  # so the close is not one right after a response
            pair.server.close()
            wire.wait_for_end(pair.client)
            pair.client.sendall(wire.GET)
        report.stop()
    page = "\n".join(report.output)
    parts = [
        "2 connections (2 seen from both ends), 4 requests, 1 service.",
        "1 finding: 1 critical",
        f"critical: timeout_race  127.0.0.1:{port} (client python3), python3:{port} (server)",
        "got lost",
        "  - ",
        "for example ",
        "longest idle",
        f"\npython3:{port}, 127.0.0.1:{port}  both ",
        "Idle times of ",
        "#",
        "x",
    ]
    at = 0
    for part in parts:
        assert part in page[at:], f"{part!r} is missing in {page}"
        at = page.index(part, at) + len(part)
    assert "\033" not in page
    assert report.errors == [observer.OBSERVING]


def test_a_severe_finding_is_an_exit_status(own_listener):
    port = wire.port_of(own_listener)
    for severity, status in (("critical", 4), ("info", 4), (None, 0)):
        with Report([port], *(["--fail-on", severity] if severity else [])) as report:
            report.status = status
            with wire.Pair(own_listener) as pair:
                pair.send_request()
                pair.close(first=pair.server)
            finding = report.conclude().first("client", port, "no_responses", "critical")
        assert finding["numbers"]["lost_requests"] == 1
