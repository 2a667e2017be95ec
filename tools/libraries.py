# SPDX-License-Identifier: BSD-2-Clause
"""The libraries of a program, found without running it, so that it may be of another processor."""

import re
import subprocess
from pathlib import Path

FOLDERS = "lib", "usr/lib"
LATER = {"keepwatch": ["libcapstone.so.4"]}  # a program loads these itself, when it needs them: user/observe/tls/capstone.c


def header(path):
    return subprocess.run(["readelf", "-l", "-d", path], capture_output=True, text=True, check=True).stdout


def needed(path):
    """The names of the libraries that a program or library asks for itself."""
    return re.findall(r"NEEDED.*\[(\S+)\]", header(path)) + LATER.get(Path(path).name, [])


def mapped(program, root, machine):
    """All that the loader maps for it, and the loader, as {place: file}; none for a static program. @root: the folder that has
    the system of its processor; @machine: as uname has it."""
    found, left = {}, [program]
    while left:
        path = left.pop()
        places = [f"{folder}/{machine}-linux-gnu/{name}" for name in needed(path) for folder in FOLDERS]
        places += [loader.lstrip("/") for loader in re.findall(r"program interpreter: (\S+)\]", header(path))]
        new = {f"/{place}": root / place for place in places if f"/{place}" not in found and (root / place).exists()}
        found |= new
        left += new.values()
    return found
