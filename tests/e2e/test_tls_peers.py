# SPDX-License-Identifier: BSD-2-Clause
"""Real servers and real clients over TLS: who closed, why, and after how long, as records alone tell it."""

import subprocess

import pytest

from lib import observer, tls, tls_servers, wire

IDLE = 2  # seconds: the timeout of each server
NEAR = 0.05
LONGER = {"node": 1}  # its keepAliveTimeoutBuffer
DEADLINE = 30
CONNECTIONS = 2


@pytest.fixture(params=["nginx", "haproxy", "apache", "node", "go"])
def server(request, nothing_left, certificates, tmp_path):
    """A server, and an observer of it."""
    del nothing_left
    with wire.listen() as listener:
        port = wire.port_of(listener)
    with observer.Trace([port]) as trace, tls_servers.server(
        request.param, tls_servers.Place(tmp_path, port, certificates, IDLE)
    ) as started:
        yield trace, started


def exchange(end):
    end.sendall(wire.GET)
    assert end.recv(65536).startswith(b"HTTP/1.1 200")
    end.settimeout(0.2)
    try:
        while end.recv(65536):
            pass
    except TimeoutError:
        pass
    end.settimeout(DEADLINE)


def wait_for_close(address, context):
    """Two exchanges, then waits until the server closes. Returns the client's name."""
    with wire.Client(address) as one, context.wrap_socket(one.client, server_hostname=tls.NAME) as end:
        exchange(end)
        exchange(end)
        assert end.recv(1) == b""
        return one.client_name


@pytest.mark.parametrize("version", tls.VERSIONS)
def test_a_server_that_closes_idle_connections_does_so_at_its_timeout(server, certificates, version):
    trace, started = server
    name = wait_for_close(started.address, tls.client_context(certificates, version))
    (client,) = trace.wait_for(1, local=name)
    (own,) = trace.wait_for(1, remote=name)
    for one in (client, own):
        told = (one["protocol"], one["reason"], one["closer"], one["premature"], one["confidence"])
        assert told == ("tls", "server_closed_idle", "server", False, "inferred"), one
        assert one["tls"]["version"] == version
        assert one["tls"]["handshake"] == "done"
        assert (one["requests"], one["responses"], one["tls"]["exchanges_inferred"]) == (None, None, 2), one
    assert own["idle_at_close_s"] == pytest.approx(IDLE + LONGER.get(started.kind, 0), rel=NEAR)


def clients(certificates, url, port):
    """Commands that fetch a page and leave."""
    curl = ["curl", "-sS", "--cacert", certificates.issuer, "-o", "/dev/null"]
    yield [*curl, "--http1.1", url], None
    yield [*curl, "--tls-max", "1.2", url, url, url], None
    yield [*curl, url, url], None
    yield ["wget", "-q", "-O", "/dev/null", f"--ca-certificate={certificates.issuer}", url], None
    head = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    yield ["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{port}", "-CAfile", certificates.issuer], head
    yield ["gnutls-cli", "--x509cafile", certificates.issuer, "-p", port, "127.0.0.1"], head


def test_clients_that_fetch_and_leave_raise_no_alarm(server, certificates):
    trace, started = server
    unsure = []
    commands = list(clients(certificates, f"https://localhost:{started.port}/", started.port))
    for command, said in commands:
        made = subprocess.run(
            [str(part) for part in command], input=said, capture_output=True, text=True, timeout=DEADLINE
        )
        assert made.returncode == 0, (command, made.stderr)
    trace.wait_until(lambda: len(trace.records(role="client")) >= len(commands), "records")
    trace.wait_until(lambda: len(trace.records(role="server")) >= len(trace.records(role="client")), "records")
    for one in trace.records():
        if one["reason"] == "connect_refused":  # by the other address family
            continue
        assert one["tls"]["handshake"] == "done", one
        if one["reason"] == "unknown":
            unsure.append(one)
            continue
        assert one["premature"] is False, one
        # gnutls-cli ends its session before it reads the response.
        assert one["reason"] in ("client_closed_idle", "server_closed_idle", "half_closed"), one
    assert len(unsure) <= 1, unsure
