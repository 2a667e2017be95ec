# SPDX-License-Identifier: BSD-2-Clause
"""Fields that HTTP/2 forbids (RFC 9113 section 8.2.2), as real clients send them and a played server does."""

import pytest

from lib import observer, wire
from lib.http2 import frames
from lib.http2.scenes import run
from lib.http2.stage import check, each, ends_of, started

FORBIDDEN = {"connection": "close", "keep-alive": "timeout=5", "proxy-connection": "keep-alive", "te": "gzip",
             "transfer-encoding": "chunked", "upgrade": "h2c"}


@pytest.mark.parametrize(("kind", "secured"), each("nghttpd", "nginx", "haproxy", "apache", "node", "go", "caddy"))
def test_fields_that_a_client_sends_are_named_whatever_the_server_does(nothing_left, kind, secured, tmp_path):
    del nothing_left
    with started(kind, tmp_path, secured) as (trace, server):
        for name, value in FORBIDDEN.items():
            pid, _ = run(["nghttp", "-n", f"-H{name}: {value}", server.url("/")], (0, 1))
            check(ends_of(trace, pid=pid), forbidden_fields=[name])
        pid, _ = run(["nghttp", "-n", *[f"-H{name}: {value}" for name, value in FORBIDDEN.items()], server.url("/")], (0, 1))
        for one in ends_of(trace, pid=pid):
            assert sorted(one["http2"]["forbidden_fields"]) == sorted(FORBIDDEN)


@pytest.mark.parametrize(("kind", "secured"), each("nghttpd", "nginx"))
def test_fields_that_are_allowed_are_not_named(nothing_left, kind, secured, tmp_path):
    del nothing_left
    with started(kind, tmp_path, secured) as (trace, server):
        pid, _ = run(["nghttp", "-n", "-Hte: trailers", "-Hx-connection: close", "-Hconnection-id: 5", "-Hcookie: connection=close",
                      server.url("/")])
        ends = ends_of(trace, pid=pid)
    check(ends, forbidden_fields=[], premature=False, answered=1)


def test_a_server_is_heard_too(nothing_left, own_listener):
    del nothing_left
    with observer.Trace([wire.port_of(own_listener)]) as trace, wire.Client(own_listener.getsockname()) as one:
        client = frames.Peer(one.client)
        client.send(frames.BEGIN, frames.request(1), frames.request(3))
        with frames.accept(own_listener) as server:
            server.read_until(frames.HEADERS, 2)
            server.send(frames.response(1, (b"keep-alive", b"timeout=5")), frames.response(3, (b"connection", b"close")))
            client.read_until(frames.HEADERS, 2)
            client.end.close()
            server.read_to_end()
        ends = ends_of(trace, local=one.client_name)
    check(ends, premature=False, answered=2)
    for one in ends:
        assert sorted(one["http2"]["forbidden_fields"]) == ["connection", "keep-alive"]
