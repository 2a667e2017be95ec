# SPDX-License-Identifier: BSD-2-Clause
"""What a process holds in the kernel, and whether it is gone after it."""

import json
import re
import subprocess
import time
from pathlib import Path

DEADLINE = 30.0
KINDS = ("prog", "link", "map")
IDENTITY = re.compile(r"^(prog|link|map)_id:\s*(\d+)$", re.M)


def held_by(pid):
    """The BPF objects that a process holds by a descriptor, as {(kind, id)}."""
    held = set()
    for fdinfo in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            text = fdinfo.read_text()
        except FileNotFoundError:
            continue
        held.update((kind, int(number)) for kind, number in IDENTITY.findall(text))
    return held


def existing():
    """All BPF objects of the kernel, as {(kind, id)}."""
    objects = set()
    for kind in KINDS:
        listing = subprocess.run(["bpftool", "--json", kind, "list"], check=True, capture_output=True).stdout
        objects.update((kind, item["id"]) for item in json.loads(listing))
    return objects


def left_of(objects):
    """Which of these objects stay in the kernel. It frees them in its own time, so wait for that."""
    end = time.monotonic() + DEADLINE
    left = objects & existing()
    while left and time.monotonic() < end:
        time.sleep(0.1)
        left = objects & existing()
    return left
