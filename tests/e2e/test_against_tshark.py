# SPDX-License-Identifier: BSD-2-Clause
"""The same traffic seen by an independent observer: tshark counts requests and responses of each TCP stream and
sees its sequence numbers and the first FIN or RST. Every connection must agree, at both of its ends."""

import contextlib
import socket
import subprocess
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from lib import wire

pytest_plugins = ["lib.stage"]

WORKERS = 6
OF_EACH_KIND = 6


def exchange(server, number):
    with wire.Client(server.address) as one:
        for _ in range(1 + number % 4):
            one.get("/", "Connection: keep-alive")


def announce(server, number):
    with wire.Client(server.address) as one:
        for _ in range(number % 3):
            one.get()
        one.client.sendall(wire.request("GET", "/", "Connection: close"))
        wire.read_to_end(one.client)


def speak_http10(server, _):
    with wire.Client(server.address) as one:
        one.client.sendall(wire.request("GET", "/", version="1.0"))
        wire.read_to_end(one.client)


def ask_for_the_head(server, number):
    with wire.Client(server.address) as one:
        for _ in range(1 + number % 2):
            one.client.sendall(wire.request("HEAD", "/"))
            wire.read_head(one.client)


def pipeline(server, number):
    count = 2 + number % 3
    with wire.Client(server.address) as one:
        one.client.sendall(wire.GET * count)
        for _ in range(count):
            wire.read_response(one.client)


def send_in_pieces(server, number):
    with wire.Client(server.address) as one:
        for at in range(0, len(wire.GET), 7):
            one.client.sendall(wire.GET[at : at + 7])
            time.sleep(0.001)
        wire.read_response(one.client)


def leave(server, _):
    with wire.Client(server.address) as one:
        one.client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        one.client.sendall(wire.request("GET", "/large"))
        wire.read_head(one.client)
        wire.wait_for_bytes(one.client, 1)


def reset_idle(server, _):
    with wire.Client(server.address) as one:
        one.get()
        wire.reset(one.client)


def miss(server, _):
    with wire.Client(server.address) as one:
        one.get("/missing")


def stay_silent(server, _):
    with wire.Client(server.address):
        pass


def give_up(server, _):
    with wire.Client(server.address) as one:
        one.get()
        one.client.sendall(b"GET / HTTP/1.1\r\n")


KINDS = [
    exchange, announce, speak_http10, ask_for_the_head, pipeline, send_in_pieces, leave, reset_idle, miss,
    stay_silent, give_up,
]  # fmt: skip
WITHOUT = {"gunicorn": {pipeline}}  # its threads lose requests that came along with another


def with_raw_sockets(servers):
    jobs = [
        (kind, name, number)
        for number in range(OF_EACH_KIND)
        for name in servers
        for kind in KINDS
        if kind not in WITHOUT.get(name, ())
    ]
    with ThreadPoolExecutor(WORKERS) as workers:
        list(workers.map(lambda job: job[0](servers[job[1]], job[2]), jobs))


def with_programs(servers, folder):
    """wget, curl and ab, a few requests each."""
    for server in servers.values():
        url = server.url()
        for arguments in (
            ["wget", "-q", "--no-proxy", "-O", "/dev/null", url, url],
            ["curl", "-q", "-s", "--noproxy", "*", "-o", "/dev/null", "-o", "/dev/null", url, url],
            ["ab", "-q", "-n", "12", "-c", "3", url],
            ["ab", "-q", "-k", "-n", "12", "-c", "3", url],
        ):
            subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, timeout=wire.DEADLINE)


def by_ends(records):
    """Records by their role and by the connection they belong to, the oldest first: a port may serve twice."""
    found = defaultdict(list)
    for one in sorted(records, key=lambda one: one["opened"]):
        ends = (one["local"], one["remote"]) if one["role"] == "client" else (one["remote"], one["local"])
        found[one["role"], *ends].append(one)
    return found


def disagreement(stream, role, told):
    """The differences between a record and the packets; empty if they agree."""
    if told is None:
        return "not told"
    # Only the server knows of bytes that it sent to a client that had closed.
    answers = stream.responses + (stream.unheard if role == "server" else 0)
    seen = {"requests": stream.requests, "responses": answers, "closer": stream.closer, "manner": stream.manner}
    seen["flow"] = stream.flow
    return {key: (seen[key], told[key]) for key in seen if seen[key] != told[key]}


def test_every_connection_agrees_with_its_packets(stage, tmp_path):
    with contextlib.ExitStack() as stack:
        node = stack.enter_context(stage.node())
        servers = {"node": node, "haproxy": stack.enter_context(stage.haproxy(node))}
        for name in ("nginx", "apache", "lighttpd", "caddy", "go", "gunicorn"):
            servers[name] = stack.enter_context(stage.running(name))
        before = len(stage.records())
        with stage.captured(*servers.values(), snapshot=2048) as capture:
            with_raw_sockets(servers)
            with_programs(servers, tmp_path)
            names = {server.name for server in servers.values()}
            stack.close()  # the servers go, and their connections with them
        streams = capture.streams()
        stage.comes_true(lambda: len(told_of(stage, before, names)) >= 2 * len(streams))
    records = by_ends(told_of(stage, before, names))
    assert len(streams) > 8 * 50
    wrong = {}
    for stream in streams:
        for role in ("client", "server"):
            of_these = records[role, stream.client_name, stream.server_name]
            told = of_these.pop(0) if of_these else None
            if difference := disagreement(stream, role, told):
                wrong[role, stream.client_name, stream.server_name] = difference, stream, told
    assert not wrong, f"{len(wrong)} of {len(streams)} disagree: {list(wrong.items())[:3]}"
    unseen = [one for of_these in records.values() for one in of_these]
    assert not unseen, f"no packet of {len(unseen)} connections was seen: {unseen[:3]}"


def told_of(stage, before, names):
    return [one for one in stage.records()[before:] if one["local"] in names or one["remote"] in names]
