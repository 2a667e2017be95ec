# SPDX-License-Identifier: BSD-2-Clause
"""TCP Fast Open (RFC 7413): a request goes along with the SYN, and its response may be on its way before the handshake
is complete. Both ends count from the first byte."""

import contextlib
import select
import shutil
import socket
import struct
import subprocess
from types import SimpleNamespace

import pytest

from lib import namespaces, observer, wire
from lib.child import child
from lib.record import check_agreement
from lib.reasons import RETRIES, says

FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])
TCP_FASTOPEN, TCP_FASTOPEN_CONNECT = 23, 30
BOTH_SIDES_WITHOUT_COOKIES = "519"  # of net.ipv4.tcp_fastopen: 1 + 2 + 4 + 0x200
SYN_DATA_ACKED = 0x20  # of tcpi_options
BIG = wire.request("POST", "/", "Content-Length: 100000", body=b"x" * 100_000)  # more than goes along with a SYN
SMALL_UPLOAD = wire.head("POST / HTTP/1.1", "Host: test", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n"


@pytest.fixture(scope="module")
def path(nothing_left):
    del nothing_left
    with contextlib.ExitStack() as stack:
        path = namespaces.Wire()
        stack.callback(path.close)
        for end in path.client, path.server:
            end.sysctl("ipv4/tcp_fastopen", BOTH_SIDES_WITHOUT_COOKIES)
        doors = {family: stack.enter_context(path.listen(family)) for family in (4, 6)}
        for door in doors.values():
            door.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
        trace = stack.enter_context(observer.Trace([wire.port_of(door) for door in doors.values()]))
        yield SimpleNamespace(path=path, doors=doors, trace=trace)


def new_client(path, family):
    with path.path.client.inside():
        client = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET)
    client.settimeout(wire.DEADLINE)
    return client


def by_message(client, address, request):
    sent = client.sendto(request, socket.MSG_FASTOPEN, address)
    client.sendall(request[sent:])


def by_connect(client, address, request):
    client.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
    client.connect(address)
    client.sendall(request)


WAYS = pytest.mark.parametrize("send", [by_message, by_connect])


def address_of(door):
    return door.getsockname()[:2]


def went_with_the_syn(client):
    """Asks once the handshake is complete: on a busy machine, send() returns before."""
    assert select.select([], [client], [], wire.DEADLINE)[1]
    options = struct.unpack_from("5xB", client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8))[0]
    return options & SYN_DATA_ACKED


def with_the_syn(path, family, send, request):
    """A client whose request went along with its SYN: one that has to be sent again, on a busy machine, goes without."""
    for _ in range(RETRIES):
        client = new_client(path, family)
        send(client, address_of(path.doors[family]), request)
        if went_with_the_syn(client):
            return client
        client.close()
        path.doors[family].accept()[0].close()
        with path.path.client.inside():  # the kernel notes lost SYNs, and sends no data along for a minute after some
            subprocess.run(["ip", "tcp_metrics", "flush"], check=True, capture_output=True)
    raise AssertionError("no SYN took data along")


def both_records(path, client_name, server_name):
    (client,) = path.trace.wait_for(1, local=client_name, remote=server_name)
    (server,) = path.trace.wait_for(1, local=server_name, remote=client_name)
    check_agreement(client, server)
    assert client["flow"]
    return client, server


@FAMILIES
@WAYS
@pytest.mark.parametrize("request_", [wire.GET, SMALL_UPLOAD, BIG], ids=["GET", "chunked", "more than the SYN holds"])
def test_requests_along_with_the_syn_are_followed_at_both_ends(path, family, send, request_):
    with contextlib.closing(with_the_syn(path, family, send, request_)) as client:
        server, _ = path.doors[family].accept()
        with server:
            names = wire.name_of(client.getsockname()), wire.name_of(server.getsockname())
            server.settimeout(wire.DEADLINE)
            for number, request in enumerate((request_, wire.GET)):
                if number:
                    client.sendall(request)
                assert wire.read_exactly(server, len(request)) == request
                server.sendall(wire.OK)
                assert wire.read_exactly(client, len(wire.OK)) == wire.OK
            client.close()
            assert server.recv(1) == b""
    for record in both_records(path, *names):
        says(record, "client_closed_idle", "client", "fin", "idle")
        assert (record["requests"], record["responses"], record["errors"]) == (2, 2, [])
    assert record["rx_bytes"] == len(request_) + len(wire.GET)


@FAMILIES
@WAYS
@pytest.mark.parametrize("how", ["answers", "closes without a response"])
def test_a_server_may_be_done_before_the_handshake_is(path, family, send, how):
    door = path.doors[family]
    with new_client(path, family) as client:
        client.setblocking(False)
        with path.path.held_back(to=path.path.client):  # so the handshake cannot be complete
            with contextlib.suppress(BlockingIOError):
                send(client, address_of(door), wire.GET)
            server, _ = door.accept()
            with server:
                server.settimeout(wire.DEADLINE)
                names = wire.name_of(client.getsockname()), wire.name_of(server.getsockname())
                assert wire.read_exactly(server, len(wire.GET)) == wire.GET
                if how == "answers":
                    server.sendall(wire.OK)
        client.settimeout(wire.DEADLINE)
        assert wire.read_to_end(client) == (wire.OK if how == "answers" else b"")
    client, server = both_records(path, *names)
    for record in client, server:
        assert record["requests"] == 1 and record["errors"] == []
        if how == "answers":
            says(record, "unannounced_close", "server", "fin", "idle")
        else:
            says(record, "no_response", "server", "fin", "waiting", True, 1)


@pytest.mark.parametrize("family", [4])
def test_curl_with_fast_open(path, family):
    door = path.doors[family]
    host, port = address_of(door)
    command = [shutil.which("curl"), "-s", "--tcp-fastopen", f"http://{host}:{port}/"]
    with contextlib.ExitStack() as stack:
        with path.path.client.inside():
            curl = stack.enter_context(child(command, stdout=subprocess.PIPE))
        server, peer = door.accept()
        with server:
            names = wire.name_of(peer), wire.name_of(server.getsockname())
            wire.read_head(server)
            server.sendall(wire.OK)
            assert server.recv(1) == b""
        assert curl.stdout.read() == b"ok\n"
    for record in both_records(path, *names):
        says(record, "client_closed_idle", "client", "fin", "idle")
