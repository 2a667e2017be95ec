# SPDX-License-Identifier: BSD-2-Clause
"""Faults of a host: keepwatch is killed, started over and over, run twice; namespaces come and go; the
clock is set; the disk is full; memory for its state is short. The traffic never notices, nothing stays in the
kernel, and what is told is right."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from lib import deadlines, kernel, metrics, observer, record, wire
from lib.child import child
from lib.http2 import frames
from lib.namespaces import Namespace
from test_bad_input import run
from test_recording import Recorder, replay, told
from lib.traffic import Traffic

pytestmark = pytest.mark.once

STARTS = int(os.environ.get("KEEPWATCH_STARTS", "4"))
OPEN = 5  # connections that are open all the time


@contextlib.contextmanager
def open_pairs(listener, count=OPEN):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(wire.Pair(listener)) for _ in range(count)]


def check_open(port, pairs):
    """A daemon that starts now finds these connections, and follows them from here on."""
    with metrics.Daemon([port]) as daemon:
        for pair in pairs:
            pair.exchange()
        scrape = daemon.scrape_until(
            lambda page: page.sum_of("keepwatch_responses_total") == 2 * len(pairs), "what they say now")
        assert scrape.sum_of("keepwatch_connections_preexisting_total") == 2 * len(pairs)
        assert scrape.sum_of("keepwatch_connections_open") == 2 * len(pairs)
        assert scrape.sum_of("keepwatch_connections_opened_total") == 0
        assert scrape.sum_of("keepwatch_requests_total") == 2 * len(pairs)
        assert scrape.sum_of("keepwatch_events_lost_total") == 0


def test_a_kill_under_load_leaves_nothing_and_disturbs_nobody(own_listener):
    with Traffic() as traffic, open_pairs(own_listener) as pairs:
        ports = [traffic.port, wire.port_of(own_listener)]
        daemon = metrics.Daemon(ports)
        with daemon:
            for pair in pairs:
                pair.exchange()
            traffic.goes_on()
            daemon.process.kill()
            daemon.status = -signal.SIGKILL
            traffic.goes_on()
        assert daemon.held and kernel.left_of(daemon.held) == set()
        check_open(ports[1], pairs)
        traffic.goes_on()


def wait_for_any_moment(process):
    """Until it observes, or until a moment before or after."""
    if random.random() < 0.5:
        for line in process.stderr:
            if line.strip() == observer.OBSERVING:
                break
    else:
        time.sleep(random.uniform(0, 0.5))


def start_and_stop(ports, kill):
    """Runs keepwatch from its start to an end at any moment, whatever it does then. Returns the things that it held in the kernel."""
    command = [observer.BINARY, *random.choice([["trace"], ["run", "--listen", "127.0.0.1:0"], ["report"]]),
               *observer.port_options(ports)]
    with child(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
               text=True) as process:
        wait_for_any_moment(process)
        held = kernel.held_by(process.pid)
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        _, errors = process.communicate(timeout=deadlines.START)
    assert process.returncode in (0, -signal.SIGKILL if kill else -signal.SIGTERM), (command, errors)
    assert all(line == observer.OBSERVING or line.startswith("keepwatch: metrics at ")
               for line in errors.splitlines()), errors
    return held


def test_starts_and_stops_under_load(own_listener):
    """Stops keepwatch at any moment of its life, in order or by a kill."""
    held = set()
    with Traffic() as traffic, open_pairs(own_listener) as pairs:
        ports = [traffic.port, wire.port_of(own_listener)]
        for number in range(STARTS):
            held |= start_and_stop(ports, kill=number % 3 == 2)
            for pair in pairs:
                pair.exchange()
            traffic.goes_on(1)
        check_open(ports[1], pairs)
    assert held and kernel.left_of(held) == set()


def test_two_at_once_tell_the_same_and_one_may_go(own_listener):
    port = wire.port_of(own_listener)
    traffic = Traffic()
    with observer.Trace([traffic.port, port]) as first, observer.Trace([traffic.port, port]) as second:
        with traffic:
            traffic.goes_on(30)
        for trace in first, second:
            records = trace.wait_for(2 * len(traffic.truths))
            for what in "requests", "responses":
                assert sum(one[what] for one in records) == 2 * traffic.counts()[f"{what}_total"]
        first.stop()
        with wire.Pair(own_listener) as pair:
            pair.exchange()
            pair.close(first=pair.client)
        second.both(pair)
        second.stop()
    assert told(first.output)[:-1] == [one for one in told(second.output)[:-1] if port_of(one) == traffic.port]


def port_of(one):
    """The listener's, of a connection's record."""
    return int(one["service"].rsplit(":", 1)[1])


def check_totals(daemon, truths):
    """The counts of a daemon at either end of all these connections, once they are closed."""
    scrape = daemon.scrape_until(lambda page: closed(page) == 2 * truths["connections_closed_total"], "all closes")
    for role in "client", "server":
        assert {name: scrape.sum_of(f"keepwatch_{name}", role=role) for name in truths} == truths
    assert scrape.sum_of("keepwatch_connections_open") == scrape.sum_of("keepwatch_events_lost_total") == 0


def test_a_reload_under_load_loses_nothing(tmp_path):
    path = tmp_path / "file.conf"
    path.write_text("")
    traffic = Traffic()
    with metrics.Daemon([traffic.port], "--config", path) as daemon:
        with traffic:
            for number in range(5):
                path.write_text(f"services = {number + 2}\nwindow = {number + 1}m\n")
                daemon.process.send_signal(signal.SIGHUP)
                traffic.goes_on()
        daemon.wait_until(lambda: f"keepwatch: read {path} again" in daemon.errors, "a reload")
        check_totals(daemon, traffic.counts())


# ---- a process that dies ------------------------------------------------------------------------------------

DYING = """
import os, signal, socket, sys
listener = socket.socket(fileno=int(sys.argv[1]))
listener.settimeout(30)
print("ready", flush=True)
held = [listener.accept()[0] for _ in range(int(sys.argv[2]))]
for at, one in enumerate(held):
    one.recv(1000)
    if at % 2:
        one.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhe")
print("dying", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_dies_with_requests_in_its_hands(own_listener):
    """Half of them have got a part of their response."""
    port, count = wire.port_of(own_listener), 6
    with observer.Trace([port]) as trace, metrics.Daemon([port]) as daemon, contextlib.ExitStack() as stack:
        server = stack.enter_context(child([sys.executable, "-c", DYING, str(own_listener.fileno()), str(count)],
                                           stdout=subprocess.PIPE, pass_fds=[own_listener.fileno()]))
        assert server.stdout.readline() == b"ready\n"
        clients = [stack.enter_context(wire.Client(own_listener.getsockname())) for _ in range(count)]
        for one in clients:
            one.client.sendall(wire.GET)
        assert server.stdout.readline() == b"dying\n"
        assert server.wait(wire.DEADLINE) == -signal.SIGKILL
        for one in clients:
            wire.read_to_end(one.client)
            one.client.close()
        for one in clients:
            client, server_end = trace.both(one, mirrored=False)
            assert (client["closer"], server_end["reason"]) == ("server", "process_exit")
            assert client["reason"] == ("response_truncated" if client["responses"] else "no_response")
        check_totals(daemon, {"connections_opened_total": count, "connections_closed_total": count,
                              "requests_total": count, "responses_total": count // 2})


# ---- network namespaces -------------------------------------------------------------------------------------


def test_namespaces_that_come_and_go(own_listener):
    """The same addresses and ports in each: the namespace tells them apart. It may lose its name before its
    connections end."""
    port = wire.port_of(own_listener)
    with Traffic() as traffic, observer.Trace([port]) as trace:
        for number in range(6):
            namespace = Namespace()
            inode = os.fstat(namespace.descriptor).st_ino
            try:
                namespace.ip("link", "set", "lo", "up")
                with namespace.inside(), socket.socket() as listener:
                    listener.bind(("127.0.0.1", port))
                    listener.listen()
                    pair = wire.Pair(listener)
                pair.exchange()
            finally:
                namespace.close()
            pair.exchange(wire.GET * number, wire.OK * number)
            pair.close(first=pair.server if number % 2 else pair.client)
            client, server = trace.both(pair)
            assert client["netns"] == server["netns"] == inode
            assert client["requests"] == 1 + number
            assert client["closer"] == ("server" if number % 2 else "client")
        traffic.goes_on(1)


def test_an_observer_starts_while_namespaces_come_and_go(own_listener):
    """keepwatch looks for older connections in every namespace, even if some vanish meanwhile."""
    over = threading.Event()

    def churn():
        while not over.is_set():
            Namespace().close()

    with open_pairs(own_listener) as pairs:
        thread = threading.Thread(target=churn)
        thread.start()
        try:
            check_open(wire.port_of(own_listener), pairs)
        finally:
            over.set()
            thread.join()


def test_a_namespace_that_is_none_yet_is_passed_over(own_listener):
    """`ip netns add` makes a file first: it used to be told as one that cannot be entered."""
    path = f"/run/netns/keepwatch-test-{os.getpid()}-none"
    os.makedirs("/run/netns", exist_ok=True)
    with open(path, "x", encoding="ascii"):
        pass
    try:
        with observer.Trace([wire.port_of(own_listener)]) as trace:
            trace.stop()
    finally:
        os.unlink(path)


# ---- the clock ----------------------------------------------------------------------------------------------


class Clock:
    """The time as one process sees it; the test can set it."""

    LIBRARY = "/usr/$LIB/faketime/libfaketime.so.1"

    def __init__(self, path):
        self.path = path
        self.set(0)

    def set(self, ahead):
        """So many seconds ahead of the true time."""
        self.path.with_suffix(".new").write_text(f"{ahead:+d}")
        self.path.with_suffix(".new").replace(self.path)

    def environment(self):
        return os.environ | {
            "LD_PRELOAD": " ".join(filter(None, [os.environ.get("LD_PRELOAD"), self.LIBRARY])),
            "FAKETIME_TIMESTAMP_FILE": str(self.path),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    @staticmethod
    def clean(pid):
        """The library leaves what its processes would share."""
        for name in f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}":
            Path("/dev/shm", name).unlink(missing_ok=True)


FORWARD = 7200  # seconds by which the clock is set; a duration of half as many took the clock for the time that passed


def seconds(text):
    return datetime.fromisoformat(text[:26] + "+00:00").timestamp()


def ahead(one):
    """The difference between a record's times and the true time; its duration must be that of its life."""
    assert 0 <= one["duration_s"] < FORWARD / 2
    assert abs(seconds(one["closed"]) - seconds(one["opened"]) - one["duration_s"]) < 1e-3
    return seconds(one["closed"]) - time.time()


def record_of(trace, pair):
    """Its times may say that it was before there was such a connection."""
    name = str(pair.client_name)
    trace.wait_until(lambda: trace.records(local=name), "its record")
    return trace.records(local=name)[-1]


def connect_until(trace, listener, condition):
    """Connections, one after the other, until a record says that the clock is where it should be."""

    def holds():
        with wire.Pair(listener) as pair:
            pair.exchange()
            pair.close(first=pair.client)
        return condition(ahead(record_of(trace, pair)))

    trace.wait_until(holds, "the clock to be where it was set to")


def test_a_clock_that_is_set_moves_times_and_no_duration(own_listener, tmp_path):
    """The clock is set, as after a suspend or by hand; durations stay right, because their clock cannot be set."""
    clock = Clock(tmp_path / "clock")
    (tmp_path / "file.conf").write_text("")  # the files beside it may still be read after the start: the clock is one
    trace = observer.Trace([wire.port_of(own_listener)], "--config", tmp_path / "file.conf", env=clock.environment())
    with contextlib.ExitStack() as after, trace, wire.Pair(own_listener) as old:
        after.callback(clock.clean, trace.process.pid)
        old.exchange()
        connect_until(trace, own_listener, lambda by: abs(by) < 60)
        clock.set(FORWARD)
        connect_until(trace, own_listener, lambda by: abs(by - FORWARD) < 60)
        clock.set(-86400)
        connect_until(trace, own_listener, lambda by: abs(by + 86400) < 60)
        old.exchange()
        old.close(first=old.client)
        client = record_of(trace, old)
        assert abs(ahead(client) + 86400) < 60
        assert client["idle_max_s"] < FORWARD / 2
        assert client["reason"] == "client_closed_idle"


# ---- no room ------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "keepwatch-test", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_disk_that_fills_up_ends_a_recording_that_can_be_read(small_disk):
    path = small_disk / "recording"
    with Traffic() as traffic:
        recorder = Recorder(path, [traffic.port])
        recorder.status = 1
        with recorder:
            assert recorder.end() == 1
            traffic.goes_on()
    (line,) = [line for line in recorder.errors if line != observer.OBSERVING]
    assert str(path) in line and "No space left on device" in line
    assert kernel.left_of(recorder.held) == set()
    status, output, errors = run("replay", str(path), "--json")
    assert status == 1
    assert len(errors) == 1 and "cut off" in errors[0]
    records = [record.checked(line) for line in output.splitlines()]
    assert len([one for one in records if one["type"] == "connection"]) > 100


class Cramped:
    """A listener in a namespace of its own, where the limit of a socket's option memory can be set."""

    def __init__(self, port):
        self.namespace = Namespace()
        with self.namespace.inside():
            self.listener = socket.socket()
        self.namespace.ip("link", "set", "lo", "up")
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.namespace.close()

    def pair(self, room):
        self.namespace.sysctl("core/optmem_max", str(room))
        with self.namespace.inside():
            return wire.Pair(self.listener)


ENOUGH = 131072


def lost_state(scrape):
    return scrape.sum_of("keepwatch_events_lost_total", kind="state")


def closed(scrape):
    return scrape.sum_of("keepwatch_connections_closed_total")


def test_no_memory_for_the_state_of_a_connection_is_counted(own_listener):
    """Only the existence of the connection is known; no program notices."""
    port = wire.port_of(own_listener)
    with metrics.Daemon([port]) as daemon, Cramped(port) as cramped:
        for room in 512, 512, 512, ENOUGH:
            with cramped.pair(room) as pair:
                pair.exchange()
                pair.close(first=pair.client)
        scrape = daemon.scrape_until(lambda page: (closed(page), lost_state(page)) == (2, 6), "all ends")
        assert scrape.sum_of("keepwatch_events_lost_total") == 6
        assert scrape.sum_of("keepwatch_connections_opened_total") == 2
        assert scrape.sum_of("keepwatch_requests_total") == 2


LADDER = range(512, 8192, 128)  # somewhere on it there is room for a connection, and not for all of it


def climb(cramped, converse):
    for room in [*LADDER, ENOUGH]:
        with cramped.pair(room) as pair:
            converse(pair)
    return 2 * (len(LADDER) + 1)


def test_no_memory_for_a_name_is_counted(own_listener):
    port = wire.port_of(own_listener)
    with metrics.Daemon([port]) as daemon, Cramped(port) as cramped:
        def converse(pair):
            pair.exchange(wire.request("GET", "/", "Connection: x-name"))
            pair.close(first=pair.client)

        def named(page):
            return page.sum_of("keepwatch_hop_by_hop_fields_total")

        count = climb(cramped, converse)
        scrape = daemon.scrape_until(lambda page: named(page) + lost_state(page) == count, "all ends")
        assert 2 <= named(scrape) < closed(scrape) < count
        assert closed(scrape) == scrape.sum_of("keepwatch_connections_closed_total", reason="client_closed_idle")


def test_no_memory_for_the_streams_one_by_one_is_counted(own_listener, tmp_path):
    """The connection's own record has them all the same."""
    path = tmp_path / "recording"
    with Recorder(path, [wire.port_of(own_listener)], "--exchanges") as recorder:
        with Cramped(wire.port_of(own_listener)) as cramped:
            def converse(pair):
                pair.exchange(frames.BEGIN, frames.settings())
                pair.exchange(frames.request(1), frames.response(1))
                pair.close(first=pair.client)

            climb(cramped, converse)
        recorder.stop()
    scrape = metrics.Scrape(replay(path, "--as", "metrics"))
    records = [json.loads(line) for line in replay(path, "--json", "--exchanges").splitlines()]
    followed = [one for one in records if one["type"] == "connection" and one["http2"]]
    streams = [one for one in records if one["type"] == "exchange"]
    assert all(one["http2"]["answered"] == 1 for one in followed)
    assert 2 <= len(streams) < len(followed)
    assert scrape.sum_of("keepwatch_events_lost_total", kind="exchange") == len(followed) - len(streams)


def test_no_memory_for_a_pipeline_makes_no_verdict_up(own_listener):
    """Without that state it is not known which of the requests was acknowledged."""
    port = wire.port_of(own_listener)
    with metrics.Daemon([port]) as daemon, Cramped(port) as cramped:
        def converse(pair):
            pair.send_request()
            pair.send_request()
            pair.close(first=pair.server)

        def told(page, reason):
            return page.sum_of("keepwatch_connections_closed_total", reason=reason)

        count = climb(cramped, converse)
        scrape = daemon.scrape_until(lambda page: told(page, "no_response") + lost_state(page) == count, "all ends")
        assert told(scrape, "no_response") >= 2
        assert told(scrape, "unknown") > 0
        assert closed(scrape) == told(scrape, "no_response") + told(scrape, "unknown") < count
        assert told(scrape, "unknown") == scrape.sum_of("keepwatch_tainted_connections_total", kind="pipeline")
