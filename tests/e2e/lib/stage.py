# SPDX-License-Identifier: BSD-2-Clause
"""The stage on which real servers meet real clients: one observer for the session, on ports that are kept for
servers yet to be started. A plugin: `pytest_plugins = ["lib.stage"]` gives its fixtures."""

import contextlib
import functools
import socket
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from lib import observer, sessions, wire
from lib.capture import Capture
from lib.servers import Apache, Caddy, Go, Gunicorn, HAProxy, HttpServer, Lighttpd, Nginx, Node

KINDS = {
    "apache": Apache,
    "caddy": Caddy,
    "go": Go,
    "gunicorn": Gunicorn,
    "haproxy": HAProxy,
    "http_server": HttpServer,
    "lighttpd": Lighttpd,
    "nginx": Nginx,
    "node": Node,
}
OWN_LIBRARY = {"caddy", "go", "node"}  # others share one with the program of the tests
PORTS = 16  # as many as --port takes


def reserve():
    """A port that is ours: bound and never listened on. A server that sets SO_REUSEADDR, as all do, gets it,
    and nobody else does."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


@contextlib.contextmanager
def place(count):
    """For servers that a test starts by itself: a folder that every user may enter, and so many ports that are kept for them."""
    with tempfile.TemporaryDirectory(prefix="keepwatch-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder, [wire.port_of(stack.enter_context(reserve())) for _ in range(count)]


class Stage(observer.Trace):
    """keepwatch trace --json on the reserved ports, and the servers on them."""

    def __init__(self, *options, count=PORTS):
        self.reserved = [reserve() for _ in range(count)]
        self.free = [wire.port_of(one) for one in self.reserved]
        self.started = {}  # when the present server of a port was started
        super().__init__(tuple(self.free), *options)

    def __exit__(self, kind, value, trace):
        try:
            super().__exit__(kind, value, trace)
        finally:
            for one in self.reserved:
                one.close()

    @contextlib.contextmanager
    def running(self, kind, *arguments, **settings):
        """A server of this kind, on a port of ours, in a folder of its own."""
        port = self.free.pop(0)
        self._note_start(port)
        try:
            with tempfile.TemporaryDirectory(prefix="keepwatch-") as folder:
                with KINDS[kind](Path(folder), port, *arguments, **settings) as server:
                    yield server
        finally:
            self.free.append(port)

    def _note_start(self, port):
        self.started[f"127.0.0.1:{port}"] = datetime.now(timezone.utc).isoformat()

    def __getattr__(self, kind):
        """stage.nginx(...) is stage.running("nginx", ...), and so for each of KINDS."""
        if kind not in KINDS:
            raise AttributeError(kind)
        return functools.partial(self.running, kind)

    def captured(self, *servers, **settings):
        """A capture, for a with statement, of what these servers' ports see meanwhile."""
        return Capture([server.port for server in servers], **settings)

    def records(self, kind="connection", **fields):
        """As of any observer; where an end is given, of the present server only: an earlier one may have had
        the same port, and clients of both the same ports too."""
        records = super().records(kind, **fields)
        since = max(self.started.get(fields.get(end), "") for end in ("local", "remote"))
        return [one for one in records if one["opened"] > since] if since else records

    def ended(self, server, count, end="remote", **fields):
        """The records of the connections to this server, of their clients' sockets or (end="local") of its own,
        once there are so many."""
        return self.wait_for(count, **{end: server.name}, **fields)

    def client(self, one):
        """The record of the socket that connected, of a connection that ended."""
        return self.wait_for(1, local=one.client_name, remote=one.server_name)[0]

    def server(self, one):
        """The record of the socket that was accepted."""
        return self.wait_for(1, local=one.server_name, remote=one.client_name)[0]


class SecureStage(Stage):
    """The same with servers that speak TLS, and an observer that reads its plaintext."""

    def __init__(self, certificates, version, count=PORTS):
        self.certificates, self.version = certificates, version
        super().__init__("--tls", count=count)

    @contextlib.contextmanager
    def running(self, kind, *arguments, **settings):
        with super().running(kind, *arguments, certificates=self.certificates, **settings) as server:
            server.address = sessions.Address(server.address, self.certificates, self.version)
            if kind in OWN_LIBRARY:
                self._wait_for_probes(server)
                self._note_start(server.port)
            yield server

    def _wait_for_probes(self, server):
        """Connects until the observer reads the server's plaintext. The first session of a program that has a library of its own is told
        by its records, because the library is probed from then on."""
        end = time.monotonic() + wire.DEADLINE
        plaintext = None
        while not plaintext:
            assert time.monotonic() < end, f"nobody reads the plaintext of {server.arguments}"
            with wire.Client(server.address) as one:
                assert one.get()[0] == 200
            ends = {"local": one.server_name, "remote": one.client_name}
            self.wait_until(lambda: self.records(**ends), "a record of the server")
            plaintext = self.records(**ends)[0]["tls"]["plaintext"]

    def captured(self, *servers, snapshot=0):
        """Of whole packets: a record of TLS that is cut cannot be read."""
        del snapshot
        return super().captured(*servers, certificates=self.certificates)


@pytest.fixture(scope="session")
def stage(nothing_left):
    with Stage() as stage:
        yield stage
