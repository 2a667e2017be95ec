# SPDX-License-Identifier: BSD-2-Clause
"""The keep-alive race over TLS: a server that closes idle connections at 50 ms, and a client that uses them again just
then. And what is no race: polite ends of sessions by each side, which may raise no alarm."""

import asyncio
import contextlib
import random
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest

from lib import observer, sessions, tls, wire
from lib.sessions import Address, Session

RACES = 200
POLITE = 1000
IDLE = 0.050  # seconds
SPREAD = 0.001
STEP = 0.0002
FORCED = 40

# In a process of its own. It closes an idle connection as servers do: close_notify, then FIN.
SERVER = f"""
import socket, ssl, sys
sys.path.insert(0, {str(tls.__file__).rpartition("/lib/")[0]!r})
from lib import tls
listener = socket.socket(fileno=int(sys.argv[1]))
listener.setblocking(True)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
while True:
    plain, _ = listener.accept()
    try:
        with context.wrap_socket(plain, server_side=True) as end:
            end.settimeout(float(sys.argv[4]))
            try:
                while end.recv(1000):
                    end.sendall({wire.OK!r})
            except TimeoutError:
                pass
            tls.end_session(end)
    except OSError:
        pass
"""


@contextlib.contextmanager
def serving(listener, certificates, idle):
    given = [listener.fileno(), certificates.server, certificates.server_key, idle]
    command = [sys.executable, "-c", SERVER, *map(str, given)]
    with subprocess.Popen(command, pass_fds=[listener.fileno()]) as server:
        try:
            yield
        finally:
            server.kill()


@pytest.fixture(params=[IDLE])
def watched(request, nothing_left, certificates):
    """An observer of a server that closes after so many seconds, and the server's address."""
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)]) as trace:
        with serving(listener, certificates, request.param):
            yield trace, listener.getsockname()


def is_answered(end):
    try:
        end.sendall(wire.GET)
        return wire.read_exactly(end, len(wire.OK)) == wire.OK
    except (OSError, AssertionError):
        return False


def race(address, context, age):
    """Uses one connection again after this idle time. Returns its name, and whether its second request failed."""
    with wire.Client(address) as one, context.wrap_socket(one.client, server_hostname=tls.NAME) as end:
        assert is_answered(end)
        time_out = time.monotonic() + age
        while time.monotonic() < time_out:
            pass
        return one.client_name, one.server_name, not is_answered(end)


@pytest.mark.parametrize("version", tls.VERSIONS)
def test_a_forced_race_is_stale_reuse_at_the_client(watched, certificates, version):
    trace, address = watched
    context = tls.client_context(certificates, version)
    raced = [race(address, context, 2 * IDLE) for _ in range(RACES // 2)]
    assert all(failed for *_, failed in raced)
    for name, server_name, _ in raced:
        (one,) = trace.wait_for(1, local=name, remote=server_name)
        told = (one["reason"], one["closer"], one["premature"], one["lost_requests"], one["confidence"])
        assert told == ("stale_reuse", "server", True, 1, "inferred"), one
        assert one["tls"]["exchanges_inferred"] == 2


def test_each_request_that_failed_is_stale_and_no_other(watched, certificates):
    trace, address = watched
    chance, aim, raced = random.Random(50), IDLE, []
    for number in range(FORCED):
        context = tls.client_context(certificates, tls.VERSIONS[number % 2])
        raced.append(race(address, context, aim + chance.uniform(-SPREAD, SPREAD)))
        aim += -STEP if raced[-1][2] else STEP
    for name, server_name, failed in raced:
        (one,) = trace.wait_for(1, local=name, remote=server_name)
        assert (one["reason"] == "stale_reuse", one["premature"]) == (failed, failed), one
        (other,) = trace.wait_for(1, local=server_name, remote=name)
        assert failed or (other["late_request"], other["premature"]) == (False, False), other


def polite_end(address, context, chance):
    """Some exchanges, then the end of the session by either side. Returns the client's name and who ended it."""
    with wire.Client(address) as one, context.wrap_socket(one.client, server_hostname=tls.NAME) as end:
        for _ in range(chance.randint(1, 3)):
            assert is_answered(end)
        by_client = chance.random() < 0.95
        if by_client:
            tls.end_session(end)
        else:
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                assert end.recv(1) == b""
            tls.end_session(end)
        return one.client_name, one.server_name, "client" if by_client else "server"


@pytest.mark.parametrize("watched", [10 * IDLE], indirect=True)
def test_a_thousand_polite_ends_raise_no_alarm(watched, certificates):
    trace, address = watched
    chance = random.Random(1000)
    contexts = [tls.client_context(certificates, version) for version in tls.VERSIONS]
    ends = [polite_end(address, contexts[number % 2], chance) for number in range(POLITE)]
    trace.wait_until(lambda: len(trace.records()) >= 2 * POLITE, "a record of each end")
    assert trace.records("amend") == []
    alarms = [one for one in trace.records() if one["premature"] is not False or one["late_request"]]
    assert alarms == []
    for role, own in (("client", "local"), ("server", "remote")):
        told = [(one[own], one["reason"], one["closer"]) for one in trace.records(role=role)]
        assert sorted(told) == sorted((name, f"{by}_closed_idle", by) for name, _, by in ends)


def read_raw(end):
    """Receives what comes next, below any library, as ciphertext."""
    return len(socket.socket.recv(end, 65536))


@pytest.mark.parametrize("read", [wire.discard, read_raw])
@pytest.mark.parametrize("asks", [True, False], ids=["a request", "an alert"])
@pytest.mark.parametrize("version", tls.VERSIONS)
@pytest.mark.parametrize("options", [(), ("--tls",)], ids=["by records", "by plaintext"])
def test_a_server_may_discard_whatever_comes_behind_its_fin(nothing_left, certificates, options, version, asks, read):
    """As lighttpd does without a look at it, and others by reading it below their library. A request among that is late, and an alert is
    nothing."""
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], *options) as trace:
        with Session(listener, certificates, version) as session:
            session.exchange()
            session.exchange(response=wire.response("404 Not Found"))  # of another length, so that neither can be a ticket
            session.server.shutdown(socket.SHUT_WR)
            wire.wait_for_end(session.client)
            if asks:
                session.client.sendall(wire.GET)
            tls.end_session(session.client)
            read(session.server)
            session.client.close()
            read(session.server)
            session.server.close()
        client, server = trace.ends(session)
    assert client["reason"] in ({"stale_reuse"} if asks else {"server_closed_idle", "unannounced_close"}), client
    # Requests that follow each other at once may be one by their records, so that nothing is said of the server's end.
    for end in [client] if server["confidence"] == "unknown" and not options else [client, server]:
        assert (end["closer"], end["manner"], bool(end["tls"]["plaintext"])) == ("server", "fin", bool(options)), end
        assert end["confidence"] == ("certain" if options else "inferred"), end
        assert (end["premature"], end["lost_requests"]) == (asks, int(asks)), end
        assert end["late_request"] is (asks and end is server), end
    assert server["reason"] in ("unknown", "unannounced_close", "server_closed_idle"), server


@pytest.mark.parametrize("asks", [True, False], ids=["a request", "an alert"])
@pytest.mark.parametrize("version", tls.VERSIONS)
def test_a_server_may_discard_a_request_whose_client_had_closed(nothing_left, certificates, version, asks):
    """There may have been one in it, so the server's end does not know."""
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], "--tls") as trace:
        with Session(listener, certificates, version) as session:
            session.exchange()
            if asks:
                session.client.sendall(wire.GET)
            session.client.close_session()
            wire.wait_for_end(session.server)
            session.server.shutdown(socket.SHUT_WR)
            while wire.discard(session.server):
                pass
            session.server.close()
        client, server = trace.ends(session)
    assert (client["closer"], client["lost_requests"], client["confidence"]) == ("client", int(asks), "certain"), client
    assert server["reason"] == ("unknown" if asks else "client_closed_idle"), server


@pytest.mark.parametrize("version", tls.VERSIONS)
@pytest.mark.parametrize("reads", [True, False], ids=["read then", "never read"])
@pytest.mark.parametrize("options", [(), ("--tls",)], ids=["by records", "by plaintext"])
def test_an_alert_that_is_sent_over_one_that_lies_unread_is_not_the_first(nothing_left, certificates, options, version, reads):
    """As a client does that closes behind a response: the server had ended the session. One that does not read on leaves by a reset."""
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], *options) as trace:
        with Session(listener, certificates, version, carried=sessions.over_memory) as session:
            session.exchange(response=wire.response("200 OK", "Connection: close"))
            session.server.end_session()
            wire.wait_for_bytes(session.client, 1)
            session.client.end_session()
            if reads:
                assert session.client.recv(1) == b""
            session.client.close()
            wire.wait_for_end(session.server)
            session.server.close()
        ends = trace.ends(session)
    for end in ends:
        assert end["closer"] == "server" and not end["premature"] and not end["lost_requests"], end
        assert end["reason"] == "announced_by_response" or not options, end


# ---- data behind the end of a session -----------------------------------------------------------------


def asks_behind_end(session):
    """The server has ended its session, and its library meets the request while it waits for the other side's close_notify."""
    tls.end_session(session.server)
    assert session.client.recv(1) == b""
    session.client.sendall(wire.GET)
    session.server.settimeout(wire.DEADLINE)
    with contextlib.suppress(OSError):
        session.server.unwrap()
    session.close(first=session.server)


@pytest.mark.parametrize("version", tls.VERSIONS)
def test_a_request_behind_the_end_of_the_servers_session_is_late(nothing_left, certificates, version):
    """No program is given it, so that its library shows it to nobody."""
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], "--tls") as trace:
        with Session(listener, certificates, version) as session:
            session.exchange()
            asks_behind_end(session)
        client, server = trace.ends(session)
    check_late(client, server)
    assert "another request reached the server after the server's close_notify and was discarded unread" in server["evidence"]


def check_late(client, server):
    for end in client, server:
        assert end["tls"]["plaintext"] == "openssl" and end["confidence"] == "certain", end
        assert (end["closer"], end["premature"], end["lost_requests"]) == ("server", True, 1), end
    assert client["reason"] == "stale_reuse" and client["requests"] == 2, client
    assert (server["late_request"], server["requests"], server["responses"]) == (True, 1, 1), server


async def answer_once(reader, writer):
    """As servers that are built on asyncio do: a close ends the session, and then waits for the client to do so, too."""
    await reader.readexactly(len(wire.GET))
    writer.write(wire.OK)
    await writer.drain()
    writer.close()
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        await writer.wait_closed()


@contextlib.contextmanager
def asynchronous(listener, certificates, version):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    made = asyncio.start_server(answer_once, sock=listener, ssl=tls.server_context(certificates, version))
    server = asyncio.run_coroutine_threadsafe(made, loop).result(wire.DEADLINE)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.parametrize("version", tls.VERSIONS)
def test_so_it_is_at_a_server_of_asyncio(nothing_left, certificates, version):
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], "--tls") as trace:
        with asynchronous(listener, certificates, version), wire.Client(Address(listener.getsockname(), certificates, version)) as one:
            assert one.get()[0] == 200
            assert one.client.recv(1) == b""
            one.client.sendall(wire.GET)
            wire.wait_for_end(one.client)
            one.client.close()
            (client,) = trace.wait_for(1, local=one.client_name, remote=one.server_name)
            (server,) = trace.wait_for(1, local=one.server_name, remote=one.client_name)
    check_late(client, server)
