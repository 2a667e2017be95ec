# SPDX-License-Identifier: BSD-2-Clause
"""Endings of HTTP/2 connections whose two ends are both in the test: functions that play one on a wire.Pair, in clear text or within
TLS."""

import contextlib
import time

from lib import wire
from lib.http2 import frames

LATER = 0.15  # seconds: more than the tenth of a second within which a connection counts as in use
UNANSWERED = 0.3  # seconds: more than the fifth of one that a PING may take
LONG = 60_000  # bytes of a body: several frames, and more records
MANY = 300  # streams: more than are followed one by one


def begin(pair, *settings):
    pair.exchange(frames.BEGIN, frames.settings(*settings))


def exchange(pair, stream=1):
    pair.exchange(frames.request(stream), frames.response(stream))


def begun(pair):
    """One stream was answered."""
    begin(pair)
    exchange(pair)


def goaway(pair, last, code=frames.NO_ERROR, text=b""):
    pair.send_response(frames.goaway(last, code, text))


def ask(pair, *streams):
    for stream in streams:
        pair.send_request(frames.request(stream))


# ---- reasons of HTTP/2 alone ------------------------------------------------------------------------------


def too_many_pings(pair):
    begun(pair)
    for _ in range(3):
        pair.send_request(frames.ping())
    goaway(pair, 1, frames.ENHANCE_YOUR_CALM, b"too_many_pings")
    pair.close(first=pair.server)


def unanswered_ping_idle(pair):
    begun(pair)
    pair.send_request(frames.ping())
    time.sleep(UNANSWERED)
    pair.close(first=pair.client)


def unanswered_ping(pair):
    begun(pair)
    ask(pair, 3)
    pair.send_request(frames.ping())
    time.sleep(UNANSWERED)
    pair.close(first=pair.client)


def fault_of_client(pair):
    begin(pair)
    ask(pair, 1)
    goaway(pair, 1, frames.PROTOCOL_ERROR)
    pair.close(first=pair.server)


def no_preface(pair):
    pair.exchange(frames.BEGIN, wire.response("400 Bad Request", "Connection: close"))
    pair.close(first=pair.server)


def promised_and_cut(pair):
    begun(pair)
    ask(pair, 3)
    goaway(pair, 3)
    pair.close(first=pair.server)


def begun_before_goaway_came(pair):
    begun(pair)
    ask(pair, 3)
    goaway(pair, 1)
    pair.close(first=pair.server)


def begun_when_goaway_had_come(pair):
    begun(pair)
    goaway(pair, 1)
    ask(pair, 3)
    pair.close(first=pair.server)


def goaway_when_idle(pair):
    begun(pair)
    time.sleep(LATER)
    goaway(pair, 1)
    pair.close(first=pair.server)


def goaway_in_use(pair):
    """Only if no time passes in it: see KW_HTTP2_QUICKLY in user/judge/http2.h."""
    begun(pair)
    goaway(pair, 1)
    pair.close(first=pair.server)


# ---- others -------------------------------------------------------------------------------------------------


def idle_by_server(pair):
    begun(pair)
    time.sleep(LATER)
    pair.close(first=pair.server)


def idle_by_client(pair):
    begun(pair)
    exchange(pair, 3)
    pair.close(first=pair.client)


def idle_reset(pair):
    begun(pair)
    time.sleep(LATER)
    wire.reset(pair.server)
    wire.wait_for_end(pair.client)


def unused(pair):
    begin(pair)
    pair.close(first=pair.client)


def no_response(pair):
    begun(pair)
    ask(pair, 3, 5)
    pair.close(first=pair.server)


def no_response_by_reset(pair):
    begun(pair)
    ask(pair, 3)
    wire.reset(pair.server)
    wire.wait_for_end(pair.client)


def truncated(pair):
    begun(pair)
    ask(pair, 3, 5)
    pair.send_response(frames.response(3, end=False) + frames.frame(frames.DATA, 0, 3, b"only this"))
    pair.send_response(frames.response(5, end=False))
    pair.close(first=pair.server)


def gave_up(pair):
    begun(pair)
    ask(pair, 3)
    pair.close(first=pair.client)


def left(pair):
    begun(pair)
    ask(pair, 3)
    pair.send_response(frames.response(3, end=False))
    pair.close(first=pair.client)


def cancelled(pair):
    begun(pair)
    ask(pair, 3, 5)
    pair.send_request(frames.reset(3, frames.CANCEL) + frames.reset(5, frames.CANCEL))
    exchange(pair, 7)
    pair.close(first=pair.client)


def reset_by_server(pair):
    begun(pair)
    ask(pair, 3, 5)
    pair.send_response(frames.reset(3, frames.REFUSED_STREAM) + frames.reset(5, frames.INTERNAL_ERROR))
    exchange(pair, 7)
    pair.close(first=pair.client)


def graceful(pair):
    """In two steps, with a PING between them."""
    begin(pair)
    ask(pair, 1)
    goaway(pair, frames.HIGHEST)
    pair.exchange(frames.frame(frames.PING, frames.ACK, payload=bytes(8)), frames.ping())
    ask(pair, 3)
    goaway(pair, 1)
    pair.send_response(frames.response(1))
    pair.close(first=pair.server)


def goaway_of_client(pair):
    begun(pair)
    pair.send_request(frames.goaway(0))
    pair.close(first=pair.client)


def answered_pings(pair):
    begun(pair)
    pair.exchange(frames.ping(), frames.ping(frames.ACK))
    pair.send_response(frames.ping())
    pair.send_request(frames.ping(frames.ACK))
    pair.close(first=pair.client)


def trailers_alone(pair):
    begin(pair, (3, 10), (5, 20_000))
    pair.exchange(frames.request(1), frames.response(1, (b"grpc-status", b"14")))
    pair.close(first=pair.client)


def forbidden_fields(pair):
    begin(pair)
    pair.exchange(frames.request(1, (b"connection", b"close"), (b"te", b"gzip")), frames.response(1, (b"keep-alive", b"timeout=5")))
    pair.close(first=pair.client)


def continued(pair):
    """A header block in three frames."""
    begin(pair)
    pair.send_request(frames.frame(frames.HEADERS, frames.END_STREAM, 1, frames.GET))
    pair.send_request(frames.frame(frames.CONTINUATION, 0, 1, frames.field(b"upgrade", b"h2c")))
    pair.send_request(frames.frame(frames.CONTINUATION, frames.END_HEADERS, 1, frames.field(b"x-a", b"b")))
    pair.send_response(frames.response(1))
    pair.close(first=pair.client)


def in_bytes(pair):
    """Frames are cut everywhere."""
    body = frames.frame(frames.DATA, frames.END_STREAM, 1, b"ok\n")
    for sender, receiver, data in (
        (pair.client, pair.server, frames.BEGIN + frames.request(1)),
        (pair.server, pair.client, frames.settings((3, 7)) + frames.response(1, end=False) + body),
    ):
        for byte in data:
            sender.sendall(bytes([byte]))
            assert wire.read_exactly(receiver, 1) == bytes([byte])
    pair.close(first=pair.client)


def server_speaks_first(pair):
    """Its settings come before the client's preface."""
    pair.send_response(frames.settings((3, 100)))
    pair.send_request(frames.BEGIN)
    exchange(pair)
    pair.close(first=pair.client)


def server_speaks_within_preface(pair):
    pair.send_request(frames.BEGIN[:10])
    pair.send_response(frames.settings((3, 100)))
    pair.send_request(frames.BEGIN[10:])
    exchange(pair)
    pair.close(first=pair.client)


def long_bodies(pair):
    begin(pair)
    data = b"".join(frames.frame(frames.DATA, 0, 1, bytes(10_000)) for _ in range(LONG // 10_000))
    over = frames.frame(frames.DATA, frames.END_STREAM, 1)
    pair.exchange(frames.request(1, end=False) + data + over, frames.response(1, end=False) + data + over)
    exchange(pair, 3)
    pair.close(first=pair.client)


def many_streams(pair):
    """Some of them stay open, the first too long ago to be followed."""
    begin(pair)
    ask(pair, 1)
    for number in range(1, MANY):
        exchange(pair, 2 * number + 1)
    ask(pair, 2 * MANY + 1)
    pair.close(first=pair.server)


def stale(pair):
    """The server has closed, and then the stream begins."""
    begun(pair)
    time.sleep(LATER)
    pair.server.close()
    wire.wait_for_end(pair.client)
    with contextlib.suppress(OSError):
        ask_unread(pair, 3)
        pair.client.recv(100)


def ask_unread(pair, stream):
    pair.client.sendall(frames.request(stream))


LIES = {
    "a length of 16 MB": b"\xff\xff\xff\x00" + bytes(5) + bytes(100),
    "padding that is longer than its frame": frames.frame(frames.HEADERS, 0x0D, 3, b"\xff" + frames.GET),
    "HEADERS within a header block": frames.frame(frames.HEADERS, 0, 3, frames.GET) + frames.request(5),
    "a CONTINUATION of nothing": frames.frame(frames.CONTINUATION, 4, 3, frames.GET),
    "RST_STREAM of three bytes": frames.frame(frames.RST_STREAM, 0, 1, bytes(3)),
    "GOAWAY on a stream": frames.frame(frames.GOAWAY, 0, 1, bytes(8)),
    "no frames": bytes(range(256)) * 40,
    "HTTP/1": wire.GET * 100,
}

REASONS = (
    too_many_pings, unanswered_ping_idle, unanswered_ping, fault_of_client, no_preface, promised_and_cut, begun_before_goaway_came,
    begun_when_goaway_had_come, goaway_when_idle,
)  # fmt: skip
OTHERS = (
    idle_by_server, idle_by_client, idle_reset, unused, no_response, no_response_by_reset, truncated, gave_up, left, cancelled,
    reset_by_server, graceful, goaway_of_client, answered_pings, trailers_alone, forbidden_fields, continued, in_bytes,
    server_speaks_first, server_speaks_within_preface, long_bodies, many_streams, stale,
)  # fmt: skip


def lie(name):
    """A client whose frames are none, behind a stream that was answered."""

    def play(pair):
        begun(pair)
        pair.send_request(LIES[name])
        pair.close(first=pair.client)

    return play
