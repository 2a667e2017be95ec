# SPDX-License-Identifier: BSD-2-Clause
"""The options of `keepwatch trace`, each with an observer of its own."""

import os
import re
import signal
import socket
import subprocess
import time

import pytest

from lib import curl, observer, wire


def make_pairs(listener, count):
    """That many connections of one exchange each, closed by the client."""
    pairs = []
    for _ in range(count):
        with wire.Pair(listener) as pair:
            pair.exchange()
            pair.close(first=pair.client)
        pairs.append(pair)
    return pairs


def make_truncated(listener):
    """A connection whose response was cut."""
    with wire.Pair(listener) as pair:
        pair.send_request()
        pair.send_response(wire.head("HTTP/1.1 200 OK", "Content-Length: 1000"))
        pair.close(first=pair.server)
    return pair


def test_count_stops_after_so_many_closes(own_listener):
    with observer.Trace([wire.port_of(own_listener)], "--count", "3") as trace:
        make_pairs(own_listener, 5)
        assert trace.end() == 0
    assert len(trace.records()) == 3


def test_for_stops_after_that_time(own_listener):
    with observer.Trace([wire.port_of(own_listener)], "--for", "500ms") as trace:
        start = time.monotonic()
        assert trace.end() == 0
    assert time.monotonic() - start < observer.DEADLINE
    assert trace.records() == []


def test_what_closes_before_the_end_is_told_at_the_end(own_listener):
    """Stopped at once after the closes: what the kernel still holds is drained."""
    with observer.Trace([wire.port_of(own_listener)]) as trace:
        pairs = make_pairs(own_listener, 20)
        trace.stop()
        for pair in pairs:
            trace.both(pair)
    assert len(trace.records()) == 40


def test_premature_shows_only_those(own_listener):
    with observer.Trace([wire.port_of(own_listener)], "--premature") as trace:
        make_pairs(own_listener, 3)
        cut = make_truncated(own_listener)
        make_pairs(own_listener, 3)
        trace.both(cut)
    assert [one["reason"] for one in trace.records()] == ["response_truncated"] * 2
    assert trace.records("summary")[0]["connections"] == 14


def test_reason_shows_only_those(own_listener):
    with observer.Trace([wire.port_of(own_listener)], "--reason", "unused,response_truncated") as trace:
        make_pairs(own_listener, 2)
        cut = make_truncated(own_listener)
        with wire.Pair(own_listener) as unused:
            unused.close(first=unused.client)
        make_pairs(own_listener, 2)
        trace.both(cut)
        trace.both(unused)
    assert sorted(one["reason"] for one in trace.records()) == ["response_truncated"] * 2 + ["unused"] * 2


FILTERS = {
    "role": (["--role", "client"], {("curl", "client"), ("test", "client")}),
    "comm": (["--comm", "nginx"], {("curl", "server"), ("test", "server")}),
    "pid": (["--pid", str(os.getpid())], {("test", "client")}),
    "net": (["--net", "::1/128"], {("test", "client"), ("test", "server")}),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_shows_only_what_it_names(nginx, trace, name):
    """Of a connection by curl over IPv4 and one by this process over IPv6; the session's own observer tells
    when both have ended."""
    options, expected = FILTERS[name]
    with observer.Trace(nginx.ports, *options) as filtered:
        (by_curl,) = curl.curl(urls=[nginx.url()])
        with wire.Client(nginx.addresses["ipv6"]) as by_test:
            by_test.get()
        trace.both(by_curl)
        trace.both(by_test)
    names = {by_curl.client_name: "curl", by_test.client_name: "test"}
    ends = {"client": "local", "server": "remote"}
    told = [(names[one[ends[one["role"]]]], one["role"]) for one in filtered.records()]
    assert sorted(told) == sorted(expected)


def test_port_leaves_other_ports_alone(own_listener):
    with wire.listen() as other, observer.Trace([wire.port_of(own_listener)]) as trace:
        make_pairs(other, 3)
        (pair,) = make_pairs(own_listener, 1)
        trace.both(pair)
    assert len(trace.records()) == 2


def test_open_reports_what_is_open_at_the_end(own_listener):
    with observer.Trace([wire.port_of(own_listener)], "--open") as trace, wire.Pair(own_listener) as pair:
        pair.exchange()
        pair.exchange()
        trace.stop()
    assert trace.records() == []
    opened = trace.records("open")
    assert sorted(one["role"] for one in opened) == ["client", "server"]
    assert {one["local"] for one in opened} == {pair.client_name, pair.server_name}
    assert [one["requests"] for one in opened] == [2, 2]


def test_what_several_descriptors_hold_is_told_once(own_listener):
    with observer.Trace([wire.port_of(own_listener)], "--open") as trace, wire.Pair(own_listener) as pair:
        pair.exchange()
        with pair.client.dup(), pair.server.dup():
            trace.stop()
    assert sorted(one["role"] for one in trace.records("open")) == ["client", "server"]


def test_without_open_nothing_is_said_of_what_is_open(own_listener):
    with observer.Trace([wire.port_of(own_listener)]) as trace, wire.Pair(own_listener) as pair:
        pair.exchange()
        trace.stop()
    assert [one["type"] for one in trace.seen] == ["summary"]


def test_a_connection_older_than_the_observer_is_told_as_such(own_listener):
    with wire.Pair(own_listener) as used, wire.Pair(own_listener) as unused:
        used.exchange()
        with observer.Trace([wire.port_of(own_listener)]) as trace:
            for _ in range(2):
                used.exchange()
            used.close(first=used.client)
            client, server = trace.both(used)
            assert client["preexisting"] is True and server["preexisting"] is True
            assert (client["requests"], client["responses"]) == (2, 2)
            assert (client["tx_bytes"], client["rx_bytes"]) == (2 * len(wire.GET), 2 * len(wire.OK))
            assert (client["closer"], client["manner"], client["phase"]) == ("client", "fin", "idle")
            assert client["reason"] == "client_closed_idle"
            unused.close(first=unused.client)
            for one in trace.both(unused):
                assert one["preexisting"] is True
                assert (one["requests"], one["responses"]) == (0, 0)
                assert (one["reason"], one["premature"], one["confidence"]) == ("unknown", None, "unknown")


def test_exchanges_adds_a_record_for_each(own_listener):
    put = wire.request("PUT", "/", "Content-Length: 5", body=b"12345")
    last = wire.request("POST", "/", "Connection: close", "Content-Length: 0", version="1.0")
    answer = wire.response("404 Not Found", version="1.0")
    with observer.Trace([wire.port_of(own_listener)], "--exchanges") as trace, wire.Pair(own_listener) as pair:
        pair.send_request()
        time.sleep(0.05)
        pair.send_response()
        time.sleep(0.05)
        pair.exchange(put, wire.response("201 Created"))
        pair.exchange(last, answer)
        pair.close(first=pair.server)
        for one in trace.both(pair):
            exchanges = trace.wait_for(3, "exchange", id=one["id"])
            assert [exchange["n"] for exchange in exchanges] == [1, 2, 3]
            assert [exchange["status"] for exchange in exchanges] == [200, 201, 404]
            assert [exchange["method"] for exchange in exchanges] == ["safe", "idempotent", "other"]
            assert [exchange["http"] for exchange in exchanges] == ["1.1", "1.1", "1.0"]
            assert [exchange["request_bytes"] for exchange in exchanges] == [len(wire.GET), len(put), len(last)]
            assert exchanges[0]["response_bytes"] == len(wire.OK)
            assert exchanges[2]["response_bytes"] == len(answer)
            assert exchanges[0]["wait_s"] >= 0.05
            assert exchanges[0]["duration_s"] >= exchanges[0]["wait_s"]
            assert exchanges[1]["idle_before_s"] >= 0.05
            assert [exchange["announced"] for exchange in exchanges[:2]] == [None, None]
            assert exchanges[2]["announced"] == {"by": "client", "how": "close"}
            assert one["idle_max_s"] >= 0.05
    assert len(trace.records("exchange")) == 6


def test_without_exchanges_there_is_none(own_listener):
    with observer.Trace([wire.port_of(own_listener)]) as trace:
        make_pairs(own_listener, 1)
    assert {one["type"] for one in trace.seen} == {"connection", "summary"}


def test_text_is_one_line_for_each_close(own_listener):
    port = wire.port_of(own_listener)
    with observer.Observer("trace", *observer.port_options([port])) as trace:
        make_pairs(own_listener, 2)
        trace.wait_until(lambda: len(trace.output) >= 4, "four lines")
        trace.stop()
    assert len(trace.output) == 4
    for line in trace.output:
        assert re.search(rf"\b{port}\b", line)
        assert "client_closed_idle" in line
        assert "\x1b" not in line  # colour is for terminals
    assert sum("server" in line for line in trace.output) == 2


def test_text_gives_the_evidence_when_asked(own_listener):
    with observer.Observer("trace", "-v", *observer.port_options([wire.port_of(own_listener)])) as trace:
        make_pairs(own_listener, 1)
        trace.wait_until(lambda: len(trace.output) >= 4, "two lines, each with its evidence")
        trace.stop()
    told = [not line[0].isspace() for line in trace.output]
    assert sum(told) == 2
    assert told[0] and not told[1]  # the evidence follows its line
    assert "client sent FIN" in trace.output[1]


def test_an_interrupt_ends_it_like_a_termination(own_listener):
    with observer.Trace([wire.port_of(own_listener)]) as trace:
        make_pairs(own_listener, 1)
        trace.process.send_signal(signal.SIGINT)
        assert trace.end() == 0
    assert len(trace.records()) == 2


def test_systemd_is_told_when_it_is_ready(own_listener, tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        systemd.settimeout(observer.DEADLINE)
        options = observer.port_options([wire.port_of(own_listener)])
        with observer.Observer("trace", *options, env=os.environ | {"NOTIFY_SOCKET": str(path)}):
            assert "READY=1" in systemd.recv(1000).decode().splitlines()


def test_a_closed_pipe_ends_it_quietly(own_listener):
    command = ["trace", "--json", *observer.port_options([wire.port_of(own_listener)])]
    with subprocess.Popen(
        [observer.BINARY, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stderr.readline().decode().strip() == observer.OBSERVING
            make_pairs(own_listener, 1)
            assert process.stdout.readline().startswith(b"{")
            process.stdout.close()
            end = time.monotonic() + observer.DEADLINE
            while process.poll() is None and time.monotonic() < end:
                make_pairs(own_listener, 1)
                time.sleep(0.05)
            assert process.poll() == 0
            assert process.stderr.read() == b""
        finally:
            process.kill()
