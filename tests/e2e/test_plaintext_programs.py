# SPDX-License-Identifier: BSD-2-Clause
"""Which files get probes with --tls: programs that have OpenSSL within them, files in other mount namespaces, files that were replaced
while they ran; and how `check --tls` names the others.

A program that brings its own library is known from its first connection on, because keepwatch looks at it then. So that one is judged by
records, and the next one is read."""

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_plaintext import children_of, free_port, tls_nginx

from lib import links, observer
from lib.child import child
from lib.observer import BUILD

LIB = BUILD / "tests" / "e2e" / "lib"
LINKS_OF_A_FILE = 3


@pytest.fixture(scope="module")
def watched(nothing_left, certificates, tmp_path_factory):
    """The port of a server, and an observer of it that reads plaintext."""
    del nothing_left
    with tls_nginx(tmp_path_factory.mktemp("nginx"), certificates) as port, observer.Trace([port], "--tls") as trace:
        yield port, trace


@pytest.fixture(name="program")
def a_program(tmp_path):
    """A client with OpenSSL linked into it, whose functions it exports. A file of this test alone, so that it has no probes yet."""
    return stripped("static_tls_exported", tmp_path)


def copied(name, folder):
    return Path(shutil.copy(LIB / name, folder / ("newer" if (folder / "program").exists() else "program")))


def stripped(name, folder):
    program = copied(name, folder)
    subprocess.run(["strip", program], check=True)
    return program


def probes_in(trace, folder):
    """How many links of probes are in files named "program" in the folder, or in one below it."""
    (attacher,) = children_of(trace.process.pid)
    paths = [Path(path.removesuffix(" (deleted)")) for path in links.paths_of(attacher)]
    return len([path for path in paths if folder in path.parents and path.name == "program"])


class Client:
    """Runs the program; asks when it is told to."""

    def __init__(self, process):
        self.process = process

    def ask(self):
        """One request. Returns its address."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        address = self.process.stdout.readline().strip()
        assert address, "the program ended"
        return address


@contextlib.contextmanager
def running(command, port):
    with child([*command, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Client(process)
        process.stdin.close()


def plaintext_of(trace, address):
    (record,) = trace.wait_for(1, local=address)
    assert record["tls"]["plaintext"] is None or (record["requests"], record["responses"], record["confidence"]) == (1, 1, "certain")
    return record["tls"]["plaintext"]


def check_read_from_the_second_on(trace, client, folder, count=LINKS_OF_A_FILE):
    """On the first one keepwatch looks at its process; unless it has done so before, because it does that from time to time."""
    client.ask()
    trace.wait_until(lambda: probes_in(trace, folder) == count, "its probes")
    assert plaintext_of(trace, client.ask()) == "openssl"


@pytest.mark.parametrize("make", [lambda folder: stripped("static_tls_exported", folder), lambda folder: copied("static_tls", folder)],
                         ids=["exported", "with symbols"])  # fmt: skip
def test_a_library_within_a_program_is_read(watched, tmp_path, make):
    port, trace = watched
    program = make(tmp_path)
    with running([program], port) as client:
        check_read_from_the_second_on(trace, client, tmp_path)
        with running([program], port) as other:  # which maps a file that has probes
            assert plaintext_of(trace, other.ask()) == "openssl"


def test_a_library_without_symbols_is_judged_by_records(watched, tmp_path):
    port, trace = watched
    program = stripped("static_tls", tmp_path)
    with running([program], port) as client:
        addresses = [client.ask() for _ in range(2)]
        name = "would get no probes, because its TLS is not known inside: OpenSSL, without symbols"
        assert f"library  {program} (process {client.process.pid}): {name}" in said()
        assert [plaintext_of(trace, one) for one in addresses] == [None, None]
    assert probes_in(trace, tmp_path) == 0


NODE = """
const fs = require('fs'), https = require('https'), [,, cert, key, port] = process.argv;
const options = { port, host: '127.0.0.1', rejectUnauthorized: false, agent: false };
const answer = (request, response) => response.end('ok');
https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, answer).listen(port, '127.0.0.1', () => {
    require('readline').createInterface({ input: process.stdin }).on('close', () => process.exit()).on('line', () => {
        https.get(options, (response) => {
            const { localAddress, localPort } = response.socket;
            response.resume().on('end', () => console.log(`${localAddress}:${localPort}`));
        });
    });
});
"""


@pytest.mark.parametrize("version", ["16.20.2", "24.22.3"], ids=["OpenSSL 1.1.1", "OpenSSL 3.5"])
def test_node_is_read(nothing_left, certificates, tmp_path, version):
    """At both ends: its library reads and writes memory, and another part of it sends and receives."""
    del nothing_left
    port = free_port()
    program, script = shutil.copy(BUILD / "tests" / f"node-{version}", tmp_path / "program"), tmp_path / "script.js"
    script.write_text(NODE)
    with observer.Trace([port], "--tls") as trace, running([program, script, certificates.server, certificates.server_key], port) as node:
        node.ask()
        trace.wait_until(lambda: probes_in(trace, tmp_path) == LINKS_OF_A_FILE, "its probes")
        client = node.ask()
        assert plaintext_of(trace, client) == "openssl"
        (server,) = trace.wait_for(1, remote=client)
        assert server["tls"]["plaintext"] == "openssl" and server["requests"] == server["responses"] == 1


# ---- where the file is --------------------------------------------------------------------------------


def elsewhere(program, folder, mount):
    """A command that runs the program from a file system that only its mount namespace has."""
    (folder / "inside").mkdir()
    script = f"{mount}; cp -n {program} {folder}/inside/program && exec {folder}/inside/program $1"
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh"]


def test_a_file_in_a_container_is_read(watched, program, tmp_path):
    """And its probes leave with its last process, because they would keep the file system from being unmounted."""
    port, trace = watched
    with running(elsewhere(program, tmp_path, f"mount -t tmpfs none {tmp_path}/inside"), port) as client:
        check_read_from_the_second_on(trace, client, tmp_path)
        assert not (tmp_path / "inside" / "program").exists()
    trace.wait_until(lambda: probes_in(trace, tmp_path) == 0, "the end of the probes")


def test_containers_share_the_probes_of_a_layer(watched, program, tmp_path):
    """The same file, of two overlays: with probes of each, every call would be looked at twice."""
    port, trace = watched
    layer = tmp_path / "layer"
    layer.mkdir()
    shutil.move(program, layer / "program")
    with contextlib.ExitStack() as stack:
        clients = []
        for i in range(2):
            folder = tmp_path / str(i)
            folder.mkdir()
            for name in "upper", "work":
                (folder / name).mkdir()
            overlay = f"lowerdir={layer},upperdir={folder}/upper,workdir={folder}/work"
            command = elsewhere(layer / "program", folder, f"mount -t overlay none -o {overlay} {folder}/inside")
            clients.append(stack.enter_context(running(command, port)))
        check_read_from_the_second_on(trace, clients[0], tmp_path)
        for _ in range(2):
            assert plaintext_of(trace, clients[1].ask()) == "openssl"
        assert probes_in(trace, tmp_path) == LINKS_OF_A_FILE


def test_a_file_that_was_replaced_is_read(watched, program, tmp_path):
    """As by an upgrade while it runs: its name is another file's now."""
    port, trace = watched
    with running([program], port) as client:
        newer = copied("static_tls_exported", tmp_path)
        newer.rename(program)
        with open(f"/proc/{client.process.pid}/maps", encoding="ascii") as maps:
            assert f"{program} (deleted)" in maps.read()
        check_read_from_the_second_on(trace, client, tmp_path)
        with running([program], port) as other:
            check_read_from_the_second_on(trace, other, tmp_path, 2 * LINKS_OF_A_FILE)


# ---- what check says ----------------------------------------------------------------------------------


def said():
    return subprocess.run([observer.BINARY, "check", "--tls"], check=True, capture_output=True, text=True).stdout.splitlines()


@contextlib.contextmanager
def mapped(library, code):
    """A process that has a library of this code mapped; its id."""
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, "-x", "c", "-"], input=code, text=True, check=True)
    script = f"import ctypes; ctypes.CDLL('{library}'); print(); input()"
    with child([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline()
        yield process.pid
        process.communicate("\n")


@pytest.mark.parametrize(
    "source, name",
    [
        ("int wolfSSL_read(void) { return 0; }", "wolfSSL"),
        ("int mbedtls_ssl_read(void) { return 0; }", "mbedTLS"),
        ("int SSL_ImportFD(void) { return 0; }", "NSS"),
        ("int JNI_CreateJavaVM(void) { return 0; }", "Java's virtual machine, whose TLS (JSSE) is compiled while it runs"),
        ("char text[400000] = \"a\"; const char path[] = \"/src/rustls-0.21.0/src/conn.rs\";", "rustls"),
        ("char text[400000] = \"a\"; const char path[] = \"OpenSSL 1.1.1 (compatible; BoringSSL)\";", "BoringSSL, without symbols"),
    ],
    ids=["wolfSSL", "mbedTLS", "NSS", "Java", "rustls", "BoringSSL"],
)
def test_check_names_what_gets_no_probes(tmp_path, source, name):
    library = tmp_path / "library.so"
    with mapped(library, "int main_of_it(void) { return 0; }" + source) as pid:
        line = f"library  {library} (process {pid}): would get no probes, because its TLS is not known inside: {name}"
        assert line in said()


def test_check_knows_relatives_of_openssl(tmp_path):
    library = tmp_path / "library.so"
    names = ["SSL_read", "SSL_write", "SSL_new", "SSL_get_client_random", "SSL_CTX_set_min_proto_version"]
    code = "".join(f"int {name}(void) {{ return 0; }}" for name in names)
    with mapped(library, code) as pid:
        why = "it is not OpenSSL, but goes on with its code: LibreSSL, BoringSSL or AWS-LC"
        assert f"library  {library} (process {pid}): would get no probes, because {why}" in said()


def test_check_says_what_it_was_tried_with():
    assert "tried    --tls with OpenSSL 1.1.1, 3.0 and 3.5, GnuTLS 3.7, and Go 1.19 to 1.26" in said()
