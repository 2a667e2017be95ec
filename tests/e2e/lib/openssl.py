# SPDX-License-Identifier: BSD-2-Clause
"""OpenSSL's own functions, for what Python's ssl does not let a test do: objects that are used again, shared, copied by fork(), or put into
each other. An error is an OSError that says what the library said."""

import ctypes
import socket
import struct

DEADLINE = 30  # seconds

library = ctypes.CDLL("libssl.so.3")
crypto = ctypes.CDLL("libcrypto.so.3")

PEM = 1  # SSL_FILETYPE_PEM
SET_MIN, SET_MAX = 123, 124  # SSL_CTRL_SET_MIN_PROTO_VERSION, SSL_CTRL_SET_MAX_PROTO_VERSION
VERSIONS = {"1.2": 0x303, "1.3": 0x304}

_POINTER, _INT, _LONG, _ULONG, _SIZE = ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_uint64, ctypes.c_size_t


def _function(owner, name, result, *arguments):
    function = getattr(owner, name)
    function.restype, function.argtypes = result, arguments
    return function


TLS_method = _function(library, "TLS_method", _POINTER)
SSL_CTX_new = _function(library, "SSL_CTX_new", _POINTER, _POINTER)
SSL_CTX_ctrl = _function(library, "SSL_CTX_ctrl", _LONG, _POINTER, _INT, _LONG, _POINTER)
SSL_CTX_set_num_tickets = _function(library, "SSL_CTX_set_num_tickets", _INT, _POINTER, _SIZE)
SSL_CTX_use_certificate_file = _function(library, "SSL_CTX_use_certificate_file", _INT, _POINTER, ctypes.c_char_p, _INT)
SSL_CTX_use_PrivateKey_file = _function(library, "SSL_CTX_use_PrivateKey_file", _INT, _POINTER, ctypes.c_char_p, _INT)
SSL_CTX_free = _function(library, "SSL_CTX_free", None, _POINTER)
SSL_new = _function(library, "SSL_new", _POINTER, _POINTER)
SSL_free = _function(library, "SSL_free", None, _POINTER)
SSL_clear = _function(library, "SSL_clear", _INT, _POINTER)
SSL_set_fd = _function(library, "SSL_set_fd", _INT, _POINTER, _INT)
SSL_set_bio = _function(library, "SSL_set_bio", None, _POINTER, _POINTER, _POINTER)
SSL_accept = _function(library, "SSL_accept", _INT, _POINTER)
SSL_connect = _function(library, "SSL_connect", _INT, _POINTER)
SSL_read = _function(library, "SSL_read", _INT, _POINTER, ctypes.c_char_p, _INT)
SSL_peek = _function(library, "SSL_peek", _INT, _POINTER, ctypes.c_char_p, _INT)
SSL_write = _function(library, "SSL_write", _INT, _POINTER, ctypes.c_char_p, _INT)
SSL_shutdown = _function(library, "SSL_shutdown", _INT, _POINTER)
SSL_key_update = _function(library, "SSL_key_update", _INT, _POINTER, _INT)
BIO_f_ssl = _function(library, "BIO_f_ssl", _POINTER)
BIO_new = _function(crypto, "BIO_new", _POINTER, _POINTER)
BIO_ctrl = _function(crypto, "BIO_ctrl", _LONG, _POINTER, _INT, _LONG, _POINTER)
ERR_get_error = _function(crypto, "ERR_get_error", ctypes.c_ulong)
ERR_error_string = _function(crypto, "ERR_error_string", ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)

SET_SSL = 109  # BIO_C_SET_SSL


def _checked(result, what):
    if result and result > 0:
        return result
    said = ERR_error_string(ERR_get_error(), None)
    raise OSError(f"{what}: {result}, {said.decode()}")


class Context:
    """For a with statement: what objects of one side are made of."""

    def __init__(self, version, certificate=None, key=None, tickets=0):
        self.pointer = _checked(SSL_CTX_new(TLS_method()), "SSL_CTX_new")
        for which in SET_MIN, SET_MAX:
            SSL_CTX_ctrl(self.pointer, which, VERSIONS[version], None)
        SSL_CTX_set_num_tickets(self.pointer, tickets)
        if certificate:
            _checked(SSL_CTX_use_certificate_file(self.pointer, str(certificate).encode(), PEM), "certificate")
            _checked(SSL_CTX_use_PrivateKey_file(self.pointer, str(key).encode(), PEM), "key")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        SSL_CTX_free(self.pointer)


def wait_at_most(plain, deadline):
    """In the kernel, for so many seconds; 0: for ever."""
    for option in socket.SO_RCVTIMEO, socket.SO_SNDTIMEO:
        plain.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(deadline), int(deadline % 1 * 1_000_000)))


class Object:
    """For a with statement: an end of sessions, each over a socket or over another object."""

    def __init__(self, context):
        self.pointer = _checked(SSL_new(context.pointer), "SSL_new")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        SSL_free(self.pointer)

    def use(self, plain, deadline=DEADLINE):
        """Python would make the socket one that does not wait; this one waits in the kernel."""
        plain.setblocking(True)
        wait_at_most(plain, deadline)
        _checked(SSL_set_fd(self.pointer, plain.fileno()), "SSL_set_fd")

    def put_into(self, outer):
        """Its bytes go through another object, as that one's plaintext."""
        bio = _checked(BIO_new(BIO_f_ssl()), "BIO_new")
        BIO_ctrl(bio, SET_SSL, 0, outer.pointer)
        SSL_set_bio(self.pointer, bio, bio)

    def accept(self):
        _checked(SSL_accept(self.pointer), "SSL_accept")

    def connect(self):
        _checked(SSL_connect(self.pointer), "SSL_connect")

    def send(self, data):
        assert _checked(SSL_write(self.pointer, data, len(data)), "SSL_write") == len(data)

    def _take(self, function, count):
        room = ctypes.create_string_buffer(count)
        taken = _checked(function(self.pointer, room, count), "SSL_read")
        return room.raw[:taken]

    def receive(self, count):
        """Exactly so many bytes."""
        data = b""
        while len(data) < count:
            data += self._take(SSL_read, count - len(data))
        return data

    def peek(self, count):
        return self._take(SSL_peek, count)

    def end(self):
        """close_notify, without waiting for the other side's."""
        SSL_shutdown(self.pointer)

    def is_over(self):
        """Waits for what comes next. Is it the other side's close_notify?"""
        return SSL_read(self.pointer, ctypes.create_string_buffer(1), 1) == 0

    def clear(self):
        """For another session."""
        _checked(SSL_clear(self.pointer), "SSL_clear")

    def change_keys(self):
        """From its next record on, and it asks the other side to do the same."""
        _checked(SSL_key_update(self.pointer, 1), "SSL_key_update")
