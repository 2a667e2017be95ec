# SPDX-License-Identifier: BSD-2-Clause
"""gRPC's own ways to end connections and calls, with the library that most languages use, in clear text and within TLS: the truth is what
its client reports."""

import signal

import pytest

from lib.http2.scenes import OPEN, open_streams, stays_until_closed
from lib.http2.stage import check, each, ends_of, started, talk_to

AGE = {"grpc.max_connection_age_ms": 1000, "grpc.max_connection_age_grace_ms": 500}
PINGS_OFTEN = {"grpc.keepalive_time_ms": 200, "grpc.keepalive_timeout_ms": 5000, "grpc.http2.max_pings_without_data": 0,
               "grpc.keepalive_permit_without_calls": 1}
WATCHES = {"grpc.keepalive_time_ms": 500, "grpc.keepalive_timeout_ms": 500, "grpc.http2.max_pings_without_data": 0}


@pytest.mark.parametrize(("kind", "secured"), each("grpc"))
def test_a_call_that_is_longer_than_the_grace_of_the_connections_age_is_cut(nothing_left, kind, secured, tmp_path):
    """Its frames say so by trailers alone: the library ends each call with a status, and then closes."""
    del nothing_left
    with started(kind, tmp_path, secured, options=AGE) as (trace, server), talk_to(kind, server) as talk:
        talk.wait("open")
        open_streams(talk)
        talk.wait("result", OPEN, path="/wait")
        done, failed = talk.results("/wait")
        assert (done, len(failed)) == (0, OPEN)
        ends = ends_of(trace, pid=talk.pid)
    check(ends, reason="goaway_drained", closer="server", streams=OPEN + 1, answered=OPEN + 1, trailers_only=OPEN, retryable=0,
          goaway={"by": "server", "code": "NO_ERROR", "graceful": True})


@pytest.mark.parametrize(("kind", "secured"), each("grpc"))
def test_calls_that_end_within_the_grace_are_no_loss(nothing_left, kind, secured, tmp_path):
    del nothing_left
    with started(kind, tmp_path, secured, options=AGE | {"grpc.max_connection_age_grace_ms": 20_000}) as (trace, server):
        with talk_to(kind, server) as talk:
            talk.wait("open")
            talk.open("/later?for=2", OPEN)
            talk.wait("result", OPEN, path="/later?for=2")
            assert talk.results("/later?for=2") == (OPEN, [])
            stays_until_closed(talk)
            ends = ends_of(trace, pid=talk.pid)
    check(ends, reason="goaway_drained", closer="server", premature=False, lost_requests=0, streams=OPEN, answered=OPEN,
          goaway={"by": "server", "code": "NO_ERROR", "graceful": True})


@pytest.mark.parametrize(("client", "secured"), [*each("grpc"), ("go", False), ("go", True)])
def test_pings_that_come_too_often(nothing_left, client, secured, tmp_path):
    """gRPC's server counts them, whoever sends them."""
    del nothing_left
    options = PINGS_OFTEN.items() if client == "grpc" else ["-check", "100ms"]
    with started("grpc", tmp_path, secured) as (trace, server), talk_to(client, server, options) as talk:
        talk.wait("open")
        left = OPEN if client == "grpc" else 0
        if left:
            failed = talk.ask("/wait", left)
            assert all("Too many pings" in one["error"] for one in failed), failed
        stays_until_closed(talk)
        ends = ends_of(trace, pid=talk.pid)
    check(ends, reason="enhance_your_calm", closer="server", streams=left, answered=left, trailers_only=left, lost_requests=0,
          goaway={"by": "server", "code": "ENHANCE_YOUR_CALM", "debug": "too_many_pings"})
    for one in ends:
        assert one["http2"]["pings"]["client"] >= 3


@pytest.mark.parametrize(("client", "kind", "secured"), [
    ("grpc", "grpc", False), ("grpc", "grpc", True), ("go", "go", False), ("go", "nginx", False), ("go", "go", True),
    ("go", "nginx", True),
])
def test_a_server_that_answers_no_ping(nothing_left, client, kind, secured, tmp_path):
    """It is stopped, as a host that hangs."""
    del nothing_left
    options = WATCHES.items() if client == "grpc" else ["-check", "300ms", "-patience", "400ms"]
    with started(kind, tmp_path, secured) as (trace, server), talk_to(client, server, options) as talk:
        talk.wait("open")
        open_streams(talk)
        stopped = [server.pid, *server.children()]
        server.signal(signal.SIGSTOP, stopped)
        try:
            assert len(talk.wait("result", OPEN, path="/wait")) == OPEN
            stays_until_closed(talk)
        finally:
            server.signal(signal.SIGCONT, stopped)
        ends = ends_of(trace, pid=talk.pid)
    check(ends, closer="client", streams=OPEN + 1, answered=1)
    check(ends[:1], reason="ping_timeout", confidence="certain", premature=True, lost_requests=OPEN)
    assert ends[0]["http2"]["unanswered_pings"] == 1


@pytest.mark.parametrize(("kind", "secured"), each("grpc"))
def test_a_deadline_cancels_the_stream_and_loses_nothing(nothing_left, kind, secured, tmp_path):
    del nothing_left
    with started(kind, tmp_path, secured) as (trace, server), talk_to(kind, server) as talk:
        talk.wait("open")
        for one in talk.ask("/wait?deadline=0.2", OPEN):
            assert "DEADLINE_EXCEEDED" in one["error"]
        talk.ask()
        talk.close()
        ends = ends_of(trace, pid=talk.pid)
    check(ends, closer="client", premature=False, lost_requests=0, streams=OPEN + 1)
    for one in ends:  # the server knows the deadline too, and may be the first to end the call
        assert one["http2"]["answered"] + one["http2"]["cancelled"] == OPEN + 1


@pytest.mark.parametrize(("kind", "secured"), each("grpc"))
def test_a_server_that_stops_at_once_cuts_its_calls(nothing_left, kind, secured, tmp_path):
    del nothing_left
    with started(kind, tmp_path, secured) as (trace, server), talk_to(kind, server) as talk:
        talk.wait("open")
        open_streams(talk)
        server.signal(signal.SIGINT)
        assert all("error" in one for one in talk.wait("result", OPEN, path="/wait"))
        ends = ends_of(trace, pid=talk.pid)
    check(ends, reason="goaway_drained", closer="server", streams=OPEN + 1, answered=OPEN + 1, trailers_only=OPEN)


@pytest.mark.parametrize(("kind", "secured"), each("grpc"))
def test_responses_of_trailers_alone_are_counted_apart(nothing_left, kind, secured, tmp_path):
    del nothing_left
    with started(kind, tmp_path, secured) as (trace, server), talk_to(kind, server) as talk:
        talk.wait("open")
        assert all("UNAVAILABLE" in one["error"] for one in talk.ask("/fail", 3))
        assert all("UNIMPLEMENTED" in one["error"] for one in talk.ask("/nothing", 2))
        talk.ask("/", 4)
        talk.close()
        ends = ends_of(trace, pid=talk.pid)
    check(ends, closer="client", premature=False, lost_requests=0, streams=9, answered=9, trailers_only=5)


@pytest.mark.parametrize(("kind", "secured"), each("grpc"))
def test_a_server_that_lets_few_calls_run_at_once(nothing_left, kind, secured, tmp_path):
    del nothing_left
    with started(kind, tmp_path, secured, streams=2) as (trace, server), talk_to(kind, server) as talk:
        talk.wait("open")
        assert all(one.get("status") == 200 for one in talk.ask("/later?for=0.1", 6))
        talk.close()
        ends = ends_of(trace, pid=talk.pid)
    check(ends, closer="client", premature=False, lost_requests=0, streams=6, answered=6, peak=2, max_concurrent={"server": 2})
