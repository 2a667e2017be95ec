# SPDX-License-Identifier: BSD-2-Clause
"""Recording real traffic, and replaying it later."""

import contextlib
import fcntl
import json
import os
import re
import signal
import struct
import tempfile
import termios
from pathlib import Path

import pytest

from lib import observer, wire
from lib.child import child
from lib.reporter import Conclusion, Report
from test_bad_input import NOBODY, check_refused, run

TIMES = "opened closed duration_s idle_at_close_s idle_max_s waited_s late_by_s evidence srtt_us".split()


class Recorder(observer.Observer):
    """keepwatch record of some ports."""

    def __init__(self, path, ports, *options):
        super().__init__("record", str(path), *observer.port_options(ports), *options)


def make_traffic(listener):
    for number in range(8):
        with wire.Pair(listener) as pair:
            for _ in range(number % 3 + 1):
                pair.exchange()
            pair.close(first=pair.server if number % 2 else pair.client)
    with wire.Pair(listener) as pair:  # the keep-alive race
        pair.exchange()
        pair.server.close()
        wire.wait_for_end(pair.client)
        pair.client.sendall(wire.GET)


def replay(path, *options):
    status, output, errors = run("replay", str(path), *options)
    assert (status, errors) == (0, []), errors
    return output


def as_nobody(*arguments):
    """Runs keepwatch without privilege; its folder may be closed to others."""
    binary = os.open(observer.BINARY, os.O_RDONLY)
    try:
        return run(
            *arguments,
            command=[f"/proc/self/fd/{binary}"],
            pass_fds=[binary],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
        )
    finally:
        os.close(binary)


def told(lines):
    """The records by connection, without what each observer measures for itself."""
    records = [json.loads(line) for line in lines]
    for record in records:
        for key in TIMES:
            record.pop(key, None)
    return sorted(records, key=lambda record: (record["type"], record.get("id", "")))


def test_a_replay_tells_what_a_live_trace_told(own_listener, tmp_path):
    port = wire.port_of(own_listener)
    path = tmp_path / "recording"
    with observer.Trace([port]) as trace, Recorder(path, [port]) as recorder, Report([port]) as report:
        make_traffic(own_listener)
        recorder.stop()
        live = report.conclude()
        trace.stop()
    assert path.stat().st_mode & 0o777 == 0o600
    assert recorder.output == []
    assert told(replay(path, "--json").splitlines()) == told(trace.output)
    assert replay(path, "--json") == replay(path, "--as", "trace", "--json")
    replayed = Conclusion(replay(path, "--as", "report", "--json"))
    assert [one["id"] for one in replayed.findings] == [one["id"] for one in live.findings]
    for service in live.services:
        again = replayed.service(service["role"], port)
        for key in ("service", "comm", "connections", "requests", "reasons", "lost_requests", "premature"):
            assert again[key] == service[key]


def test_a_replay_counts_what_was_recorded(own_listener, tmp_path):
    port = wire.port_of(own_listener)
    with Recorder(tmp_path / "recording", [port]) as recorder:
        make_traffic(own_listener)
        recorder.stop()
    text = replay(tmp_path / "recording", "--as", "metrics")
    assert f'keepwatch_connections_opened_total{{role="client",service="127.0.0.1:{port}"}} 9\n' in text
    assert 'finding="timeout_race",severity="critical"} 1\n' in text
    assert "process_" not in text


def test_a_replay_needs_no_privilege(own_listener):
    port = wire.port_of(own_listener)
    with tempfile.TemporaryDirectory(prefix="keepwatch-") as name:
        folder = Path(name)
        path = folder / "recording"
        with Recorder(path, [port], "--exchanges") as recorder:
            make_traffic(own_listener)
            recorder.stop()
        folder.chmod(0o755)
        path.chmod(0o644)
        status, output, errors = as_nobody("replay", str(path), "--json", "--exchanges")
    assert (status, errors) == (0, [])
    kinds = [json.loads(line)["type"] for line in output.splitlines()]
    assert kinds.count("connection") == 18
    assert kinds.count("exchange") == 2 * (1 + 2 + 3 + 1 + 2 + 3 + 1 + 2 + 1)


def test_a_killed_recorder_leaves_what_it_had(own_listener, tmp_path):
    port = wire.port_of(own_listener)
    path = tmp_path / "recording"
    with Recorder(path, [port]) as recorder:
        make_traffic(own_listener)
        recorder.wait_until(lambda: path.stat().st_size > 18 * 400, "what was recorded in the file")
        recorder.status = -signal.SIGKILL
        recorder.process.kill()
    status, output, errors = run("replay", str(path), "--json")
    assert status == 1
    assert len(errors) == 1 and f"cut off at byte {path.stat().st_size}" in errors[0]
    records = [json.loads(line) for line in output.splitlines()]
    assert len([one for one in records if one["type"] == "connection"]) == 18


def test_a_recorder_that_could_not_follow_says_what_it_lacks(own_listener, tmp_path):
    """While the recorder is stopped, the kernel has only a buffer of 64 KiB, for 200 records of some 500 bytes."""
    with Recorder(tmp_path / "recording", [wire.port_of(own_listener)], "--ring-size", "64K") as recorder:
        recorder.process.send_signal(signal.SIGSTOP)
        for _ in range(100):
            with wire.Pair(own_listener) as pair:
                pair.exchange()
                pair.close(first=pair.client)
        recorder.process.send_signal(signal.SIGCONT)
    said = " ".join(recorder.errors)
    kept, lost = (int(re.search(f"([0-9]+) events {what}", said)[1]) for what in ("in", "were lost"))
    assert 0 < lost and kept + lost == 200
    summary = json.loads(replay(tmp_path / "recording", "--json").splitlines()[-1])
    assert (summary["connections"], summary["lost_events"]) == (kept, lost)


def test_no_message_gets_into_a_recording(tmp_path):
    """The file does not become standard error where that is closed."""
    closed = ["sh", "-c", 'exec "$@" <&- 2>&-', "sh", observer.BINARY, "record", str(tmp_path / "file")]
    assert run("--for", "1ms", "--port", "1", command=closed) == (0, "", [])
    replay(tmp_path / "file")


def test_a_full_disk_is_told_in_one_line():
    outcome = run("record", "/dev/full", "--for", "30s")
    (line,) = [line for line in outcome[2] if line != observer.OBSERVING]
    assert outcome[:2] == (1, "")
    assert "/dev/full" in line and "No space left on device" in line


def test_what_is_there_is_not_overwritten(tmp_path):
    (tmp_path / "file").write_text("precious")
    check_refused(run("record", str(tmp_path / "file")), 1, "exists already")
    assert (tmp_path / "file").read_text() == "precious"


def test_recording_without_root_leaves_no_file():
    outcome = as_nobody("record", "/tmp/keepwatch-nobody")
    check_refused(outcome, 3, "root")
    assert not os.path.exists("/tmp/keepwatch-nobody")


@pytest.mark.parametrize("content", [b"", wire.GET, b"\0" * 1000], ids=["empty", "text", "zeros"])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    check_refused(run("replay", str(tmp_path / "file")), 1, "not a recording")
    check_refused(run("replay", str(tmp_path / "missing")), 1, "No such file")


def in_terminal(width, *arguments):
    """The lines that keepwatch prints on a terminal of that many columns."""
    main, terminal = os.openpty()
    with open(main, "rb", buffering=0) as reader:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 40, width, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"NO_COLOR": "1"}
        with child([observer.BINARY, *arguments], stdout=terminal, env=environment) as process:
            os.close(terminal)
            text = b""
            with contextlib.suppress(OSError):  # EIO: nobody has the terminal open any more
                while piece := reader.read(1 << 16):
                    text += piece
            assert process.wait(observer.DEADLINE) == 0
    return text.decode().splitlines()


def test_a_report_is_as_wide_as_its_terminal(own_listener, tmp_path):
    port = wire.port_of(own_listener)
    path = tmp_path / "recording"
    with Recorder(path, [port]) as recorder:
        make_traffic(own_listener)
        recorder.stop()
    piped = replay(path, "--as", "report").splitlines()
    assert max(map(len, piped)) > 100, "a pipe takes lines of any length"
    for width in (60, 80, 120, 200):
        lines = in_terminal(width, "replay", str(path), "--as", "report")
        assert max(map(len, lines)) <= width
        assert " ".join(" ".join(lines).split()).startswith(" ".join(" ".join(piped[:2]).split()))
    assert "Services" in in_terminal(60, "replay", str(path), "--as", "report")
