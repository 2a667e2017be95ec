# SPDX-License-Identifier: BSD-2-Clause
"""Bytes that need not be read cost only a glance at a sequence number, and yet each of its bytes counts: of bodies, to
their last one, of tunnels, and of what is no HTTP."""

import contextlib
import fcntl
import os
import socket
import threading

import pytest

from lib import wire

PIECE = bytes(16_000)
PIECES = 40
SIZE = PIECES * len(PIECE)
CHUNKED = wire.head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
LENGTH = wire.head("HTTP/1.1 200 OK", f"Content-Length: {SIZE}")
UPLOAD = wire.head("POST / HTTP/1.1", "Host: test", f"Content-Length: {SIZE}")
UNTIL_CLOSE = wire.head("HTTP/1.1 200 OK", "Connection: close")
SWITCHED = wire.head("HTTP/1.1 101 Switching Protocols", "Connection: upgrade", "Upgrade: websocket")


def pass_on(sender, receiver, data):
    sender.sendall(data)
    assert wire.read_exactly(receiver, len(data)) == data
    return len(data)


def pass_pieces(sender, receiver, count=PIECES, piece=PIECE):
    return sum(pass_on(sender, receiver, piece) for _ in range(count))


def check(trace, pair, up, down, requests, responses):
    """@up, @down: bytes of HTTP. If the connection carries nothing else, each is one of its bytes."""
    client, server = trace.both(pair)
    if pair.bare:
        assert (client["tx_bytes"], client["rx_bytes"]) == (up, down)
        assert (server["tx_bytes"], server["rx_bytes"]) == (down, up)
    for record in (client, server):
        assert (record["requests"], record["responses"]) == (requests, responses)
        assert (record["errors"], record["blind_bytes"]) == ([], 0)
    return client


def test_what_follows_a_body_in_pieces_is_understood(trace, pair):
    up = down = 0
    for _ in range(3):
        up += pass_on(pair.client, pair.server, UPLOAD) + pass_pieces(pair.client, pair.server)
        down += pass_on(pair.server, pair.client, LENGTH) + pass_pieces(pair.server, pair.client)
    pair.close(first=pair.client)
    client = check(trace, pair, up, down, 3, 3)
    assert client["reason"] == "client_closed_idle"


def test_a_body_whose_last_byte_shares_a_call_with_the_next_head_ends_there(trace, pair):
    up = pass_on(pair.client, pair.server, wire.GET * 2)
    down = pass_on(pair.server, pair.client, LENGTH) + pass_pieces(pair.server, pair.client, PIECES - 1)
    down += pass_on(pair.server, pair.client, PIECE + wire.OK)
    pair.close(first=pair.client)
    check(trace, pair, up, down, 2, 2)


def test_chunks_in_pieces_are_followed(trace, pair):
    up = pass_on(pair.client, pair.server, wire.GET)
    down = pass_on(pair.server, pair.client, CHUNKED)
    for _ in range(3):
        down += pass_on(pair.server, pair.client, f"{SIZE:x}\r\n".encode())
        down += pass_pieces(pair.server, pair.client) + pass_on(pair.server, pair.client, b"\r\n")
    down += pass_on(pair.server, pair.client, b"0\r\n\r\n")
    up += pass_on(pair.client, pair.server, wire.GET)
    down += pass_on(pair.server, pair.client, wire.OK)
    pair.close(first=pair.client)
    check(trace, pair, up, down, 2, 2)


@pytest.mark.parametrize("pieces", [0, 1, PIECES - 1])
def test_a_body_that_is_cut_is_told_with_what_came(trace, pair, pieces):
    up = pass_on(pair.client, pair.server, wire.GET)
    down = pass_on(pair.server, pair.client, LENGTH) + pass_pieces(pair.server, pair.client, pieces)
    pair.close(first=pair.server)
    client = check(trace, pair, up, down, 1, 1)
    assert (client["closer"], client["reason"], client["premature"]) == ("server", "response_truncated", True)


def test_an_upload_that_is_cut_is_told_with_what_came(trace, pair):
    up = pass_on(pair.client, pair.server, UPLOAD) + pass_pieces(pair.client, pair.server, 7)
    pair.close(first=pair.client)
    client = check(trace, pair, up, 0, 1, 0)
    assert (client["closer"], client["lost_requests"]) == ("client", 1)


def test_a_body_up_to_the_close_is_complete_with_it(trace, pair):
    up = pass_on(pair.client, pair.server, wire.GET)
    down = pass_on(pair.server, pair.client, UNTIL_CLOSE) + pass_pieces(pair.server, pair.client)
    pair.close(first=pair.server)
    client = check(trace, pair, up, down, 1, 1)
    assert client["premature"] is False


def test_each_byte_of_a_tunnel_counts(trace, pair):
    up = pass_on(pair.client, pair.server, wire.request("GET", "/", "Connection: upgrade", "Upgrade: websocket"))
    down = pass_on(pair.server, pair.client, SWITCHED)
    for _ in range(5):
        up += pass_pieces(pair.client, pair.server, 3)
        down += pass_pieces(pair.server, pair.client, 4, b"answer")
    pair.close(first=pair.client)
    client = check(trace, pair, up, down, 1, 1)
    assert client["reason"] == "tunnel_ended"


def test_each_byte_of_what_is_no_http_counts(trace, pair):
    up = down = 0
    for _ in range(20):
        up += pass_on(pair.client, pair.server, b"\x00\x01binary")
        down += pass_on(pair.server, pair.client, b"\x02\x03" * 50)
    pair.close(first=pair.client)
    client = check(trace, pair, up, down, 0, 0)
    assert client["protocol"] == "opaque"


def test_a_body_may_be_longer_than_half_of_all_sequence_numbers(trace, pair):
    size = (1 << 31) + (100 << 20)
    up = pass_on(pair.client, pair.server, wire.GET)
    down = pass_on(pair.server, pair.client, wire.head("HTTP/1.1 200 OK", f"Content-Length: {size}"))
    piece = bytes(1 << 20)

    def send():
        for _ in range(size // len(piece)):
            pair.server.sendall(piece)

    sender = threading.Thread(target=send)
    sender.start()
    left = size
    while left:
        got = pair.client.recv_into(piece_room := bytearray(1 << 20), min(left, len(piece_room)), socket.MSG_TRUNC)
        assert got
        left -= got
    sender.join()
    up += pass_on(pair.client, pair.server, wire.GET)
    down += size + pass_on(pair.server, pair.client, wire.OK)
    pair.close(first=pair.client)
    check(trace, pair, up, down, 2, 2)


# ---- more bytes than sequence numbers can tell apart, taken and sent where no receive shows them -------------------

GIB = 1 << 30
SIZES = pytest.mark.parametrize("size", [3 * GIB, 5 * GIB], ids=["3 GiB", "5 GiB"])


@contextlib.contextmanager
def sending(carry, end, size):
    """A thread that sends this many bytes."""
    thread = threading.Thread(target=carry, args=(end, size))
    thread.start()
    yield
    thread.join()


def send_by_sendfile(end, size):
    with open(os.memfd_create("body"), "r+b") as file:
        file.truncate(GIB)  # of holes, which take no memory
        while size:
            size -= os.sendfile(end.fileno(), file.fileno(), 0, min(size, GIB))


def splice_away(end, size):
    """Takes this many bytes out of a socket without a receive call."""
    with open(os.devnull, "wb") as nowhere, contextlib.ExitStack() as stack:
        source, sink = (stack.enter_context(os.fdopen(fd, mode)) for fd, mode in zip(os.pipe(), ("rb", "wb")))
        fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, 1 << 20)
        while size:
            got = os.splice(end.fileno(), sink.fileno(), min(size, 1 << 20))
            assert got
            size -= got
            while got:
                got -= os.splice(source.fileno(), nowhere.fileno(), got)


def move(sender, receiver, size):
    for end in sender, receiver:
        os.set_blocking(end.fileno(), True)
    with sending(send_by_sendfile, sender, size):
        splice_away(receiver, size)
    return size


@SIZES
@pytest.mark.parametrize("framing", ["length", "chunk"])
@pytest.mark.parametrize("direction", ["response", "request"])
def test_a_body_of_gibibytes_that_is_spliced_is_followed_to_its_end(trace, pair, size, framing, direction):
    field = f"Content-Length: {size}" if framing == "length" else "Transfer-Encoding: chunked"
    start = "HTTP/1.1 200 OK" if direction == "response" else "POST / HTTP/1.1"
    before, after = (f"{size:x}\r\n".encode(), b"\r\n0\r\n\r\n") if framing == "chunk" else (b"", b"")
    ends = (pair.server, pair.client) if direction == "response" else (pair.client, pair.server)
    up = pass_on(pair.client, pair.server, wire.GET) if direction == "response" else 0
    moved = pass_on(*ends, wire.head(start, field) + before) + move(*ends, size)
    if after:
        moved += pass_on(*ends, after)
    up, down = (up, moved) if direction == "response" else (moved, pass_on(pair.server, pair.client, wire.OK))
    up += pass_on(pair.client, pair.server, wire.GET)
    down += pass_on(pair.server, pair.client, wire.OK)
    pair.close(first=pair.client)
    client = check(trace, pair, up, down, 2, 2)
    assert (client["reason"], client["confidence"], client["lost_requests"]) == ("client_closed_idle", "certain", 0)


@SIZES
def test_each_byte_of_a_tunnel_of_gibibytes_counts(trace, pair, size):
    up = pass_on(pair.client, pair.server, wire.request("GET", "/", "Connection: upgrade", "Upgrade: websocket"))
    down = pass_on(pair.server, pair.client, SWITCHED) + move(pair.server, pair.client, size)
    down += pass_on(pair.server, pair.client, b"the end")
    pair.close(first=pair.client)
    assert check(trace, pair, up, down, 1, 1)["reason"] == "tunnel_ended"


def test_a_body_of_gibibytes_that_is_cut_within_the_splice_is_told_with_what_came(trace, pair):
    up = pass_on(pair.client, pair.server, wire.GET)
    down = pass_on(pair.server, pair.client, wire.head("HTTP/1.1 200 OK", f"Content-Length: {6 * GIB}"))
    down += move(pair.server, pair.client, 5 * GIB)
    pair.close(first=pair.server)
    client = check(trace, pair, up, down, 1, 1)
    assert (client["reason"], client["body_bytes"], client["body_declared"]) == ("response_truncated", 5 * GIB, 6 * GIB)
