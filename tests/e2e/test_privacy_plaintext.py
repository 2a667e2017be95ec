# SPDX-License-Identifier: BSD-2-Clause
"""Where keepwatch reads plaintext (--tls), secrets in every place of a message of HTTP/1 and HTTP/2 are sent within TLS, cut wherever it
hurts: none of them, and no piece of one, is found in what is said, in a recording, or in any map."""

import contextlib

import pytest

from lib import observer, tls, wire
from lib.maps import Maps
from lib.sessions import Session
from test_privacy import CUTS, KEPT, NAMES, PLACES, SMALL_RING, Secrets, cut, pieces_of
from test_recording import Recorder

VERSION = "1.3"


@pytest.fixture
def watchers(own_listener, tmp_path):
    """(trace, recording, maps of both)"""
    port, path = wire.port_of(own_listener), tmp_path / "recording"
    with contextlib.ExitStack() as stack:
        trace = stack.enter_context(observer.Trace([port], "--tls", "--exchanges", *SMALL_RING))
        recorder = stack.enter_context(Recorder(path, [port], "--tls", "--exchanges", *SMALL_RING))
        yield trace, recorder, path, [stack.enter_context(Maps(one.process.pid)) for one in (trace, recorder)]


def contents(maps, sockets=()):
    return b"".join(data for one in maps for data in one.contents(sockets).values())


def has_piece(maps, pair, secrets):
    held = contents(maps, [pair.client, pair.server]).lower()
    return [secret for secret in secrets if any(piece in held for piece in pieces_of(secret))]


def converse(maps, pair, conversation, secrets, place, way, is_name):
    """Between two calls no map holds what has passed; a name that is not complete is still needed."""
    for template, sender, receiver in zip(conversation, (pair.client, pair.server), (pair.server, pair.client)):
        data, mine = secrets.fill(template, place)
        for piece in cut(data, CUTS[way](data, mine)):
            sender.sendall(piece)
            assert wire.read_exactly(receiver, len(piece)) == piece
            assert way != "within secrets" or is_name or not has_piece(maps[:1], pair, mine), (place, way)
        assert not has_piece(maps[:1], pair, mine), (place, way)
    pair.close(first=pair.client)


def test_no_secret_within_tls_is_found(watchers, own_listener, tmp_path_factory):
    certificates = tls.Certificates(tmp_path_factory.mktemp("certificates"))
    trace, recorder, path, maps = watchers
    secrets = Secrets()
    with Session(own_listener, certificates, VERSION) as session:
        session.exchange(wire.request("GET", "/", f"Connection: {KEPT}"))
        assert KEPT.encode() in contents(maps[:1]), "plaintext is not read"
        session.close(first=session.client)
    for places, is_name in (PLACES, False), (NAMES, True):
        for place, conversation in places.items():
            for way in CUTS:
                with Session(own_listener, certificates, VERSION) as session:
                    converse(maps, session, conversation, secrets, place, way, is_name)
    count = 2 * (1 + len(CUTS) * (len(PLACES) + len(NAMES)))
    trace.wait_until(lambda: len(trace.records()) == count, "all records")
    read = [one["protocol"] for one in trace.records() if one["tls"]["plaintext"]]
    assert {"http/1.1", "h2"} <= set(read) and len(read) > count * 3 / 4
    held = contents(maps)
    assert KEPT.encode() in held, "the rings were not read"
    assert secrets.found_in(held) == set()
    trace.stop()
    recorder.stop()
    said = "\n".join([*trace.output, *trace.errors, *recorder.output, *recorder.errors])
    assert KEPT in said
    assert secrets.found_in(said.encode()) == set()
    recorded = path.read_bytes()
    assert KEPT.encode() in recorded
    assert secrets.found_in(recorded) == set()
