# SPDX-License-Identifier: BSD-2-Clause
"""Compares the HTTP/2 machine with libnghttp2: on connections between real peers, and on conversations that libnghttp2 makes up.
Frames, streams, their ends and resets, statuses, GOAWAY, PING and forbidden fields must be the same."""

import collections
import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from lib.child import child

sys.path.append(str(Path(__file__).parent))

import peers  # noqa: E402
from tap import Tap  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
PARSE = ROOT / "build" / "http2-parse"
FACTS = ROOT / "build" / "tests" / "differential" / "http2_facts"

MADE = 150
TYPES = ["DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
         "CONTINUATION"]
CODES = ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
         "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
         "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"]
SIDES = ("client", "server")


def run(command, calls):
    return subprocess.run(command, input=calls, capture_output=True, check=True, timeout=120).stdout


def parse(calls, *options):
    """(frames, streams by id, the connection), as the machine has them."""
    lines = [json.loads(line) for line in run([PARSE, *options], calls).splitlines()]
    kinds = collections.defaultdict(list)
    for line in lines:
        kinds[line["kind"]].append(line)
    assert not kinds["lost"]
    (connection,) = kinds["connection"]
    return kinds["frame"], {str(one["stream"]): one for one in kinds["stream"]}, connection


def frame_counts(frames, side):
    return collections.Counter(frame["type"] for frame in frames if frame["by"] == side)


def compare_stream(mine, theirs, stopped):
    for side in SIDES:
        ended = theirs.get(f"ended_by_{side}", False)
        assert mine[f"ended_by_{side}"] == ended or (side in stopped and not ended)
    resets = {side: theirs.get(f"reset_by_{side}") for side in SIDES}
    if mine["reset_by"]:
        code = resets[mine["reset_by"]]
        assert mine["reset_by"] in stopped if code is None else mine["code"] == CODES[code]
    elif any(code is not None for code in resets.values()):
        assert mine["ended_by_server"]  # the reset came behind the end
    if mine["status"] and "server" not in stopped:
        assert str(mine["status"]) == theirs["status"]


def compare_side(mine, theirs):
    for name in ("pings", "pongs"):
        assert mine[name] == theirs.get(name, 0)
    assert mine["max_concurrent"] == theirs.get("max_concurrent")
    assert (mine["goaway"] or {"count": 0})["count"] == theirs.get("goaways", 0)
    if mine["goaway"]:
        assert mine["goaway"]["last_stream"] == theirs["last_stream"]
        if mine["goaway"]["count"] == 1:
            assert mine["goaway"]["code"] == CODES[theirs["code"]]


def compare_frames(frames, side, theirs):
    mine = {TYPES.index(name) if name in TYPES else name: n for name, n in frame_counts(frames, side).items()}
    others = {int(name.split()[1]): n for name, n in theirs.items() if name.startswith("type ")}
    if "stopped" in theirs:
        assert all(mine[name] >= n for name, n in others.items())
    else:
        assert mine == others


def compare(calls):
    """Returns how many statuses libnghttp2 has found, how many of them the machine has, and which sides libnghttp2 did not read to
    their end."""
    frames, streams, connection = parse(calls)
    theirs = json.loads(run([FACTS, "read"], calls))
    stopped = {side for side in SIDES if "stopped" in theirs[side]}
    for side in SIDES:
        compare_frames(frames, side, theirs[side])
        assert connection[side]["errors"] == []
        if side not in stopped:
            compare_side(connection[side], theirs[side])
        assert set(connection[side]["fields"]) >= set(theirs[f"{side}_fields"])
        assert side in stopped or len(connection[side]["fields"]) == len(theirs[f"{side}_fields"])
    assert streams and streams.keys() == theirs["streams"].keys()
    assert connection["streams"] == sum(stream.get("begun", False) for stream in theirs["streams"].values())
    for number, stream in streams.items():
        compare_stream(stream, theirs["streams"][number], stopped)
    statuses = [number for number in streams if "status" in theirs["streams"][number]]
    return len(statuses), sum(streams[number]["status"] is not None for number in statuses), stopped


def assert_cuts_agree(calls):
    whole = run([PARSE], calls)
    for cut in ("1", "2", "9", "10", "64"):
        assert run([PARSE, "--cut", cut], calls) == whole


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.mark.parametrize(("server", "client"), peers.PAIRS)
def test_real_peers_are_understood_as_libnghttp2_does(tmp_path, server, client):
    one = peers.started(server, tmp_path, free_port())
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with Tap(one.address) as tap, one, child(peers.CLIENTS[client](tap.name), **quiet) as process:
        process.wait(60)
    assert len(tap.calls) > 100
    (tmp_path / "calls").write_bytes(tap.calls)  # to look at, and to be a seed of the fuzzer
    statuses, known, stopped = compare(tap.calls)
    assert_cuts_agree(tap.calls)
    print(f"{server} {client}: {statuses} statuses, {known} known, stopped: {stopped or 'none'}")


def test_made_conversations_are_understood_as_libnghttp2_does():
    """Names of fields that are sent for the first time are all seen, however they are written, and none is invented."""
    found = collections.Counter()
    for seed in range(MADE):
        calls = run([FACTS, "make", str(seed)], b"")
        statuses, known, stopped = compare(calls)
        assert len(stopped) < 2
        found.update(statuses=statuses, known=known)
        if seed % 50 == 0:
            assert_cuts_agree(calls)
    assert found["known"] > found["statuses"] / 10
    print(dict(found))


def raw(*calls):
    return b"".join(struct.pack(">BH", direction, len(data)) + data for direction, data in calls)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"


def test_both_ways_to_name_the_input_give_the_same(tmp_path):
    client = PREFACE + SETTINGS + b"\0\0\1\1\5\0\0\0\1\x82"
    server = SETTINGS + b"\0\0\1\1\5\0\0\0\1\x88"
    for name, data in (("client", client), ("server", server)):
        (tmp_path / name).write_bytes(data)
    files = ["--client", tmp_path / "client", "--server", tmp_path / "server"]
    assert parse(b"", *files) == parse(raw((0, client), (1, server)))
    assert parse(b"", *files)[2]["answered"] == 1


@pytest.mark.parametrize("options", [["--client", "/dev/null"], ["--cut", "0"], ["--cut", "1", "--cut-all"], ["file"], ["--no"]])
def test_bad_usage_is_refused(options):
    done = subprocess.run([PARSE, *options], input=b"", capture_output=True, check=False)
    assert done.returncode == 2
    assert b"usage: " in done.stderr and done.stdout == b""
