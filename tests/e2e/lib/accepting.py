# SPDX-License-Identifier: BSD-2-Clause
"""A server in threads of the test: one accepts, and one serves each connection."""

import contextlib
import threading

from lib import wire


class Accepting:
    """For a with statement. A subclass says by serve() what is done with a connection, until the peer or the server ends it."""

    def __init__(self):
        self.listener = wire.listen()
        self.listener.settimeout(None)
        self.port = wire.port_of(self.listener)
        self.name = f"127.0.0.1:{self.port}"
        self.accepting = threading.Thread(target=self._accept)
        self.ending = False

    def __enter__(self):
        self.accepting.start()
        return self

    def __exit__(self, *_):
        self.ending = True
        with wire.connect(self.listener.getsockname()):
            pass
        self.accepting.join(wire.DEADLINE)
        self.listener.close()

    def _accept(self):
        while True:
            connection, address = self.listener.accept()
            if self.ending:
                connection.close()
                return
            threading.Thread(target=self._hold, args=(connection, wire.name_of(address)), daemon=True).start()

    def _hold(self, connection, peer):
        # The peer may have had enough of it, or this server may have closed it meanwhile.
        with connection, contextlib.suppress(OSError):
            self.serve(connection, peer)

    def serve(self, connection, peer):
        """@peer: the name of the other end."""
        raise NotImplementedError
