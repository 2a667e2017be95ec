# SPDX-License-Identifier: BSD-2-Clause
"""Every system call that can carry bytes over a socket, in the shapes in which programs use them.

A sender sends all of the data, a receiver receives as much as it is told. Those in PIECES take several calls of
so many bytes each; all others take one call for as much as is there."""

import os
import socket
import tempfile

SEGMENTS_MAX = 1000  # the kernel takes 1024


def pieces(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def segments_of_one_byte(data):
    """As many segments of one byte as a call takes; what is left is the last segment."""
    return [*pieces(data[:SEGMENTS_MAX], 1), data[SEGMENTS_MAX:]]


def with_empty_segments(data):
    return [segment for piece in pieces(data, 3) for segment in (b"", piece)][:SEGMENTS_MAX] + [
        data[SEGMENTS_MAX // 2 * 3 :]
    ]


# ---- senders


def write(end, data):
    return os.write(end.fileno(), data)


def write_bytes(end, data):
    return sum(os.write(end.fileno(), byte) for byte in pieces(data, 1))


def writev(end, data):
    return os.writev(end.fileno(), pieces(data, 7)[:SEGMENTS_MAX])


def writev_64(end, data):
    return os.writev(end.fileno(), pieces(data, len(data) // 64 + 1))


def writev_bytes(end, data):
    return os.writev(end.fileno(), segments_of_one_byte(data))


def send(end, data):
    return end.send(data)


def send_threes(end, data):
    return sum(end.send(piece) for piece in pieces(data, 3))


def sendto(end, data):
    return end.sendto(data, end.getpeername())


def sendmsg(end, data):
    return end.sendmsg([data])


def sendmsg_empty(end, data):
    return end.sendmsg(with_empty_segments(data))


def sendmsg_bytes(end, data):
    return end.sendmsg(segments_of_one_byte(data))


# ---- senders whose bytes no buffer of the caller holds


def sendfile(end, data):
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return os.sendfile(end.fileno(), file.fileno(), 0, len(data))


def splice(end, data):
    source, sink = os.pipe()
    with open(source, "rb") as source, open(sink, "wb", 0) as sink:
        sink.write(data)
        return os.splice(source.fileno(), end.fileno(), len(data))


# ---- receivers


def in_calls(end, count, call):
    data = b""
    while len(data) < count:
        piece = call(end, count - len(data))
        assert piece, f"the connection ended after {len(data)} of {count} bytes"
        data += piece
    return data


def into(buffers, fill):
    count = fill(buffers)
    return b"".join(buffers)[:count]


def buffers_of(*sizes):
    return [bytearray(size) for size in sizes]


def read(end, count):
    return in_calls(end, count, lambda end, left: os.read(end.fileno(), left))


def read_huge(end, count):
    return in_calls(end, count, lambda end, left: os.read(end.fileno(), 1 << 20))


def read_bytes(end, count):
    return in_calls(end, count, lambda end, left: os.read(end.fileno(), 1))


def readv(end, count):
    buffers = buffers_of(1, 2, 3, 0, 5, 7, 11, 1 << 16)
    return in_calls(end, count, lambda end, left: into(buffers, lambda to: os.readv(end.fileno(), to)))


def readv_bytes(end, count):
    buffers = buffers_of(*[1] * SEGMENTS_MAX, 1 << 16)
    return in_calls(end, count, lambda end, left: into(buffers, lambda to: os.readv(end.fileno(), to)))


def recv(end, count):
    return in_calls(end, count, lambda end, left: end.recv(left))


def recv_twos(end, count):
    return in_calls(end, count, lambda end, left: end.recv(min(left, 2)))


def recv_sevens(end, count):
    return in_calls(end, count, lambda end, left: end.recv(min(left, 7)))


def recv_waiting_for_all(end, count):
    return end.recv(count, socket.MSG_WAITALL)


def recv_after_peek(end, count):
    """What is only looked at, by any call, counts when it is taken."""

    def call(end, left):
        seen = end.recv(left, socket.MSG_PEEK)
        end.recvmsg_into(buffers_of(1, 2, left), 0, socket.MSG_PEEK)
        assert end.recv(len(seen)) == seen
        return seen

    return in_calls(end, count, call)


def recv_threes_after_peek(end, count):
    def call(end, left):
        end.recv(left, socket.MSG_PEEK)
        return end.recv(min(left, 3))

    return in_calls(end, count, call)


def recvfrom(end, count):
    return in_calls(end, count, lambda end, left: end.recvfrom(left)[0])


def recv_into(end, count):
    return in_calls(end, count, lambda end, left: into(buffers_of(1 << 16), lambda to: end.recv_into(to[0])))


def recvmsg(end, count):
    return in_calls(end, count, lambda end, left: end.recvmsg(1 << 16)[0])


def recvmsg_bytes(end, count):
    buffers = buffers_of(*[1] * 100, 0, 0, 1 << 16)
    return in_calls(end, count, lambda end, left: into(buffers, lambda to: end.recvmsg_into(to)[0]))


def recv_splice(end, count):
    """Takes the bytes without a buffer of the caller."""
    source, sink = os.pipe()
    with open(source, "rb") as source, open(sink, "wb", 0) as sink:
        return in_calls(end, count, lambda end, left: source.read(os.splice(end.fileno(), sink.fileno(), left)))


PAIRS = [
    (write, read),
    (write_bytes, read_huge),
    (writev, read_bytes),
    (writev_64, readv),
    (writev_bytes, readv_bytes),
    (send, recv),
    (send_threes, recv_twos),
    (send, recv_waiting_for_all),
    (sendto, recvfrom),
    (sendmsg, recvmsg),
    (sendmsg_empty, recvmsg_bytes),
    (sendmsg_bytes, recv_into),
    (write, recv_after_peek),
    (write_bytes, recv_threes_after_peek),
    (send, recv_sevens),
]
PIECES = {
    write_bytes: 1, send_threes: 3, read_bytes: 1, recv_twos: 2, recv_threes_after_peek: 3, recv_sevens: 7
}
