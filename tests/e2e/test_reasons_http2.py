# SPDX-License-Identifier: BSD-2-Clause
"""Connections that carry HTTP/2, with both ends in the test: each reason, as both ends tell it."""

import time

import pytest

from lib import reasons, wire
from lib.http2 import frames
from lib.reasons import both_say, proves

door, talk = reasons.door, reasons.talk  # fixtures

LATER = 0.15  # seconds: more than the tenth of a second within which a connection counts as in use
SOON = 0.05
UNANSWERED = 0.3  # seconds: more than the fifth of one that a PING may take
IDLE_BY_SERVER = ("server", "fin", "idle")
WAITING_BY_SERVER = ("server", "fin", "waiting")


def begin(talk):
    talk.exchange(frames.BEGIN, frames.settings())


def exchange(talk, stream=1):
    talk.exchange(frames.request(stream), frames.response(stream))


def say_goaway(talk, last, code=frames.NO_ERROR, text=b""):
    talk.send_response(frames.goaway(last, code, text))


@proves("enhance_your_calm")
def test_a_server_that_gets_too_many_pings(trace, talk):
    begin(talk)
    exchange(talk)
    for _ in range(3):
        talk.send_request(frames.ping())
    say_goaway(talk, 1, frames.ENHANCE_YOUR_CALM, b"too_many_pings")
    talk.close(first=talk.server)
    for one in both_say(trace, talk, "enhance_your_calm", *IDLE_BY_SERVER):
        assert one["http2"]["goaway"]["debug"] == "too_many_pings" and one["http2"]["pings"]["client"] == 3


@pytest.mark.parametrize("waits", [True, False])
@proves("ping_timeout")
def test_a_ping_that_is_not_answered(trace, talk, waits):
    begin(talk)
    exchange(talk)
    if waits:
        talk.send_request(frames.request(3))
    talk.send_request(frames.ping())
    time.sleep(UNANSWERED)
    talk.close(first=talk.client)
    both_say(trace, talk, "ping_timeout", "client", "fin", "waiting" if waits else "idle", waits, int(waits))


@proves("goaway_error")
def test_a_server_that_finds_a_fault(trace, talk):
    begin(talk)
    talk.send_request(frames.request(1))
    say_goaway(talk, 1, frames.PROTOCOL_ERROR)
    talk.close(first=talk.server)
    both_say(trace, talk, "goaway_error", *WAITING_BY_SERVER, True, 1)


@proves("preface_failed")
def test_a_server_that_does_not_speak_it(trace, talk):
    talk.exchange(frames.BEGIN, wire.response("400 Bad Request", "Connection: close"))
    talk.close(first=talk.server)
    both_say(trace, talk, "preface_failed", "server", "fin", "unused", True)


@proves("goaway_cut")
def test_a_stream_that_the_goaway_promised_to_answer(trace, talk):
    begin(talk)
    exchange(talk)
    talk.send_request(frames.request(3))
    say_goaway(talk, 3)
    talk.close(first=talk.server)
    both_say(trace, talk, "goaway_cut", *WAITING_BY_SERVER, True, 1)


@proves("goaway_refused")
def test_a_stream_that_was_begun_before_the_goaway_came(trace, talk):
    begin(talk)
    exchange(talk)
    talk.send_request(frames.request(3))
    say_goaway(talk, 1)
    talk.close(first=talk.server)
    for one in both_say(trace, talk, "goaway_refused", *WAITING_BY_SERVER, True):
        assert one["http2"]["retryable"] == 1


@proves("stream_after_goaway")
def test_a_stream_that_was_begun_when_the_goaway_had_come(trace, talk):
    begin(talk)
    exchange(talk)
    say_goaway(talk, 1)
    talk.send_request(frames.request(3))
    talk.close(first=talk.server)
    for one in both_say(trace, talk, "stream_after_goaway", *WAITING_BY_SERVER, True):
        assert one["http2"]["retryable"] == 1


@proves("goaway_idle")
def test_a_goaway_on_a_connection_that_is_not_in_use(trace, talk):
    begin(talk)
    exchange(talk)
    time.sleep(LATER)
    say_goaway(talk, 1)
    talk.close(first=talk.server)
    both_say(trace, talk, "goaway_idle", *IDLE_BY_SERVER)


@proves("goaway_drained")
def test_a_goaway_on_a_connection_in_use_that_cuts_nothing(trace, door):
    """The GOAWAY has to come at once. That is tried until the clock says so, since this process may be held up."""
    for _ in range(reasons.RETRIES):
        with wire.Pair(door) as talk:
            begin(talk)
            start = time.monotonic()
            exchange(talk)
            say_goaway(talk, 1)
            took = time.monotonic() - start
            talk.close(first=talk.server)
        if took < SOON:
            break
    both_say(trace, talk, "goaway_drained", *IDLE_BY_SERVER)
