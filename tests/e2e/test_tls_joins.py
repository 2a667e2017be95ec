# SPDX-License-Identifier: BSD-2-Clause
"""Which object of a library carries which connection (--tls): whatever a program does with its objects, no connection is given what
another one said."""

import asyncio
import concurrent.futures
import contextlib
import socket
import ssl
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest

from lib import metrics, observer, openssl, sessions, tls, tls_servers, wire
from lib.child import child

VERSIONS = pytest.mark.parametrize("version", tls.VERSIONS)


@pytest.fixture(scope="module")
def watched(nothing_left):
    """A listener, and an observer of it that reads plaintext."""
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], "--tls") as trace:
        yield listener, trace


@pytest.fixture
def contexts(certificates, version):
    """Of a client and of a server."""
    with openssl.Context(version) as client:
        with openssl.Context(version, certificates.server, certificates.server_key) as server:
            yield client, server


def records_of(trace, pair):
    """Of the client's end, and of the server's."""
    names = (pair.client_name, pair.server_name), (pair.server_name, pair.client_name)
    return [trace.wait_for(1, local=local, remote=remote)[0] for local, remote in names]


def is_read(record, requests):
    """It says this number of requests, by its plaintext, and is sure."""
    assert record["tls"]["plaintext"] == "openssl", record
    wanted = {"requests": requests, "responses": requests, "confidence": "certain", "errors": [], "lost_requests": 0}
    assert {key: record[key] for key in wanted} == wanted, record


def is_not_wrong(record, requests):
    """It says the number of requests if it says any. One that was reported while it lived keeps the count of then, which is not all that
    there was, and says so."""
    tls = record["tls"]
    if tls and tls["plaintext"] and record["confidence"] == "unknown":
        assert 0 < record["responses"] <= record["requests"] < requests, record
        assert record["reason"] == "unknown" and record["lost_requests"] is None, record
    elif tls and tls["plaintext"]:
        is_read(record, requests)
    else:
        assert record["requests"] is None and record["protocol"] == "tls", record
        assert record["reason"] in ("client_closed_idle", "unknown", "not_http"), record


@contextlib.contextmanager
def meanwhile(act, *arguments):
    """Another thread does this."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        done = pool.submit(act, *arguments)
        yield
        done.result(wire.DEADLINE)


def begin(pair, client, server):
    """A session of these two objects."""
    client.use(pair.client)
    server.use(pair.server)
    with meanwhile(server.accept):
        client.connect()


def exchange(client, server, count=1):
    for _ in range(count):
        client.send(wire.GET)
        assert server.receive(len(wire.GET)) == wire.GET
        server.send(wire.OK)
        assert client.receive(len(wire.OK)) == wire.OK


def close(pair):
    pair.client.close()
    wire.wait_for_end(pair.server)
    pair.server.close()


# ---- objects ------------------------------------------------------------------------------------------


@VERSIONS
def test_an_object_that_is_used_again_carries_one_connection_after_another(watched, contexts):
    listener, trace = watched
    pairs = []
    with openssl.Object(contexts[0]) as client, openssl.Object(contexts[1]) as server:
        for count in (3, 1, 2):
            with wire.Pair(listener) as pair:
                begin(pair, client, server)
                exchange(client, server, count)
                close(pair)
                pairs.append((pair, count))
            client.clear()
            server.clear()
    for pair, count in pairs:
        for record in records_of(trace, pair):
            is_read(record, count)


@VERSIONS
def test_an_object_may_get_another_bio_while_its_handshake_is_under_way(watched, contexts):
    """As wrk does, which names the socket again whenever it goes on with the handshake: the new BIO counts from 0."""
    listener, trace = watched
    with wire.Pair(listener) as pair, openssl.Object(contexts[0]) as client, openssl.Object(contexts[1]) as server:
        client.use(pair.client)
        pair.client.setblocking(False)
        with pytest.raises(OSError):
            client.connect()  # its hello has gone, and nothing has come
        pair.client.settimeout(wire.DEADLINE)
        begin(pair, client, server)
        exchange(client, server, 3)
        close(pair)
    for record in records_of(trace, pair):
        is_read(record, 3)


@VERSIONS
@pytest.mark.parametrize("end", ["client", "server"])
def test_an_object_may_get_another_bio_between_its_messages(watched, contexts, end):
    """As wrk does, whose first request may go before it has learnt that the handshake is done."""
    listener, trace = watched
    with wire.Pair(listener) as pair, openssl.Object(contexts[0]) as client, openssl.Object(contexts[1]) as server:
        begin(pair, client, server)
        for _ in range(3):
            exchange(client, server, 2)
            (client if end == "client" else server).use(getattr(pair, end))
        exchange(client, server, 2)
        close(pair)
    for record in records_of(trace, pair):
        is_read(record, 8)


@VERSIONS
def test_of_two_sessions_on_one_connection_neither_is_taken_for_the_whole(watched, contexts):
    listener, trace = watched
    with wire.Pair(listener) as pair:
        for count in (1, 2):
            with openssl.Object(contexts[0]) as client, openssl.Object(contexts[1]) as server:
                begin(pair, client, server)
                exchange(client, server, count)
                client.end()
                assert server.is_over()
                server.end()
                assert client.is_over()
        close(pair)
    for record in records_of(trace, pair):
        is_not_wrong(record, 3)


@VERSIONS
def test_threads_that_share_an_object_are_followed(watched, contexts):
    """One of them sends and the other one receives, in turn."""
    listener, trace = watched
    with wire.Pair(listener) as pair, concurrent.futures.ThreadPoolExecutor(1) as other:
        with openssl.Object(contexts[0]) as client, openssl.Object(contexts[1]) as server:
            begin(pair, client, server)
            for _ in range(5):
                other.submit(client.send, wire.GET).result()
                assert server.receive(len(wire.GET)) == wire.GET
                other.submit(server.send, wire.OK).result()
                assert client.receive(len(wire.OK)) == wire.OK
            close(pair)
    for record in records_of(trace, pair):
        is_read(record, 5)


@VERSIONS
def test_bytes_that_are_looked_at_before_they_are_taken_count_once(watched, contexts):
    listener, trace = watched
    with wire.Pair(listener) as pair:
        with openssl.Object(contexts[0]) as client, openssl.Object(contexts[1]) as server:
            begin(pair, client, server)
            for _ in range(3):
                client.send(wire.GET)
                assert server.peek(10) == wire.GET[:10]
                assert server.receive(len(wire.GET)) == wire.GET
                server.send(wire.OK)
                assert client.peek(1) == wire.OK[:1]
                assert client.receive(len(wire.OK)) == wire.OK
            close(pair)
    for record in records_of(trace, pair):
        is_read(record, 3)


@pytest.mark.parametrize("version", ["1.3"])
def test_keys_that_change_change_nothing(watched, contexts):
    listener, trace = watched
    with wire.Pair(listener) as pair:
        with openssl.Object(contexts[0]) as client, openssl.Object(contexts[1]) as server:
            begin(pair, client, server)
            exchange(client, server)
            client.change_keys()
            exchange(client, server, 2)
            server.change_keys()
            exchange(client, server)
            close(pair)
    for record in records_of(trace, pair):
        is_read(record, 4)


# ---- sessions that are resumed ------------------------------------------------------------------------


@VERSIONS
def test_a_session_that_is_resumed_is_joined_like_any_other(watched, certificates, version):
    listener, trace = watched
    client_context, server_context = tls.client_context(certificates, version), tls.server_context(certificates, version)
    session, pairs = None, []
    for count in (1, 3, 2):
        with wire.Pair(listener) as pair:
            server = server_context.wrap_socket(pair.server, server_side=True, do_handshake_on_connect=False)
            with meanwhile(server.do_handshake):
                client = client_context.wrap_socket(pair.client, server_hostname=tls.NAME, session=session)
            assert client.session_reused is (session is not None)
            pair.client, pair.server = client, server
            for _ in range(count):
                pair.exchange()
            session = client.session
            close(pair)
            pairs.append((pair, count))
    for pair, count in pairs:
        for record in records_of(trace, pair):
            is_read(record, count)


# ---- TLS that somebody else carries ---------------------------------------------------------------------


@VERSIONS
def test_of_tls_inside_tls_the_inner_requests_are_not_the_connections(watched, contexts):
    """As with a proxy that is called by https."""
    listener, trace = watched
    connect, granted = wire.head("CONNECT host:443 HTTP/1.1", "Host: host:443"), wire.head("HTTP/1.1 200 OK")
    with wire.Pair(listener) as pair, contextlib.ExitStack() as stack:
        outer = client, server = [stack.enter_context(openssl.Object(context)) for context in contexts]
        begin(pair, client, server)
        client.send(connect)
        assert server.receive(len(connect)) == connect
        server.send(granted)
        assert client.receive(len(granted)) == granted
        inner = client, server = [stack.enter_context(openssl.Object(context)) for context in contexts]
        for one, around in zip(inner, outer):
            one.put_into(around)
        with meanwhile(server.accept):
            client.connect()
        exchange(client, server, 4)
        close(pair)
    for record in records_of(trace, pair):
        if record["tls"]["plaintext"]:
            assert (record["requests"], record["reason"]) == (1, "tunnel_ended"), record
        else:
            assert record["requests"] is None and record["reason"] in ("client_closed_idle", "unknown"), record


def relay(one, other):
    """Passes on what one sends, to its end."""
    while data := one.recv(65536):
        other.sendall(data)
    other.shutdown(socket.SHUT_WR)


@VERSIONS
def test_a_program_that_passes_tls_on_is_not_given_another_connections_requests(watched, contexts):
    """The client, what passes on its bytes, and the server are one process, so that all have the same random number."""
    listener, trace = watched
    with wire.listen() as before, wire.Pair(before) as near, wire.Pair(listener) as far:
        with openssl.Object(contexts[0]) as client, openssl.Object(contexts[1]) as server:
            with meanwhile(relay, near.server, far.client), meanwhile(relay, far.client, near.server):
                client.use(near.client)
                server.use(far.server)
                with meanwhile(server.accept):
                    client.connect()
                exchange(client, server, 2)
                near.client.close()
                wire.wait_for_end(far.server)
                far.server.close()
        far.client.close()
    for record in records_of(trace, far):
        is_not_wrong(record, 2)


# ---- processes that share an object -----------------------------------------------------------------------

FORKING = f"""
import os, socket, sys
from lib import openssl
listener = socket.socket(fileno=int(sys.argv[1]))
listener.setblocking(True)
version, certificate, key, here, there = sys.argv[2:]
with openssl.Context(version, certificate, key) as context, openssl.Object(context) as end:
    def serve(count):
        for _ in range(int(count)):
            end.receive({len(wire.GET)})
            end.send({wire.OK!r})
    connection, _ = listener.accept()
    end.use(connection)
    end.accept()
    serve(here)
    if os.fork() == 0:
        serve(there)
        assert connection.recv(1) == b""
        os._exit(0)
    connection.close()
    sys.exit(os.wait()[1])
"""


@contextlib.contextmanager
def forking(listener, certificates, version, here, there):
    """A connection to a program that answers so many requests itself and leaves so many to a child; and a function that sends one."""
    keys = [version, certificates.server, certificates.server_key]
    command = [sys.executable, "-c", FORKING, listener.fileno(), *keys, here, there]
    folder = {"cwd": Path(__file__).parent}
    with child([str(one) for one in command], pass_fds=[listener.fileno()], **folder) as server, wire.Client(listener.getsockname()) as one:
        end = sessions.over_sockets(tls.client_context(certificates, version), one.client, server_hostname=tls.NAME)
        end.do_handshake()

        def ask():
            end.sendall(wire.GET)
            assert wire.read_exactly(end, len(wire.OK)) == wire.OK

        yield one, ask
        end.close()
        assert server.wait(wire.DEADLINE) == 0


@VERSIONS
@pytest.mark.parametrize("here, there", [(0, 3), (2, 1)], ids=["the child serves all", "both serve"])
def test_an_object_that_goes_on_in_a_child_is_not_told_by_half(watched, certificates, version, here, there):
    listener, trace = watched
    with forking(listener, certificates, version, here, there) as (one, ask):
        for _ in range(here + there):
            ask()
    client, server = records_of(trace, one)
    is_read(client, here + there)
    is_not_wrong(server, here + there)


@VERSIONS
def test_an_object_that_was_reported_before_it_went_on_in_a_child_keeps_its_count(nothing_left, own_listener, certificates, version):
    del nothing_left
    with metrics.Daemon([wire.port_of(own_listener)], "--tls") as daemon:
        with forking(own_listener, certificates, version, 2, 1) as (_, ask):
            ask()
            ask()
            daemon.scrape_until(lambda page: page.sum_of("keepwatch_requests_total") == 4, "both ends, with what they had said")
            ask()
        page = daemon.scrape_until(lambda page: page.sum_of("keepwatch_connections_closed_total") == 2, "the ends")
        assert page.sum_of("keepwatch_requests_total", role="client") == 3
        assert page.sum_of("keepwatch_requests_total", role="server") == 2
        assert page.sum_of("keepwatch_connections_closed_total", role="server", reason="unknown") == 1


# ---- very many at once --------------------------------------------------------------------------------

AT_ONCE = 1000
EACH = 5
RING = 16 << 20


async def visit(address, context, number, everybody):
    """A connection with a mark of its own, whose requests lie among those of all others. Returns its name."""
    since = datetime.now(timezone.utc)
    reader, writer = await asyncio.open_connection(*address, ssl=context, server_hostname=tls.NAME)
    name = wire.Name(writer.get_extra_info("sockname"), since)
    await everybody.wait()
    for at in range(1 + number % EACH):
        writer.write(wire.request("GET", "/", *([f"Connection: x-{number}"] if at == 0 else [])))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        await reader.readexactly(3)
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError):
        await writer.wait_closed()
    return name


async def visit_all(address, context):
    everybody = asyncio.Barrier(AT_ONCE)
    return await asyncio.gather(*(visit(address, context, number, everybody) for number in range(AT_ONCE)))


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
def test_of_a_thousand_connections_at_once_each_is_told_its_own(nothing_left, certificates, tmp_path, kind):
    del nothing_left
    with wire.listen() as listener:
        port = wire.port_of(listener)
    place = tls_servers.Place(tmp_path, port, certificates, idle=60)
    with observer.Trace([port], "--tls", "--ring-size", str(RING)) as trace, tls_servers.server(kind, place) as server:
        names = asyncio.run(visit_all(server.address, tls.client_context(certificates)))
        trace.wait_until(lambda: len(trace.output) >= 2 * AT_ONCE, "a record of each end")
        by_name = {(one["role"], one["local" if one["role"] == "client" else "remote"]): one for one in trace.records()}
        for number, name in enumerate(names):
            for role in "client", "server":
                record = by_name[role, name]
                is_read(record, 1 + number % EACH)
                assert record["hop_by_hop"] == [f"x-{number}"], record
