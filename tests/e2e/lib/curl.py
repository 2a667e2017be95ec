# SPDX-License-Identifier: BSD-2-Clause
"""curl as a client that nobody here wrote."""

import json
import subprocess
from typing import NamedTuple

from lib import wire

WRITE_OUT = "%{json}\n"


class Transfer(NamedTuple):
    """One transfer of one curl, as curl itself counts it."""

    client_name: str
    server_name: str
    status: int
    sent: int
    received: int


def name_of(host, port):
    return wire.name_of((host, port))


def curl(*options, urls):
    """Fetches the URLs one after the other; a Transfer for each. Answers are thrown away."""
    outputs = [item for url in urls for item in ("-o", "/dev/null", url)]
    always = ["-q", "-s", "-S", "--noproxy", "*", "--max-time", "30", "-w", WRITE_OUT]
    done = subprocess.run(["curl", *always, *options, *outputs], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [
        Transfer(
            name_of(facts["local_ip"], facts["local_port"]),
            name_of(facts["remote_ip"], facts["remote_port"]),
            facts["response_code"],
            facts["size_request"] + facts["size_upload"],
            facts["size_header"] + facts["size_download"],
        )
        for facts in map(json.loads, done.stdout.splitlines())
    ]
