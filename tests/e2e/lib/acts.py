# SPDX-License-Identifier: BSD-2-Clause
"""Traffic with known counts at both ends, which changes every counter; and the expected counts."""

import pytest

from lib import tls, wire


def connect_in_vain(port):
    with pytest.raises(ConnectionRefusedError):
        wire.connect(("127.0.0.1", port))


def fail_as_gateway(listener, closed_port):
    """Takes a request, asks a server for it that is down, and says so."""
    with wire.Pair(listener) as pair:
        pair.send_request()
        connect_in_vain(closed_port)
        pair.send_response(wire.response("502 Bad Gateway"))
        pair.close(first=pair.client)


def refuse_tls(listener):
    """A handshake that an alert of the server ends."""
    with wire.Pair(listener) as pair:
        pair.send_request(tls.hello_bytes())
        pair.send_response(bytes([21, 3, 3, 0, 2, 2, 40]))
        pair.close(first=pair.server)


def make_traffic(listener):
    """Makes connections that change every metric, at both ends."""
    fields = ["Keep-Alive: timeout=5", "Connection: keep-alive, x-marker, te"]
    with wire.Pair(listener) as pair:
        pair.exchange()
        pair.exchange(response=wire.response("404 Not Found", *fields))
        pair.exchange(response=wire.response("503 Service Unavailable"))
        pair.close(first=pair.client)
    with wire.Pair(listener) as pair:
        pair.exchange(wire.request(version="1.0"), wire.response("301 Moved Permanently", version="1.0"))
        pair.close(first=pair.server)
    with wire.Pair(listener) as pair:  # the keep-alive race
        pair.exchange()
        pair.server.close()
        wire.wait_for_end(pair.client)
        pair.client.sendall(wire.GET)
    with wire.Pair(listener) as pair:
        pair.send_request(bytes(range(100)))
        pair.close(first=pair.client)


def _frame(kind, stream, payload=b"", flags=0):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def speak_http2(listener):
    """Three streams in clear text: one with a field that HTTP/2 forbids is answered, its client resets the next, and the server's
    GOAWAY turns the last away."""
    data, headers, reset, settings, goaway = 0, 1, 3, 4, 7
    whole = 5  # END_STREAM, END_HEADERS
    get = bytes([0x82, 0x86, 0x84])  # of the static table: GET, http, /
    forbidden = bytes([0, 10]) + b"connection" + bytes([5]) + b"close"
    with wire.Pair(listener) as pair:
        pair.send_request(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(settings, 0))
        pair.send_response(_frame(settings, 0))
        pair.send_request(_frame(headers, 1, get + forbidden, whole))
        pair.send_response(_frame(headers, 1, bytes([0x88]), 4) + _frame(data, 1, b"ok\n", 1))
        pair.send_request(_frame(headers, 3, get, whole) + _frame(reset, 3, bytes([0, 0, 0, 8])))
        pair.send_request(_frame(headers, 5, get, whole))
        pair.send_response(_frame(goaway, 0, bytes([0, 0, 0, 3, 0, 0, 0, 0])))
        pair.close(first=pair.server)


def send_on(one, other):
    """A request with a field that was meant for one connection comes to this process, and goes from it to another server."""
    for listener in (one, other):
        with wire.Pair(listener) as pair:
            pair.exchange(wire.request("GET", "/", "Proxy-Connection: close"))
            pair.close(first=pair.client)


CLIENT_COUNTS = {
    ("connections_opened_total",): 4,
    ("connections_preexisting_total",): 0,
    ("connections_open",): 0,
    ("connections_half_closed",): 0,
    ("connections_closed_total",): 4,
    ("connections_closed_total", "reason=client_closed_idle", "closer=client"): 1,
    ("connections_closed_total", "reason=http10_default", "closer=server"): 1,
    ("connections_closed_total", "reason=stale_reuse", "closer=server"): 1,
    ("connections_closed_total", "reason=not_http", "closer=client"): 1,
    ("connect_failures_total", "reason=connect_refused"): 0,
    ("lost_requests_total",): 1,
    ("lost_requests_total", "reason=stale_reuse", "retryable=yes"): 1,
    ("requests_total",): 6,
    ("requests_total", "version=1.1"): 5,
    ("requests_total", "version=1.0"): 1,
    ("reused_requests_total",): 3,
    ("responses_total",): 5,
    ("responses_total", "code=2xx"): 2,
    ("responses_total", "code=3xx"): 1,
    ("responses_total", "code=4xx"): 1,
    ("responses_total", "code=5xx"): 1,
    ("connection_requests_count",): 4,
    ("connection_requests_sum",): 6,
    ("connection_duration_seconds_count",): 4,
    ("reuse_idle_seconds_count",): 3,
    ("close_idle_seconds_count", "closer=client"): 1,
    ("close_idle_seconds_count", "closer=server"): 1,
    ("response_wait_seconds_count",): 5,
    ("stale_reuse_lateness_seconds_count",): 1,
    ("directives_total", "message=request", "directive=none"): 6,
    ("directives_total", "message=response", "directive=keep-alive"): 1,
    ("directives_total", "message=response", "directive=none"): 4,
    ("directives_total", "message=response", "directive=close"): 0,
    ("hop_by_hop_fields_total", "field=other"): 1,
    ("advertised_timeout_seconds",): 5,
    ("protocol_connections_total", "protocol=http/1.1"): 2,
    ("protocol_connections_total", "protocol=http/1.0"): 1,
    ("protocol_connections_total", "protocol=opaque"): 1,
}
SERVER_COUNTS = {
    ("connections_opened_total",): 4,
    ("connections_open",): 0,
    ("connections_closed_total",): 4,
    ("requests_total",): 5,
    ("reused_requests_total",): 2,
    ("responses_total",): 5,
    ("connection_requests_count",): 4,
    ("connection_requests_sum",): 5,
    ("response_wait_seconds_count",): 5,
    ("advertised_timeout_seconds",): 5,
}


def check_counts(scrape, role, service, expected):
    for (name, *labels), value in expected.items():
        wanted = dict(label.split("=", 1) for label in labels)
        got = scrape.sum_of(f"keepwatch_{name}", role=role, service=service, **wanted)
        assert got == value, (role, name, labels)
