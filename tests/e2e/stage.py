# SPDX-License-Identifier: BSD-2-Clause
"""The stage on which real servers meet real clients: one observer for the session, on ports that are kept for
servers yet to be started. A plugin: `pytest_plugins = ["stage"]` gives its fixtures."""

import contextlib
import socket
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import observer
import pytest
import wire
from capture import Capture
from servers import Apache, Caddy, Go, Gunicorn, HAProxy, HttpServer, Lighttpd, Nginx, Node

PORTS = 16  # as many as --port takes


def reserve():
    """A port that is ours: bound and never listened on. A server that sets SO_REUSEADDR, as all do, gets it,
    and nobody else does."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


class Stage(observer.Trace):
    """keepwatch trace --json on the reserved ports, and the servers on them."""

    def __init__(self, *options, count=PORTS):
        self.reserved = [reserve() for _ in range(count)]
        self.free = [wire.port_of(one) for one in self.reserved]
        self.ports = tuple(self.free)
        super().__init__(self.ports, *options)

    def __exit__(self, kind, value, trace):
        try:
            super().__exit__(kind, value, trace)
        finally:
            for one in self.reserved:
                one.close()

    @contextlib.contextmanager
    def _running(self, kind, count, *arguments, **settings):
        ports = [self.free.pop(0) for _ in range(count)]
        try:
            started = datetime.now(timezone.utc).isoformat()
            with tempfile.TemporaryDirectory(prefix="keepwatch-") as folder:
                server = kind(Path(folder), ports, *arguments, **settings)
                server.started = started
                try:
                    yield server
                finally:
                    server.stop()
        finally:
            self.free.extend(ports)

    def nginx(self, **settings):
        return self._running(Nginx, 1, **settings)

    def apache(self, **settings):
        return self._running(Apache, 1, **settings)

    def haproxy(self, backend, **settings):
        return self._running(HAProxy, 1, backend, **settings)

    def caddy(self, **settings):
        return self._running(Caddy, 1, **settings)

    def lighttpd(self, **settings):
        return self._running(Lighttpd, 1, **settings)

    def node(self, **settings):
        return self._running(Node, 1, **settings)

    def gunicorn(self, **settings):
        return self._running(Gunicorn, 1, **settings)

    def http_server(self, **settings):
        return self._running(HttpServer, 1, **settings)

    def go(self, **settings):
        return self._running(Go, 1, **settings)

    def captured(self, *servers, **settings):
        """A capture, for a with statement, of what these servers' ports see meanwhile."""
        return Capture([server.port for server in servers], **settings)

    def ended(self, server, count, end="remote", **fields):
        """The records of the connections to this server, of their clients' sockets or (end="local") of its own,
        once there are so many. An earlier server may have had the same port."""

        def found():
            records = self.records(**{end: server.name}, **fields)
            return [one for one in records if one["opened"] > server.started]

        self.wait_until(lambda: len(found()) >= count, f"{count} connections that ended")
        assert len(found()) == count, found()
        return found()

    def client(self, one):
        """The record of the socket that connected, of a connection that ended."""
        return self.wait_for(1, local=one.client_name, remote=one.server_name)[0]

    def server(self, one):
        """The record of the socket that was accepted."""
        return self.wait_for(1, local=one.server_name, remote=one.client_name)[0]


@pytest.fixture(scope="session")
def stage(nothing_left):
    with Stage() as stage:
        yield stage
