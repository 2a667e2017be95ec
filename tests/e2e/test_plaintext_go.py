# SPDX-License-Identifier: BSD-2-Clause
"""HTTP inside TLS, read where Go's crypto/tls takes and gives it (--tls): the scenes of test_plaintext.py, many connections of one
process, and programs of Go."""

import collections
import contextlib
import json
import os
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from test_plaintext import SCENES, check_alike, children_of, free_port, tls_nginx

from lib import go_tls, observer, tls, tls_servers, wire
from lib.servers.process import LISTEN, count_sockets, wait_until


@pytest.fixture(scope="module")
def holders(tmp_path_factory, certificates):
    """Two processes, one of a program with symbols, one without; and a third that may lie anywhere in memory."""
    with (
        go_tls.Holder(tmp_path_factory.mktemp("plain"), certificates) as plain,
        go_tls.Holder(tmp_path_factory.mktemp("stripped"), certificates, *go_tls.STRIPPED) as stripped,
        go_tls.Holder(tmp_path_factory.mktemp("movable"), certificates, *go_tls.STRIPPED, *go_tls.MOVABLE) as movable,
    ):
        yield {"plain": plain, "stripped": stripped, "movable": movable}


@pytest.fixture(scope="module")
def watched(nothing_left, holders):
    """A listener, and an observer of it that reads plaintext."""
    del nothing_left, holders
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], "--tls") as trace:
        yield listener, trace


@pytest.mark.parametrize("version", tls.VERSIONS)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_session_says_what_its_twin_in_clear_text_says(watched, holders, scene, version):
    listener, trace = watched
    with wire.Pair(listener) as clear:
        scene(clear)
    with go_tls.Session(listener, holders["plain"], holders["stripped"], version) as session:
        scene(session)
    for plain, read in zip(trace.ends(clear), trace.ends(session)):
        assert read["tls"]["plaintext"] == "go", read
        check_alike(read, plain)


@pytest.mark.parametrize("version", tls.VERSIONS)
def test_a_record_of_which_a_part_has_gone_is_none_that_somebody_else_sent(watched, holders, version):
    listener, trace = watched
    with go_tls.Session(listener, holders["plain"], holders["stripped"], version) as session:
        session.send_request()
        session.send_response(wire.OK.replace(b": 3", b": 100000000")[:-3])
        session.server.send_in_vain(100_000_000)
        session.server.close()
        wire.read_to_end(session.client.plain)
        session.client.close()
    for read in trace.ends(session):
        assert read["tls"]["plaintext"] == "go", read
        assert (read["reason"], read["confidence"], read["lost_requests"]) == ("response_truncated", "certain", 1), read


# ---- the probes of a file -----------------------------------------------------------------------------


def attacher_of(trace):
    (attacher,) = children_of(trace.process.pid)
    return attacher


def links_of(process, path):
    """The kernel's own description of each probe's link, as a dictionary, and the offsets of its probes."""
    links = []
    for name in os.listdir(f"/proc/{process}/fdinfo"):
        try:
            text = Path(f"/proc/{process}/fdinfo/{name}").read_text()
        except FileNotFoundError:  # it has been closed since
            continue
        if "link_type:" in text and f"path:\t{path}\n" in text:
            facts, _, probes = text.partition("cookie\t offset\t ref_ctr_offset\n")
            link = dict(line.split(":\t", 1) for line in facts.splitlines())
            links.append((link, [int(line.split()[1], 16) for line in probes.splitlines()]))
    return links


# ---- many connections at once -------------------------------------------------------------------------

AT_ONCE = 200
IN_ROUNDS = 2


def crowd(*arguments, flags=()):
    """The program lib/go_crowd.go, running."""
    command = [go_tls.program("go_crowd", *flags), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextlib.contextmanager
def serving(certificates, how="serve", flags=()):
    """A server's port."""
    port = free_port()
    with crowd(how, f"127.0.0.1:{port}", certificates.server, certificates.server_key, flags=flags) as server:
        try:
            wait_until(lambda: count_sockets(port, LISTEN), "a server of Go")
            yield port
            assert server.poll() is None, "the server has ended"
        finally:
            server.kill()


def said_by(program):
    """The clients that a program says it had, when it has ended."""
    said = program.communicate(timeout=wire.DEADLINE)[0]
    assert program.returncode == 0
    return json.loads(said)


def give_probes(trace, *arguments, flags=()):
    """Runs the program, which nobody has seen, until its file has probes."""
    with crowd(*arguments, flags=flags) as program:
        path = go_tls.program("go_crowd", *flags)
        trace.wait_until(lambda: any(link["link_type"] for link, _ in links_of(attacher_of(trace), path)), "probes")
        said_by(program)


def name_of(client):
    host, _, port = client["Name"].rpartition(":")
    return wire.Name((host, int(port)), datetime.fromisoformat(client["Since"][:26].rstrip("Z") + "+00:00"))


def check_clients(trace, clients, roles=("client", "server")):
    """Each end of each connection has just what its client did. Ports are given out again: two with the same are not told apart."""
    names = collections.Counter(one["Name"] for one in clients)
    alone = [one for one in clients if names[one["Name"]] == 1]
    assert len(alone) > len(clients) / 2
    for one in alone:
        name = name_of(one)
        wanted = {"requests": one["Good"] + one["Bad"], "responses": one["Good"] + one["Bad"], "confidence": "certain"}
        for role in roles:
            (read,) = trace.wait_for(1, role=role, **{"local" if role == "client" else "remote": name})
            assert read["tls"]["plaintext"] == "go" and read["protocol"] == "http/1.1", read
            assert {key: read[key] for key in wanted} == wanted, read


def test_many_connections_of_one_process_are_not_mixed_up(nothing_left, certificates):
    """Both ends of all are in it, and the goroutines of each end go from thread to thread."""
    del nothing_left
    port = free_port()
    with observer.Trace([port], "--tls") as trace:
        address = f"127.0.0.1:{port}"
        give_probes(trace, "both", address, certificates.server, certificates.server_key, 1, 1)
        with crowd("both", address, certificates.server, certificates.server_key, AT_ONCE, IN_ROUNDS) as program:
            clients = said_by(program)
        assert len(clients) == AT_ONCE * IN_ROUNDS
        check_clients(trace, clients)


def test_a_client_may_send_while_it_receives(nothing_left, certificates):
    del nothing_left
    with serving(certificates, flags=go_tls.STRIPPED) as port, observer.Trace([port], "--tls") as trace:
        with crowd("duplex", f"127.0.0.1:{port}", 500, flags=go_tls.STRIPPED) as program:
            clients = said_by(program)
        check_clients(trace, clients)


# ---- what is not covered ------------------------------------------------------------------------------


def test_a_connection_behind_another_type_is_judged_by_its_records(nothing_left, certificates):
    """Its descriptor is in a place that only the program knows."""
    del nothing_left
    with serving(certificates, "hide") as port, observer.Trace([port], "--tls") as trace:
        with crowd("visit", f"127.0.0.1:{port}", 10, 1) as program:
            clients = said_by(program)
        check_clients(trace, clients, roles=["client"])
        for one in clients:
            (read,) = trace.wait_for(1, role="server", remote=name_of(one))
            assert read["protocol"] == "tls" and read["tls"]["plaintext"] is None


# ---- programs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version, protocol", [("--http1.1", "http/1.1"), ("--http2", "h2")])
def test_caddy_is_read(nothing_left, certificates, tmp_path, version, protocol):
    """Debian's, which is stripped."""
    del nothing_left
    place = tls_servers.Place(tmp_path, free_port(), certificates, idle=60)
    url = f"https://127.0.0.1:{place.port}/"
    with tls_servers.server("caddy", place), observer.Trace([place.port], "--tls") as trace:
        subprocess.run(["curl", "-sk", version, url, url], check=True, stdout=subprocess.DEVNULL)
        for role, library in ("client", "openssl"), ("server", "go"):
            (read,) = trace.wait_for(1, role=role)
            assert read["tls"]["plaintext"] == library and read["protocol"] == protocol, read
            assert read["requests"] == read["responses"] == 2, read


def test_a_client_of_go_is_read(nothing_left, certificates, tmp_path):
    del nothing_left
    with tls_nginx(tmp_path, certificates) as port, observer.Trace([port], "--tls") as trace:
        give_probes(trace, "visit", f"127.0.0.1:{port}", 1, 1)
        with crowd("visit", f"127.0.0.1:{port}", 10, 1) as program:
            clients = said_by(program)
        check_clients(trace, clients, roles=["client"])


def test_the_first_connection_of_a_new_process_is_read(nothing_left, certificates):
    """Once its program's file has probes."""
    del nothing_left
    with serving(certificates) as port, observer.Trace([port], "--tls") as trace:
        give_probes(trace, "visit", f"127.0.0.1:{port}", 1, 1, flags=go_tls.MOVABLE)
        for _ in range(3):
            with crowd("visit", f"127.0.0.1:{port}", 1, 1, flags=go_tls.MOVABLE) as program:
                clients = said_by(program)
            check_clients(trace, clients)


def test_check_lists_programs_of_go(holders):
    said = subprocess.run([observer.BINARY, "check", "--tls"], check=True, capture_output=True, text=True).stdout
    for holder in holders.values():
        assert f"{holder.command[0]} (process {holder.process.pid}): would get probes" in said


# ---- the probes ---------------------------------------------------------------------------------------


def is_carried_out_by_the_kernel(code):
    """A call or a jump on a condition: see arch/x86/kernel/uprobes.c, branch_setup_xol_ops()."""
    return code[0] == 0xE8 or 0x70 <= code[0] <= 0x7F or (code[0] == 0x0F and 0x80 <= code[1] <= 0x8F)


def test_no_return_of_go_is_changed(watched, holders):
    """The kernel would put another return address on a goroutine's stack. Go ends the program when it moves such a stack."""
    _, trace = watched
    for holder in holders.values():
        path = holder.command[0]
        links = links_of(attacher_of(trace), path)
        assert sum(len(offsets) for _, offsets in links) == 5, links
        for link, offsets in links:
            assert link["link_type"] == "uprobe_multi", link
            with open(path, "rb") as file:
                assert all(is_carried_out_by_the_kernel(os.pread(file.fileno(), 2, offset)) for offset in offsets)


ROUNDS = int(os.environ.get("KEEPWATCH_ROUNDS", "1")) * 20


def test_probes_come_and_go_under_load(nothing_left, certificates):
    """Programs are not disturbed, and each observer reads what they say."""
    del nothing_left
    with serving(certificates) as port, crowd("load", f"127.0.0.1:{port}", flags=go_tls.STRIPPED) as load:
        try:
            for _ in range(ROUNDS):
                with observer.Trace([port], "--tls") as trace:
                    trace.wait_until(lambda: both_read(trace), "connections that are read at both ends")
                assert load.poll() is None, "the clients have ended"
        finally:
            load.stdin.close()
        assert load.wait(wire.DEADLINE) == 0


def both_read(trace):
    return {one["role"] for one in trace.records() if one["tls"] and one["tls"]["plaintext"] == "go"} == {"client", "server"}
