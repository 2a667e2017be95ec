# SPDX-License-Identifier: BSD-2-Clause
"""An observer and the peers that it observes."""

import contextlib
import socket

from lib import observer, wire
from lib.http2 import servers


def hole():
    """A port that takes connections and never answers: its socket."""
    return socket.create_server(("127.0.0.1", 0), backlog=4096)


def free_port():
    with wire.listen() as listener:
        return wire.port_of(listener)


@contextlib.contextmanager
def started(kind, tmp_path, **settings):
    """An observer, and a server that it observes."""
    port = free_port()
    with hole() as silent, observer.Trace([port]) as trace:
        with servers.server(kind, tmp_path, port, hole=wire.port_of(silent), **settings) as server:
            yield trace, server


def ends_of(trace, **fields):
    """The records of both ends of the one connection whose client's record has these fields."""
    (client,) = trace.wait_for(1, role="client", **fields)
    trace.wait_until(lambda: trace.records(role="server", flow=client["flow"]), "the record of the server's end")
    (server,) = trace.records(role="server", flow=client["flow"])
    return client, server


def check(records, **expected):
    """All of these fields; those of `http2` stand beside the others, and of an object there only the keys that are given."""
    for one in records:
        assert one["protocol"] == "h2c", one
        for name, value in expected.items():
            found = one["http2"][name] if name in one["http2"] else one[name]
            if isinstance(value, dict):
                found = found and {key: found[key] for key in value}
            assert (found in value) if isinstance(value, tuple) else (found == value), (name, found, value, one)
