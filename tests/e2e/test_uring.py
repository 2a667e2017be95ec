# SPDX-License-Identifier: BSD-2-Clause
"""HTTP and TLS are understood over io_uring as over system calls: whatever way a request names its bytes, wherever the kernel
carries it out, and whenever that is. test_host_and_kernel.py carries every case of tests/cases so."""

import array
import errno
import fcntl
import os
import socket
import subprocess
import termios
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lib import observer, record, rings, stories, wire
from lib.child import child
from lib.host import ROOT
from lib.stories import ANSWER, BODY, QUESTION, Plain, converse, converse_whole, likeness

WITHIN_READ = ROOT / "build" / "tests" / "e2e" / "lib" / "within_read"

EXPECTED = {
    "http1": {"requests": stories.EXCHANGES, "responses": stories.EXCHANGES, "hop_by_hop": ["x-marker"]},
    "http2": {"requests": 4, "responses": 3},
    "upgraded": {"requests": 4, "responses": 3},
    "tls": {"requests": None, "hop_by_hop": []},
}
PROTOCOLS = {"http1": "http/1.1", "http2": "h2c", "upgraded": "h2c", "tls": "tls"}
STREAMS = {"streams": 4, "answered": 3, "pings": {"client": 1, "server": 0}, "unanswered_pings": 0,
           "forbidden_fields": ["connection", "keep-alive"], "max_concurrent": {"client": None, "server": 100}}


@pytest.fixture(scope="module", params=stories.ALL)
def story(request):
    return request.param


@pytest.fixture(scope="module")
def turns(story):
    return stories.ALL[story]


@pytest.fixture(scope="module")
def plainly(trace, listener, story, turns):
    """The records of the same by plain sends and receives."""
    with wire.Pair(listener) as pair:
        converse_whole(pair, turns, Plain, Plain)
    records = likeness(trace.both(pair))
    for one in records:
        assert (one["protocol"], one["blind_bytes"]) == (PROTOCOLS[story], 0)
        assert EXPECTED[story].items() <= one.items(), one
        assert PROTOCOLS[story] != "h2c" or STREAMS.items() <= one["http2"].items(), one
        assert one["confidence"] == ("inferred" if story == "tls" else "certain"), one
    return records


def check_each(trace, listener, plainly, ways, carry):
    """The records of a connection for each of these ways, which @carry makes use of, are as @plainly."""
    pairs = {}
    for way in ways:
        with wire.Pair(listener) as pairs[way]:
            try:
                carry(pairs[way], way)
            except OSError as error:
                assert error.errno == errno.EINVAL, f"{way}: {error}"
                del pairs[way]  # this kernel is older than it
    assert len(pairs) > len(ways) // 2
    for way, pair in pairs.items():
        assert likeness(trace.both(pair)) == plainly, way


@pytest.mark.parametrize("how", rings.HOWS)
def test_what_io_uring_sends_is_seen(trace, listener, turns, plainly, how):
    """The kernel cancels bundles of sends in a worker."""
    bits = rings.HOWS[how]
    ways = [way for way in rings.SENDS if not (way == "send-bundle" and bits & rings.WORKER)]
    check_each(trace, listener, plainly, ways,
               lambda pair, way: converse_whole(pair, turns, lambda end: rings.Transfer(end, way, bits), Plain))


@pytest.mark.parametrize("early", [False, True], ids=["after", "before"])
@pytest.mark.parametrize("how", rings.HOWS)
def test_what_io_uring_receives_is_seen(trace, listener, turns, plainly, how, early):
    """Before the bytes arrive or after."""
    bits = rings.HOWS[how]
    check_each(trace, listener, plainly, rings.RECEIVES,
               lambda pair, way: converse_whole(pair, turns, Plain, lambda end: rings.Transfer(end, way, bits), early))


def test_a_request_that_waits_for_its_socket_first_is_seen(trace, listener, turns, plainly):
    def carry(pair, way):
        converse_whole(pair, turns, lambda end: rings.Transfer(end, "send", rings.POLLS),
                       lambda end: rings.Transfer(end, way, rings.POLLS), early=True)

    check_each(trace, listener, plainly, ["recv", "recvmsg", "recv-multishot"], carry)


def older(listener, sends, receives):
    """The records of a connection of HTTP/2 whose streams begin before an observer comes and go on after."""
    with wire.Pair(listener) as pair:
        converse(pair, stories.HTTP2[:4], Plain, Plain)
        with observer.Trace([wire.port_of(listener)]) as trace:
            converse(pair, stories.HTTP2[4:], sends, receives)
            pair.close(first=pair.client)
            return likeness(trace.both(pair))


def test_frames_of_a_connection_older_than_the_observer_are_joined(nothing_left, own_listener):
    del nothing_left
    records = [older(own_listener, sends, receives) for sends, receives in (
        (Plain, Plain), (lambda end: rings.Transfer(end, "send"), lambda end: rings.Transfer(end, "recv")))]
    assert records[0] == records[1]
    for one in records[0]:
        assert (one["protocol"], one["preexisting"], one["blind_bytes"]) == ("h2c", True, 0), one
        assert one["http2"]["streams"] > 0, one


PIPELINED = 60  # requests: several times what the sockets hold


def pipelined(count):
    """Requests of many lengths, so that a head may begin anywhere."""
    bodies = [b"b" * (number * 7919 % 3001) for number in range(count)]
    return b"".join(wire.request("PUT", f"/{number}", f"Content-Length: {len(body)}", body=body)
                    for number, body in enumerate(bodies))


@pytest.mark.parametrize("way", ["send", "send-all", "sendmsg", "sendmsg-all", "writev", "send-zc", "sendmsg-zc"])
def test_a_send_that_goes_out_in_parts_is_seen(trace, pair, way):
    """Its socket takes little at a time, because the peer is slow to begin with."""
    data = pipelined(PIPELINED)
    pair.client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    pair.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    pair.client.setblocking(True)
    with rings.skipped_where_missing(way), rings.Transfer(pair.client, way) as transfer, ThreadPoolExecutor() as pool:
        sent = pool.submit(transfer.send, data)
        wire.wait_for_bytes(pair.server, 4096)
        assert wire.read_exactly(pair.server, len(data)) == data
        assert sent.result(wire.DEADLINE) == len(data)
    pair.close(first=pair.client)
    client, server = trace.both(pair)
    assert (client["requests"], client["tx_bytes"], client["blind_bytes"]) == (PIPELINED, len(data), 0)
    assert (server["requests"], server["blind_bytes"]) == (PIPELINED, 0)


@pytest.mark.parametrize("count", [1, 2, 24])
def test_connections_that_share_a_ring_are_seen_each(trace, listener, count):
    """Requests take each other's places in the kernel's memory: what was noted of one may have become another."""
    head, body = ANSWER[: -len(BODY)], BODY
    pairs = [wire.Pair(listener) for _ in range(count)]
    for pair in pairs:
        pair.server.setblocking(True)
    server = threading.Thread(target=rings.serve, args=([pair.server for pair in pairs], QUESTION, head, body))
    server.start()
    for number in range(4 * count):
        pair = pairs[number * 7 % count]
        for at in range(0, len(QUESTION), 333):
            pair.client.sendall(QUESTION[at : at + 333])
    for pair in pairs:
        assert wire.read_exactly(pair.client, 4 * len(ANSWER)) == 4 * ANSWER
        pair.client.shutdown(socket.SHUT_WR)
    server.join(wire.DEADLINE)
    assert not server.is_alive()
    for pair in pairs:
        pair.close(first=pair.server)
        for one in trace.both(pair):
            assert (one["requests"], one["responses"], one["blind_bytes"]) == (4, 4, 0)
            assert (one["hop_by_hop"], one["errors"]) == (["x-marker"], [])


def wait_until(condition, what):
    end = time.monotonic() + wire.DEADLINE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def is_reading(pid):
    """Does this process sit in a read()? Its system call has number 0."""
    return Path(f"/proc/{pid}/syscall").read_text().split()[0] == "0"


def is_taken(pair):
    """Have the client's bytes arrived, and has somebody taken them?"""
    return not ioctl(pair.client, termios.TIOCOUTQ) and not ioctl(pair.server, termios.FIONREAD)


def ioctl(end, request):
    count = array.array("i", [0])
    fcntl.ioctl(end, request, count)
    return count[0]


def test_a_receive_that_completes_within_another_read_sees_its_own_buffer(trace, pair):
    source, sink = os.pipe()
    with open(source, "rb") as source, open(sink, "wb") as sink:
        fds = [pair.server.fileno(), source.fileno()]
        command = [WITHIN_READ, *map(str, fds)]
        with child(command, pass_fds=fds, stdout=subprocess.PIPE) as helper:
            assert helper.stdout.readline() == b"armed\n"
            wait_until(lambda: is_reading(helper.pid), "the helper does not read")
            pair.client.sendall(wire.GET)
            wait_until(lambda: is_taken(pair), "the bytes are not taken")
            sink.write(b"x")
            sink.flush()
            assert helper.stdout.read() == wire.GET
        assert helper.returncode == 0
    pair.server.sendall(ANSWER)
    assert wire.read_exactly(pair.client, len(ANSWER)) == ANSWER
    pair.close(first=pair.client)
    for one in trace.both(pair):
        assert (one["requests"], one["responses"], one["blind_bytes"]) == (1, 1, 0)
        assert (one["confidence"], one["hop_by_hop"]) == ("certain", ["x-marker"])


# ---- kernels whose BTF does not describe io_uring


BTF = Path("/sys/kernel/btf/vmlinux")
WITHOUT = ["unshare", "--mount", "sh", "-c", f'mount --bind "$0" {BTF} && exec "$@"']
TYPES = ["io_kiocb", "io_cqe", "io_ring_ctx", "io_sr_msg", "io_rw", "io_async_msghdr", "io_async_rw", "io_worker"]


@pytest.fixture(params=TYPES)
def without_type(request, tmp_path):
    """Runs a program where the kernel's BTF calls this type by another name."""
    name = f"\0{request.param}\0".encode()
    told = BTF.read_bytes()
    assert told.count(name) == 1
    file = tmp_path / "btf"
    file.write_bytes(told.replace(name, name.upper()))
    return [*WITHOUT, file]


class Warned(observer.Observer):
    """Says in the beginning what it will not see."""

    def __init__(self, program, port):
        super().__init__("trace", "--json", "--port", str(port), program=[*program, observer.BINARY])


def test_without_a_type_io_uring_is_blind_and_that_is_said(without_type, listener):
    told = subprocess.run([*without_type, observer.BINARY, "check"], capture_output=True, text=True, check=True)
    assert ("unseen   bytes that io_uring sends and receives: tp_btf/io_uring_submit_req: this kernel's type information "
            "lacks a type that is read there") in told.stdout.splitlines()
    with Warned(without_type, wire.port_of(listener)) as warned, wire.Pair(listener) as pair:
        with rings.Transfer(pair.client, "send") as transfer:
            assert transfer.send(QUESTION) == len(QUESTION)
        assert wire.read_exactly(pair.server, len(QUESTION)) == QUESTION
        pair.close(first=pair.client)
        warned.wait_until(lambda: len(warned.output) >= 2, "two records")
    records = {one["role"]: one for one in map(record.checked, warned.output[:2])}
    assert (records["client"]["requests"], records["client"]["blind_bytes"]) == (0, len(QUESTION))
    assert (records["server"]["requests"], records["server"]["blind_bytes"]) == (1, 0)
    assert any("will not see bytes that io_uring sends and receives" in line for line in warned.errors)


def test_with_its_types_io_uring_is_seen_and_that_is_said():
    told = subprocess.run([observer.BINARY, "check"], capture_output=True, text=True, check=True).stdout
    assert "ok       bytes that io_uring sends and receives" in told.splitlines()
