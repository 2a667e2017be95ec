# SPDX-License-Identifier: BSD-2-Clause
"""sendmmsg() and recvmmsg(), which Python does not have."""

import ctypes
import os

from lib import carriers

LIBC = ctypes.CDLL(None, use_errno=True)
USED = 1  # bytes that a message which was used before says it carried


class Segment(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Header(ctypes.Structure):
    """struct msghdr"""

    _fields_ = [("name", ctypes.c_void_p), ("name_length", ctypes.c_uint),
                ("segments", ctypes.POINTER(Segment)), ("segment_count", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t), ("flags", ctypes.c_int)]


class Message(ctypes.Structure):
    """struct mmsghdr: a message, and how many bytes of it were carried."""

    _fields_ = [("header", Header), ("carried", ctypes.c_uint)]


def messages_of(buffers):
    """A message for each list of buffers."""
    messages = (Message * len(buffers))()
    for message, parts in zip(messages, buffers):
        segments = (Segment * len(parts))(*[Segment(ctypes.addressof(part), len(part)) for part in parts])
        message.header.segments = ctypes.cast(segments, ctypes.POINTER(Segment))
        message.header.segment_count = len(parts)
    return messages


def buffer_of(data):
    return (ctypes.c_char * len(data)).from_buffer_copy(data)


def send(end, parts, used=False):
    """Sends messages, each a list of pieces, by one call; how many bytes that were. @used: the messages bear the lengths of an
    earlier call."""
    buffers = [[buffer_of(piece) for piece in pieces] for pieces in parts]
    messages = messages_of(buffers)
    for message, pieces in zip(messages, parts):
        message.carried = sum(map(len, pieces)) if used else 0
    sent = LIBC.sendmmsg(end.fileno(), messages, len(messages), 0)
    assert sent == len(messages), os.strerror(ctypes.get_errno())
    return sum(message.carried for message in messages)


def receive(end, count, messages=1, used=False, at_once=False):
    """Receives @count bytes; or up to as many, by one call."""
    def call(end, left):
        buffers = [[(ctypes.c_char * 3)(), (ctypes.c_char * left)()] for _ in range(messages)]
        room = messages_of(buffers)
        for message in room:
            message.carried = USED if used else 0
        got = LIBC.recvmmsg(end.fileno(), room, messages, 0x40, None)  # does not wait
        assert got == 1, os.strerror(ctypes.get_errno())
        return b"".join(part.raw for part in buffers[0])[: room[0].carried]

    return call(end, count) if at_once else carriers.in_calls(end, count, call)


def sendmmsg(end, data):
    """One message of several segments."""
    return send(end, [carriers.pieces(data, len(data) // 40 + 1)])


def recvmmsg(end, count):
    return receive(end, count)


PAIRS = [(sendmmsg, recvmmsg)]
