# SPDX-License-Identifier: BSD-2-Clause
"""Both ends of a TLS session in the hands of one test, like wire.Pair of a connection in clear text."""

import threading

from lib import tls, wire


class Session(wire.Pair):
    """A wire.Pair whose ends speak TLS. The handshake is done, and the client has read the server's tickets."""

    def __init__(self, listener, certificates, version):
        super().__init__(listener)
        context = tls.server_context(certificates, version)
        context.num_tickets = 0
        self.error = None
        thread = threading.Thread(target=self._accept, args=(context,))
        thread.start()
        try:
            client = tls.client_context(certificates, version)
            self.client = client.wrap_socket(self.client, server_hostname=tls.NAME)
        finally:
            thread.join(wire.DEADLINE)
        assert self.error is None, self.error

    def _accept(self, context):
        try:
            self.server = context.wrap_socket(self.server, server_side=True)
        except OSError as error:
            self.error = error
