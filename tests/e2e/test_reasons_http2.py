# SPDX-License-Identifier: BSD-2-Clause
"""Connections that carry HTTP/2, with both ends in the test: each reason, as both ends tell it. lib/http2/endings.py plays them, and
test_plaintext_http2.py has them within TLS."""

import socket
import time

import pytest

from lib import reasons, wire
from lib.http2 import endings, frames
from lib.reasons import both_say, proves

door, talk = reasons.door, reasons.talk  # fixtures

SOON = 0.05  # seconds: less than the tenth of a second within which a connection counts as in use
IDLE_BY_SERVER = ("server", "fin", "idle")
WAITING_BY_SERVER = ("server", "fin", "waiting")


@proves("enhance_your_calm")
def test_a_server_that_gets_too_many_pings(trace, talk):
    endings.too_many_pings(talk)
    for one in both_say(trace, talk, "enhance_your_calm", *IDLE_BY_SERVER):
        assert one["http2"]["goaway"]["debug"] == "too_many_pings" and one["http2"]["pings"]["client"] == 3


@pytest.mark.parametrize("waits", [True, False])
@proves("ping_timeout")
def test_a_ping_that_is_not_answered(trace, talk, waits):
    (endings.unanswered_ping if waits else endings.unanswered_ping_idle)(talk)
    both_say(trace, talk, "ping_timeout", "client", "fin", "waiting" if waits else "idle", waits, int(waits))


@proves("goaway_error")
def test_a_server_that_finds_a_fault(trace, talk):
    endings.fault_of_client(talk)
    both_say(trace, talk, "goaway_error", *WAITING_BY_SERVER, True, 1)


@proves("preface_failed")
def test_a_server_that_does_not_speak_it(trace, talk):
    endings.no_preface(talk)
    both_say(trace, talk, "preface_failed", "server", "fin", "unused", True)


@proves("goaway_cut")
def test_a_stream_that_the_goaway_promised_to_answer(trace, talk):
    endings.promised_and_cut(talk)
    both_say(trace, talk, "goaway_cut", *WAITING_BY_SERVER, True, 1)


@proves("goaway_refused")
def test_a_stream_that_was_begun_before_the_goaway_came(trace, talk):
    endings.begun_before_goaway_came(talk)
    for one in both_say(trace, talk, "goaway_refused", *WAITING_BY_SERVER, True):
        assert one["http2"]["retryable"] == 1


@proves("stream_after_goaway")
def test_a_stream_that_was_begun_when_the_goaway_had_come(trace, talk):
    endings.begun_when_goaway_had_come(talk)
    for one in both_say(trace, talk, "stream_after_goaway", *WAITING_BY_SERVER, True):
        assert one["http2"]["retryable"] == 1


@proves("goaway_idle")
def test_a_goaway_on_a_connection_that_is_not_in_use(trace, talk):
    endings.goaway_when_idle(talk)
    both_say(trace, talk, "goaway_idle", *IDLE_BY_SERVER)


@pytest.mark.parametrize("server_first", [True, False])
def test_a_server_may_discard_a_second_goaway_behind_its_own_fin(trace, talk, server_first):
    """As lighttpd does with all that comes, or lies unread, when it has closed: it receives a number of bytes, and looks at none."""
    endings.begun(talk)
    time.sleep(endings.LATER)
    talk.send_request(frames.goaway(0))
    if server_first:
        talk.server.shutdown(socket.SHUT_WR)
        wire.wait_for_end(talk.client)
    talk.client.sendall(frames.goaway(0))
    talk.client.close()
    wire.wait_for_end(talk.server)
    if not server_first:
        talk.server.shutdown(socket.SHUT_WR)
    assert talk.server.recv(1000, socket.MSG_TRUNC)
    talk.server.close()
    for one in trace.both(talk):
        assert (one["reason"], one["closer"], one["confidence"], one["lost_requests"]) == ("goaway_idle", "client", "certain", 0), one


@proves("goaway_drained")
def test_a_goaway_on_a_connection_in_use_that_cuts_nothing(trace, door):
    """The GOAWAY has to come at once. That is tried until the clock says so, since this process may be held up."""
    for _ in range(reasons.RETRIES):
        with wire.Pair(door) as talk:
            start = time.monotonic()
            endings.goaway_in_use(talk)
            took = time.monotonic() - start
        if took < SOON:
            break
    both_say(trace, talk, "goaway_drained", *IDLE_BY_SERVER)
