# SPDX-License-Identifier: BSD-2-Clause
"""Where a connection's owner lives: its control group, container and pod; and its network namespace, whoever
holds that, also for connections that are older than the observer."""

import contextlib
import os
import socket
import subprocess

import pytest

from lib import cgroups, metrics, namespaces, observer, wire
from lib.child import child

ID = "4f1c9d2be8a07356c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8"
OTHER = "00c9d2be8a07356c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b84"
POD = "0a8f1a52-6c3e-4d2b-9f10-7e5d4c3b2a19"
PODS = f"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{POD.replace('-', '_')}.slice"
SYSTEMD = f"{PODS}/cri-containerd-{ID}.scope"
NESTED = f"docker/{OTHER}/docker/{ID}"
NAME = 151  # bytes of a path that become a name
MONITOR = f"machine.slice/libpod-conmon-{ID}.scope"


@pytest.fixture(scope="module")
def hierarchy(tmp_path_factory):
    with cgroups.mounted(tmp_path_factory.mktemp("cgroup2")) as mount:
        yield mount


@pytest.fixture
def group(hierarchy):
    """Makes groups, by their paths."""
    with contextlib.ExitStack() as stack:

        def make(path):
            made = cgroups.Cgroup(hierarchy, path)
            stack.callback(made.close)
            return made

        yield make


def use(listener, client, server):
    """One connection, whose ends are each used first within a group."""
    with client.inside():
        pair = wire.Pair(listener)
        pair.client.sendall(wire.GET)
    with server.inside():
        assert wire.read_exactly(pair.server, len(wire.GET)) == wire.GET
        pair.send_response()
    return pair


def place(record):
    return record["cgroup"], record["container"], record.get("pod")


def test_the_path_tells_the_container_and_the_pod_of_each_end(own_listener, group):
    systemd, nested, monitor = group(SYSTEMD), group(NESTED + "/init.scope"), group(MONITOR)
    with observer.Trace([wire.port_of(own_listener)]) as trace:
        for client, server in (systemd, nested), (nested, monitor):
            with use(own_listener, client, server) as pair:
                pair.close(first=pair.client)
            told = [place(one) for one in trace.both(pair)]
            expected = {systemd: (ID[:12], POD), nested: (ID[:12], None), monitor: (None, None)}
            assert told == [(end.name, *expected[end]) for end in (client, server)]


def test_what_was_open_before_has_its_owners_place_too(own_listener, group):
    """The process is in its group when it is found."""
    systemd = group(SYSTEMD)
    with systemd.inside(), wire.Pair(own_listener) as pair:
        pair.exchange()
        with observer.Trace([wire.port_of(own_listener)]) as trace:
            pair.exchange()
            pair.close(first=pair.client)
            for one in trace.both(pair):
                assert one["preexisting"] is True
                assert place(one) == (systemd.name, ID[:12], POD)


def test_a_server_is_named_by_whatever_is_asked_for(own_listener, group):
    systemd, plain = group(SYSTEMD), group("web.service")
    port = wire.port_of(own_listener)
    with contextlib.ExitStack() as stack:
        traces = {
            by: stack.enter_context(observer.Trace([port], "--role", "server", "--service-by", by))
            for by in ("comm", "container", "cgroup", "port")
        }
        pairs = []
        for where in systemd, plain:
            with use(own_listener, where, where) as pair:
                pair.close(first=pair.client)
            pairs.append(pair)
        with open("/proc/self/comm", encoding="ascii") as comm:
            name = comm.read().strip()
        expected = {
            "comm": [f"{name}:{port}"] * 2,
            "container": [f"{ID[:12]}:{port}", f"{name}:{port}"],  # where there is none, the process
            "cgroup": [f"{systemd.name[:NAME]}:{port}", f"{plain.name}:{port}"],
            "port": [str(port)] * 2,
        }
        for by, trace in traces.items():
            told = [trace.wait_for(1, local=pair.server_name, remote=pair.client_name)[0] for pair in pairs]
            assert [one["service"] for one in told] == expected[by], by


def test_the_daemon_counts_by_container(own_listener, group):
    systemd = group(SYSTEMD)
    port = wire.port_of(own_listener)
    with metrics.Daemon([port], "--service-by", "container") as daemon:
        with use(own_listener, systemd, systemd) as pair:
            pair.send_request()
            pair.close(first=pair.server)
        scrape = daemon.scrape_until(
            lambda scrape: scrape.sum_of("keepwatch_connections_closed_total") == 2, "both closes")
        label = f"{ID[:12]}:{port}"
        assert scrape.sum_of("keepwatch_lost_requests_total", service=label, role="server") == 1
        page = daemon.get("/")[2]
        assert f">{label}</bdi>" in page
        assert f"container <code>{ID[:12]}</code>, pod <code>{POD}</code>" in page


def test_text_tells_the_place_when_asked(own_listener, group):
    systemd = group(SYSTEMD)
    with observer.Observer("trace", "-v", *observer.port_options([wire.port_of(own_listener)])) as trace:
        with use(own_listener, systemd, systemd) as pair:
            pair.close(first=pair.client)
        namespace = os.stat("/proc/self/ns/net").st_ino
        line = (f"netns {namespace}, pid {os.getpid()}, container {ID[:12]} (containerd), pod {POD}, "
                f"cgroup {systemd.name}")
        trace.wait_until(lambda: [one.strip() for one in trace.output].count(line) == 2, line)


# ---- network namespaces -------------------------------------------------------------------------------------


@contextlib.contextmanager
def named(_):
    """By `ip netns`: a mount at a place that is known for it."""
    namespace = namespaces.Namespace()
    try:
        namespace.ip("link", "set", "lo", "up")
        yield namespace
    finally:
        namespace.close()


@contextlib.contextmanager
def unshared():
    """A process that lives in a namespace of its own, which nothing else holds, and that namespace."""
    command = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo there && read end"]
    with child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"there\n"
        namespace = namespaces.Enterable(f"/proc/{process.pid}/ns/net")
        try:
            yield process, namespace
        finally:
            namespace.close()


@contextlib.contextmanager
def of_a_process(_):
    with unshared() as (_, namespace):
        yield namespace


@contextlib.contextmanager
def of_a_mount(folder):
    """Nobody lives there: it is mounted somewhere, as container runtimes do."""
    where = folder / "net"
    where.touch()
    with unshared() as (process, namespace):
        subprocess.run(["mount", "--bind", f"/proc/{process.pid}/ns/net", where], check=True)
        try:
            process.communicate(b"\n", timeout=observer.DEADLINE)
            yield namespace
        finally:
            subprocess.run(["umount", where], check=True)


@pytest.mark.parametrize("holder", [named, of_a_process, of_a_mount])
def test_connections_of_other_namespaces_are_seen(holder, tmp_path):
    with holder(tmp_path) as namespace, contextlib.ExitStack() as stack:
        with namespace.inside():
            listener = stack.enter_context(wire.listen())
            older = stack.enter_context(wire.Pair(listener))
            older.exchange()
        assert namespace.inode != os.stat("/proc/self/ns/net").st_ino
        with observer.Trace([wire.port_of(listener)]) as trace:
            with namespace.inside():
                newer = stack.enter_context(wire.Pair(listener))
            for pair, preexisting in (older, True), (newer, False):
                pair.exchange()
                pair.close(first=pair.server)
                for one in trace.both(pair):
                    assert (one["netns"], one["preexisting"]) == (namespace.inode, preexisting)
                    assert (one["requests"], one["reason"]) == (1, "unannounced_close")


def test_a_namespace_made_later_is_seen_too(own_listener, tmp_path):
    """And a connection that has the very addresses of another, elsewhere, is told apart from it."""
    port = wire.port_of(own_listener)
    with observer.Trace([port]) as trace, named(tmp_path) as namespace, contextlib.ExitStack() as stack:
        here = stack.enter_context(wire.Pair(own_listener))
        with namespace.inside():
            listener = stack.enter_context(socket.create_server(("127.0.0.1", port)))
            client = socket.create_connection(
                ("127.0.0.1", port), wire.DEADLINE, source_address=here.client.getsockname())
            stack.callback(client.close)
            server, _ = listener.accept()
        client.sendall(wire.GET)
        assert wire.read_exactly(server, len(wire.GET)) == wire.GET
        server.close()
        wire.wait_for_end(client)
        client.close()
        here.exchange()
        here.close(first=here.client)
        other = trace.wait_for(2, netns=namespace.inode)
        ours = trace.wait_for(2, netns=os.stat("/proc/self/ns/net").st_ino)
        assert {one["reason"] for one in other} == {"no_response"}
        assert {one["reason"] for one in ours} == {"client_closed_idle"}
        assert {(one["local"], one["remote"]) for one in ours} == {(one["local"], one["remote"]) for one in other}
