# SPDX-License-Identifier: BSD-2-Clause
"""Handshakes of TLS that fail, by programs that many hosts have: the record says who ended each and why, at both ends."""

import json
import subprocess
import time

import pytest

from lib import observer, tls, tls_servers, wire
from lib.reasons import proves, says
from test_recording import Recorder, replay

DEADLINE = 30


@pytest.fixture(scope="module")
def free_port():
    """A port that was free a moment ago."""
    with wire.listen() as listener:
        return wire.port_of(listener)


@pytest.fixture(scope="module")
def watched(nothing_left, free_port):
    del nothing_left
    with observer.Trace([free_port]) as trace:
        yield trace


def run(*command):
    return subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE, text=True
    )


def both_records(trace, before):
    """The records of the one connection that came after the first @before ones."""
    trace.wait_until(lambda: len(trace.records()) >= before + 2, "the records of both ends")
    new = trace.records()[before:]
    assert sorted(one["role"] for one in new) == ["client", "server"], new
    return new


def s_client(port, certificates, *options):
    return ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", certificates.issuer,
            "-verify_return_error", *options]


def refused(kind, code, name, version, server=(), client=()):
    return pytest.param(kind, code, name, version, server, client, id=f"{name or 'hidden'}, TLS {version}")


# By openssl on both sides: by whom, the alert, the version, options of the server and of the client.
REFUSALS = [
    refused("client", 48, "unknown_ca", "1.2", client=["-tls1_2", "-CAfile", "OTHER"]),
    refused("client", 48, "unknown_ca", "1.3", client=["-tls1_3", "-CAfile", "OTHER"]),
    refused("client", 42, "bad_certificate", "1.2", client=["-tls1_2", "-verify_hostname", "other.test"]),
    refused("client", 42, "bad_certificate", "1.3", client=["-tls1_3", "-verify_hostname", "other.test"]),
    refused("server", 70, "protocol_version", None, server=["-tls1_3"], client=["-tls1_2"]),
    refused("server", 120, "no_application_protocol", None, server=["-alpn", "one"], client=["-alpn", "two"]),
    refused("server", 40, "handshake_failure", None,
            server=["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
            client=["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"]),
    refused("server", 112, "unrecognized_name", None,
            server=["-servername", "right.test", "-servername_fatal", "-cert2", "CERT", "-key2", "KEY"],
            client=["-servername", "wrong.test"]),
    refused("server", 40, "handshake_failure", "1.2", server=["-Verify", "1"], client=["-tls1_2"]),
    refused("server", None, None, "1.3", server=["-Verify", "1"], client=["-tls1_3"]),
]


@proves("tls_handshake_failed")
@pytest.mark.parametrize("by, code, name, version, server, client", REFUSALS)
def test_an_alert_that_ends_the_handshake_is_named(
    watched, free_port, certificates, tmp_path, by, code, name, version, server, client
):
    names = {"CERT": certificates.server, "KEY": certificates.server_key, "OTHER": certificates.client}
    before = len(watched.records())
    with tls_servers.openssl_server(tmp_path, free_port, certificates, *(names.get(one, one) for one in server)):
        said = run(*s_client(free_port, certificates, *(names.get(one, one) for one in client)))
        records = both_records(watched, before)
    for one in records:
        assert one["tls"], (one, said.stderr)
        says(one, "tls_handshake_failed", by, one["manner"], "handshake", confidence="inferred")
        assert one["tls"]["alert"] == {"by": by, "code": code, "name": name}, one
        assert one["tls"]["handshake"] == "failed"
        assert one["tls"]["version"] == version, one
        assert name is None or f"alert {code} ({name})" in one["evidence"][0]


def test_other_libraries_refuse_too(watched, free_port, certificates, tmp_path):
    """GnuTLS and Go encrypt their alerts as soon as they can."""
    for version in ("NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2"):
        before = len(watched.records())
        with tls_servers.openssl_server(tmp_path, free_port, certificates):
            run("gnutls-cli", "-p", free_port, "127.0.0.1", "--priority", version)
            records = both_records(watched, before)
        for one in records:
            assert (one["reason"], one["closer"]) in (("tls_handshake_failed", "client"), ("tls_handshake_abandoned", "client")), one


def test_a_scan_is_abandoned(trace, listener):
    with wire.Pair(listener) as pair:
        pair.client.sendall(tls.hello_bytes())
        wire.wait_for_bytes(pair.server, 100)
        pair.server.recv(65536)
        pair.client.close()
        wire.wait_for_end(pair.server)
    for one in trace.both(pair):
        assert (one["reason"], one["closer"], one["phase"]) == ("tls_handshake_abandoned", "client", "handshake"), one
        assert one["tls"]["handshake"] == "incomplete"


@proves("tls_handshake_abandoned")
def test_a_server_that_does_not_expect_tls_is_told(trace, listener):
    with wire.Pair(listener) as pair:
        pair.client.sendall(tls.hello_bytes())
        wire.wait_for_bytes(pair.server, 100)
        pair.server.recv(65536)
        pair.server.close()
        wire.wait_for_end(pair.client)
    for one in trace.both(pair):
        says(one, "tls_handshake_abandoned", "server", one["manner"], "handshake", confidence="inferred")
        assert "the server sent no TLS record: its port may not expect TLS" in one["evidence"]


@proves("tls_handshake_timeout")
@pytest.mark.parametrize("piece", [3, 40, None], ids=["part of a header", "part of a hello", "a hello"])
def test_who_waits_in_vain_is_told(trace, listener, piece):
    with wire.Pair(listener) as pair:
        pair.client.sendall(tls.hello_bytes()[:piece])
        wire.wait_for_bytes(pair.server, 3)
        pair.server.recv(65536)
        time.sleep(0.6)  # what is told is this time
        (pair.server if piece else pair.client).close()
        wire.wait_for_end(pair.client if piece else pair.server)
    for one in trace.both(pair):
        closer = "server" if piece else "client"
        says(one, "tls_handshake_timeout", closer, one["manner"], "handshake", confidence="inferred")


def test_http_to_a_tls_port_is_named(watched, free_port, certificates, tmp_path):
    before = len(watched.records())
    with tls_servers.gnutls_server(tmp_path, free_port, certificates):
        with wire.Client(("127.0.0.1", free_port)) as one:
            one.client.sendall(wire.GET)
            wire.read_to_end(one.client)
        records = both_records(watched, before)
    for one in records:
        assert any("the port may expect https" in sentence for sentence in one["evidence"]), one


@pytest.mark.parametrize("slowly", [False, True], ids=["at once", "byte by byte"])
def test_tls_to_an_http_port_is_named(trace, listener, slowly):
    with wire.Pair(listener) as pair:
        hello = tls.hello_bytes()
        for at in range(len(hello)) if slowly else ():
            pair.client.sendall(hello[at : at + 1])
        if not slowly:
            pair.client.sendall(hello)
        wire.wait_for_bytes(pair.server, len(hello))
        pair.server.recv(65536)
        pair.server.sendall(wire.response("400 Bad Request", "Connection: close"))
        pair.server.close()
        wire.read_to_end(pair.client)
    for one in trace.both(pair):
        assert one["protocol"] == "http/1.1"
        assert "the client began with TLS: the port expects plain http" in one["evidence"], one


def test_a_recording_keeps_what_records_say(own_listener, tmp_path):
    """A replay judges by the same facts. Its observer has other times than the one that is compared."""
    path = tmp_path / "recording"
    with observer.Trace([wire.port_of(own_listener)]) as live, Recorder(path, [wire.port_of(own_listener)]):
        with wire.Pair(own_listener) as pair:
            pair.client.sendall(tls.hello_bytes())
            wire.wait_for_bytes(pair.server, 100)
            pair.server.recv(65536)
            pair.server.sendall(bytes([21, 3, 3, 0, 2, 2, 40]))
            pair.server.close()
            wire.read_to_end(pair.client)
        told = live.both(pair)
    replayed = [json.loads(line) for line in replay(path, "--json").splitlines()]
    keys = ("id", "role", "protocol", "requests", "closer", "phase", "reason", "confidence", "tls")
    again = [{key: one[key] for key in keys} for one in replayed if one["type"] == "connection"]
    assert sorted(again, key=lambda one: one["role"]) == [{key: one[key] for key in keys} for one in told]
    assert told[0]["tls"]["alert"] == {"by": "server", "code": 40, "name": "handshake_failure"}
