# SPDX-License-Identifier: BSD-2-Clause
"""A relay between a client and a server, that keeps what passes."""

import contextlib
import socket
import struct
import threading

PIECE = 60_000


class Tap:
    """Relays the first connection to @address, for a with statement. `calls` has its bytes, as http2-parse reads them."""

    def __init__(self, address):
        self.address = address
        self.calls = b""
        self.turn = threading.Lock()
        self.thread = threading.Thread(target=self.relay)

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.name = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread.start()
        return self

    def __exit__(self, *_):
        """The connection has ended, or nobody has come."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def relay(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        with client, socket.create_connection(self.address) as server:
            back = threading.Thread(target=self.pump, args=(1, server, client))
            back.start()
            self.pump(0, client, server)
            back.join()

    def pump(self, direction, source, target):
        """Bytes are kept before they are passed on, so that no answer is kept before what it answers."""
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE):
                with self.turn:
                    self.calls += struct.pack(">BH", direction, len(data)) + data
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
