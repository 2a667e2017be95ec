# SPDX-License-Identifier: BSD-2-Clause
"""The process of the metrics port: what it may do, that neither it nor the reader of events waits for the other, and
that strangers cannot keep others out."""

import base64
import contextlib
import functools
import os
import re
import resource
import select
import signal
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from lib import metrics, observer, wire
from test_privileges import NOBODY, status_of
from test_web_config import (SECRET, Authority, Daemon, ask, check_status, hashed, openssl, presenting, tls, trusting,
                             users)

BCRYPT_SLOW = 10
OTHER_ADDRESS = "127.0.0.2"
CROWD = 60
DESCRIPTORS = 75


def port_process(daemon):
    pid = daemon.process.pid
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def address_of(daemon):
    host, port = re.sub("https?://", "", daemon.url).split(":")
    return host, int(port)


def connect(daemon, source="127.0.0.1"):
    return socket.create_connection(address_of(daemon), wire.DEADLINE, (source, 0))


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


# ---- two processes ----


def test_it_may_do_nothing_but_serve(own_closed_port):
    with metrics.Daemon([own_closed_port]) as daemon:
        pid = port_process(daemon)
        status = status_of(pid)
        assert {status[name] for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd")} == {"0" * 16}
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "0" if observer.SANITIZED else "2")
        assert status["Uid"] == "65534"
        held = [os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()]
        assert not [one for one in held if "bpf" in one or "cgroup" in one], held
        daemon.scrape()


def test_a_reader_that_hangs_holds_up_only_those_who_want_its_numbers(own_closed_port):
    with metrics.Daemon([own_closed_port]) as daemon, connect(daemon) as waiting:
        with stopped(daemon.process.pid):
            waiting.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for _ in range(3):
                assert daemon.get("/healthz")[0] == 200
            assert not select.select([waiting], [], [], 0)[0]
        assert wire.read_response(waiting)[0] == 200


def test_a_port_that_hangs_holds_up_no_event(own_listener):
    with metrics.Daemon([wire.port_of(own_listener)], "--ring-size", "64K", "--log-premature") as daemon:
        with stopped(port_process(daemon)):
            for _ in range(1000):  # more than the ring has room for
                with wire.Pair(own_listener) as pair:
                    pair.exchange()
                    pair.close(first=pair.client)
            with wire.Pair(own_listener) as pair:  # the last of all
                pair.send_request()
                wire.reset(pair.server)
            daemon.wait_until(lambda: any("premature close" in line for line in daemon.errors), "the last event")
        scrape = daemon.scrape_until(
            lambda scrape: scrape.sum_of("keepwatch_connections_closed_total") == 2002, "all closes")
        assert scrape.sum_of("keepwatch_events_lost_total") == 0


def test_a_port_that_ends_ends_the_daemon_with_a_reason(own_closed_port):
    with metrics.Daemon([own_closed_port]) as daemon:
        os.kill(port_process(daemon), signal.SIGKILL)
        daemon.status = 1
        assert daemon.end() == 1
        assert daemon.errors[-1] == "keepwatch: the process of the metrics port has ended"


def test_the_port_follows_a_daemon_that_is_killed(own_closed_port):
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(metrics.Daemon([own_closed_port]))
        pid = port_process(daemon)
        daemon.process.kill()
        daemon.status = -signal.SIGKILL
        daemon.wait_until(lambda: not Path(f"/proc/{pid}/exe").exists(), "its end")


# ---- heads that two readers frame differently ----

BODIES = {
    "five bytes": b"0\r\n\r\n",  # a whole body for a reader of lengths and for one of chunks
    "none": b"",  # for a reader who takes no notice of a field
}
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEADS = {
    "a length and a coding": ["Content-Length: 5", "Transfer-Encoding: chunked"],
    "a coding and a length": ["Transfer-Encoding: chunked", "Content-Length: 5"],
    "two lengths": ["Content-Length: 5", "Content-Length: 6"],
    "twice the same length": ["Content-Length: 0", "Content-Length: 0"],
    "two lengths in one field": ["Content-Length: 0, 0"],
    "two codings": ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    "a coding that is none": ["Transfer-Encoding: identity"],
    "chunked is not the last": ["Transfer-Encoding: chunked, gzip"],
    "a blank before the colon": ["Content-Length : 5"],
    "a name with a blank": ["Content Length: 5"],
    "two hosts": ["Host: localhost"],
}


@pytest.fixture(scope="module")
def plain(own_closed_port):
    with metrics.Daemon([own_closed_port]) as daemon:
        yield daemon


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("fields", HEADS.values(), ids=HEADS.keys())
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_an_ambiguous_head_is_refused_and_closed(plain, body, method, fields, version):
    with connect(plain) as client:
        client.settimeout(wire.DEADLINE)
        client.sendall(wire.head(f"{method} /metrics HTTP/{version}", "Host: localhost", *fields) + body + SMUGGLED)
        answer = b""
        with contextlib.suppress(ConnectionResetError):  # because the rest of what was sent goes unread
            while piece := client.recv(65536):
                answer += piece
    assert set(re.findall(rb"^HTTP/1\.\d (\d\d\d) ", answer, re.M)) <= {b"400"}, answer
    assert not answer.endswith(b"ok\n"), "what was behind the head was taken for a request"


def test_a_body_with_one_length_is_passed_over(plain):
    with connect(plain) as client:
        for framing, body in (("Content-Length: 5", b"abcde"), ("Transfer-Encoding: chunked", b"1\r\na\r\n0\r\n\r\n")):
            client.sendall(wire.head("GET /healthz HTTP/1.1", "Host: localhost", framing) + body)
            assert wire.read_response(client) == (200, b"ok\n")


# ---- places ----


def test_a_crowd_from_one_address_pushes_out_only_its_own(plain):
    with contextlib.ExitStack() as stack, connect(plain, OTHER_ADDRESS) as friend:
        def scrape():
            friend.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert wire.read_response(friend) == (200, b"ok\n")

        scrape()
        for _ in range(5 * CROWD):
            stack.enter_context(connect(plain)).sendall(b"GET /metr")
        assert plain.get("/healthz")[0] == 200  # all that came before has been taken
        scrape()


def test_without_descriptors_idle_clients_go_and_the_daemon_lives(own_closed_port):
    """The limit is enough for the reader of events, and for the port without all the clients that it would keep."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = functools.partial(resource.setrlimit, resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))
    with metrics.Daemon([own_closed_port], preexec_fn=limit) as daemon, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(daemon)) for _ in range(CROWD)]
        daemon.wait_until(lambda: any("EMFILE" in line for line in daemon.errors), "the message")
        assert "it closes idle clients" in daemon.errors[-1]
        for client in clients[:30]:
            with contextlib.suppress(OSError):
                client.sendall(b"GET /")
        daemon.scrape()
        assert len([line for line in daemon.errors if "EMFILE" in line]) == 1, "not one for each connection"


def limit_descriptors(daemon, limit):
    """Of the port; its own user may do that, and root without CAP_SYS_RESOURCE may not."""
    subprocess.run(["prlimit", f"--pid={port_process(daemon)}", f"--nofile={limit}:"], check=True, user=NOBODY,
                   group=NOBODY, extra_groups=[])


@contextlib.contextmanager
def descriptors_left(daemon, count):
    """The port has room for so many more connections, in free numbers of descriptors below its limit."""
    taken = {int(name) for name in os.listdir(f"/proc/{port_process(daemon)}/fd")}
    free = [number for number in range(len(taken) + count + 1) if number not in taken]
    limit_descriptors(daemon, free[count])
    try:
        yield
    finally:
        limit_descriptors(daemon, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def ask_for_numbers(client):
    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return client


def test_without_descriptors_who_waits_for_an_answer_goes_after_all_who_are_idle(own_closed_port):
    """Those who wait hold more places than any address of the idle ones."""
    with metrics.Daemon([own_closed_port]) as daemon, contextlib.ExitStack() as stack:
        with descriptors_left(daemon, 20), stopped(daemon.process.pid):
            waiting = [ask_for_numbers(stack.enter_context(connect(daemon, OTHER_ADDRESS))) for _ in range(10)]
            assert daemon.get("/healthz")[0] == 200  # they have been taken
            for number in range(CROWD):
                stack.enter_context(connect(daemon, f"127.0.1.{number}"))
            assert daemon.get("/healthz")[0] == 200
        assert {wire.read_response(client)[0] for client in waiting} == {200}
        assert any("EMFILE" in line for line in daemon.errors)


def test_without_descriptors_and_idle_clients_the_largest_crowd_gives_way(own_closed_port):
    with metrics.Daemon([own_closed_port]) as daemon, contextlib.ExitStack() as stack:
        with descriptors_left(daemon, 20), stopped(daemon.process.pid):
            friend = ask_for_numbers(stack.enter_context(connect(daemon)))
            assert daemon.get("/healthz")[0] == 200  # it has been taken
            for _ in range(CROWD):
                with contextlib.suppress(ConnectionError):  # it has given way already
                    ask_for_numbers(stack.enter_context(connect(daemon, OTHER_ADDRESS)))
            with stopped(port_process(daemon)):  # they come at once
                newcomers = [stack.enter_context(connect(daemon, f"127.0.1.{number}")) for number in range(3)]
                for client in newcomers:
                    client.sendall(SMUGGLED)
            assert {wire.read_response(client) for client in newcomers} == {(200, b"ok\n")}
        assert wire.read_response(friend)[0] == 200


def sleeps(daemon):
    """How often the port had nothing to do."""
    return int(status_of(port_process(daemon))["voluntary_ctxt_switches"])


def test_the_last_descriptor_costs_nobody_his_place(own_closed_port):
    with metrics.Daemon([own_closed_port]) as daemon, contextlib.ExitStack() as stack:
        fds = Path(f"/proc/{port_process(daemon)}/fd")
        with descriptors_left(daemon, 20), stopped(daemon.process.pid):
            before = len(list(fds.iterdir()))
            waiting = [ask_for_numbers(stack.enter_context(connect(daemon))) for _ in range(20)]
            daemon.wait_until(lambda: len(list(fds.iterdir())) == before + 20, "all of them")
            slept = sleeps(daemon)
            daemon.wait_until(lambda: sleeps(daemon) > slept + 3, "what it does by its timers")
        assert {wire.read_response(client)[0] for client in waiting} == {200}
        assert not any("EMFILE" in line for line in daemon.errors)


def test_without_any_descriptor_the_port_sleeps_until_there_is_one(own_closed_port):
    with metrics.Daemon([own_closed_port]) as daemon:
        with descriptors_left(daemon, 0), connect(daemon) as client:
            client.sendall(SMUGGLED)
            daemon.wait_until(lambda: any("EMFILE" in line for line in daemon.errors), "the message")
            assert "it takes no connection for now" in daemon.errors[-1]
            before = sleeps(daemon)
            daemon.wait_until(lambda: sleeps(daemon) > before + 10, "pauses")
            assert not select.select([client], [], [], 0)[0]
        daemon.scrape()


# ---- passwords ----


@contextlib.contextmanager
def guessing(daemon, count=6):
    """Guesses another password each time, as fast as the answers come, by more clients than may wait for their turn."""
    over = threading.Event()
    answers, wrong = set(), set()

    def guess(number):
        with contextlib.suppress(OSError), connect(daemon) as client:
            while not over.is_set():
                number += count
                client.sendall(wire.head("GET /healthz HTTP/1.1", "Host: localhost",
                                         f"Authorization: Basic {basic('alice', str(number))}"))
                status, _ = wire.read_response(client)
                answers.add(status)
                wrong.update({threading.get_ident()} if status == 401 else {})

    threads = [threading.Thread(target=guess, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        daemon.wait_until(lambda: answers == {401, 429} and len(wrong) == count, "a wrong guess of each, and one without a place")
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert answers <= {401, 429}


def basic(name, password):
    return base64.b64encode(f"{name}:{password}".encode()).decode()


def test_guesses_do_not_lock_out_the_right_password_from_elsewhere(tmp_path, own_closed_port):
    text = f"basic_auth_users:\n  alice: {hashed(SECRET, BCRYPT_SLOW)}\n"
    with Daemon(tmp_path, text, [own_closed_port]) as daemon, guessing(daemon):
        check_status(f"{daemon.url}/metrics", 200, "-u", f"alice:{SECRET}", "--interface", OTHER_ADDRESS)


def test_guesses_do_not_lock_out_a_connection_that_has_not_guessed(tmp_path, own_closed_port):
    """Not even one from the same address: whoever guesses has to give way."""
    text = f"basic_auth_users:\n  alice: {hashed(SECRET, BCRYPT_SLOW)}\n"
    with Daemon(tmp_path, text, [own_closed_port]) as daemon, guessing(daemon):
        check_status(f"{daemon.url}/metrics", 200, "-u", f"alice:{SECRET}")


def test_a_password_is_known_on_after_a_reload_that_did_not_change_it(tmp_path, own_closed_port):
    text = f"basic_auth_users:\n  alice: {hashed(SECRET, BCRYPT_SLOW)}\n"
    known = ["-u", f"alice:{SECRET}"]
    with Daemon(tmp_path, text, [own_closed_port]) as daemon:
        check_status(f"{daemon.url}/metrics", 200, *known)
        with guessing(daemon):
            for _ in range(3):
                daemon.reload(text + f"  bob: {hashed('another')}\n")
                check_status(f"{daemon.url}/metrics", 200, *known)
            daemon.reload(f"basic_auth_users:\n  alice: {hashed('new', BCRYPT_SLOW)}\n")
            assert ask(f"{daemon.url}/metrics", *known)[1] in (401, 429)


# ---- TLS ----


class Rsa(Authority):
    """Whose server has a key that takes long to sign with."""

    def server(self, name="server"):
        openssl("req", "-x509", "-CA", self.folder / "ca.pem", "-CAkey", self.folder / "ca.key", "-newkey", "rsa:4096",
                "-nodes", "-days", "2", "-subj", "/CN=server", "-keyout", self.folder / f"{name}.key",
                "-out", self.folder / f"{name}.pem", "-addext", "subjectAltName=IP:127.0.0.1",
                "-addext", "basicConstraints=CA:FALSE")
        return name


@pytest.fixture(scope="module")
def rsa(tmp_path_factory):
    authority = Rsa(tmp_path_factory.mktemp("rsa"))
    authority.server()
    return authority


@pytest.fixture(scope="module")
def slow_to_sign(rsa, tmp_path_factory, own_closed_port):
    with Daemon(tmp_path_factory.mktemp("slow"), tls(rsa) + users(alice=SECRET), [own_closed_port]) as daemon:
        yield daemon


@pytest.mark.parametrize("ciphers, taken", [
    ("ECDHE-RSA-AES128-GCM-SHA256", True),
    ("ECDHE-RSA-AES256-GCM-SHA384", True),
    ("ECDHE-RSA-CHACHA20-POLY1305", True),
    ("AES128-GCM-SHA256:AES256-GCM-SHA384", False),
    ("ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384", False),
    ("AES128-SHA:AES256-SHA:AES128-SHA256:AES256-SHA256", False),
])  # fmt: skip
def test_tls_1_2_has_only_forward_secrecy_and_authenticated_ciphers(slow_to_sign, rsa, ciphers, taken):
    options = trusting(rsa, "--tls-max", "1.2", "--ciphers", f"{ciphers}:@SECLEVEL=0", "-u", f"alice:{SECRET}")
    done, status, text = ask(f"{slow_to_sign.url}/healthz", *options)
    assert (done, status) == ((0, 200) if taken else (35, 0)), text


CERTIFICATES = {
    # the names of a client's certificate, and whether it is let in
    "DNS:ops.example": True,
    "IP:10.0.0.7": True,
    "email:ops@example": True,
    "URI:https://ops.example/": True,
    "DNS:dev.example,DNS:ops.example": True,
    "DNS:dev.example": False,
    "DNS:ops.example.evil.example": False,
    "DNS:ops": False,
    "DNS:10.0.0.70": False,
    "RID:1.2.3.4": False,  # of a kind that client_allowed_sans cannot have
    "": False,
}


def test_another_key_that_exporters_have_is_understood(authority, tmp_path, own_closed_port):
    """client_allowed_sans."""
    for number, names in enumerate(CERTIFICATES):
        authority.sign(str(number), "ca", *([f"subjectAltName={names}"] if names else []), "extendedKeyUsage=clientAuth")
    text = tls(authority, client_auth_type="RequireAndVerifyClientCert", client_ca_file=f"{authority.folder}/ca.pem",
               client_allowed_sans="[ops.example, 10.0.0.7, ops@example, 'https://ops.example/']")
    with Daemon(tmp_path, text, [own_closed_port]) as daemon:
        let_in = {names: ask(f"{daemon.url}/healthz", *presenting(authority, str(number)))[:2] == (0, 200)
                  for number, names in enumerate(CERTIFICATES)}
    assert let_in == CERTIFICATES


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    authority.server()
    return authority


def client_hello():
    outgoing = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    return outgoing.read()


def test_a_newcomer_waits_for_no_crowd_of_handshakes(slow_to_sign, rsa):
    """The order is by address: of a crowd that came before from elsewhere, most are served after."""
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(connect(slow_to_sign)) for _ in range(CROWD)]
        hello = client_hello()
        for client in crowd:
            client.sendall(hello)
        check_status(f"{slow_to_sign.url}/healthz", 200,
                     *trusting(rsa, "-u", f"alice:{SECRET}", "--interface", OTHER_ADDRESS))
        served, _, _ = select.select(crowd, [], [], 0)
        assert len(served) < CROWD // 2
        slow_to_sign.wait_until(lambda: len(select.select(crowd, [], [], 0)[0]) == CROWD, "the turns of all")
        for client in crowd:
            assert client.recv(1) == b"\x16", "a handshake record, so it was served and not closed"


def test_half_a_hello_takes_no_turn(slow_to_sign, rsa):
    with contextlib.ExitStack() as stack:
        hello = client_hello()
        crowd = [stack.enter_context(connect(slow_to_sign)) for _ in range(CROWD)]
        for count, client in enumerate(crowd):
            client.sendall(hello[: 1 + count])
        check_status(f"{slow_to_sign.url}/healthz", 200, *trusting(rsa, "-u", f"alice:{SECRET}"))
        crowd[-1].sendall(hello[CROWD:])
        assert crowd[-1].recv(1) == b"\x16"
