# SPDX-License-Identifier: BSD-2-Clause
"""Carriers over io_uring, by rings.c: every way in which a request can name its bytes and be carried out."""

import contextlib
import ctypes
import itertools
import os

import pytest

from lib import carriers
from lib.host import ROOT

LIBRARY = ROOT / "build" / "tests" / "e2e" / "lib" / "rings.so"
ROOM = 1 << 20

FIXED_FILE, WORKER, POLLED, DEFERRED, POLLS = (1 << bit for bit in range(5))
HOWS = {"plain": 0, "fixed-file": FIXED_FILE, "worker": WORKER, "polled": POLLED, "deferred": DEFERRED,
        "fixed-worker": FIXED_FILE | WORKER, "fixed-polled": FIXED_FILE | POLLED}

SENDS = ["send", "send-all", "sendmsg", "sendmsg-all", "write", "writev", "write-fixed", "send-zc", "send-zc-fixed",
         "sendmsg-zc", "send-provided", "send-bundle", "send-many", "send-chain"]
RECEIVES = ["recv", "recv-all", "recvmsg", "read", "readv", "read-fixed", "recv-provided", "read-provided",
            "recvmsg-provided", "recv-multishot", "recvmsg-multishot", "read-multishot", "recv-bundle",
            "recv-bundle-multishot", "recv-many"]


def library():
    loaded = ctypes.CDLL(str(LIBRARY), use_errno=True)
    loaded.transfer_open.restype = ctypes.c_void_p
    loaded.transfer_send.restype = loaded.transfer_receive.restype = ctypes.c_long
    return loaded


class Transfer:
    """Requests of one way over one socket, in a ring of their own."""

    def __init__(self, end, way, how=0):
        self.library = library()
        self.transfer = self.library.transfer_open(end.fileno(), way.encode(), how)
        if not self.transfer:
            raise OSError(ctypes.get_errno(), f"no ring for {way}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.library.transfer_close(ctypes.c_void_p(self.transfer))

    def _done(self, result):
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return result

    def send(self, data):
        size = ctypes.c_size_t(len(data))
        return self._done(self.library.transfer_send(ctypes.c_void_p(self.transfer), data, size))

    def wait_for(self, count):
        """Submits what is to receive so many bytes; they may come later."""
        self._done(self.library.transfer_await(ctypes.c_void_p(self.transfer), ctypes.c_size_t(count)))

    def waits(self):
        return self.library.transfer_waits(ctypes.c_void_p(self.transfer))

    def receive(self, count):
        room = ctypes.create_string_buffer(ROOM)
        got = self.library.transfer_receive(ctypes.c_void_p(self.transfer), room, ctypes.c_size_t(count))
        return room.raw[: self._done(got)]


@contextlib.contextmanager
def skipped_where_missing(way):
    """EINVAL: this kernel is older than the way."""
    try:
        yield
    except OSError as error:
        if error.errno == 22:
            pytest.skip(f"this kernel has no {way}")
        raise


def sender(way, how=0):
    def send(end, data):
        with skipped_where_missing(way), Transfer(end, way, how) as transfer:
            return transfer.send(data)

    send.__name__ = "_".join(["uring", way, *[name for name, bits in HOWS.items() if how and bits == how]])
    return send


def receiver(way, how=0):
    def receive(end, count):
        with skipped_where_missing(way), Transfer(end, way, how) as transfer:
            return transfer.receive(count)

    receive.__name__ = "_".join(["uring", way, *[name for name, bits in HOWS.items() if how and bits == how]])
    return receive


# Each way of sending beside one of receiving, so that every way is there.
PAIRS = [(sender(send), receiver(receive))
         for send, receive in itertools.zip_longest(SENDS, RECEIVES, fillvalue="send")]
PIECE = 61
IN_PIECES = ("provided", "bundle", "multishot", "many", "chain")
carriers.PIECES.update({carrier: PIECE for pair in PAIRS for carrier in pair
                        if any(word in carrier.__name__ for word in IN_PIECES)})


def serve(ends, question, head, body):
    """Answers each question on all of these sockets over one ring, until their peers have closed."""
    fds = (ctypes.c_int * len(ends))(*[end.fileno() for end in ends])
    sizes = [ctypes.c_size_t(len(part)) for part in (question, head + body, head)]
    result = library().ring_serve(fds, len(ends), sizes[0], head + body, *sizes[1:])
    assert result == 0, os.strerror(-result)
