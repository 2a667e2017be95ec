# SPDX-License-Identifier: BSD-2-Clause
"""The common part of a reload and a kill: some connections idle, one in the middle of a response, others under
load; and what the packets say of each, against which the records are held."""

import contextlib
import time

from lib import load, wire
from lib.servers.process import wait_until

IDLE = 3
BEGUN = 10_000  # bytes of a response: more than tickets of TLS have
ANSWERED_CLOSES = {"announced_by_request", "announced_by_response", "http10_default", "max_requests"}
HANDSHAKES = {"tls_handshake_abandoned", "tls_handshake_failed", "tls_handshake_timeout"}
IDLE_CLOSES = {"server_closed_idle", "closed_before_timeout", "server_idle_timeout", "unannounced_close"}


def reasons_by(stream):
    """The reasons that the packets of a connection without a body of note allow at its client's end."""
    if stream.requests == 0:
        return {"unused"}
    if stream.lost and stream.closer == "client":
        return {"client_gave_up", "process_exit", "client_left"}  # some clients close, some just end
    if stream.responses > stream.complete:
        return {"response_truncated"}
    if stream.lost and stream.request_begin >= stream.fin_acknowledges and stream.manner == "fin":
        return {"stale_reuse"}
    if stream.lost and (stream.manner == "rst" or stream.alert_by == "server"):
        return {"stale_reuse", "no_response"}  # which of the two, depends on what the server's program had read
    if stream.lost:
        return {"no_response"}
    if stream.announced("client") or stream.announced("server"):
        return ANSWERED_CLOSES
    if stream.alerts_crossed:
        return {"client_closed_idle"} | IDLE_CLOSES
    if stream.closer == "client":
        return {"client_closed_idle"}
    # An alert of TLS ends a connection in order, whatever its socket does then.
    return IDLE_CLOSES if stream.manner == "fin" or stream.alert_by == "server" else {"idle_reset"}


def check_closer(stream, one):
    """Where alerts of TLS crossed, each end has sent its own first, and their sockets may end in either way."""
    if not stream.alerts_crossed:
        assert (one["closer"], one["manner"]) == (stream.closer, stream.manner), (one, stream)


def check_client(stream, client):
    """A client that closed with unread bytes cannot know what they were."""
    check_closer(stream, client)
    if stream.unsure and client["reason"] == "unknown":
        return
    if stream.unsure and client["responses"] == stream.responses - 1:
        stream.responses -= 1
        stream.complete -= 1
    told = [client[key] for key in ("requests", "responses", "lost_requests")]
    assert told == [stream.requests, stream.responses, stream.lost], (client, stream)
    assert client["reason"] in reasons_by(stream), (client, stream)
    if client["reason"] != "client_left":
        assert client["premature"] is (stream.lost > 0), (client, stream)


def check_without_plaintext(stream, client, server):
    """Nothing of HTTP has passed through a library, so that the records of TLS are all there is: they may leave the reason open."""
    for end in client, server:
        check_closer(stream, end)
        if not end["tls"]:
            assert end["reason"] == "unused", (end, stream)
            continue
        assert end["confidence"] != "certain" and not end["premature"] and not end["lost_requests"], (end, stream)
        assert end["reason"] in HANDSHAKES | {"unused", "unknown", "not_http"}, (end, stream)


def check(stage, stream):
    """Both records of a connection against its packets; those records. At the server's end a request that it
    has not read is told as such, or not at all."""
    (client,) = stage.wait_for(1, local=stream.client_name, remote=stream.server_name, flow=stream.flow)
    (server,) = stage.wait_for(1, local=stream.server_name, remote=stream.client_name, flow=stream.flow)
    if stream.secure and not stream.requests:
        check_without_plaintext(stream, client, server)
        return client, server
    check_client(stream, client)
    check_closer(stream, server)
    if not stream.lost:
        assert server["premature"] is False, (server, stream)
        answers = stream.responses + stream.unheard
        assert (server["requests"], server["responses"]) == (stream.requests, answers), (server, stream)
    return client, server


class Scene:
    """Idle connections, one in the middle of a large response, and a load. `act` is what then happens."""

    def __init__(self, stage, server, program, act, large=True, fields=()):
        self.idle = []
        with stage.captured(server, snapshot=2048) as capture, contextlib.ExitStack() as open_ones:
            for _ in range(IDLE):
                one = open_ones.enter_context(wire.Client(server.address))
                one.get("/", *fields)
                self.idle.append(one)
            self.large = open_ones.enter_context(wire.Client(server.address)) if large else None
            if large:
                self.large.client.sendall(wire.request("GET", "/large"))
                wire.wait_for_bytes(self.large.client, BEGUN)
            self.ends = dict.fromkeys(self.idle + [self.large] * large)
            time.sleep(0.2)  # beyond the tenth of a second within which a close goes with the response
            with load.of(program, server):
                wait_until(lambda: server.connections() >= len(self.ends) + load.CONNECTIONS, "the load")
                time.sleep(load.SECONDS / 3)
                act()
            for one in self.ends:
                self.ends[one] = self._read_to_end(one)
        own = {one.client_name for one in self.ends}
        streams = capture.streams(complete=True)
        self.own = {stream.client_name: stream for stream in streams if stream.client_name in own}
        others = [stream for stream in streams if stream.client_name not in own]
        self.streams = [stream for stream in others if stream.manner != "refused"]

    @staticmethod
    def _read_to_end(one):
        try:
            return wire.read_to_end(one.client)
        except ConnectionResetError:
            return None
        finally:
            one.client.close()
