# SPDX-License-Identifier: BSD-2-Clause
"""Kinds of connections, each a function that makes one and returns the facts that its records must show."""

import http.client
import socket
from typing import NamedTuple

from lib import curl, wire


class Truth(NamedTuple):
    """Facts about a connection that are known because the test made it so. A reason of None is left open: two processes
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
