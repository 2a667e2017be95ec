# SPDX-License-Identifier: BSD-2-Clause
"""An observer and the peers that it observes."""

import contextlib
import socket

import pytest

from lib import observer, tls, wire
from lib.http2 import frames, go_program, libraries, servers
from lib.http2.talk import Talk


def hole():
    """A port that takes connections and never answers: its socket."""
    return socket.create_server(("127.0.0.1", 0), backlog=4096)


def free_port():
    with wire.listen() as listener:
        return wire.port_of(listener)


def each(*kinds):
    """For a parameter (kind, secured): each of these servers in clear text, and within TLS if its library is one that is read."""
    ways = [(kind, False) for kind in kinds] + [(kind, True) for kind in kinds if kind in servers.SECURED]
    return [pytest.param(*way, id=f"{way[0]}{' within TLS' if way[1] else ''}") for way in ways]


@contextlib.contextmanager
def started(kind, tmp_path, secured=False, **settings):
    """An observer, and a server that it observes. Within TLS programs are there before the observer, because it reads those that bring
    their own library from their second connection on if it does not know them."""
    port = free_port()
    if secured:
        settings["certificates"] = tls.Certificates(tmp_path)
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(hole())
        server = servers.server(kind, tmp_path, port, hole=wire.port_of(silent), **settings)
        if secured:
            stack.enter_context(go_program.present())
            stack.enter_context(server)
        trace = stack.enter_context(observer.Trace([port], *["--tls"] * secured))
        yield trace, server if secured else stack.enter_context(server)


def client_of(server, library=None):
    """A client that is played; within TLS by OpenSSL, or by this library."""
    if server.certificates and not library:
        library = libraries.openssl(server.certificates)
    return frames.Client(server.address, library and library.client)


def talk_to(client, server, options=()):
    """A client that does as a test says."""
    return Talk(client, server.name, options, server.certificates)


def ends_of(trace, **fields):
    """The records of both ends of the one connection whose client's record has these fields."""
    (client,) = trace.wait_for(1, role="client", **fields)
    trace.wait_until(lambda: trace.records(role="server", flow=client["flow"]), "the record of the server's end")
    (server,) = trace.records(role="server", flow=client["flow"])
    return client, server


def protocol_of(record):
    """Within TLS a record has this name only if its plaintext was read."""
    return "h2" if record["tls"] else "h2c"


def check(records, **expected):
    """All of these fields; those of `http2` stand beside the others, and of an object there only the keys that are given."""
    for one in records:
        assert one["protocol"] == protocol_of(one), one
        for name, value in expected.items():
            found = one["http2"][name] if name in one["http2"] else one[name]
            if isinstance(value, dict):
                found = found and {key: found[key] for key in value}
            assert (found in value) if isinstance(value, tuple) else (found == value), (name, found, value, one)
