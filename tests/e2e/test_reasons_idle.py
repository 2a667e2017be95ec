# SPDX-License-Identifier: BSD-2-Clause
"""Connections that end between requests, or never saw one: each reason, as both ends tell it."""

import contextlib
import time

import pytest

from lib import observer, reasons, record, wire
from lib.reasons import answered_and_closed_at_once, both_say, each_says, proves, says, verdict

door, talk = reasons.door, reasons.talk  # fixtures

LATER = 0.15  # seconds: more than the tenth of a second within which a close goes with the response
IDLE_BY_SERVER = ("server", "fin", "idle")


def keep_alive(value):
    return wire.response("200 OK", "Connection: keep-alive", f"Keep-Alive: {value}")


@pytest.mark.parametrize("first", ["client", "server"])
@proves("unused")
def test_a_connection_that_nobody_used_is_unused(trace, talk, first):
    talk.close(first=getattr(talk, first))
    both_say(trace, talk, "unused", first, "fin", "unused")


@proves("unused")
def test_what_a_server_says_to_a_client_that_has_gone_without_a_request_answers_nothing(trace, talk):
    """HAProxy does, with a 400."""
    talk.client.close()
    assert talk.server.recv(1) == b""
    talk.server.sendall(wire.response("400 Bad Request", "Connection: close"))
    talk.server.close()
    each_says(
        trace,
        talk,
        verdict("unused", "client", "fin", "unused"),
        verdict("unused", "client", "fin", "unused"),
    )


@pytest.mark.parametrize("said", [b"\x15\x03\x03\x00\x02\x02\x32", b"SSH-2.0-OpenSSH_9.2\r\n"], ids=["an alert of TLS", "a greeting"])
@proves("unused")
def test_what_is_no_http_and_said_to_a_client_that_had_gone_is_no_use(trace, talk, said):
    """A health check that connects and closes; lighttpd answers it by an alert."""
    talk.client.close()
    wire.wait_for_end(talk.server)
    talk.server.sendall(said)
    talk.server.close()
    for one in each_says(trace, talk, *[verdict("unused", "client", "fin", "unused")] * 2):
        assert len(one["evidence"]) == 2, one


@pytest.mark.parametrize("first", ["client", "server"])
@proves("unused")
def test_a_connection_that_nobody_used_may_be_reset_too(trace, talk, first):
    one, other = (talk.client, talk.server) if first == "client" else (talk.server, talk.client)
    wire.reset(one)
    wire.wait_for_end(other)
    other.close()
    both_say(trace, talk, "unused", first, "rst", "unused")


@pytest.mark.parametrize("first", ["client", "server"])
@proves("tunnel_ended")
def test_a_tunnel_ends_as_one(trace, talk, first):
    talk.exchange(wire.head("CONNECT host:443 HTTP/1.1", "Host: host:443"), wire.head("HTTP/1.1 200 OK"))
    talk.exchange(b"anything", b"at all")
    talk.close(first=getattr(talk, first))
    both_say(trace, talk, "tunnel_ended", first, "fin", "tunnel")


@pytest.mark.parametrize("protocol, greeting", [
    ("tls", bytes.fromhex("160301020001fc0303") + bytes(500)),
    ("opaque", b"SSH-2.0-OpenSSH_9.2p1\r\n" + bytes(range(200))),
])  # fmt: skip
@proves("not_http")
def test_what_is_not_http_is_not_judged_as_such(trace, talk, protocol, greeting):
    talk.exchange(greeting, b"whatever it answers")
    talk.close(first=talk.server)
    client, server = both_say(trace, talk, "not_http", "server", "fin", "opaque")
    assert client["protocol"] == server["protocol"] == protocol


@proves("unknown")
@pytest.mark.parametrize("role", ["client", "server"])
def test_a_head_that_could_not_be_read_leaves_that_end_without_a_verdict(trace, talk, tmp_path, role):
    """Sent by sendfile(), it passes through no buffer of the program; the other end reads it as ever."""
    end, message = (talk.client, wire.GET) if role == "client" else (talk.server, wire.OK)
    path = tmp_path / "message"
    path.write_bytes(message)
    if role == "server":
        talk.send_request()
    with path.open("rb") as file:
        end.sendfile(file)
    if role == "client":
        assert wire.read_exactly(talk.server, len(message)) == message
        talk.send_response()
    else:
        assert wire.read_exactly(talk.client, len(message)) == message
    talk.close(first=talk.client)
    client, server = trace.both(talk, mirrored=False)
    blind, sighted = (client, server) if role == "client" else (server, client)
    assert sighted["reason"] == "client_closed_idle"
    says(blind, "unknown", "client", "fin", None, premature=None, lost=None, confidence="unknown")
    assert blind["blind_bytes"] == len(message)


@proves("max_requests")
def test_a_constant_max_that_equals_the_requests_explains_the_close(trace, door):
    promise = keep_alive("timeout=60, max=3")
    pair = answered_and_closed_at_once(door, promise, promise, promise)
    both_say(trace, pair, "max_requests", *IDLE_BY_SERVER)


@proves("max_requests")
def test_the_response_after_max_1_need_not_say_anything(trace, door):
    """Apache counts down to max=1 and then answers once more, without a Keep-Alive field."""
    promises = keep_alive("timeout=60, max=2"), keep_alive("timeout=60, max=1")
    pair = answered_and_closed_at_once(door, *promises, wire.OK)
    both_say(trace, pair, "max_requests", *IDLE_BY_SERVER)


@proves("unannounced_close")
def test_a_close_at_once_before_max_is_used_up_is_unannounced(trace, door):
    pair = answered_and_closed_at_once(door, keep_alive("timeout=60, max=5"), keep_alive("timeout=60, max=4"))
    client, _ = both_say(trace, pair, "unannounced_close", *IDLE_BY_SERVER)
    assert client["idle_at_close_s"] <= 0.1


@proves("announced_by_request")
def test_the_client_that_asked_is_named_and_not_the_server_that_echoed(trace, talk):
    talk.exchange()
    talk.exchange(wire.request("GET", "/", "Connection: close"), wire.response("200 OK", "Connection: close"))
    talk.close(first=talk.server)
    both_say(trace, talk, "announced_by_request", *IDLE_BY_SERVER)


@proves("announced_by_request")
def test_the_client_that_asked_may_close_itself(trace, talk):
    talk.exchange(wire.request("GET", "/", "Connection: close"))
    talk.close(first=talk.client)
    both_say(trace, talk, "announced_by_request", "client", "fin", "idle")


@proves("http10_default")
def test_http10_without_keep_alive_closes_by_default(trace, talk):
    talk.exchange(wire.request(version="1.0"), wire.response(version="1.0"))
    talk.close(first=talk.server)
    both_say(trace, talk, "http10_default", *IDLE_BY_SERVER)


@proves("announced_by_response")
def test_http10_with_keep_alive_that_the_server_does_not_grant(trace, talk):
    asks = wire.request("GET", "/", "Connection: keep-alive", version="1.0")
    talk.exchange(asks, wire.response(version="1.0"))
    talk.close(first=talk.server)
    client, _ = both_say(trace, talk, "announced_by_response", *IDLE_BY_SERVER)
    assert client["announced"] == {"by": "server", "how": "http10"}


@proves("announced_by_response")
def test_a_server_that_says_close_is_named(trace, talk):
    talk.exchange()
    talk.exchange(response=wire.response("200 OK", "Connection: close"))
    talk.close(first=talk.client)
    both_say(trace, talk, "announced_by_response", "client", "fin", "idle")


@proves("close_delimited")
def test_a_body_that_the_close_ends_explains_it(trace, talk):
    talk.exchange(response=wire.head("HTTP/1.1 200 OK") + b"a body of any length")
    talk.close(first=talk.server)
    both_say(trace, talk, "close_delimited", "server", "fin", "response")


@proves("idle_reset")
def test_a_server_that_resets_when_idle(trace, talk):
    talk.exchange()
    wire.reset(talk.server)
    wire.wait_for_end(talk.client)
    talk.client.close()
    both_say(trace, talk, "idle_reset", "server", "rst", "idle")


@proves("closed_before_timeout")
def test_a_server_that_closes_sooner_than_it_promised(trace, talk):
    talk.exchange(response=keep_alive("timeout=60"))
    time.sleep(LATER)
    talk.close(first=talk.server)
    client, _ = both_say(trace, talk, "closed_before_timeout", *IDLE_BY_SERVER)
    assert record.advertised(client) == (60, None)


@proves("server_idle_timeout")
def test_a_server_that_closes_from_half_a_second_before_its_promise_on(trace, talk):
    talk.exchange(response=keep_alive("timeout=1"))
    time.sleep(0.55)
    talk.close(first=talk.server)
    client, server = both_say(trace, talk, "server_idle_timeout", *IDLE_BY_SERVER)
    assert client["idle_at_close_s"] >= 0.5 and server["idle_at_close_s"] >= 0.5


@proves("server_closed_idle")
def test_a_server_that_promised_nothing_and_closes_later(trace, talk):
    talk.exchange()
    time.sleep(LATER)
    talk.close(first=talk.server)
    both_say(trace, talk, "server_closed_idle", *IDLE_BY_SERVER)


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@proves("client_closed_idle")
def test_a_client_that_closes_when_idle(trace, talk, reset):
    talk.exchange(response=keep_alive("timeout=60, max=1"))
    if reset:
        wire.reset(talk.client)
        wire.wait_for_end(talk.server)
        talk.server.close()
    else:
        talk.close(first=talk.client)
    both_say(trace, talk, "client_closed_idle", "client", "rst" if reset else "fin", "idle")


@proves("unknown")
def test_a_connection_older_than_the_observer_whose_request_may_be_waiting(own_listener):
    with contextlib.ExitStack() as stack:
        pair = stack.enter_context(wire.Pair(own_listener))
        pair.exchange()
        pair.send_request()
        own = stack.enter_context(observer.Trace([wire.port_of(own_listener)]))
        pair.close(first=pair.client)
        client, server = both_say(own, pair, "unknown", "client", "fin", None, None, None, "unknown")
        assert client["preexisting"] and server["preexisting"]
