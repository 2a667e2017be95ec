# SPDX-License-Identifier: BSD-2-Clause
"""GnuTLS in the hands of a test, call by call: ends of a session that behave like sockets."""

import ctypes
import errno
import os
import select

from lib import sessions, wire

SERVER, CLIENT = 1, 2
AGAIN, INTERRUPTED, PREMATURE, REHANDSHAKE = -28, -52, -110, -37
PUSH, PULL = -53, -54  # the socket's own error, in errno
INVALID_SESSION = -10
CERTIFICATES, PEM = 1, 1
SHUT_WRITE = 1
UNCORK_WAIT = 1
PRIORITIES = {"1.2": b"NORMAL:-VERS-ALL:+VERS-TLS1.2", "1.3": b"NORMAL:-VERS-ALL:+VERS-TLS1.3", "any": b"NORMAL"}

POINTER, SIZE, INT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
PUSH_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_ssize_t, POINTER, POINTER, SIZE)
PROTOTYPES = {
    "gnutls_strerror": (ctypes.c_char_p, INT),
    "gnutls_certificate_allocate_credentials": (INT, POINTER),
    "gnutls_certificate_free_credentials": (None, POINTER),
    "gnutls_certificate_set_x509_key_file": (INT, POINTER, ctypes.c_char_p, ctypes.c_char_p, INT),
    "gnutls_init": (INT, POINTER, ctypes.c_uint),
    "gnutls_deinit": (None, POINTER),
    "gnutls_priority_set_direct": (INT, POINTER, ctypes.c_char_p, POINTER),
    "gnutls_credentials_set": (INT, POINTER, INT, POINTER),
    "gnutls_transport_set_int2": (None, POINTER, INT, INT),
    "gnutls_transport_set_push_function": (None, POINTER, PUSH_FUNCTION),
    "gnutls_transport_set_errno": (None, POINTER, INT),
    "gnutls_alpn_set_protocols": (INT, POINTER, POINTER, ctypes.c_uint, ctypes.c_uint),
    "gnutls_handshake": (INT, POINTER),
    "gnutls_record_send": (ctypes.c_ssize_t, POINTER, POINTER, SIZE),
    "gnutls_record_send_range": (ctypes.c_ssize_t, POINTER, POINTER, SIZE, POINTER),
    "gnutls_record_recv": (ctypes.c_ssize_t, POINTER, POINTER, SIZE),
    "gnutls_record_recv_seq": (ctypes.c_ssize_t, POINTER, POINTER, SIZE, ctypes.c_char_p),
    "gnutls_record_recv_packet": (ctypes.c_ssize_t, POINTER, POINTER),
    "gnutls_packet_get": (None, POINTER, POINTER, POINTER),
    "gnutls_packet_deinit": (None, POINTER),
    "gnutls_record_cork": (None, POINTER),
    "gnutls_record_uncork": (INT, POINTER, ctypes.c_uint),
    "gnutls_session_key_update": (INT, POINTER, ctypes.c_uint),
    "gnutls_bye": (INT, POINTER, INT),
}


def _load():
    library = ctypes.CDLL("libgnutls.so.30", use_errno=True)
    for name, (result, *arguments) in PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


_library = _load()


class Error(OSError):
    """GnuTLS said no."""


def _done(result):
    if result in (PUSH, PULL):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if result < 0:
        raise Error(result, _library.gnutls_strerror(result).decode())
    return result


class Range(ctypes.Structure):
    _fields_ = [("low", SIZE), ("high", SIZE)]


class Datum(ctypes.Structure):
    _fields_ = [("data", POINTER), ("size", ctypes.c_uint)]


class Credentials:
    def __init__(self, certificates=None):
        self.pointer = POINTER()
        _done(_library.gnutls_certificate_allocate_credentials(ctypes.byref(self.pointer)))
        if certificates:
            files = [str(one).encode() for one in (certificates.server, certificates.server_key)]
            _done(_library.gnutls_certificate_set_x509_key_file(self.pointer, *files, PEM))

    def __del__(self):
        _library.gnutls_certificate_free_credentials(self.pointer)


class End:
    """One end of a session over a connected socket, which is its own from now on. @alpn: the one protocol that it speaks, or None."""

    def __init__(self, plain, side, version, credentials, alpn=None):
        self.plain = plain
        self.credentials = credentials  # must live as long as the session
        self.session = POINTER()
        _done(_library.gnutls_init(ctypes.byref(self.session), side))
        _done(_library.gnutls_priority_set_direct(self.session, PRIORITIES[version], None))
        _done(_library.gnutls_credentials_set(self.session, CERTIFICATES, credentials.pointer))
        if alpn:
            name = ctypes.create_string_buffer(alpn, len(alpn))
            offered = Datum(ctypes.cast(name, POINTER), len(alpn))
            _done(_library.gnutls_alpn_set_protocols(self.session, ctypes.byref(offered), 1, 0))
        _library.gnutls_transport_set_int2(self.session, plain.fileno(), plain.fileno())

    def __del__(self):
        _library.gnutls_deinit(self.session)

    def __getattr__(self, name):
        """All that is no matter of TLS is the socket's."""
        return getattr(self.plain, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.plain.close()

    def wait(self, events):
        poll = select.poll()
        poll.register(self.plain, events)
        assert poll.poll(wire.DEADLINE * 1000), "nothing moves"

    def _until_done(self, call, events):
        """Calls again as long as the library asks for that."""
        while (result := call()) in (AGAIN, INTERRUPTED):
            self.wait(events)
        return _done(result)

    def handshake(self):
        self._until_done(lambda: _library.gnutls_handshake(self.session), select.POLLIN)

    def hold(self):
        """From now on nothing can be sent for a while."""

        def again(*_):
            _library.gnutls_transport_set_errno(self.session, errno.EAGAIN)
            return -1

        self.held = PUSH_FUNCTION(again)  # must live as long as the session
        _library.gnutls_transport_set_push_function(self.session, self.held)

    def return_late(self, act):
        """From now on each call that sends does this before it returns, when its bytes have gone."""

        def push(_, data, size):
            self.plain.sendall(ctypes.string_at(data, size))
            act()
            return size

        self.held = PUSH_FUNCTION(push)
        _library.gnutls_transport_set_push_function(self.session, self.held)

    def send(self, data):
        """One call. How many bytes it took, or AGAIN."""
        return _library.gnutls_record_send(self.session, data, len(data) if data else 0)

    def send_all_by(self, call, data):
        """call(piece) until all has gone."""
        while data:
            data = data[self._until_done(lambda: call(data), select.POLLOUT) :]

    def sendall(self, data):
        self.send_all_by(self.send, bytes(data))

    def send_in_range(self, data, padding):
        """With as many bytes of padding as the library adds for this range."""
        limits = Range(len(data), len(data) + padding)
        self.send_all_by(lambda piece: _library.gnutls_record_send_range(self.session, piece, len(piece), ctypes.byref(limits)), data)

    def cork(self):
        _library.gnutls_record_cork(self.session)

    def uncork(self):
        _done(_library.gnutls_record_uncork(self.session, UNCORK_WAIT))

    def update_key(self):
        _done(_library.gnutls_session_key_update(self.session, 0))

    def _receive_by(self, call):
        try:
            return self._until_done(call, select.POLLIN)
        except Error as error:
            if error.errno == PREMATURE:
                return 0
            raise

    def recv(self, count, flags=0, sequence=None):
        if flags:
            return sessions.receive_below(self.plain, count, flags)
        room = ctypes.create_string_buffer(count)
        if sequence:
            got = self._receive_by(lambda: _library.gnutls_record_recv_seq(self.session, room, count, sequence))
        else:
            got = self._receive_by(lambda: _library.gnutls_record_recv(self.session, room, count))
        return room.raw[:got]

    def receive_packet(self):
        packet, content = POINTER(), Datum()
        self._receive_by(lambda: _library.gnutls_record_recv_packet(self.session, ctypes.byref(packet)))
        _library.gnutls_packet_get(packet, ctypes.byref(content), None)
        data = ctypes.string_at(content.data, content.size)
        _library.gnutls_packet_deinit(packet)
        return data

    def say_bye(self):
        _done(_library.gnutls_bye(self.session, SHUT_WRITE))

    def close_session(self):
        """With close_notify."""
        if self.plain.fileno() >= 0:
            self.say_bye()
        self.plain.close()


def client_end(plain, alpn):
    """A client's end; the handshake is done. It believes any certificate."""
    end = End(plain, CLIENT, "any", Credentials(), alpn)
    end.handshake()
    return end


def server_end(plain, certificates, alpn):
    """The same of a server."""
    end = End(plain, SERVER, "any", Credentials(certificates), alpn)
    end.handshake()
    return end


def begin(client, server, certificates, version):
    """Makes a session of a connection. Returns its ends: the handshake is done."""
    client = End(client, CLIENT, version, Credentials())
    server = End(server, SERVER, version, Credentials(certificates))
    sessions.shake_hands(client.handshake, server.handshake)
    return client, server


class Session(wire.Pair):
    """A wire.Pair whose ends speak TLS by GnuTLS; the handshake is done."""

    def __init__(self, listener, certificates, version):
        super().__init__(listener)
        self.client, self.server = begin(self.client, self.server, certificates, version)


class Door(sessions.Door):
    """A listener whose connections are sessions of GnuTLS, for wire.Pair."""

    def begin(self, client, server):
        return begin(client, server, self.certificates, self.version)
