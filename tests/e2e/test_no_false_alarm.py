# SPDX-License-Identifier: BSD-2-Clause
"""Ten thousand connections of ordinary traffic: no alarm but those that the packets show."""

import collections
import contextlib
import subprocess

from lib import deadlines, load, stage as stages
from lib.child import child

WANTED = 10_000
BY_AB, BY_HEY = 5200, 4200  # one request on each connection, so as many connections
WRK_CONNECTIONS = 16
RING = 64 << 20  # bytes: the loads leave the observer little time, and how much it can take is not asked here


def programs(nginx, apache, go, folder):
    """ab speaks HTTP/1.0, so Apache closes. hey announces each close. wrk keeps what nginx lets it keep, which
    is four requests, and at its end cuts what is in flight."""
    (folder / "delay.lua").write_text(load.DELAY.replace("25", "3"))
    wrk = ["wrk", "-t", "1", "-c", str(WRK_CONNECTIONS), "-d", "2s", "-s", folder / "delay.lua"]
    return [
        ["ab", "-q", "-n", str(BY_AB), "-c", "16", apache.url()],
        ["hey", "-n", str(BY_HEY), "-c", "14", "-disable-keepalive", go.url()],
        [*wrk, nginx.url()],
    ]


def run_all(commands):
    outputs = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with contextlib.ExitStack() as stack:
        for process in [stack.enter_context(child(command, **outputs)) for command in commands]:
            said, _ = process.communicate(timeout=deadlines.START)
            assert process.returncode == 0, said


def connection_of(one):
    return (one["local"], one["remote"]) if one["role"] == "client" else (one["remote"], one["local"])


def test_ten_thousand_ordinary_connections_give_no_alarm_of_their_own(nothing_left, tmp_path):
    with stages.Stage("--ring-size", str(RING), count=3) as stage:
        with stage.nginx(keepalive_requests=4) as nginx, stage.apache() as apache, stage.go() as go:
            with stage.captured(nginx, apache, go, snapshot=512) as capture:
                run_all(programs(nginx, apache, go, tmp_path))
        streams = [stream for stream in capture.streams() if stream.manner != "refused"]
        stage.wait_until(lambda: len(stage.output) >= 2 * len(streams), "a record of every socket")
    assert len(streams) >= WANTED
    records = stage.records()
    assert collections.Counter((one["role"], *connection_of(one)) for one in records) == collections.Counter(
        (role, stream.client_name, stream.server_name) for stream in streams for role in ("client", "server")
    )
    cut = {(stream.client_name, stream.server_name) for stream in streams if stream.lost}
    unsure = {(stream.client_name, stream.server_name) for stream in streams if stream.unsure}
    assert len(cut | unsure) <= WRK_CONNECTIONS
    alarms = [one for one in records if one["premature"] is not False]
    assert [one for one in alarms if connection_of(one) not in cut | unsure] == []
    # And those are told: by the socket of the client that gave up, each.
    assert cut <= {connection_of(one) for one in alarms if one["role"] == "client" and one["premature"]}
    assert sum(one["requests"] for one in records if one["role"] == "client") == sum(
        stream.requests for stream in streams
    )
