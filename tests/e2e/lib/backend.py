# SPDX-License-Identifier: BSD-2-Clause
"""A server behind gateways that fails them as the path asks, whatever its query, and keeps a log of what it did to which connection."""

import threading

from lib import wire

ACTS = {
    "/ok": wire.OK,
    "/close": b"",
    "/reused": b"",
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Le",
    "/garbage": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "/endless": b"HTTP/1.1 200 OK\r\nX: " + 100_000 * b"x",  # a head that no gateway takes
}


class Backend:
    """For a with statement. /slow never answers: it waits for the gateway to give up."""

    def __init__(self):
        self.listener = wire.listen()
        self.port = wire.port_of(self.listener)
        self.name = f"127.0.0.1:{self.port}"
        self.log = []  # (path, the gateway's end of the connection, number of the request on it)
        self.threads = []
        self.ending = False

    def __enter__(self):
        self.threads.append(threading.Thread(target=self._accept))
        self.threads[0].start()
        return self

    def __exit__(self, *_):
        self.ending = True
        with wire.connect(self.listener.getsockname()):
            pass
        for thread in self.threads:
            thread.join(wire.DEADLINE)
        self.listener.close()

    def _accept(self):
        self.listener.settimeout(None)
        while True:
            connection, address = self.listener.accept()
            if self.ending:
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection, wire.name_of(address)), daemon=True)
            thread.start()

    def _serve(self, connection, peer):
        number = 0
        with connection:
            while head := self._head(connection):
                path = head.split()[1].decode()
                number += 1
                self.log.append((path, peer, number))
                if path == "/slow":
                    wire.wait_for_end(connection)
                    return
                try:
                    connection.sendall(ACTS[path.partition("?")[0]])
                except OSError:  # the gateway had enough of it
                    return
                if path != "/ok":
                    return

    @staticmethod
    def _head(connection):
        data = b""
        try:
            while not data.endswith(b"\r\n\r\n"):
                piece = connection.recv(1)
                if not piece:
                    return b""
                data += piece
        except OSError:
            return b""
        return data
