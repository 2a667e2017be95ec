# SPDX-License-Identifier: BSD-2-Clause
"""Probes in TLS libraries come and go (--tls): programs are not disturbed, nothing stays behind however an observer ends, and it does
not matter in which namespaces a program runs, or what it may do."""

import concurrent.futures
import contextlib
import os
import platform
import select
import signal
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from lib import kernel, observer, openssl, tls, tls_servers, wire
from lib.child import child
from lib.sessions import Session

LIBRARY = Path(f"/usr/lib/{platform.machine()}-linux-gnu/libssl.so.3")


def children_of(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def wait_until_gone(pid):
    """A process ends soon after its last descriptor of its own is closed."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with contextlib.closing(os.fdopen(fd)):
        assert select.select([fd], [], [], wire.DEADLINE)[0], "the process that puts probes into libraries is still there"


# ---- under load ---------------------------------------------------------------------------------------

LANES = 4  # observers at once
ROUNDS = int(os.environ.get("KEEPWATCH_ROUNDS", "24"))
ENDINGS = [
    (lambda trace, _: trace.process.terminate(), 0),
    (lambda trace, _: trace.process.kill(), -signal.SIGKILL),
    (lambda trace, _: trace.process.send_signal(signal.SIGABRT), -signal.SIGABRT),
    (lambda _, attacher: os.kill(attacher, signal.SIGKILL), 1),
]


class Load:
    """Clients of a server, in threads, from connection to connection."""

    def __init__(self, address, context):
        self.address, self.context = address, context
        self.stop = threading.Event()
        self.visits = 0

    def visit(self):
        with wire.Client(self.address) as one:
            end = one.client = self.context.wrap_socket(one.client, server_hostname=tls.NAME)
            for _ in range(3):
                end.sendall(wire.GET)
                assert wire.read_response(end)[0] == 200

    def run(self):
        while not self.stop.is_set():
            self.visit()
            self.visits += 1

    @contextlib.contextmanager
    def running(self, threads):
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            running = [pool.submit(self.run) for _ in range(threads)]
            try:
                yield self
            finally:
                self.stop.set()
            for one in running:
                one.result(wire.DEADLINE)


def round_of(port, load, end, status):
    """An observer comes, sees traffic, and ends."""
    trace = observer.Observer("--core=0", observer.BINARY, "trace", "--port", str(port), "--tls", program=["prlimit"])
    trace.status = status
    with trace:
        before = load.visits
        (attacher,) = children_of(trace.process.pid)
        held = {(kind, number) for kind, number in kernel.held_by(attacher) if kind == "link"}
        assert held, "no library has probes"
        trace.wait_until(lambda: load.visits > before + 1, "traffic")
        end(trace, attacher)
        trace.end()
    wait_until_gone(attacher)
    assert kernel.left_of(held) == set()


@contextlib.contextmanager
def waiting_within_the_library(certificates):
    """A thread is within SSL_read() from before to after; what it gets then is right."""
    with contextlib.ExitStack() as stack:
        pair = stack.enter_context(wire.Pair(stack.enter_context(wire.listen())))
        contexts = openssl.Context("1.3"), openssl.Context("1.3", certificates.server, certificates.server_key)
        client, server = [stack.enter_context(openssl.Object(stack.enter_context(one))) for one in contexts]
        client.use(pair.client, deadline=0)
        server.use(pair.server)
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(1))
        accepted = pool.submit(server.accept)
        client.connect()
        accepted.result(wire.DEADLINE)
        got = pool.submit(client.receive, len(wire.OK))
        try:
            yield
        finally:
            server.send(wire.OK)
        assert got.result(wire.DEADLINE) == wire.OK


def test_probes_come_and_go_under_load(nothing_left, certificates, tmp_path):
    """Programs are not disturbed, and nothing stays behind however an observer ends."""
    del nothing_left
    with wire.listen() as listener:
        port = wire.port_of(listener)
    place = tls_servers.Place(tmp_path, port, certificates, idle=60)
    with tls_servers.server("nginx", place) as server, waiting_within_the_library(certificates):
        load = Load(server.address, tls.client_context(certificates))
        with load.running(2), concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
            rounds = [lanes.submit(round_of, port, load, *ENDINGS[number % len(ENDINGS)]) for number in range(ROUNDS)]
            for one in rounds:
                one.result()


# ---- programs elsewhere, and programs that may do little --------------------------------------------------

SERVER = """
import socket, ssl, sys
{before}
listener = socket.socket(fileno=int(sys.argv[1]))
listener.setblocking(True)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(*sys.argv[2:4])
while True:
    with context.wrap_socket(listener.accept()[0], server_side=True) as end:
        while end.recv(1000):
            end.sendall({answer!r})
"""
NOT_DUMPABLE = """
import ctypes
assert ctypes.CDLL(None).prctl(4, 0, 0, 0, 0) == 0  # PR_SET_DUMPABLE
"""
# The end of a probed function is a system call of its own, which no filter of a program can know: uretprobe and uprobe of x86_64.
FILTERED = """
import ctypes, struct
program = b"".join(struct.pack("HBBI", *one) for one in (
    (0x20, 0, 0, 0),           # the system call's number
    (0x15, 1, 0, 335),
    (0x15, 0, 1, 336),
    (0x06, 0, 0, 0x80000000),  # SECCOMP_RET_KILL_PROCESS
    (0x06, 0, 0, 0x7fff0000),  # SECCOMP_RET_ALLOW
))
room = ctypes.create_string_buffer(program)
rule = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 5, ctypes.addressof(room)))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0                          # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, ctypes.c_void_p(ctypes.addressof(rule)), 0, 0) == 0  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
"""
UNSHARE = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"]
HIDDEN = 'mount -t tmpfs none "$1" && cp {library} "$1" && shift && exec "$@"'
PLACES = {"user, mount and process namespaces": "", "not dumpable": NOT_DUMPABLE, "behind a filter": FILTERED}


@contextlib.contextmanager
def serving(listener, certificates, folder, before):
    """A server with a copy of the library that nobody else sees."""
    script = textwrap.dedent(SERVER).format(before=before, answer=wire.OK)
    arguments = [sys.executable, "-c", script, str(listener.fileno()), certificates.server, certificates.server_key]
    hidden = ["sh", "-c", HIDDEN.format(library=LIBRARY), "sh", folder, *arguments]
    own = {"LD_LIBRARY_PATH": str(folder), "PATH": os.environ["PATH"]}
    with child([*UNSHARE, *hidden], pass_fds=[listener.fileno()], env=own) as process:
        try:
            yield process
        finally:
            process.kill()


def ask(address, context):
    """A connection of two requests. Returns its name."""
    with wire.Client(address) as one:
        end = one.client = context.wrap_socket(one.client, server_hostname=tls.NAME)
        for _ in range(2):
            end.sendall(wire.GET)
            assert wire.read_response(end) == (200, b"ok\n")
        return one.client_name


@pytest.mark.parametrize("place", PLACES)
def test_a_library_is_read_wherever_its_program_runs(nothing_left, certificates, tmp_path, place):
    """The first connection may come before the probes: it is what shows that they are needed."""
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], "--tls") as trace:
        with serving(listener, certificates, tmp_path, PLACES[place]) as process:
            names = [ask(listener.getsockname(), tls.client_context(certificates)) for _ in range(3)]
            assert process.poll() is None, "the server has ended"
            records = [trace.wait_for(1, remote=name)[0] for name in names]
        for record in records[1:]:
            assert record["tls"]["plaintext"] == "openssl", record
            assert (record["requests"], record["responses"], record["confidence"]) == (2, 2, "certain"), record
        for name in names:
            trace.wait_for(1, local=name)


def test_without_any_library_records_are_told_by_those_of_tls(nothing_left, certificates):
    """The observer sees no process but itself, and a host without OpenSSL."""
    del nothing_left
    alone = f'mount --bind /dev/null {LIBRARY} && exec "$@"'
    command = ["unshare", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child", "sh", "-c", alone, "sh", observer.BINARY]
    with wire.listen() as listener:
        trace = observer.Trace([wire.port_of(listener)], "--tls", program=None)
        trace.arguments = [*command, *trace.arguments[1:]]
        with trace:
            (inner,) = children_of(trace.process.pid)
            (attacher,) = children_of(inner)
            with Session(listener, certificates, "1.3") as session:
                session.exchange()
                session.close(first=session.client)
            (record,) = trace.wait_for(1, local=session.client_name)
            assert record["protocol"] == "tls" and record["tls"]["plaintext"] is None
            os.kill(inner, signal.SIGTERM)
            trace.end()
        wait_until_gone(attacher)
