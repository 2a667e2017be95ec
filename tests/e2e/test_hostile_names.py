# SPDX-License-Identifier: BSD-2-Clause
"""Names of processes and cgroups made to break JSON, the exposition format, logs, and the terminal of whoever
reads: each is told, and none does."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lib import metrics, observer, wire
from lib.child import child
from lib.reporter import Report
from test_recording import Recorder, replay

# What a process calls itself, and what is told of it: a '?' for each byte that is not to be printed.
NAMES = {
    b"\x1b]0;title\x07": "?]0;title?",
    b"\x1b[2J\x1b[31m": "?[2J?[31m",
    b"\x9b31m\xc2\x9b31m": "?31m??31m",
    b"line\nbreak\r\x08\x7f": "line?break???",
    b'"},{"type":"x': '"},{"type":"x',
    b'"} 1\nkeepw{a="': '"} 1?keepw{a="',
    b"\\\\n\\\"\\": "\\\\n\\\"\\",
    b"%s%n%1000000c": "%s%n%1000000c",
    b"\xff\xfe\xc3(\xed\xa0\x80": "???(???",
    b"\xe2\x80\xaertl\xe2\x81\xa6": "???rtl???",
    b"a service=b c=1": "a service=b c=1",
    "größe…".encode(): "größe…",
}

SERVER = """
import socket, sys
listener = socket.socket(fileno=int(sys.argv[1]))
listener.setblocking(True)
for name in sys.argv[2:]:
    with open("/proc/self/comm", "wb") as file:
        file.write(bytes.fromhex(name))
    for answer in b"HTTP/1.1 204 No Content\\r\\n\\r\\n", b"":
        connection, _ = listener.accept()
        data = b""
        while b"\\r\\n\\r\\n" not in data:
            data += connection.recv(1000)
        connection.sendall(answer)
        connection.close()
"""


def talk(listener, names, **options):
    """With a process that calls itself by each of these names in turn, and under each serves two connections: it
    answers the first, and closes the second without an answer."""
    command = [sys.executable, "-c", SERVER, str(listener.fileno()), *[name.hex() for name in names]]
    with child(command, pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, **options) as server:
        for _ in names:
            for answered in True, False:
                with wire.connect(listener.getsockname()) as client:
                    client.sendall(wire.GET)
                    assert (wire.read_to_end(client) != b"") == answered
        assert server.wait(wire.DEADLINE) == 0


def check_harmless(text):
    """Nothing in it moves a cursor, changes a colour, begins a line or turns one around."""
    assert not re.search("[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]", text)


def unescaped(label):
    return re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), label)


def word(name):
    """As one word of a line of the log."""
    return re.sub(r'[ ="]', "?", name)


def check_log(daemon, port):
    """One line for each connection that was cut, at either end, and every word of it is where it belongs."""
    lines = [line for line in daemon.errors if " premature close: " in line]
    form = (r"keepwatch: premature close: no_response service=(\S+) role=(client|server) local=\S+ remote=\S+ "
            r"closer=server lost=1 id=\S+: [^=]+")
    found = [re.fullmatch(form, line) for line in lines]
    assert None not in found, lines
    assert sorted(match[1] for match in found if match[2] == "server") == sorted(
        f"{word(name)}:{port}" for name in NAMES.values())
    assert len(found) == 2 * len(NAMES)


def check_scrape(daemon, port):
    """Each service has its own place under its own name."""
    scrape = daemon.scrape_until(
        lambda page: page.sum_of("keepwatch_connections_closed_total") == 4 * len(NAMES), "all closes")
    services = {unescaped(labels["service"]): value
                for labels, value in scrape.all_of("keepwatch_connections_opened_total", role="server")}
    assert services == {f"{name}:{port}": 2 for name in NAMES.values()}
    metrics.Scrape(daemon.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")[2])


def test_names_of_processes(own_listener, tmp_path):
    port = wire.port_of(own_listener)
    options = observer.port_options([port])
    recording = tmp_path / "recording"
    with (observer.Trace([port], "--exchanges") as trace, Report([port]) as report,
          observer.Observer("trace", "-v", "--exchanges", *options) as text,
          observer.Observer("report", *options) as page,
          metrics.Daemon([port], "--log-premature", "--services", "1000") as daemon,
          Recorder(recording, [port], "--exchanges") as recorder):
        talk(own_listener, NAMES)
        trace.wait_for(4 * len(NAMES))
        check_scrape(daemon, port)
        conclusion = report.conclude()
        for one in trace, text, page, daemon, recorder:
            one.stop()
    check_log(daemon, port)
    told = trace.records(role="server")
    assert sorted(one["comm"] for one in told) == sorted([*NAMES.values()] * 2)
    assert all(one["service"] == f"{one['comm']}:{port}" for one in told)
    assert {one["comm"] for one in conclusion.services if one["role"] == "server"} == set(NAMES.values())
    said = [*trace.output, *report.output, *text.output, *page.output, *daemon.errors]
    replays = [replay(recording, *how) for how in ([], ["--json"], ["--as", "report"], ["--as", "metrics"])]
    for one in (*said, *replays):
        check_harmless(one)
    connections = [line for line in text.output if f":{port} " in line and " req " in line]
    assert len(connections) == 4 * len(NAMES)


@pytest.fixture
def cgroup():
    """A cgroup whose name is as hostile as a file's name can be."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    (root,) = [Path(point) for _, point, kind, *_ in mounts if kind == "cgroup2"][:1]
    folder = os.fsencode(root / f"keepwatch-test-{os.getpid()}") + b'-\x1b[31m"\\\r{}%s\xff\xe2\x80\xae'
    os.mkdir(folder)
    yield folder
    os.rmdir(folder)


def test_names_of_cgroups(own_listener, cgroup):
    port = wire.port_of(own_listener)
    name = f'/keepwatch-test-{os.getpid()}-?[31m"\\?{{}}%s????'

    def enter():
        with open(cgroup + b"/cgroup.procs", "w", encoding="ascii") as file:
            file.write("0")

    with (observer.Trace([port], "--service-by", "cgroup") as trace,
          metrics.Daemon([port], "--service-by", "cgroup") as daemon):
        talk(own_listener, [b"server"], preexec_fn=enter)
        for one in trace.wait_for(2, role="server"):
            assert one["cgroup"].endswith(name)
            assert one["service"] == f"{one['cgroup']}:{port}"
        scrape = daemon.scrape_until(
            lambda page: page.sum_of("keepwatch_connections_closed_total", role="server") == 2, "both closes")
        (labels,) = [labels for labels, _ in scrape.all_of("keepwatch_connections_opened_total", role="server")]
        assert unescaped(labels["service"]) == f"{one['cgroup']}:{port}"
        for line in json.dumps(trace.records()), daemon.get("/metrics")[2]:
            check_harmless(line)
