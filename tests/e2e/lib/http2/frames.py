# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/2 frames made and read by hand, for peers that do what no library does (RFC 9113)."""

import socket
import struct
from collections import namedtuple

from lib import wire

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
HEADER = 9
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 1, 2, 7, 8, 11
HIGHEST = 0x7FFFFFFF

Frame = namedtuple("Frame", "type flags stream payload")


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def string(text):
    """A string of HPACK that is shorter than 127 bytes, not in Huffman code."""
    return bytes([len(text)]) + text


def field(name, value):
    """A literal that is not indexed."""
    return b"\0" + string(name) + string(value)


GET = b"\x82\x86\x84" + b"\x01" + string(b"test")  # GET http / test
OK = b"\x88"


def request(stream, *fields, end=True):
    return frame(HEADERS, END_HEADERS | end, stream, GET + b"".join(field(*one) for one in fields))


def response(stream, *fields, end=True):
    return frame(HEADERS, END_HEADERS | end, stream, OK + b"".join(field(*one) for one in fields))


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *pair) for pair in pairs))


SETTINGS_ACK = frame(SETTINGS, ACK)
BEGIN = PREFACE + settings()


def reset(stream, code):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def goaway(last, code=NO_ERROR, text=b""):
    return frame(GOAWAY, payload=struct.pack(">II", last, code) + text)


def ping(flags=0):
    return frame(PING, flags, payload=bytes(8))


class Peer:
    """One end of a connection. `seen` are the frames that have come."""

    def __init__(self, end):
        self.end = end
        self.seen = []
        end.settimeout(wire.DEADLINE)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end.close()

    def send(self, *frames):
        self.end.sendall(b"".join(frames))

    def read(self):
        """The next frame; None at the end of the connection. Settings and PINGs are answered."""
        try:
            head = wire.read_exactly(self.end, HEADER)
            payload = wire.read_exactly(self.end, int.from_bytes(head[:3], "big"))
        except TimeoutError:
            raise
        except (AssertionError, OSError):  # libraries have errors of their own
            return None
        one = Frame(head[3], head[4], int.from_bytes(head[5:], "big") & HIGHEST, payload)
        self.seen.append(one)
        if one.type == SETTINGS and not one.flags & ACK:
            self.send(SETTINGS_ACK)
        if one.type == PING and not one.flags & ACK:
            self.send(frame(PING, ACK, payload=payload))
        return one

    def of(self, kind):
        return [one for one in self.seen if one.type == kind]

    def streams(self):
        """The ids of those that the client has begun."""
        return [one.stream for one in self.of(HEADERS)]

    def read_until(self, kind, count=1):
        """Returns the frames of this kind once there are so many."""
        while len(self.of(kind)) < count:
            assert self.read(), f"the connection ended behind {self.seen}"
        return self.of(kind)

    def read_to_end(self):
        while self.read():
            pass

    def read_to_goaway(self):
        """Or to the end, if none comes."""
        while (one := self.read()) and one.type != GOAWAY:
            pass


class Client(Peer):
    """By prior knowledge. @session makes of its socket the end of a session of TLS: see lib/http2/libraries.py."""

    def __init__(self, address, session=None):
        self.wire = wire.Client(address)
        self.name = self.wire.client_name
        super().__init__(session(self.wire.client) if session else self.wire.client)
        self.send(BEGIN)

    def ask(self, stream):
        """An exchange."""
        self.send(request(stream))
        while not any(one.stream == stream and one.type in (DATA, HEADERS) and one.flags & END_STREAM for one in self.seen):
            assert self.read(), f"no answer: {self.seen}"


def accept(listener, session=None):
    """The server's end of the next connection; its client's preface has been read."""
    end, _ = listener.accept()
    peer = Peer(session(end) if session else end)
    assert wire.read_exactly(peer.end, len(PREFACE)) == PREFACE
    peer.send(settings())
    return peer
