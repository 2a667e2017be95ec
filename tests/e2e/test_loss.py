# SPDX-License-Identifier: BSD-2-Clause
"""The smallest ring, and more connections than it holds: what finds no room is counted by kind, totals are exact
all the same, and of nothing that was lost a verdict is made up."""

import contextlib
import json
import signal
import struct
import subprocess
import time

import pytest

from lib import deadlines, kernel, loss, maps, metrics, observer, wire
from lib.nginx import Nginx
from test_recording import Recorder, replay

pytestmark = pytest.mark.once

SMALL_RING = ["--ring-size", "64K"]  # room for some 130 closing records
LOAD = 3000  # connections, each seen at both its ends
LATE = 5
CROWD = 5000  # of connections that hey makes, as fast as this host can
STOPPED_FOR = 5.0  # seconds of load
ROLES = ["client", "server"]


@pytest.fixture
def own_nginx(tmp_path):
    """The observer of the session is spared this load."""
    (tmp_path / "nginx").mkdir()
    with Nginx(tmp_path / "nginx") as server:
        yield server


@contextlib.contextmanager
def stopped(process):
    """Meanwhile the observer is stopped (SIGSTOP)."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def make_load(nginx):
    """One request a connection, one after the other as fast as this host can."""
    request = wire.request(version="1.0")
    for _ in range(LOAD):
        with wire.connect(nginx.addresses["plain"]) as client:
            client.sendall(request)
            assert wire.read_to_end(client).endswith(b"ok\n")


def make_crowd(nginx, seconds):
    """As make_load(), but many at a time and for at least so long; how many connections it was."""
    end, count = time.monotonic() + seconds, 0
    command = ["hey", "-n", str(CROWD), "-c", "20", "-disable-keepalive", nginx.url("/")]
    while not count or time.monotonic() < end:
        said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=deadlines.START).stdout
        assert f"[200]\t{CROWD} responses" in said, said
        count += CROWD
    return count


def totals(scrape, role):
    return {name: scrape.sum_of(f"keepwatch_{name}", role=role)
            for name in ("connections_opened_total", "connections_closed_total", "connections_open",
                         "connections_half_closed", "requests_total", "responses_total")}


def exact(connections, requests, still_open=0):
    return {"connections_opened_total": connections, "connections_closed_total": connections - still_open,
            "connections_open": still_open, "connections_half_closed": 0, "requests_total": requests,
            "responses_total": requests}


def lost(scrape, kind="closed"):
    return scrape.sum_of("keepwatch_events_lost_total", kind=kind)


def check_nothing_made_up(scrape, port, count):
    """Connections whose events were not lost have correct records; others count under no service and no reason."""
    closes = scrape.all_of("keepwatch_connections_closed_total")
    assert {labels["reason"] for labels, value in closes if value} <= {"announced_by_request", "lost"}
    unknown = [(labels, value) for labels, value in closes if labels["reason"] == "lost" and value]
    assert {(labels["service"], labels["closer"]) for labels, _ in unknown} <= {("other", "unknown")}
    assert sum(value for _, value in unknown) == lost(scrape)
    assert scrape.sum_of("keepwatch_lost_requests_total") == 0
    assert scrape.sum_of("keepwatch_tainted_connections_total") == 0
    told = scrape.sum_of("keepwatch_connections_closed_total", reason="announced_by_request")
    assert told == 2 * count - lost(scrape)
    assert {labels["service"] for labels, _ in scrape.all_of("keepwatch_connections_closed_total")} <= {
        f"127.0.0.1:{port}", f"nginx:{port}", "other"}


def all_closed(count):
    return lambda scrape: all(
        scrape.sum_of("keepwatch_connections_closed_total", role=role) == count for role in ROLES)


@pytest.mark.parametrize("stop", [False, True], ids=["running", "stopped meanwhile"])
def test_totals_are_exact_whatever_is_lost(own_nginx, stop):
    port = own_nginx.addresses["plain"][1]
    with metrics.Daemon([port], *SMALL_RING) as daemon:
        with stopped(daemon.process) if stop else contextlib.nullcontext():
            count = make_crowd(own_nginx, STOPPED_FOR)
        scrape = daemon.scrape_until(all_closed(count), "all closes")
        assert lost(scrape) > 0 or not stop
        for role in ROLES:
            assert totals(scrape, role) == exact(count, count)
        check_nothing_made_up(scrape, port, count)
        daemon.stop()
    assert not [line for line in daemon.errors if "lost" in line]


def test_a_connection_that_outlives_the_loss_is_told_whole(own_nginx, own_listener):
    """The connection's state is in the kernel, so its record holds all traffic: before, during and after the loss."""
    with metrics.Daemon([own_nginx.addresses["plain"][1], wire.port_of(own_listener)], *SMALL_RING) as daemon:
        with wire.Pair(own_listener) as pair:
            pair.exchange()
            with stopped(daemon.process):
                pair.exchange(wire.GET * 3, wire.OK * 3)
                make_load(own_nginx)
                pair.exchange()
            pair.exchange()
            whole = exact(LOAD + 1, LOAD + 6, still_open=1)
            scrape = daemon.scrape_until(lambda page: totals(page, "client") == totals(page, "server") == whole,
                                         "all but one are closed")
            assert lost(scrape) > 0
            pair.close(first=pair.client)
        scrape = daemon.scrape_until(all_closed(LOAD + 1), "the last close")
        for role in ROLES:
            assert totals(scrape, role) == exact(LOAD + 1, LOAD + 6)
            (told,) = [value for labels, value in scrape.all_of("keepwatch_requests_total", role=role, version="1.1")
                       if value]
            assert told == 6


def test_a_half_closed_connection_whose_end_is_lost_is_not_half_closed_for_ever(own_nginx, own_listener):
    """The gauge used to stay one too high."""
    with metrics.Daemon([own_nginx.addresses["plain"][1], wire.port_of(own_listener)], *SMALL_RING) as daemon:
        with wire.Pair(own_listener) as pair:
            pair.exchange()
            pair.client.shutdown(1)
            daemon.scrape_until(lambda page: page.sum_of("keepwatch_connections_half_closed") == 1, "half-closed")
            with stopped(daemon.process):
                make_load(own_nginx)
                assert pair.server.recv(1) == b""
                pair.server.close()
                pair.client.close()
        scrape = daemon.scrape_until(all_closed(LOAD + 1), "all closes")
        for role in ROLES:
            assert totals(scrape, role) == exact(LOAD + 1, LOAD + 1)
        assert scrape.sum_of("keepwatch_connections_closed_total", reason="half_closed") == 0, "it was lost"


def make_late_request(listener):
    with wire.Pair(listener) as pair:
        pair.exchange()
        pair.server.close()
        wire.wait_for_end(pair.client)
        pair.client.sendall(wire.GET)


def test_each_kind_of_loss_is_counted_as_what_it_is(own_nginx, own_listener, tmp_path):
    """The records that are in the file claim no more than was seen."""
    ports = [own_nginx.addresses["plain"][1], wire.port_of(own_listener)]
    path = tmp_path / "recording"
    with Recorder(path, ports, "--exchanges", *SMALL_RING) as recorder:
        with stopped(recorder.process):
            make_load(own_nginx)
            for _ in range(LATE):
                make_late_request(own_listener)
        recorder.stop()
    scrape = metrics.Scrape(replay(path, "--as", "metrics"))
    records = [json.loads(line) for line in replay(path, "--json", "--exchanges").splitlines()]
    made = {"closed": ("connection", 2 * (LOAD + LATE)), "exchange": ("exchange", 2 * (LOAD + LATE)),
            "late": ("amend", LATE)}
    for kind, (called, count) in made.items():
        assert lost(scrape, kind) > 0
        assert len([one for one in records if one["type"] == called]) == count - lost(scrape, kind)
    assert lost(scrape, "state") == lost(scrape, "recursion") == 0
    assert records[-1]["lost_events"] == sum(lost(scrape, kind) for kind in made)
    closes = [one for one in records if one["type"] == "connection"]
    assert {(one["reason"], one["confidence"]) for one in closes} == {("http10_default", "certain")}


def test_states_that_do_not_add_up_are_connections_that_nobody_saw_close(own_listener):
    """As if so many had been made and had gone. Where the kernel refuses the sweep over states, nothing can be known."""
    missing, adopted = 3, 2
    with metrics.Daemon([wire.port_of(own_listener)]) as daemon:
        with maps.Maps(daemon.process.pid) as held:
            (states,) = [one for one in held.maps if one.name == "states"]
            balanced = sweeps_over_states(daemon)
            key = bytes(states.key_size)
            made, ended, _, *others = struct.unpack(f"{len(states.lookup(key)) // 8}Q", states.lookup(key))
            states.update(key, struct.pack(f"{3 + len(others)}Q", made + missing, ended, adopted, *others))
        expected = adopted + (missing if balanced else 0)
        daemon.scrape_until(lambda page: lost(page, "unseen") == expected, "both kinds")
        assert daemon.scrape().sum_of("keepwatch_events_lost_total") == expected
        assert any(line.startswith(f"keepwatch: the kernel ran no program when {adopted} connections opened")
                   for line in daemon.errors)


def sweeps_over_states(daemon):
    programs = [loss.name_of(number) for kind, number in kernel.held_by(daemon.process.pid) if kind == "prog"]
    return "kw_sweep" in programs


def test_lost_events_are_told_at_the_end_of_a_trace(own_nginx):
    options = observer.port_options([own_nginx.addresses["plain"][1]])
    with observer.Observer("trace", *options, *SMALL_RING) as trace:
        with stopped(trace.process):
            make_load(own_nginx)
        trace.stop()
    count = 2 * LOAD - len(trace.output)
    assert count > 0
    assert trace.errors == [observer.OBSERVING,
                            f"keepwatch: {count} events were lost: a larger --ring-size may help"]
