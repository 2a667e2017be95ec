# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/1 inside TLS, read where OpenSSL takes and gives it (--tls): each scene is played in clear text and over TLS, and both
records must say the same."""

import concurrent.futures
import contextlib
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lib import observer, sessions, tls, wire
from lib.maps import Maps
from lib.servers.process import is_asleep, wait_until
from lib.sessions import Session

GET, OK = wire.GET, wire.OK
TO_THE_END = b"HTTP/1.1 200 OK\r\n\r\nto the end"
PARTIAL = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
CUT_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30\r\nabc"
CLOSES = wire.response("200 OK", "Connection: close")
UPLOAD = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\nonly this"
SAME = (
    "role", "protocol", "reason", "closer", "manner", "confidence", "premature", "requests", "responses", "lost_requests",
    "late_request", "retryable", "codes", "last_status", "last_method", "announced", "keep_alive", "tainted", "errors",
)  # fmt: skip


def idle_client(pair):
    pair.exchange()
    pair.exchange(wire.request("POST", "/", "Content-Length: 3", body=b"abc"), wire.response("404 Not Found"))
    pair.close(first=pair.client)


def idle_server(pair):
    pair.exchange()
    pair.close(first=pair.server)


def announced(pair):
    pair.exchange(GET, CLOSES)
    pair.close(first=pair.server)


def announced_by_client(pair):
    pair.exchange(wire.request("GET", "/", "Connection: close"), OK)
    pair.close(first=pair.client)


def advertised(pair):
    pair.exchange(GET, wire.response("200 OK", "Keep-Alive: timeout=5, max=9"))
    pair.close(first=pair.server)


def no_response(pair):
    pair.exchange()
    pair.send_request()
    pair.close(first=pair.server)


def no_response_at_all(pair):
    pair.send_request()
    pair.close(first=pair.server)


def cut_request(pair):
    pair.send_request(GET[:20])
    pair.close(first=pair.server)


def gave_up(pair):
    pair.send_request()
    pair.close(first=pair.client)


def truncated(pair):
    pair.send_request()
    pair.send_response(PARTIAL)
    pair.close(first=pair.server)


def cut_in_chunk(pair):
    pair.send_request()
    pair.send_response(CUT_CHUNK)
    pair.close(first=pair.server)


def aborted(pair):
    pair.send_request()
    pair.send_response(PARTIAL)
    pair.close(first=pair.client)


def cut_upload(pair):
    pair.send_request(UPLOAD)
    pair.close(first=pair.client)


def chunked(pair):
    pair.exchange(GET, CHUNKED)
    pair.exchange(wire.request("HEAD"), b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    pair.exchange(GET, b"HTTP/1.1 304 Not Modified\r\n\r\n")
    pair.close(first=pair.client)


def old_version(pair):
    pair.exchange(wire.request(version="1.0"), wire.response(version="1.0"))
    pair.close(first=pair.server)


def delimited(pair):
    """The close marks the end of the response, and so inside TLS does the end of the session alone."""
    pair.send_request()
    pair.send_response(TO_THE_END)
    getattr(pair.server, "close_session", pair.server.close)()
    assert pair.client.recv(1) == b""
    pair.client.close()


def pipelined(pair):
    pair.send_request(GET * 3)
    pair.send_response(OK * 2)
    pair.close(first=pair.server)


def in_bytes(pair):
    for sender, receiver, data in (pair.client, pair.server, GET), (pair.server, pair.client, OK):
        for byte in data:
            sender.sendall(bytes([byte]))
            assert wire.read_exactly(receiver, 1) == bytes([byte])
    pair.close(first=pair.client)


def long_body(pair):
    """Records, sends and receives begin and end in different places."""
    body = bytes(200_000)
    sender = threading.Thread(target=pair.server.sendall, args=(wire.response(body=body),))
    pair.send_request()
    sender.start()
    assert wire.read_response(pair.client) == (200, body)
    sender.join()
    pair.close(first=pair.client)


def aborted_while_sending(pair):
    """The server's send of a long response does not succeed: its head has gone."""
    pair.send_request()
    sender = threading.Thread(target=send_and_fail, args=(pair.server, wire.response(body=bytes(20_000_000))))
    sender.start()
    assert wire.read_exactly(pair.client, 1000).startswith(b"HTTP/1.1 200 OK")
    assert select.select([pair.client], [], [], wire.DEADLINE)[0]  # a close with bytes that were not read is a reset
    pair.client.close()
    sender.join(wire.DEADLINE)
    pair.server.close()


def aborted_within_a_record(pair):
    """The same, and a part of the last record has gone, because TCP takes less than one at a time."""
    pair.server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    aborted_while_sending(pair)


def send_and_fail(sock, data):
    with contextlib.suppress(OSError):
        sock.sendall(data)


def reset_by_server(pair):
    pair.exchange()
    pair.send_request()
    wire.reset(pair.server)
    wire.wait_for_end(pair.client)


def stale(pair):
    """The server has closed, and then the request comes."""
    pair.exchange()
    pair.server.close()
    wire.wait_for_end(pair.client)
    pair.client.sendall(GET)
    with contextlib.suppress(OSError):
        pair.client.recv(100)


SCENES = (
    idle_client, idle_server, announced, announced_by_client, advertised, no_response, no_response_at_all, cut_request,
    gave_up, truncated, cut_in_chunk, aborted, cut_upload, chunked, old_version, delimited, pipelined, in_bytes, long_body,
    aborted_while_sending, aborted_within_a_record, reset_by_server, stale,
)  # fmt: skip


def check_alike(read, plain):
    assert {key: read[key] for key in SAME if key in read} == {key: plain[key] for key in SAME if key in plain}


def check_unsealed(read):
    """The server closed without ending the session: RFC 9112 section 9.8."""
    assert (read["reason"], read["premature"], read["lost_requests"], read["confidence"]) == (
        "response_truncated", True, 1, "inferred"), read  # fmt: skip
    assert read["evidence"][0].startswith("the last response gave no length, and the server closed without a close_notify"), read


@pytest.mark.parametrize("version", tls.VERSIONS)
def test_a_close_inside_a_session_marks_no_end(watched, certificates, version):
    listener, trace = watched
    with Session(listener, certificates, version) as session:
        session.send_request()
        session.send_response(TO_THE_END)
        session.close(first=session.server)
    for read in trace.ends(session):
        assert read["tls"]["plaintext"] == "openssl" and read["tls"]["close_notify"] == {"client": False, "server": False}, read
        check_unsealed(read)


@pytest.mark.parametrize("version", tls.VERSIONS)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_session_says_what_its_twin_in_clear_text_says(watched, certificates, scene, version):
    listener, trace = watched
    with wire.Pair(listener) as clear:
        scene(clear)
    with Session(listener, certificates, version) as session:
        scene(session)
    for plain, read in zip(trace.ends(clear), trace.ends(session)):
        assert read["tls"]["plaintext"] == "openssl", read
        check_alike(read, plain)


OVER_TICKETS = gave_up, cut_upload  # a client that closes over unread tickets sends a RST


# How many session tickets a server sends: RFC 8446 section 4.6.1. Servers do so before the first response, and a client may get nothing else.
@pytest.mark.parametrize("tickets", [1, 2, 3])
@pytest.mark.parametrize("scene", [scene for scene in SCENES if scene not in OVER_TICKETS], ids=lambda scene: scene.__name__)
def test_tickets_change_nothing(watched, certificates, scene, tickets):
    listener, trace = watched
    with wire.Pair(listener) as clear:
        scene(clear)
    with Session(listener, certificates, "1.3", tickets) as session:
        scene(session)
    for plain, read in zip(trace.ends(clear), trace.ends(session)):
        assert read["tls"]["plaintext"] == "openssl", read
        check_alike(read, plain)


@pytest.mark.parametrize("asked", [GET, UPLOAD], ids=["gave up", "cut upload"])
def test_a_client_that_closes_over_unread_tickets_sends_a_rst(watched, certificates, asked):
    listener, trace = watched
    with wire.Pair(listener) as clear, Session(listener, certificates, "1.3", 2) as session:
        for pair, leave in (clear, wire.reset), (session, lambda end: end.close()):
            pair.send_request(asked)
            leave(pair.client)
            wire.wait_for_end(pair.server)
            pair.server.close()
    for plain, read in zip(trace.ends(clear), trace.ends(session)):
        assert read["tls"]["plaintext"] == "openssl" and read["manner"] == "rst", read
        check_alike(read, plain)


SLOW = 4  # exchanges, so that the smoothed round-trip time has seen some delayed ACKs


def delimited_at_once(pair):
    """The client has read the end of the session before the FIN comes."""
    pair.send_request()
    pair.send_response(TO_THE_END)
    if isinstance(pair, Session):
        tls.end_session(pair.server)
        assert pair.client.recv(1) == b""
    pair.close(first=pair.server)


@pytest.mark.parametrize("version", tls.VERSIONS)
def test_an_end_that_comes_at_once_did_not_cross_the_request(watched, certificates, version):
    """Where acknowledgements are delayed, the round trip seems to be longer than it is, and the server's alert to come sooner than an answer
    to the request could."""
    listener, trace = watched
    with wire.Pair(listener) as clear, Session(listener, certificates, version) as session:
        for pair in clear, session:
            for _ in range(SLOW):
                pair.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
                pair.send_request()
                time.sleep(0.05)
                pair.send_response()
            delimited_at_once(pair)
    for plain, read in zip(trace.ends(clear), trace.ends(session)):
        assert read["tls"]["plaintext"] == "openssl", read
        check_alike(read, plain)
    assert trace.ends(session)[0]["srtt_us"] > 2000, "the round trip is not long"


@pytest.mark.parametrize("version", tls.VERSIONS)
def test_a_response_behind_the_end_of_the_clients_session_is_nobodys(watched, certificates, version):
    """As clients of asyncio leave: their library takes it, and gives it to nobody."""
    listener, trace = watched
    with Session(listener, certificates, version) as session:
        session.exchange()
        session.send_request()
        tls.end_session(session.client)
        session.server.sendall(OK)
        session.client.settimeout(wire.DEADLINE)
        with pytest.raises(OSError, match="(?i)application.data"):
            session.client.unwrap()
        session.close(first=session.client)
    (client, _) = trace.ends(session)
    assert (client["tls"]["plaintext"], client["confidence"], client["reason"]) == ("openssl", "certain", "client_gave_up"), client
    assert (client["requests"], client["responses"], client["lost_requests"]) == (2, 1, 1), client


SENDER = """
import socket, ssl, sys
sys.path.insert(0, sys.argv[1])
from lib import tls
plain, _ = socket.socket(fileno=int(sys.argv[2])).accept()
plain.settimeout(None)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[3:])
    plain = context.wrap_socket(plain, server_side=True)
plain.recv(1000)
plain.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 20000000\\r\\n\\r\\n" + bytes(20000000))
"""


@contextlib.contextmanager
def sending(listener, *keys):
    """A server that sends a response in one go, which nobody reads to its end."""
    listener.setblocking(True)
    command = [sys.executable, "-c", SENDER, str(Path(__file__).parent), str(listener.fileno()), *map(str, keys)]
    with subprocess.Popen(command, pass_fds=[listener.fileno()]) as server:
        try:
            yield server
        finally:
            server.kill()
            listener.settimeout(wire.DEADLINE)


def killed_within_its_send(listener, address, trace, *keys):
    """The record of the server's end, whose process never came back from its send."""
    with sending(listener, *keys) as server, wire.Client(address) as one:
        one.client.sendall(GET)
        assert wire.read_exactly(one.client, 100_000).startswith(b"HTTP/1.1 200 OK")
        wait_until(lambda: is_asleep(server.pid), "a send that waits")
        server.kill()
        server.wait()
    return trace.wait_for(1, local=one.server_name, remote=one.client_name)[0]


@pytest.mark.parametrize("version", tls.VERSIONS)
def test_a_process_may_end_within_a_send(watched, certificates, version):
    listener, trace = watched
    address = listener.getsockname()
    plain = killed_within_its_send(listener, address, trace)
    secured = sessions.Address(address, certificates, version)
    read = killed_within_its_send(listener, secured, trace, certificates.server, certificates.server_key)
    assert plain["reason"] == "process_exit" and read["tls"]["plaintext"] == "openssl", read
    check_alike(read, plain)


# ---- many connections at once -------------------------------------------------------------------------

AT_ONCE = 40
EACH = 3
NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 1000;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen 127.0.0.1:{port} ssl {more}; ssl_certificate {cert}; ssl_certificate_key {key};
        location /few {{ return 404; }}
        location / {{ return 200 "ok"; }}
    }}
}}
"""


def free_port():
    with wire.listen() as listener:
        return wire.port_of(listener)


@contextlib.contextmanager
def tls_nginx(folder, certificates, more=""):
    """Its port."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, more=more, cert=certificates.server, key=certificates.server_key))
    server = subprocess.Popen(["nginx", "-c", config])
    try:
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            assert server.poll() is None, "nginx did not start"
        yield port
    finally:
        server.terminate()
        server.wait()


class Visitor:
    """A connection that asks `good` times for what is there, and `bad` times for what is not."""

    def __init__(self, context, port, good, bad):
        self.good, self.bad = good, bad
        plain = socket.create_connection(("127.0.0.1", port), wire.DEADLINE)
        self.name = wire.name_of(plain.getsockname())
        self.end = context.wrap_socket(plain, server_hostname=tls.NAME)

    def ask(self, path):
        self.end.sendall(wire.request("GET", path))
        return wire.read_response(self.end)[0]

    def visit(self, turns):
        """All visitors ask in turn, so that their calls lie among each other."""
        for path, status in [("/", 200)] * self.good + [("/few", 404)] * self.bad:
            turns.wait(wire.DEADLINE)
            assert self.ask(path) == status
        for _ in range(2 * EACH - self.good - self.bad):
            turns.wait(wire.DEADLINE)
        self.end.close()


def test_many_connections_of_one_process_are_not_mixed_up(nothing_left, certificates, tmp_path):
    del nothing_left
    context = tls.client_context(certificates)
    with tls_nginx(tmp_path, certificates) as port, observer.Trace([port], "--tls") as trace:
        visitors = [Visitor(context, port, 1 + i % EACH, (i // EACH) % EACH) for i in range(AT_ONCE)]
        turns = threading.Barrier(AT_ONCE)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(one.visit, turns) for one in visitors]:
                done.result()
        for one in visitors:
            wanted = {"requests": one.good + one.bad, "responses": one.good + one.bad, "confidence": "certain"}
            for ends in {"local": one.name}, {"remote": one.name}:
                (record,) = trace.wait_for(1, **ends)
                assert record["tls"]["plaintext"] == "openssl", record
                assert {key: record[key] for key in wanted} == wanted, record


# ---- what is not covered ------------------------------------------------------------------------------


@pytest.mark.parametrize("sends", [True, False], ids=["sent", "kept"])
def test_bytes_that_the_program_itself_sends_are_read(watched, certificates, sends):
    """A library that hands its bytes to its program counts them. Bytes that the program has kept are not said to have been sent."""
    listener, trace = watched
    with wire.Pair(listener) as pair:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = tls.client_context(certificates).wrap_bio(incoming, outgoing, server_hostname=tls.NAME)
        server = threading.Thread(target=answer_once, args=(pair.server, certificates))
        server.start()
        drive(client.do_handshake, pair.client, incoming, outgoing)
        drive(lambda: client.write(GET), pair.client, incoming, outgoing)
        assert drive(client.read, pair.client, incoming, outgoing) == OK
        if not sends:
            client.write(GET)
        pair.client.close()
        server.join(wire.DEADLINE)
    (record,) = trace.wait_for(1, local=pair.client_name, remote=pair.server_name)
    assert record["tls"]["plaintext"] == ("openssl" if sends else None)
    assert not sends or (record["requests"], record["responses"], record["reason"]) == (1, 1, "client_closed_idle")
    (record,) = trace.wait_for(1, local=pair.server_name, remote=pair.client_name)
    assert record["protocol"] == "http/1.1" and record["tls"]["plaintext"] == "openssl"


def cut_in_clear(listener, role, message, half):
    with wire.Pair(listener) as pair:
        begin_message(pair, role)
        getattr(pair, role).sendall(message[:half])
        leave(pair, role)
    return pair


def begin_message(pair, role):
    pair.exchange()
    if role == "server":
        pair.send_request()


def leave(pair, role):
    """This side closes, and then the other, which has read what came."""
    one, other = (pair.client, pair.server) if role == "client" else (pair.server, pair.client)
    one.close()
    wire.wait_for_end(other)
    with contextlib.suppress(OSError):
        while other.recv(65536):
            pass
    other.close()


@pytest.mark.parametrize("whole", [True, False], ids=["taken whole", "taken in part"])
@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize("version", tls.VERSIONS)
def test_a_message_whose_rest_never_left_its_library_was_under_way(watched, certificates, version, role, whole):
    """As with servers that are killed within a response, which have a library make records of all of it at once."""
    listener, trace = watched
    body = b"x" * 60_000
    fields = [f"Content-Length: {len(body) * (1 if whole else 2)}"]
    message = (wire.request("POST", "/", *fields) if role == "client" else wire.head("HTTP/1.1 200 OK", *fields)) + body
    with Session(listener, certificates, version, carried=sessions.over_memory) as session:
        begin_message(session, role)
        half = getattr(session, role).send_half(message)
        leave(session, role)
    ends = trace.ends(session)
    twins = trace.ends(cut_in_clear(listener, role, message, half))
    own = ["client", "server"].index(role)
    told = ("reason", "closer", "manner", "phase", "premature", "lost_requests", "requests", "responses", "confidence", "body_declared")
    assert [ends[own][name] for name in told] == [twins[own][name] for name in told], ends[own]
    assert 0.99 * half < ends[own]["body_bytes"] <= half, ends[own]
    assert ends[own]["tls"]["plaintext"] == "openssl"
    assert ends[1 - own]["reason"] in (twins[1 - own]["reason"], ends[own]["reason"]), ends[1 - own]


def answer_once(plain, certificates):
    with tls.server_context(certificates).wrap_socket(plain, server_side=True) as end:
        assert wire.read_exactly(end, len(GET)) == GET
        end.sendall(OK)
        with contextlib.suppress(OSError):
            end.recv(1)


def drive(step, sock, incoming, outgoing):
    """Does a step of a library that neither sends nor receives by itself."""
    while True:
        try:
            result = step()
            sock.sendall(outgoing.read())
            return result
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            incoming.write(sock.recv(65536))


def test_without_the_option_nothing_is_loaded(nothing_left, certificates):
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)]) as trace:
        with Session(listener, certificates, "1.3") as session:
            idle_client(session)
        records = trace.ends(session)
        with Maps(trace.process.pid) as maps:
            assert not {"plaintexts", "randoms", "library_calls", "asks"} & set(maps.contents())
        assert children_of(trace.process.pid) == []
    assert all(one["protocol"] == "tls" and one["tls"]["plaintext"] is None for one in records)


def openssl(*arguments):
    command = ["openssl", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)


def say(end, data, other, wanted):
    """Lets one program send these bytes, and waits until another program, or itself, has said something."""
    end.stdin.write(data)
    said = b""
    while wanted not in said:
        assert select.select([other.stdout], [], [], wire.DEADLINE)[0], said
        piece = other.stdout.read(65536)
        assert piece, said
        said += piece


def test_a_session_that_is_renegotiated_is_judged_by_its_records(nothing_left, certificates):
    """Its random number is another from then on, so that the rest of it cannot be joined."""
    del nothing_left
    port = free_port()
    keys = ["-cert", certificates.server, "-key", certificates.server_key]
    with observer.Trace([port], "--tls") as trace, contextlib.ExitStack() as programs:
        for again in False, True:
            server = programs.enter_context(openssl("s_server", "-accept", f"127.0.0.1:{port}", "-tls1_2", "-naccept", 1,
                                                    "-client_renegotiation", *keys))
            say(server, b"", server, b"ACCEPT")
            client = programs.enter_context(openssl("s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-crlf"))
            say(client, b"", client, b"Verify return code")
            say(client, b"GET /1 HTTP/1.1\n\n", server, b"GET /1")
            say(server, OK, client, b"ok")
            if again:
                say(client, b"R\n", client, b"RENEGOTIATING")
            say(client, b"GET /2 HTTP/1.1\n\n", server, b"GET /2")
            # The call that sent it has returned.
            wait_until(lambda client=client: is_asleep(client.pid), "a client that waits")
            client.kill()
            client.wait()
            server.kill()
            server.wait()
            wanted = (None, "tls") if again else ("openssl", "http/1.1")
            records = trace.wait_for(4 if again else 2)[-2:]
            assert [(one["tls"]["plaintext"], one["protocol"]) for one in records] == [wanted] * 2


# ---- a random number that somebody has copied ---------------------------------------------------------


def test_a_copied_random_number_joins_nothing(watched, certificates):
    """Whoever sees a ClientHello may send the same once more: which of the two an object of the library carries is not known any
    more, so neither is read."""
    listener, trace = watched
    server_context = tls.server_context(certificates, "1.3")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = tls.client_context(certificates, "1.3").wrap_bio(incoming, outgoing, server_hostname=tls.NAME)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    hello = outgoing.read()
    with wire.Pair(listener) as victim, wire.Pair(listener) as copier:
        server = threading.Thread(target=answer_once, args=(victim.server, certificates))
        victim.client.sendall(hello)
        server.start()
        drive(client.do_handshake, victim.client, incoming, outgoing)
        copier.client.sendall(hello)
        copier.server.settimeout(0.0)
        copied = server_context.wrap_socket(copier.server, server_side=True, do_handshake_on_connect=False)
        with contextlib.suppress(ssl.SSLWantReadError):
            copied.do_handshake()
        drive(lambda: client.write(GET), victim.client, incoming, outgoing)
        assert drive(client.read, victim.client, incoming, outgoing) == OK
        victim.client.close()
        copied.close()
        server.join(wire.DEADLINE)
    for end in victim.client_name, copier.client_name:
        (record,) = trace.wait_for(1, local=victim.server_name, remote=end)
        assert record["protocol"] == "tls" and record["tls"]["plaintext"] is None


# ---- processes that come and go -----------------------------------------------------------------------


def test_short_lived_processes_are_read(nothing_left, certificates, tmp_path):
    del nothing_left
    with tls_nginx(tmp_path, certificates) as port, observer.Trace([port], "--tls") as trace:
        for _ in range(5):
            url = f"https://127.0.0.1:{port}/"
            subprocess.run(["curl", "-sk", "--http1.1", url, url], check=True, capture_output=True)
        trace.wait_until(lambda: len(trace.records(role="client")) == 5, "the records of five clients")
        for record in trace.records(role="client")[1:]:
            assert record["requests"] == record["responses"] == 2 and record["tls"]["plaintext"] == "openssl"


def children_of(pid):
    return [int(one) for one in open(f"/proc/{pid}/task/{pid}/children", encoding="ascii").read().split()]


KEPT = 1 << 2 | 1 << 19 | 1 << 38 | 1 << 39 | 1 << 40  # CAP_DAC_READ_SEARCH, _SYS_PTRACE, _PERFMON, _BPF, _CHECKPOINT_RESTORE


def test_the_process_of_the_probes_keeps_what_they_take(nothing_left):
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], "--tls") as trace:
        (attacher,) = children_of(trace.process.pid)
        with open(f"/proc/{attacher}/status", encoding="ascii") as file:
            status = dict(line.split(":", 1) for line in file)
        for which in "CapEff", "CapPrm", "CapBnd":
            assert int(status[which], 16) == KEPT
        assert int(status["CapAmb"], 16) == int(status["CapInh"], 16) == 0
        assert status["Seccomp"].strip() == "2" and status["NoNewPrivs"].strip() == "1"
        assert "0" not in status["Uid"].split()


def test_an_observer_does_not_go_on_without_its_probes(nothing_left):
    del nothing_left
    with wire.listen() as listener:
        trace = observer.Observer("trace", "--json", "--port", str(wire.port_of(listener)), "--tls")
        trace.status = 1
        with trace:
            (attacher,) = children_of(trace.process.pid)
            os.kill(attacher, signal.SIGKILL)
            assert trace.end() == 1
        assert "keepwatch: the process that puts probes into TLS libraries has ended" in trace.errors


def test_check_lists_the_libraries():
    said = subprocess.run([observer.BINARY, "check", "--tls"], check=True, capture_output=True, text=True).stdout
    own = [line for line in said.splitlines() if f"(process {os.getpid()})" in line]
    assert own and all(line.startswith("library") and line.endswith(": would get probes") for line in own)


# ---- privacy ------------------------------------------------------------------------------------------

SECRET = b"q7Zt4kWm9RbX2cVn8LpD3sGh"
SECRET_REQUEST = (b"POST /" + SECRET + b"?token=" + SECRET + b" HTTP/1.1\r\nHost: " + SECRET + b"\r\nCookie: a=" + SECRET
                  + b"\r\nAuthorization: Bearer " + SECRET + b"\r\nX-" + SECRET
                  + b": a\r\nContent-Length: 24\r\n\r\n" + SECRET)
SECRET_RESPONSE = b"HTTP/1.1 200 OK\r\nSet-Cookie: " + SECRET + b"\r\nContent-Length: 24\r\n\r\n" + SECRET
PIECE = 8


def pieces(secret):
    return [secret[at : at + PIECE].lower() for at in range(len(secret) - PIECE + 1)]


def maps_of(trace, sockets):
    with Maps(trace.process.pid) as maps:
        contents = maps.contents(sockets)
    assert contents["library_calls"], "this thread has made no call that was seen"
    return b"".join(contents.values()).lower()


@pytest.mark.parametrize("size", [1, 7, 4096], ids=lambda size: f"in {size} bytes")
def test_no_secret_is_kept(nothing_left, certificates, size):
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], "--tls", "--exchanges") as trace:
        with Session(listener, certificates, "1.3") as session:
            for sender, receiver, data in (
                (session.client, session.server, SECRET_REQUEST),
                (session.server, session.client, SECRET_RESPONSE),
            ):
                for at in range(0, len(data), size):
                    sender.sendall(data[at : at + size])
                    wire.read_exactly(receiver, len(data[at : at + size]))
                held = maps_of(trace, [session.client, session.server])
                assert not [piece for piece in pieces(SECRET) if piece in held]
            session.close(first=session.client)
        for one in trace.ends(session):
            assert one["tls"]["plaintext"] == "openssl"
        held = maps_of(trace, [])
        assert not [piece for piece in pieces(SECRET) if piece in held]
        said = "\n".join(trace.output).encode().lower()
        assert not [piece for piece in pieces(SECRET) if piece in said]
