# SPDX-License-Identifier: BSD-2-Clause
"""Raw sockets: both ends of a connection in the hands of one test, so that the order of acts is certain."""

import fcntl
import select
import socket
import struct
import termios
import time
from datetime import datetime, timedelta, timezone

DEADLINE = 30.0

NO_LINGER = struct.pack("ii", 1, 0)  # close() sends a RST

GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"


def request(method="GET", path="/", *fields, version="1.1", body=b""):
    lines = [f"{method} {path} HTTP/{version}", "Host: test", *fields]
    return "\r\n".join([*lines, "", ""]).encode() + body


def response(status="200 OK", *fields, version="1.1", body=b"ok\n"):
    """A response with its body's length."""
    lines = [f"HTTP/{version} {status}", *fields, f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def head(start, *fields):
    """A message's head with these fields only."""
    return "\r\n".join([start, *fields, "", ""]).encode()


def listen(address="127.0.0.1"):
    """A listening socket on a free port; "::" takes IPv4 too."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    if address == "::":
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind((address, 0))
    listener.listen(128)
    listener.settimeout(DEADLINE)
    return listener


def port_of(listener):
    return listener.getsockname()[1]


def port_of_name(name):
    return int(name.rpartition(":")[2])


def name_of(address):
    """An address as keepwatch writes it."""
    host, port = address[:2]
    host = host.removeprefix("::ffff:")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Name(str):
    """The name of a connection's end, and since when it is this connection's: sooner or later the kernel gives
    a port out again, and then an earlier connection's records have the same names. A little is allowed for
    clocks that are being set right."""

    def __new__(cls, address, since):
        name = super().__new__(cls, name_of(address))
        name.since = (since - timedelta(seconds=0.2)).isoformat()
        return name


def read_exactly(end, count):
    data = b""
    while len(data) < count:
        piece = end.recv(count - len(data))
        assert piece, f"the connection ended after {len(data)} of {count} bytes"
        data += piece
    return data


def read_to_end(end):
    data = b""
    while piece := end.recv(65536):
        data += piece
    return data


def read_head(end):
    """Reads up to the end of a head and not a byte further. Returns the head."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += read_exactly(end, 1)
    return data


def read_response(end):
    """Reads one response whose body has a length. Returns its status and body."""
    text = read_head(end).decode().lower()
    length = int(text.split("content-length:")[1].split("\r\n")[0]) if "content-length:" in text else 0
    return int(text.split()[1]), read_exactly(end, length)


def reset(end):
    """Closes with a RST instead of a FIN."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    end.close()


def wait_for_end(end):
    """Waits until the peer's FIN or RST has arrived; reads nothing."""
    poll = select.poll()
    poll.register(end, select.POLLRDHUP)
    assert poll.poll(DEADLINE * 1000), "neither FIN nor RST arrives"


def discard(end):
    """Receives what comes next, below any library, without a look at it. Returns how many bytes that was, or 0 at the end."""
    return socket.socket.recv_into(end, bytearray(65536), 65536, socket.MSG_TRUNC)


def wait_for_bytes(end, count):
    """Waits until this many bytes are in the receive queue; reads nothing."""
    poll = select.poll()
    poll.register(end, select.POLLIN)
    while True:
        assert poll.poll(DEADLINE * 1000), "no byte arrives"
        if len(end.recv(count, socket.MSG_PEEK)) >= count:
            return


def wait_until_acknowledged(end):
    """Waits until the peer has acknowledged all that was sent, which it may put off for a while."""
    deadline = time.monotonic() + DEADLINE
    while struct.unpack("i", fcntl.ioctl(end, termios.TIOCOUTQ, bytes(4)))[0]:
        assert time.monotonic() < deadline, "what was sent is not acknowledged"
        time.sleep(0.001)


def connect(address):
    """A client's socket, connected to an (address, port)."""
    client = socket.create_connection(address[:2], DEADLINE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


class Client:
    """A client's socket whose server is another program. An address may have a carrier, which makes of the socket what tests use."""

    def __init__(self, address):
        since = datetime.now(timezone.utc)
        self.client = connect(address)
        self.client_name = Name(self.client.getsockname(), since)
        self.server_name = name_of(self.client.getpeername())
        if carrier := getattr(address, "carrier", None):
            self.client = carrier(self.client)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def get(self, path="/", *fields, method="GET", version="1.1"):
        """One exchange; its status and body."""
        self.client.sendall(request(method, path, *fields, version=version))
        return read_response(self.client)

    def close_after_server(self):
        """Waits for the server's FIN, then closes."""
        assert read_to_end(self.client) == b""
        self.client.close()


class Pair(Client):
    """A connection with both ends in this process. A listener may have a carrier, which says what its connections are: that turns
    their two sockets into the ends that tests use."""

    def __init__(self, listener, address=None):
        super().__init__(address or listener.getsockname())
        self.server, _ = listener.accept()
        while name_of(self.server.getpeername()) != self.client_name:  # a stranger: not ours to serve
            self.server.close()
            self.server, _ = listener.accept()
        self.server.settimeout(DEADLINE)
        self.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        carrier = getattr(listener, "carrier", None)
        self.bare = carrier is None
        if carrier:
            self.client, self.server = carrier(self.client, self.server)

    def __exit__(self, *_):
        self.client.close()
        self.server.close()

    def send_request(self, data=GET):
        self.client.sendall(data)
        assert read_exactly(self.server, len(data)) == data

    def send_response(self, data=OK):
        self.server.sendall(data)
        assert read_exactly(self.client, len(data)) == data

    def exchange(self, request=GET, response=OK):
        self.send_request(request)
        self.send_response(response)

    def close(self, first):
        """One end closes by a FIN, the other reads it and closes too."""
        second = self.server if first is self.client else self.client
        first.close()
        assert second.recv(1) == b""
        second.close()
