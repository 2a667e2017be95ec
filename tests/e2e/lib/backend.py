# SPDX-License-Identifier: BSD-2-Clause
"""A server behind gateways that fails them as the path asks, whatever its query, and keeps a log of what it did to which connection."""

import random
import select
import socket

from lib import wire
from lib.accepting import Accepting

ACTS = {
    "/ok": wire.OK,
    "/race": wire.OK,
    "/close": b"",
    "/reused": b"",
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Le",
    "/garbage": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "/endless": b"HTTP/1.1 200 OK\r\nX: " + 100_000 * b"x",  # a head that no gateway takes
    "/passed": wire.response("502 Bad Gateway"),
}
KEPT = {"/ok", "/race"}  # after these the connection stays open
LONGEST_PAUSE = 0.002


def fill(listener):
    """Takes all room that the listener has for connections; returns those that do. From then on none comes about."""
    address = listener.getsockname()
    clients = []
    while True:
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", address[1]))
        clients.append(client)
        if not select.select([], [client], [], 0.2)[1]:
            return clients


class Full:
    """A server at all addresses of this host to which no connection comes about, because its queue is full. For a with
    statement."""

    def __enter__(self):
        self.listener = socket.socket()
        self.listener.bind(("0.0.0.0", 0))
        self.listener.listen(0)
        self.name = f"127.0.0.1:{wire.port_of(self.listener)}"
        self.clients = fill(self.listener)
        return self

    def __exit__(self, *_):
        for one in [*self.clients, self.listener]:
            one.close()


class Backend(Accepting):
    """/slow never answers: it waits for the gateway to give up. After /race it closes soon, whether or not the gateway is about to
    send another request."""

    def __init__(self):
        super().__init__()
        self.log = []  # (path, the gateway's end of the connection, number of the request on it)
        self.open = set()

    def die(self):
        """Ends all connections at once, whatever is under way on them, as the kernel does for a process that is killed."""
        for connection in [*self.open]:
            try:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, wire.NO_LINGER)
                connection.shutdown(socket.SHUT_RD)  # wakes the thread that reads, which closes
            except OSError:  # it is closed by now
                pass

    def reload(self):
        """Ends its side of all connections, busy or idle."""
        for connection in [*self.open]:
            try:
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def serve(self, connection, peer):
        self.open.add(connection)
        try:
            self._answer(connection, peer)
        finally:
            self.open.discard(connection)

    def _note(self, head, peer, number):
        path = head.split()[1].decode()
        self.log.append((path, peer, number))
        return path.partition("?")[0]

    def _answer(self, connection, peer):
        number = 0
        while head := self._head(connection):
            number += 1
            path = self._note(head, peer, number)
            if path == "/slow":
                wire.wait_for_end(connection)
                return
            connection.sendall(ACTS[path])
            if path == "/race":
                self._race(connection, peer, number + 1)
            if path not in KEPT:
                return

    def _race(self, connection, peer, number):
        """Closes; a request that comes too late is noted, and refused by a RST."""
        if select.select([connection], [], [], random.uniform(0, LONGEST_PAUSE))[0]:
            return
        connection.shutdown(socket.SHUT_WR)
        if head := self._head(connection):
            self._note(head, peer, number)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, wire.NO_LINGER)
        connection.close()

    @staticmethod
    def _head(connection):
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            piece = connection.recv(65536)
            if not piece:
                return b""
            data += piece
        return data
