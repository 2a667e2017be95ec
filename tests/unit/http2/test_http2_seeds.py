# SPDX-License-Identifier: BSD-2-Clause
"""Connections between real peers, which are the fuzzer's first inputs, as the native tool prints them."""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SEEDS = ROOT / "tests" / "fuzz" / "seeds" / "http2"
FORBIDDEN = {"connection", "keep-alive", "proxy-connection", "upgrade", "te", "transfer-encoding"}

# Of each connection: its streams, those that were answered, answers of trailers only, resets by the client and by the server, and
# fields that the client should not have sent.
EXPECTED = {
    "go-nghttp": (60, 60, 0, {}, {}, set()),
    "grpc": (13, 12, 6, {"CANCEL": 1}, {}, set()),
    "haproxy-curl": (1, 1, 0, {}, {}, set()),
    "nghttpd-hop-by-hop": (1, 0, 0, {}, {"PROTOCOL_ERROR": 1}, FORBIDDEN),
    "node-curl-upload": (1, 1, 0, {}, {}, set()),
    "node-nghttp": (60, 60, 0, {}, {}, set()),
}


def test_each_seed_is_known():
    assert {path.name for path in SEEDS.iterdir()} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_connections_are_read_as_they_were_meant_wherever_they_are_cut(name):
    command = [ROOT / "build" / "http2-parse", "--cut-all"]
    lines = subprocess.check_output(command, input=(SEEDS / name).read_bytes()).splitlines()
    connection = json.loads(lines[-1])
    client, server = connection["client"], connection["server"]
    found = (connection["streams"], connection["answered"], connection["trailers_only"], client["resets"], server["resets"],
             set(client["fields"]))
    assert found == EXPECTED[name]
    assert connection["open"] == 0 and client["errors"] == server["errors"] == []
