# SPDX-License-Identifier: BSD-2-Clause
"""Both ends of connections that cross a router: the recordings of the two hosts together say whether the server ended a connection,
or something between spoke in its name, or kept silent."""

import contextlib
import json
import socket
import struct
import threading
import time
import zlib
from collections import Counter

import pytest

from lib import deadlines, routed, wire
from test_bad_input import run
from test_flow import RECEIVE_QUEUE, SEND_QUEUE, next_number
from test_recording import Recorder

pytest_plugins = ["lib.routed"]

DAY = 86400
CLOCK_ERROR = 0.02  # KW_PATH_CLOCK_ERROR
BY_PATH = ["reset_by_path", "fin_by_path", "dropped_by_path", "seen_by_one_end"]
TCP_INFO_RETRANSMITS = 100  # offset of tcpi_total_retrans in struct tcp_info


class Recordings(contextlib.ExitStack):
    """A recording of each end's host, made while this is entered."""

    def __init__(self, path, folder):
        super().__init__()
        self.path = path
        self.files = [folder / "client.kw", folder / "server.kw"]

    def __enter__(self):
        super().__enter__()
        self.since = time.monotonic()
        for file, host in zip(self.files, (self.path.client, self.path.server)):
            self.enter_context(Recorder(file, [], "--netns", f"/run/netns/{host.name}"))
        return self

    def replay(self, *options, status=0):
        got, output, errors = run("replay", *map(str, self.files), *options)
        assert got == status, errors
        self.errors = errors
        return [json.loads(line) for line in output.splitlines()] if "--json" in options else output

    def pairs(self, *options):
        return self.replay("--pair", "--json", *options)


@pytest.fixture
def recordings(path, tmp_path):
    return Recordings(path, tmp_path)


def until(condition, what):
    end = time.monotonic() + deadlines.START
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def outlive(since):
    """The other end does nothing for longer than two hosts' clocks may be apart: else it could have sent what it did not."""
    until(lambda: time.monotonic() > since + 4 * CLOCK_ERROR, "the other end to outlive this one")


def retransmits(end):
    return struct.unpack_from("I", end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232), TCP_INFO_RETRANSMITS)[0]


def reasons(pairs):
    return Counter(pair["reason"] for pair in pairs)


def opened(path, door, stack, count):
    """Connections that have carried two exchanges each."""
    pairs = [stack.enter_context(path.pair(door)) for _ in range(count)]
    for pair in pairs * 2:
        pair.exchange()
    return pairs


def healthy(path, door, count):
    """Connections that end in all ways in which their own ends may end them."""
    for number in range(count):
        with path.pair(door) as pair:
            pair.exchange()
            if number % 4 == 0:
                pair.close(first=pair.client)
            elif number % 4 == 1:
                pair.close(first=pair.server)
            elif number % 4 == 2:
                wire.reset(pair.server)
                wire.wait_for_end(pair.client)
            else:
                pair.server.close()
                wire.wait_for_end(pair.client)
                pair.client.sendall(wire.GET)


def check_both_ends(pair):
    assert pair["client"]["role"] == "client" and pair["server"]["role"] == "server"
    assert pair["flow"] == pair["client"]["flow"] == pair["server"]["flow"]
    assert pair["path"]["nat"] is True
    assert pair["client"]["remote"] != pair["server"]["local"]
    assert 0 <= pair["path"]["delay_s"] < wire.DEADLINE


def test_each_connection_over_a_healthy_path_is_one_pair_whose_ends_closed_it(path, door, recordings):
    with recordings:
        healthy(path, door, 200)
    pairs = recordings.pairs()
    assert len(pairs) == 200
    for pair in pairs:
        check_both_ends(pair)
    assert set(reasons(pairs)).isdisjoint(BY_PATH), reasons(pairs)
    assert len({pair["flow"] for pair in pairs}) == 200
    assert reasons(pairs)["stale_reuse"] == 50
    (line,) = recordings.errors
    assert "by 200 connections" in line


def test_records_of_both_hosts_come_in_the_order_of_their_times_with_the_host_in_front(path, door, recordings):
    with recordings:
        healthy(path, door, 8)
    alone = [run("replay", str(file), "--json")[1].splitlines() for file in recordings.files]
    together = run("replay", *map(str, recordings.files), "--json")[1].splitlines()
    hosts = [json.loads(line)["host"] for line in together]
    for host, lines in zip(sorted(set(hosts)), alone):
        front = '{"host":' + json.dumps(host) + ","
        assert [line.replace(front, "{", 1) for line in together if line.startswith(front)] == lines
    kinds = [json.loads(line) for line in together]
    closed = [(one["closed"], one["host"]) for one in kinds if one["type"] == "connection"]
    assert len(closed) == 16 and len({host for _, host in closed}) == 2
    assert [host for _, host in closed] != sorted(host for _, host in closed), "the files came one after the other"
    text = recordings.replay().splitlines()
    closes = [line for line in text if line.startswith(tuple(set(hosts))) and "late_request" not in line]
    assert len(closes) == 16


def forgotten(path, door, stack, count):
    """Connections that have been idle for so long that the router does not know them any more."""
    path.forgets_after(1)
    try:
        pairs = opened(path, door, stack, count)
        until(lambda: not path.remembered(), "the router to forget")
        return pairs
    finally:
        path.forgets_after(DAY)


def test_a_router_that_resets_what_it_has_forgotten_is_named(path, door, recordings):
    with recordings, contextlib.ExitStack() as stack:
        for pair in forgotten(path, door, stack, 30):
            pair.client.sendall(wire.GET)
            wire.wait_for_end(pair.client)
        outlive(time.monotonic())
    pairs = recordings.pairs()
    assert reasons(pairs) == {"reset_by_path": 30}
    for pair in pairs:
        check_both_ends(pair)
        assert pair["confidence"] == "certain"
        assert pair["evidence"][0] == "the client received a RST that the server had not sent"
        assert pair["path"]["idle_failed_s"] >= 1
        assert 0 < pair["path"]["idle_worked_s"] < pair["path"]["idle_failed_s"]


def test_a_router_that_drops_what_it_has_forgotten_is_named_and_reported(path, door, recordings):
    with recordings, contextlib.ExitStack() as stack, path.rule("ct state invalid drop"):
        pairs = forgotten(path, door, stack, 20)
        for pair in pairs:
            pair.client.sendall(wire.GET)
        until(lambda: all(retransmits(pair.client) >= 4 for pair in pairs), "retransmissions")
        for pair in pairs:
            wire.reset(pair.client)
    pairs = recordings.pairs()
    assert reasons(pairs) == {"dropped_by_path": 20}
    for pair in pairs:
        check_both_ends(pair)
        assert pair["evidence"][0] == f"{len(wire.GET)} bytes that the client sent never reached the server"
        assert pair["path"]["idle_failed_s"] >= 1
        assert 0 < pair["path"]["idle_worked_s"] < pair["path"]["idle_failed_s"]
    check_report(recordings, "drops", 20)


def check_report(recordings, what, count):
    """The report over both hosts has the finding, and --fail-on sees it."""
    *hosts, paths = recordings.replay("--as", "report", "--json", "--fail-on", "critical", status=4)
    assert [one["type"] for one in hosts] == ["report"] * 2 and len({one["host"] for one in hosts}) == 2
    (finding,) = paths["findings"]
    assert (finding["id"], finding["severity"]) == ("middlebox", "critical")
    assert (finding["client"], finding["server"]) == tuple(one["host"] for one in hosts)
    assert finding["numbers"][what] == finding["numbers"]["connections"] == count
    assert finding["numbers"]["idle_failed_min_s"] >= 1
    assert any("keep-alive" in line for line in finding["advice"])
    assert "middlebox" in recordings.replay("--as", "report")


def expected_by(end):
    """The numbers (sequence, acknowledgement) of the next segment that this end expects from its peer."""
    return tuple(next_number(end, queue) % (1 << 32) for queue in (RECEIVE_QUEUE, SEND_QUEUE))


def forge(path, pair, flags):
    """A segment to the client in the server's name."""
    client = pair.client
    path.forge(client.getpeername(), client.getsockname(), expected_by(client), flags)
    wire.wait_for_end(client)
    outlive(time.monotonic())


def test_a_forged_rst_is_not_taken_for_the_servers(path, door, recordings):
    with recordings, contextlib.ExitStack() as stack:
        for pair in opened(path, door, stack, 30):
            forge(path, pair, routed.RST)
    pairs = recordings.pairs()
    assert reasons(pairs) == {"reset_by_path": 30}
    assert all(pair["client"]["reason"] == "idle_reset" for pair in pairs)


def test_a_forged_fin_is_not_taken_for_the_servers(path, door, recordings):
    with recordings, contextlib.ExitStack() as stack:
        for pair in opened(path, door, stack, 10):
            forge(path, pair, routed.FIN | routed.ACK)
            wire.reset(pair.client)
    pairs = recordings.pairs()
    assert reasons(pairs) == {"fin_by_path": 10}
    assert all(pair["evidence"][0] == "the client received a FIN that the server had not sent" for pair in pairs)


def answer(listener, stop):
    """A stranger's answers, in the server's place."""
    listener.settimeout(0.1)
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            end, _ = listener.accept()
            with end:
                wire.read_head(end)
                end.sendall(wire.OK)
                assert end.recv(1) == b""


@contextlib.contextmanager
def transparent_proxy(path, port):
    """The router answers calls of the server's own address by itself."""
    stop = threading.Event()
    with path.router.inside():
        listener = wire.listen(routed.SERVER_SIDE)
    with listener:
        thread = threading.Thread(target=answer, args=(listener, stop))
        thread.start()
        to = f"{routed.SERVER_SIDE}:{wire.port_of(listener)}"
        path.router.nft(f"insert rule ip path prerouting ip daddr {routed.SERVER} tcp dport {port} dnat to {to}")
        try:
            yield
        finally:
            stop.set()
            thread.join()


def test_a_server_that_has_no_such_connection_did_not_answer(path, door, recordings):
    def passed(seconds, since):
        until(lambda: time.monotonic() > since + seconds, "the recordings to be long enough")

    with recordings:
        healthy(path, door, 8)
        passed(3, time.monotonic())
        with transparent_proxy(path, wire.port_of(door)), path.client.inside():
            for _ in range(5):
                with wire.connect((routed.SERVER, wire.port_of(door))) as client:
                    client.sendall(wire.GET)
                    assert wire.read_response(client)[0] == 200
        passed(3, time.monotonic())
    pairs = recordings.pairs()
    alone = [pair for pair in pairs if pair["server"] is None]
    assert len(pairs) == 13 and reasons(alone) == {"seen_by_one_end": 5}
    assert "seen_by_one_end" not in reasons(pair for pair in pairs if pair["server"])
    assert recordings.pairs("--reason", "seen_by_one_end") == alone


# ---- clocks ----


def frames(data):
    """The frames behind the preamble, as (type, payload)."""
    at = 16
    while at < len(data):
        size, kind = struct.unpack_from("<II", data, at)
        yield kind, data[at + 16 : at + 16 + size]
        at += 16 + size


def frame(kind, payload):
    payload += b"\0" * (-len(payload) % 8)
    head = struct.pack("<II", len(payload), kind)
    return head + struct.pack("<Q", zlib.crc32(head + payload)) + payload


def shifted(data, seconds):
    """The recording as a host would have made it whose clock is so far ahead."""
    out = data[:16]
    for kind, payload in frames(data):
        if kind == 1:
            header = json.loads(payload.rstrip(b"\0"))
            header["clock_offset"] += seconds * 10**9
            payload = json.dumps(header).encode()
        elif kind == 4:
            payload = struct.pack("<q", struct.unpack("<q", payload)[0] + seconds * 10**9)
        out += frame(kind, payload)
    return out


@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_clocks_that_are_a_day_apart_are_compared_by_handshakes(path, door, recordings, seconds):
    with recordings:
        healthy(path, door, 20)
        with path.pair(door) as pair:
            pair.exchange()
            forge(path, pair, routed.RST)
    before = recordings.pairs()
    server = recordings.files[1]
    server.write_bytes(shifted(server.read_bytes(), seconds))
    after = recordings.pairs()
    (line,) = recordings.errors
    words = line.split()
    assert abs(float(words[words.index("is") + 1]) - DAY) < 0.5, line
    assert ("ahead" if seconds > 0 else "behind") in words and "by 21 connections" in line
    assert [pair["flow"] for pair in after] == [pair["flow"] for pair in before]
    assert [pair["reason"] for pair in after] == [pair["reason"] for pair in before]
    assert reasons(after)["reset_by_path"] == 1
