# SPDX-License-Identifier: BSD-2-Clause
"""A recording that goes on for weeks: in files of a limited size and number, compressed or not. Each can be replayed, and all
together as one."""

import json
import signal

import pytest

from lib import observer, wire
from test_bad_input import run
from test_recording import Recorder, replay, told

MEGABYTE = 1 << 20
ENOUGH = 1000  # connections: their records, of both ends, take more than a file
SET = ["--max-size", "1M", "--max-files", "2"]


def make_many(listener, count=ENOUGH):
    """One exchange on each; the clients' names, in order."""
    names = []
    for _ in range(count):
        with wire.Pair(listener) as pair:
            pair.exchange()
            names.append(pair.client_name)
    return names


def ends(lines):
    """The clients' ends of connections, in the order of their records."""
    records = [json.loads(line) for line in lines]
    return [one["local"] for one in records if one["type"] == "connection" and one["role"] == "client"]


def test_a_recording_keeps_to_its_size_and_number_of_files(own_listener, tmp_path):
    path, other = tmp_path / "recording", tmp_path / "recording.1"
    with Recorder(path, [wire.port_of(own_listener)], *SET) as recorder:
        assert (path.stat().st_size, other.stat().st_size) == (0, 0)
        names = make_many(own_listener, 3 * ENOUGH)
        recorder.stop()
    assert sorted(tmp_path.iterdir()) == [path, other]
    assert {one.stat().st_mode & 0o777 for one in (path, other)} == {0o600}
    assert max(one.stat().st_size for one in (path, other)) <= MEGABYTE
    latest = ends(replay(path, "--json").splitlines())
    assert ENOUGH // 2 < len(latest) < len(names) and latest == names[-len(latest) :]
    alone = [ends(replay(other, "--json").splitlines())]
    path.rename(tmp_path / "elsewhere")
    alone.append(ends(replay(tmp_path / "elsewhere", "--json").splitlines()))
    assert sorted(map(len, alone))[0] > 0 and {*alone[0], *alone[1]} == set(latest)


@pytest.mark.parametrize("compress", [[], ["--compress"]], ids=["as they are", "compressed"])
def test_files_replay_as_a_live_trace_saw_it(own_listener, tmp_path, compress):
    port = wire.port_of(own_listener)
    path = tmp_path / "recording"
    options = ["--max-size", "1M", "--max-files", "4", *compress]
    with observer.Trace([port]) as trace, Recorder(path, [port], *options) as recorder:
        make_many(own_listener)
        recorder.stop()
        trace.stop()
    assert told(replay(path, "--json").splitlines()) == told(trace.output)
    size = sum(one.stat().st_size for one in tmp_path.iterdir())
    assert size < MEGABYTE // 4 if compress else size > MEGABYTE
    assert (tmp_path / "recording.1").stat().st_size == 0 if compress else (tmp_path / "recording.1").stat().st_size > 0


def test_a_report_of_a_compressed_recording_is_that_of_another(own_listener, tmp_path):
    port = wire.port_of(own_listener)
    with Recorder(tmp_path / "one", [port]) as one, Recorder(tmp_path / "small", [port], "--compress") as small:
        make_many(own_listener, 20)
        one.stop()
        small.stop()
    reports = [json.loads(replay(tmp_path / name, "--as", "report", "--json")) for name in ("one", "small")]
    assert reports[0]["services"] and len(reports[0]["services"]) == len(reports[1]["services"])
    assert [one["connections"] for one in reports[0]["services"]] == [one["connections"] for one in reports[1]["services"]]


@pytest.mark.parametrize("compress", [[], ["--compress"]], ids=["as they are", "compressed"])
def test_a_killed_recorder_leaves_all_files_that_it_had(own_listener, tmp_path, compress):
    path = tmp_path / "recording"
    with Recorder(path, [wire.port_of(own_listener)], *SET, *compress) as recorder:
        names = make_many(own_listener, 50)
        recorder.wait_until(lambda: len(ends(run("replay", str(path), "--json")[1].splitlines())) == len(names),
                            "what was recorded in the file")
        recorder.status = -signal.SIGKILL
        recorder.process.kill()
    status, output, errors = run("replay", str(path), "--json")
    assert status == 1
    assert len(errors) == 1 and "cut off at byte" in errors[0]
    assert ends(output.splitlines()) == names


def test_a_file_of_the_set_that_is_there_is_not_written_over(tmp_path):
    (tmp_path / "recording.1").write_text("mine")
    status, _, errors = run("record", str(tmp_path / "recording"), *SET)
    assert (status, len(errors)) == (1, 1) and "recording.1 exists already" in errors[0]
    assert [one.name for one in tmp_path.iterdir()] == ["recording.1"]


@pytest.mark.parametrize("options, said", [
    (["--max-files", "3"], "--max-files takes --max-size"),
    (["--max-size", "1K"], "a size from 1M on"),
    (["--max-size", "1T"], "a size from 1M on"),
    (["--max-size", "1M", "--max-files", "1"], "a number from 2 to 100"),
])
def test_sizes_and_numbers_that_cannot_be_are_refused(tmp_path, options, said):
    status, _, errors = run("record", str(tmp_path / "recording"), *options)
    assert (status, len(errors)) == (2, 1) and said in errors[0]
    assert not list(tmp_path.iterdir())
