# SPDX-License-Identifier: BSD-2-Clause
"""Both ends of a TLS session in the hands of one test, like wire.Pair of a connection in clear text."""

import contextlib
import http.client
import select
import socket
import ssl
import threading
from dataclasses import dataclass

from lib import tls, wire

LEAST = 22  # bytes that a record is longer than what is in it, at least


def receive_below(plain, count, flags):
    """Of the socket, without the library. By MSG_PEEK: as many bytes as a record that has come may have."""
    if flags & socket.MSG_PEEK:
        return socket.socket.recv(plain, count + LEAST, flags)[LEAST:]
    return socket.socket.recv(plain, count, flags)


def _is_reset(end):
    """Waits until there is something to receive, as long as the end has patience. Is it a RST, and nothing else?"""
    poll = select.poll()
    poll.register(end, select.POLLIN)
    ready = poll.poll((end.gettimeout() or wire.DEADLINE) * 1000)
    if not ready:
        raise TimeoutError
    return any(mask & select.POLLERR for _, mask in ready)


class End(ssl.SSLSocket):
    """An end that can be asked what tests ask of a plain socket."""

    def recv(self, buflen=1024, flags=0):
        """Python takes a RST for the end of the stream, because it asks OpenSSL by SSL_read_ex(), whose result is 0 for both."""
        if flags:
            return receive_below(self, buflen, flags)
        is_reset = not self.pending() and _is_reset(self)
        data = super().recv(buflen)
        if is_reset and not data:
            raise ConnectionResetError
        return data

    def close_session(self):
        """With close_notify."""
        if self.fileno() >= 0:
            tls.end_session(self)
        super().close()

    def shutdown(self, how):
        """Of the socket alone: ssl's own forgets the session, so that nothing could be read any more."""
        socket.socket.shutdown(self, how)


class MemoryEnd:
    """An end whose library neither sends nor receives: it hands its bytes to this process, as asyncio and many frameworks have it."""

    def __init__(self, plain, context, **names):
        self.plain = plain
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.library = context.wrap_bio(self.incoming, self.outgoing, **names)

    def __getattr__(self, name):
        """All else is asked of the socket."""
        return getattr(self.plain, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.plain.close()

    def _step(self, step):
        while True:
            try:
                result = step()
                self._give()
                return result
            except ssl.SSLWantReadError:
                self._give()
                self._take()

    def end_session(self):
        """Sends close_notify, and reads nothing."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.library.unwrap()
        self._give()

    def close_session(self):
        """With close_notify."""
        if self.plain.fileno() >= 0:
            self.end_session()
            self.plain.close()

    def _give(self):
        if self.outgoing.pending:
            self.plain.sendall(self.outgoing.read())

    def _take(self):
        got = self.plain.recv(65536)
        if got:
            self.incoming.write(got)
        else:
            self.incoming.write_eof()

    def do_handshake(self):
        self._step(self.library.do_handshake)

    def sendall(self, data):
        for at in range(0, len(data), 65536):
            self._step(lambda at=at: self.library.write(data[at : at + 65536]))

    def send(self, data):
        self.sendall(data)
        return len(data)

    def send_half(self, data):
        """The library takes all of it, and half of what it makes of that leaves. Returns how much of the data that may be, at most."""
        self.library.write(data)
        made = self.outgoing.read()
        self.plain.sendall(made[: len(made) // 2])
        return len(data) // 2

    def recv(self, count, flags=0):
        if flags:
            return receive_below(self.plain, count, flags)
        try:
            return self._step(lambda: self.library.read(count))
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return b""


def over_sockets(context, plain, **names):
    context.sslsocket_class = End
    return context.wrap_socket(plain, do_handshake_on_connect=False, **names)


def over_memory(context, plain, **names):
    return MemoryEnd(plain, context, **names)


@contextlib.contextmanager
def _meanwhile(act):
    """Another thread does this."""
    errors = []

    def run():
        try:
            act()
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(wire.DEADLINE)
    assert not errors, errors


def shake_hands(client, server):
    """Both at once."""
    with _meanwhile(server):
        client()


def begin(client, server, certificates, version, carried=over_sockets, tickets=0):
    """Makes a session of a connection. Returns its ends: the handshake is done, and no more tickets than these are on their way."""
    accepting = tls.server_context(certificates, version)
    accepting.num_tickets = tickets
    server = carried(accepting, server, server_side=True)
    client = carried(tls.client_context(certificates, version), client, server_hostname=tls.NAME)
    shake_hands(client.do_handshake, server.do_handshake)
    return client, server


class Door(socket.socket):
    """A listener whose connections are sessions, for wire.Pair. It takes over a plain listener. @polite: a server that closes ends its
    session."""

    polite = False

    def __init__(self, plain, certificates, version, carried=over_sockets):
        super().__init__(fileno=plain.detach())
        self.settimeout(wire.DEADLINE)
        self.certificates, self.version, self.carried = certificates, version, carried

    def begin(self, client, server):
        return begin(client, server, self.certificates, self.version, self.carried)

    def carrier(self, client, server):
        client, server = self.begin(client, server)
        if self.polite:
            server.close = server.close_session
        return client, server


class Address(tuple):
    """Of a server that speaks TLS, for wire.Client."""

    def __new__(cls, address, certificates, version, carried=over_sockets):
        own = super().__new__(cls, address)
        own.certificates, own.version, own.carried = certificates, version, carried
        return own

    def carrier(self, client):
        end = self.carried(tls.client_context(self.certificates, self.version), client, server_hostname=tls.NAME)
        end.do_handshake()
        return end


@dataclass
class Terms:
    """How programs of a test speak to each other: in clear text, or, with certificates, by this version of TLS. @polite: a server of the
    test's own ends its session when it closes."""

    certificates: tls.Certificates | None = None
    version: str | None = None
    polite: bool = True

    @property
    def scheme(self):
        return "https" if self.certificates else "http"

    def address(self, plain):
        """Of a server, for wire.Client."""
        return Address(plain, self.certificates, self.version) if self.certificates else plain

    def http_client(self, host, port):
        """A client of Python's library, not connected yet."""
        if not self.certificates:
            return http.client.HTTPConnection(host, port, timeout=wire.DEADLINE)
        context = tls.client_context(self.certificates, self.version)
        return http.client.HTTPSConnection(host, port, timeout=wire.DEADLINE, context=context)


class Session(wire.Pair):
    """A wire.Pair whose ends speak TLS."""

    def __init__(self, listener, certificates, version, tickets=0, carried=over_sockets):
        super().__init__(listener)
        self.client, self.server = begin(self.client, self.server, certificates, version, carried, tickets)
