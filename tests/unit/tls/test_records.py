# SPDX-License-Identifier: BSD-2-Clause
"""Handshakes that real peers have made, as the native tool prints them."""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SEEDS = ROOT / "tests" / "fuzz" / "seeds" / "tls"

# Of each connection: the version, the sender and the name of the alert that ended its handshake, and its data, by sender.
EXPECTED = {
    "tls-1.2-polite": ("1.2", None, None, ["client", "server"] * 2),
    "tls-1.3-polite": ("1.3", None, None, ["client", "server"] * 2),
    "tls-1.2-unknown-ca": ("1.2", "client", "unknown_ca", []),
    "tls-1.3-unknown-ca": ("1.3", "client", "unknown_ca", []),
}


def test_each_seed_is_known():
    assert {path.name for path in SEEDS.iterdir()} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_records_are_read_as_they_were_meant(name):
    command = [ROOT / "build" / "tls-records"]
    lines = subprocess.check_output(command, input=(SEEDS / name).read_bytes()).splitlines()
    *records, connection = [json.loads(line) for line in lines]
    data = [one["by"] for one in records if one["means"] == "data"]
    assert (connection["version"], connection["alert_by"], connection["alert"], data) == EXPECTED[name]
    assert connection["doubts"] == 0
