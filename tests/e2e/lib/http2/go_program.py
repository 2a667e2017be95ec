# SPDX-License-Identifier: BSD-2-Clause
"""The programs h2c.go and flood.go, compiled with Debian's golang.org/x/net."""

import contextlib
import fcntl
import hashlib
import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[3] / "build" / "tests" / "e2e"


def built(name="h2c"):
    """Compiled once and kept in the build folder; sessions that run side by side take turns."""
    source = HERE / f"{name}.go"
    made = BUILD / f"go-{name}-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}"
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / "go.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            fresh = made.with_suffix(".new")
            environment = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(BUILD / "go-cache")}
            subprocess.run(["go", "build", "-o", fresh, source], check=True, env=os.environ | environment)
            fresh.rename(made)
    return made


@contextlib.contextmanager
def present():
    """A process of h2c.go that does nothing: an observer that starts now knows the program, so that it reads the first connection of the
    next one."""
    with subprocess.Popen([built(), "wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        yield
        process.stdin.close()
