# SPDX-License-Identifier: BSD-2-Clause
"""Connections that end in the middle of a message, and those that only look so: each reason, seen from both ends."""

import contextlib
import operator
import socket
import subprocess
import time

import pytest

from lib import reasons, wire
from lib.child import child
from lib.reasons import both_say, each_says, proves, says, verdict

door, talk = reasons.door, reasons.talk  # fixtures

UPLOAD = wire.head("POST / HTTP/1.1", "Host: test", "Content-Length: 1000")
HALF_HEAD = b"GET / HTTP/1.1\r\nHos"
LONG = wire.head("HTTP/1.1 200 OK", "Content-Length: 1000") + b"only this"
DELIMITED = wire.head("HTTP/1.1 200 OK") + b"as far as it goes"
REQUEST_TIMEOUT = wire.response("408 Request Timeout", "Connection: close")


def reset_and_close(pair, first):
    """One end resets, the other one notices."""
    one, other = (pair.client, pair.server) if first == "client" else (pair.server, pair.client)
    wire.reset(one)
    wire.wait_for_end(other)
    other.close()


# ---- requests that were not complete ---------------------------------------------------------------------


@proves("request_timeout")
def test_a_408_on_a_connection_without_a_request_is_request_timeout(trace, talk):
    """HAProxy and Node send this to clients that connect in advance."""
    talk.send_response(REQUEST_TIMEOUT)
    talk.close(first=talk.server)
    both_say(trace, talk, "request_timeout", "server", "fin", "unused")


@proves("request_timeout")
def test_a_408_after_half_a_head_is_request_timeout(trace, talk):
    talk.send_request(HALF_HEAD)
    talk.send_response(REQUEST_TIMEOUT)
    talk.close(first=talk.server)
    both_say(trace, talk, "request_timeout", "server", "fin", "idle")


@proves("request_timeout")
def test_a_408_between_requests_is_request_timeout(trace, talk):
    talk.exchange()
    talk.send_response(REQUEST_TIMEOUT)
    talk.close(first=talk.server)
    both_say(trace, talk, "request_timeout", "server", "fin", "idle")


@pytest.mark.parametrize("part", [HALF_HEAD, UPLOAD], ids=["head", "body"])
@pytest.mark.parametrize("first", ["client", "server"])
@proves("request_truncated")
def test_a_request_that_either_side_cuts_is_request_truncated(trace, talk, part, first):
    talk.send_request(part)
    talk.close(first=getattr(talk, first))
    both_say(trace, talk, "request_truncated", first, "fin", "request", premature=True, lost=1)


@proves("early_response")
def test_a_refusal_before_the_body_is_early_response(trace, talk):
    talk.exchange(UPLOAD, wire.response("401 Unauthorized", "Connection: close"))
    talk.close(first=talk.server)
    both_say(trace, talk, "early_response", "server", "fin", "idle")


@proves("early_response")
def test_a_client_may_close_after_a_refusal_too(trace, talk):
    talk.exchange(UPLOAD, wire.response("413 Content Too Large"))
    talk.close(first=talk.client)
    both_say(trace, talk, "early_response", "client", "fin", "idle")


@proves("early_response")
def test_a_refusal_that_the_unread_body_turns_into_a_reset_is_premature_where_it_is_seen(trace, talk):
    talk.exchange(UPLOAD, wire.response("401 Unauthorized", "Connection: close"))
    talk.client.sendall(b"x" * 100)
    wire.wait_for_bytes(talk.server, 100)
    talk.server.close()
    wire.wait_for_end(talk.client)
    talk.client.close()
    _, server = each_says(trace, talk, verdict("early_response", "server", "rst", "idle"),
                          verdict("early_response", "server", "rst", "idle", True))
    assert server["unread_data"] is True and server["late_request"] is False


# ---- responses that were not complete --------------------------------------------------------------------


@pytest.mark.parametrize("cut", [operator.methodcaller("close"), wire.reset], ids=["FIN", "RST"])
@proves("response_truncated")
def test_a_response_that_the_server_cuts_is_response_truncated(trace, talk, cut):
    talk.exchange(response=LONG)
    cut(talk.server)
    wire.wait_for_end(talk.client)
    talk.client.close()
    manner = "rst" if cut is wire.reset else "fin"
    both_say(trace, talk, "response_truncated", "server", manner, "response", premature=True, lost=1)


@proves("response_truncated")
def test_a_body_delimited_by_the_close_may_not_end_by_a_reset(trace, talk):
    talk.exchange(response=DELIMITED)
    reset_and_close(talk, "server")
    both_say(trace, talk, "response_truncated", "server", "rst", "response", premature=True, lost=1)


@proves("client_left")
def test_a_client_that_leaves_in_the_middle_of_a_response(trace, talk):
    talk.exchange(response=LONG)
    talk.close(first=talk.client)
    both_say(trace, talk, "client_left", "client", "fin", "response", lost=1)


@proves("client_gave_up")
def test_a_client_that_does_not_wait_any_longer(trace, talk):
    talk.send_request()
    reset_and_close(talk, "client")
    client, _ = both_say(trace, talk, "client_gave_up", "client", "rst", "waiting", premature=True, lost=1)
    assert client["waited_s"] is not None


@proves("half_closed")
def test_a_half_close_while_the_response_comes(trace, talk):
    talk.send_request()
    talk.send_response(LONG)
    talk.client.shutdown(socket.SHUT_WR)
    assert talk.server.recv(1) == b""
    talk.send_response(b"x" * (1000 - len(b"only this")))
    talk.close(first=talk.server)
    both_say(trace, talk, "half_closed", "client", "fin", "response")


@proves("half_closed")
def test_a_half_close_before_the_response(trace, talk):
    talk.send_request()
    talk.client.shutdown(socket.SHUT_WR)
    assert talk.server.recv(1) == b""
    talk.send_response()
    talk.close(first=talk.server)
    both_say(trace, talk, "half_closed", "client", "fin", "waiting")


@proves("no_response")
def test_a_server_that_has_read_the_request_and_closes_never_counts_as_a_race(trace, talk):
    """nginx does so for "return 444". However long it was idle, it had the request."""
    talk.exchange(response=wire.response("200 OK", "Keep-Alive: timeout=0"))
    talk.send_request()
    talk.close(first=talk.server)
    both_say(trace, talk, "no_response", "server", "fin", "waiting", premature=True, lost=1)


@proves("no_response")
def test_of_a_reset_the_servers_end_shows_that_it_had_the_request(trace, talk):
    talk.send_request()
    reset_and_close(talk, "server")
    client, _ = both_say(trace, talk, "no_response", "server", "rst", "waiting", premature=True, lost=1)
    assert "the server had received the request: its own end, on this host too, shows that" in client["evidence"]


@proves("pipeline_cut")
def test_requests_behind_an_announced_close_are_pipeline_cut(trace, talk):
    talk.send_request(wire.GET * 3)
    talk.send_response(wire.response("200 OK", "Connection: close"))
    talk.close(first=talk.server)
    both_say(trace, talk, "pipeline_cut", "server", "fin", "waiting", premature=True, lost=2)


# ---- requests that came too late --------------------------------------------------------------------------


@proves("stale_reuse")
def test_a_request_sent_after_the_fin_arrived_is_stale(trace, talk):
    talk.exchange()
    talk.server.close()
    wire.wait_for_end(talk.client)
    time.sleep(0.02)
    talk.client.sendall(wire.GET)
    talk.client.close()
    client, _ = trace.both(talk, mirrored=False)
    stale(client, "fin", "certain")
    assert client["late_by_s"] >= 0.02


@proves("stale_reuse")
@pytest.mark.parametrize("promise", [["Keep-Alive: timeout=1"], []], ids=["advertised", "silent"])
@pytest.mark.parametrize("idle", [0, 0.95])
def test_of_a_reset_the_servers_end_shows_that_it_had_closed_before(trace, talk, promise, idle):
    talk.exchange(response=wire.response("200 OK", *promise))
    time.sleep(idle)
    talk.client.sendall(wire.GET)
    wire.wait_for_bytes(talk.server, len(wire.GET))
    talk.server.close()
    wire.wait_for_end(talk.client)
    talk.client.close()
    client, server = trace.both(talk, mirrored=False)
    stale(client, "rst", "certain")
    assert (server["late_request"], server["premature"], server["lost_requests"]) == (True, True, 1)


def stale(record, manner, confidence):
    says(record, "stale_reuse", "server", manner, "waiting", premature=True, lost=1, confidence=confidence)


# ---- processes that end -------------------------------------------------------------------------------------


@contextlib.contextmanager
def held_by_process(end):
    """Another process holds this end and this one does not any more. It exits once its input ends."""
    with child(["cat"], stdin=subprocess.PIPE, pass_fds=[end.fileno()]) as process:
        end.close()
        yield process


def dies(process):
    process.kill()
    process.wait()


def exits(process):
    process.stdin.close()
    process.wait()


def ends_of(pair, role):
    return (pair.client, pair.server) if role == "client" else (pair.server, pair.client)


@pytest.mark.parametrize("leave", [dies, exits])
@pytest.mark.parametrize("role, other_reason", [("client", "client_gave_up"), ("server", "no_response")])
@proves("process_exit")
def test_a_process_that_ends_while_a_request_waits(trace, talk, role, other_reason, leave):
    talk.send_request()
    end, other = ends_of(talk, role)
    with held_by_process(end) as process:
        leave(process)
        wire.wait_for_end(other)
        other.close()
    told = (role, "fin", "waiting", True, 1)
    here, there = verdict("process_exit", *told), verdict(other_reason, *told)
    each_says(trace, talk, *((here, there) if role == "client" else (there, here)))


@proves("process_exit")
def test_a_process_that_exits_in_the_middle_of_a_response(trace, talk):
    talk.exchange(response=LONG)
    with held_by_process(talk.server) as process:
        exits(process)
        wire.wait_for_end(talk.client)
        talk.client.close()
    told = ("server", "fin", "response", True, 1)
    each_says(trace, talk, verdict("response_truncated", *told), verdict("process_exit", *told))


@proves("process_exit")
def test_a_process_that_is_killed_while_idle(trace, talk):
    talk.exchange(response=wire.response("200 OK", "Keep-Alive: timeout=60"))
    with held_by_process(talk.server) as process:
        time.sleep(0.15)
        dies(process)
        wire.wait_for_end(talk.client)
        talk.client.close()
    told = ("server", "fin", "idle")
    each_says(trace, talk, verdict("closed_before_timeout", *told), verdict("process_exit", *told))


@proves("client_closed_idle")
def test_a_process_that_exits_while_idle_just_closes(trace, talk):
    talk.exchange()
    with held_by_process(talk.client) as process:
        exits(process)
        wire.wait_for_end(talk.server)
        talk.server.close()
    both_say(trace, talk, "client_closed_idle", "client", "fin", "idle")


@proves("unused")
def test_a_process_that_is_killed_before_the_first_request(trace, talk):
    with held_by_process(talk.server) as process:
        dies(process)
        wire.wait_for_end(talk.client)
        talk.client.close()
    both_say(trace, talk, "unused", "server", "fin", "unused")


@proves("close_delimited")
def test_a_process_that_exits_to_end_its_body_did_so_on_purpose(trace, talk):
    talk.exchange(response=DELIMITED)
    with held_by_process(talk.server) as process:
        exits(process)
        wire.wait_for_end(talk.client)
        talk.client.close()
    both_say(trace, talk, "close_delimited", "server", "fin", "response")


@proves("process_exit")
def test_a_kill_is_no_end_of_a_body_delimited_by_the_close(trace, talk):
    """The client cannot tell: to it the body looks complete."""
    talk.exchange(response=DELIMITED)
    with held_by_process(talk.server) as process:
        dies(process)
        wire.wait_for_end(talk.client)
        talk.client.close()
    told = ("server", "fin", "response")
    each_says(trace, talk, verdict("close_delimited", *told), verdict("process_exit", *told, True, 1))
