# SPDX-License-Identifier: BSD-2-Clause
"""HTTP is understood through every system call that can carry it."""

import os
import socket

import pytest

from lib import calls32, mmsg, stories, wire


def pieces(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def send_write(end, data):
    return os.write(end.fileno(), data)


def send_writev(end, data):
    return os.writev(end.fileno(), pieces(data, 7))


def send_send(end, data):
    return end.send(data)


def send_sendmsg(end, data):
    return end.sendmsg(pieces(data, 3))


def send_sendmsg_64(end, data):
    """As many segments as the programs read, most of them empty or of one byte."""
    segments = pieces(data, 1)[:40]
    return end.sendmsg([*segments, *[b""] * 23, data[len(segments) :]])


def in_messages(data):
    """A message of one segment, an empty one, and one of several."""
    return [[data[:5]], [], pieces(data[5:50], 7), [data[50:]]]


def send_sendmmsg(end, data):
    return mmsg.send(end, in_messages(data))


def send_sendmmsg_again(end, data):
    return mmsg.send(end, in_messages(data), used=True)


def receive_recvmmsg(end, size):
    return mmsg.receive(end, size, at_once=True)


def receive_read(end, size):
    return os.read(end.fileno(), size)


def receive_readv(end, size):
    first, second = bytearray(min(size, 5)), bytearray(size)
    count = os.readv(end.fileno(), [first, second])
    return bytes(first + second)[:count]


def receive_recv(end, size):
    return end.recv(size)


def receive_recvfrom(end, size):
    return end.recvfrom(size)[0]


def receive_recvmsg(end, size):
    return end.recvmsg(size)[0]


def receive_recvmsg_into(end, size):
    buffers = [bytearray(4), bytearray(1), bytearray(size)]
    count = end.recvmsg_into(buffers)[0]
    return b"".join(buffers)[:count]


def receive_after_peek(end, size):
    """Bytes that are only peeked at must not count twice."""
    seen = end.recv(size, socket.MSG_PEEK)
    assert end.recv(len(seen)) == seen
    return seen


def receive_tiny(end, size):
    return end.recv(min(size, 2))


SENDS = [send_write, send_writev, send_send, send_sendmsg, send_sendmsg_64, send_sendmmsg, send_sendmmsg_again,
         *calls32.SENDS]
RECEIVES = [
    receive_read,
    receive_readv,
    receive_recv,
    receive_recvfrom,
    receive_recvmsg,
    receive_recvmsg_into,
    receive_after_peek,
    receive_tiny,
    receive_recvmmsg,
    *calls32.RECEIVES,
]


def pass_on(sender, receiver, send, receive, data):
    """Receives all of the data, however much the calls take at once."""
    sent = send(sender, data)
    assert sent == len(data)
    wire.wait_for_bytes(receiver, len(data))
    got = b""
    while len(got) < len(data):
        got += receive(receiver, 4096)
    assert got == data


def check(trace, pair, send, receive):
    fields = ["Connection: keep-alive, x-marker"]
    body = b"b" * 300
    question = wire.request("POST", "/", *fields, f"Content-Length: {len(body)}", body=body)
    answer = wire.response("200 OK", *fields, body=body)
    for _ in range(3):
        pass_on(pair.client, pair.server, send, receive, question)
        pass_on(pair.server, pair.client, send, receive, answer)
    pair.close(first=pair.client)
    client, _ = trace.both(pair)
    assert (client["requests"], client["responses"]) == (3, 3)
    assert (client["tx_bytes"], client["rx_bytes"]) == (3 * len(question), 3 * len(answer))
    assert client["reason"] == "client_closed_idle"
    assert client["hop_by_hop"] == ["x-marker"]
    assert client["directives"]["response"]["keep_alive"] == 3
    assert client["blind_bytes"] == 0
    assert client["errors"] == []


@pytest.mark.parametrize("send", SENDS)
def test_http_is_understood_by_every_way_to_send(trace, pair, send):
    check(trace, pair, send, receive_recv)


@pytest.mark.parametrize("receive", RECEIVES)
def test_http_is_understood_by_every_way_to_receive(trace, pair, receive):
    check(trace, pair, send_send, receive)


def test_a_body_sent_by_sendfile_is_blind_and_harmless(trace, pair, tmp_path):
    size = 20_000
    (tmp_path / "body").write_bytes(b"b" * size)
    with open(tmp_path / "body", "rb") as body:
        for _ in range(2):
            pair.send_request()
            pair.send_response(wire.head("HTTP/1.1 200 OK", f"Content-Length: {size}"))
            assert os.sendfile(pair.server.fileno(), body.fileno(), 0, size) == size
            wire.read_exactly(pair.client, size)
    pair.close(first=pair.client)
    client, server = trace.both(pair)
    assert (client["requests"], client["responses"]) == (2, 2)
    assert client["reason"] == "client_closed_idle"
    assert (client["blind_bytes"], server["blind_bytes"]) == (0, 0)


class Messages(stories.Plain):
    """By sendmmsg() and recvmmsg()."""

    def send(self, data):
        return mmsg.sendmmsg(self.end, data)

    def receive(self, count):
        return mmsg.recvmmsg(self.end, count)


@pytest.mark.parametrize("story", stories.ALL)
def test_every_protocol_is_seen_in_messages(trace, listener, story):
    records = []
    for transfer in (stories.Plain, Messages):
        with wire.Pair(listener) as pair:
            stories.converse_whole(pair, stories.ALL[story], transfer, transfer)
        records.append(stories.likeness(trace.both(pair)))
    assert records[0] == records[1]
    assert all(one["blind_bytes"] == 0 for one in records[0])
