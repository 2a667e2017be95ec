# SPDX-License-Identifier: BSD-2-Clause
"""Go's crypto/tls in the hands of a test, call by call: a program of Go that holds ends of sessions, which behave like sockets."""

import contextlib
import socket
import struct
import subprocess
from pathlib import Path

from lib import sessions, wire
from lib.servers import go
from lib.servers.process import wait_until

SEND, TRY, RECEIVE, CLOSE, CLOSE_TLS = b"s", b"b", b"r", b"c", b"t"
DONE, ENDED, FAILED = 0, 1, 2
CLIENT, WRAPPED, VERSION_1_3, SPEAKS_H2 = 1, 2, 4, 8
STRIPPED = ("-ldflags=-s -w",)
MOVABLE = ("-buildmode=pie",)


class Error(OSError):
    """crypto/tls said no."""


def program(name, *flags):
    """The program lib/NAME.go, compiled with these flags."""
    return go.built(name, Path(__file__).with_name(f"{name}.go").read_text(), *flags)


class Holder:
    """The process. @flags: of the compiler."""

    def __init__(self, folder, certificates, *flags):
        self.path = folder / "holder"
        self.command = [program("go_end", *flags), self.path, certificates.server, certificates.server_key]

    def __enter__(self):
        self.path.unlink(missing_ok=True)
        self.process = subprocess.Popen(self.command)
        try:
            wait_until(self.path.exists, "a Go program")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        status = self.process.poll()
        self.process.kill()
        self.process.wait()
        assert status is None, f"the Go program has ended: {status}"


class End:
    """One end of a session over a connected socket, which is its own from now on. handshake() comes first."""

    def __init__(self, holder, plain, kind, version):
        self.plain = plain
        self.leader = socket.socket(socket.AF_UNIX)
        self.leader.settimeout(wire.DEADLINE)
        self.leader.connect(str(holder.path))
        kind |= VERSION_1_3 if version == "1.3" else 0
        socket.send_fds(self.leader, [bytes([kind])], [plain.fileno()])

    def __getattr__(self, name):
        """All that is no matter of TLS is the socket's."""
        return getattr(self.plain, name)

    def _answer(self):
        result, count = struct.unpack(">BI", wire.read_exactly(self.leader, 5))
        data = wire.read_exactly(self.leader, count)
        if result == FAILED and b"connection reset by peer" in data:
            raise ConnectionResetError(data.decode())
        if result == FAILED:
            raise Error(data.decode())
        return result, data

    def _order(self, order, number=0, data=b""):
        self.leader.sendall(order + struct.pack(">I", number) + data)
        return self._answer()

    def handshake(self):
        self._answer()

    def sendall(self, data):
        self._order(SEND, len(data), bytes(data))

    def send_in_vain(self, count):
        """So many bytes of zero, more than the socket takes, so that a deadline ends it."""
        with contextlib.suppress(Error):
            self._order(TRY, count)
            raise AssertionError("the socket took all")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def recv(self, count, flags=0):
        if flags:
            return sessions.receive_below(self.plain, count, flags)
        return self._order(RECEIVE, count)[1]

    def close_session(self):
        """With close_notify."""
        self._close(CLOSE_TLS)

    def close(self):
        self._close(CLOSE)

    def _close(self, order):
        if self.plain.fileno() < 0:
            return
        with contextlib.closing(self.leader), contextlib.closing(self.plain):
            self._order(order)


def client_end(plain, holder):
    """A client's end that offers HTTP/2; the handshake is done."""
    end = End(holder, plain, CLIENT | SPEAKS_H2, "any")
    end.handshake()
    return end


def server_end(plain, holder):
    """The same of a server."""
    end = End(holder, plain, SPEAKS_H2, "any")
    end.handshake()
    return end


def begin(client, server, holders, version, kind=0):
    """Makes a session of a connection. Returns its ends: the handshake is done. @holders: of the client and of the server."""
    client = End(holders[0], client, CLIENT | kind, version)
    server = End(holders[1], server, kind, version)
    sessions.shake_hands(client.handshake, server.handshake)
    return client, server


class Session(wire.Pair):
    """A wire.Pair whose ends speak TLS by Go's crypto/tls; the handshake is done. @client, @server: their holders."""

    def __init__(self, listener, client, server, version, kind=0):
        super().__init__(listener)
        self.client, self.server = begin(self.client, self.server, (client, server), version, kind)


class Door(sessions.Door):
    """A listener whose connections are sessions of Go, for wire.Pair."""

    def __init__(self, plain, holders, version):
        super().__init__(plain, None, version)
        self.holders = holders

    def begin(self, client, server):
        return begin(client, server, self.holders, self.version)
