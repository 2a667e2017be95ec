# SPDX-License-Identifier: BSD-2-Clause
"""All connections of a mixed run are told, each once for each socket, and each right."""

import collections
import http.client
import queue
import random
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from lib import curl, observer, wire

OF_EACH_KIND = 12
WORKERS = 6


class Truth(NamedTuple):
    """What is known of a connection because it was made so. A reason of None is left open: two processes
    race there for what it says, but never for the rest."""

    client_name: str
    server_name: str
    requests: int
    responses: int
    closer: str
    manner: str
    reason: str


def curl_once(nginx, _):
    (one,) = curl.curl(urls=[nginx.url()])
    return Truth(one.client_name, one.server_name, 1, 1, "client", "fin", "client_closed_idle")


def curl_again_and_again(nginx, number):
    paths = ["/", "/file", "/204", "/chunked", "/missing"][: 1 + number % 5]
    many = curl.curl(urls=[nginx.url(path) for path in paths])
    assert len({one.client_name for one in many}) == 1
    client, server = many[0].client_name, many[0].server_name
    return Truth(client, server, len(paths), len(paths), "client", "fin", "client_closed_idle")


def curl_head(nginx, _):
    many = curl.curl("-I", urls=[nginx.url("/file"), nginx.url()])
    return Truth(many[0].client_name, many[0].server_name, 2, 2, "client", "fin", "client_closed_idle")


def curl_http10_delimited(nginx, _):
    (one,) = curl.curl("-0", urls=[nginx.url("/chunked")])
    return Truth(one.client_name, one.server_name, 1, 1, "server", "fin", "close_delimited")


def python_http_client(nginx, number):
    address = nginx.addresses["plain"]
    connection = http.client.HTTPConnection(*address, timeout=wire.DEADLINE)
    requests = 1 + number % 7
    for at in range(requests):
        connection.request("HEAD" if at % 3 == 2 else "GET", "/file" if at % 2 else "/")
        connection.getresponse().read()
    name = wire.name_of(connection.sock.getsockname())
    connection.close()
    return Truth(name, wire.name_of(address), requests, requests, "client", "fin", "client_closed_idle")


def python_upload(nginx, number):
    address = nginx.addresses["plain"]
    connection = http.client.HTTPConnection(*address, timeout=wire.DEADLINE)
    pieces = (b"x" * size for size in (1, 10, 1000, 10_000))
    headers = {"Transfer-Encoding": "chunked"}
    connection.request("PUT", f"/upload/{number}", body=pieces, encode_chunked=True, headers=headers)
    connection.getresponse().read()
    connection.request("GET", "/")
    connection.getresponse().read()
    name = wire.name_of(connection.sock.getsockname())
    connection.close()
    return Truth(name, wire.name_of(address), 2, 2, "client", "fin", "client_closed_idle")


def raw_close_by_request(nginx, number):
    with wire.Client(nginx.addresses["plain"]) as one:
        for _ in range(number % 4):
            one.get()
        one.get("/", "Connection: close")
        one.close_after_server()
    requests = 1 + number % 4
    return Truth(one.client_name, one.server_name, requests, requests, "server", "fin", "announced_by_request")


def raw_close_by_response(nginx, _):
    with wire.Client(nginx.addresses["single"]) as one:
        one.get()
        one.close_after_server()
    return Truth(one.client_name, one.server_name, 1, 1, "server", "fin", "announced_by_response")


def raw_three_requests(nginx, _):
    with wire.Client(nginx.addresses["three"]) as one:
        for _ in range(3):
            one.get()
        one.close_after_server()
    return Truth(one.client_name, one.server_name, 3, 3, "server", "fin", "announced_by_response")


def raw_http10(nginx, _):
    with wire.Client(nginx.addresses["plain"]) as one:
        one.get(version="1.0")
        one.close_after_server()
    return Truth(one.client_name, one.server_name, 1, 1, "server", "fin", "http10_default")


def raw_idle_timeout(nginx, _):
    with wire.Client(nginx.addresses["silent"]) as one:
        one.get()
        one.close_after_server()
    return Truth(one.client_name, one.server_name, 1, 1, "server", "fin", "server_closed_idle")


def raw_pipelined(nginx, number):
    requests = 2 + number % 10
    with wire.Client(nginx.addresses["plain"]) as one:
        one.client.sendall(wire.GET * requests)
        for _ in range(requests):
            wire.read_response(one.client)
    return Truth(one.client_name, one.server_name, requests, requests, "client", "fin", "client_closed_idle")


def raw_in_pieces(nginx, number):
    with wire.Client(nginx.addresses["ipv6"]) as one:
        for at in range(0, len(wire.GET), 1 + number % 6):
            one.client.sendall(wire.GET[at : at + 1 + number % 6])
        wire.read_response(one.client)
    return Truth(one.client_name, one.server_name, 1, 1, "client", "fin", "client_closed_idle")


def raw_half_closed(nginx, _):
    with wire.Client(nginx.addresses["plain"]) as one:
        one.client.sendall(wire.GET)
        one.client.shutdown(socket.SHUT_WR)
        wire.read_response(one.client)
        assert one.client.recv(1) == b""
    return Truth(one.client_name, one.server_name, 1, 1, "client", "fin", None)


def raw_reset_in_response(nginx, _):
    with wire.Client(nginx.addresses["plain"]) as one:
        one.client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        one.client.sendall(wire.request("GET", "/large"))
        wire.read_head(one.client)
        wire.reset(one.client)
    return Truth(one.client_name, one.server_name, 1, 1, "client", "rst", "client_left")


def raw_reset_when_idle(nginx, _):
    with wire.Client(nginx.addresses["plain"]) as one:
        one.get()
        wire.reset(one.client)
    return Truth(one.client_name, one.server_name, 1, 1, "client", "rst", "client_closed_idle")


def raw_unused(nginx, _):
    with wire.Client(nginx.addresses["plain"]) as one:
        pass
    return Truth(one.client_name, one.server_name, 0, 0, "client", "fin", "unused")


def pair_closed_by_server(listener, number):
    with wire.Pair(listener) as pair:
        for _ in range(1 + number % 3):
            pair.exchange(response=wire.response("200 OK", "Keep-Alive: timeout=1000"))
        pair.close(first=pair.server)
    requests = 1 + number % 3
    return Truth(pair.client_name, pair.server_name, requests, requests, "server", "fin", None)


def pair_truncated(listener, _):
    with wire.Pair(listener) as pair:
        pair.exchange()
        pair.send_request()
        pair.send_response(wire.head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + b"fff\r\n")
        pair.close(first=pair.server)
    return Truth(pair.client_name, pair.server_name, 2, 2, "server", "fin", "response_truncated")


def pair_reset_by_server(listener, _):
    with wire.Pair(listener) as pair:
        pair.send_request()
        pair.send_response(wire.head("HTTP/1.1 200 OK", "Content-Length: 100"))
        wire.reset(pair.server)
        wire.wait_for_end(pair.client)
    return Truth(pair.client_name, pair.server_name, 1, 1, "server", "rst", "response_truncated")


def pair_without_response(listener, _):
    with wire.Pair(listener) as pair:
        pair.send_request()
        pair.close(first=pair.server)
    return Truth(pair.client_name, pair.server_name, 1, 0, "server", "fin", "no_response")


def pair_given_up(listener, _):
    with wire.Pair(listener) as pair:
        pair.exchange()
        pair.send_request()
        pair.close(first=pair.client)
    return Truth(pair.client_name, pair.server_name, 2, 1, "client", "fin", "client_gave_up")


def pair_opaque(listener, _):
    with wire.Pair(listener) as pair:
        pair.exchange(b"\x00\x01\x02\x03" * 20, bytes(100))
        pair.close(first=pair.client)
    return Truth(pair.client_name, pair.server_name, 0, 0, "client", "fin", "not_http")


WITH_NGINX = [
    curl_once,
    curl_again_and_again,
    curl_head,
    curl_http10_delimited,
    python_http_client,
    python_upload,
    raw_close_by_request,
    raw_close_by_response,
    raw_three_requests,
    raw_http10,
    raw_idle_timeout,
    raw_pipelined,
    raw_in_pieces,
    raw_half_closed,
    raw_reset_in_response,
    raw_reset_when_idle,
    raw_unused,
]
WITH_BOTH_ENDS = [
    pair_closed_by_server,
    pair_truncated,
    pair_reset_by_server,
    pair_without_response,
    pair_given_up,
    pair_opaque,
]


@pytest.fixture
def listeners():
    """To be borrowed: a connection of both ends needs a listener of its own while it is opened."""
    pool = queue.SimpleQueue()
    made = [wire.listen() for _ in range(WORKERS)]
    for listener in made:
        pool.put(listener)
    yield made, pool
    for listener in made:
        listener.close()


def make_all(nginx, pool):
    """Every kind so many times, in a mixed order, several at once; what is true of each."""

    def make(job):
        kind, number = job
        if kind in WITH_NGINX:
            return kind(nginx, number)
        listener = pool.get()
        try:
            return kind(listener, number)
        finally:
            pool.put(listener)

    jobs = [(kind, number) for kind in WITH_NGINX + WITH_BOTH_ENDS for number in range(OF_EACH_KIND)]
    random.Random(1).shuffle(jobs)
    with ThreadPoolExecutor(WORKERS) as workers:
        return list(workers.map(make, jobs))


def tally(truths, left_open):
    """How often each was told or made: a port may serve twice. Reasons are left open on these connections."""
    def known(truth):
        return truth._replace(reason=None) if (truth.client_name, truth.server_name) in left_open else truth

    return collections.Counter(map(known, truths))


def told_by(records, role, client, server):
    keys = [client, server, "requests", "responses", "closer", "manner", "reason"]
    return [Truth(*(one[key] for key in keys)) for one in records if one["role"] == role]


def test_every_connection_is_told_once_by_each_socket_and_right(nginx, listeners):
    made, pool = listeners
    with observer.Trace([*nginx.ports, *map(wire.port_of, made)]) as trace:
        truths = make_all(nginx, pool)
        assert len(truths) >= 200
        trace.comes_true(lambda: len(trace.records()) >= 2 * len(truths))
    records = trace.records()
    left_open = {(truth.client_name, truth.server_name) for truth in truths if truth.reason is None}
    expected = tally(truths, left_open)
    clients = tally(told_by(records, "client", "local", "remote"), left_open)
    servers = tally(told_by(records, "server", "remote", "local"), left_open)
    for told in clients, servers:
        assert {"told": told - expected, "true": expected - told} == {"told": {}, "true": {}}
    assert len(records) == 2 * len(truths)
