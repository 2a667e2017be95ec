# SPDX-License-Identifier: BSD-2-Clause
"""Control groups that a test makes, in the hierarchy of version 2, and is in for a while."""

import contextlib
import os
import subprocess
from pathlib import Path


def find_mount():
    """Where version 2 is mounted and may be written to; None if nowhere."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split(" ")
        if kind == "cgroup2":
            return Path(where) if "rw" in options.split(",") else None
    return None


@contextlib.contextmanager
def mounted(folder):
    """The mount point of version 2: the host's, or one of our own where the host has none."""
    if mount := find_mount():
        yield mount
        return
    subprocess.run(["mount", "-t", "cgroup2", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


class Cgroup:
    """A group of this path below a folder of the test's own; all of it goes at the end."""

    def __init__(self, mount, path):
        self.mount = mount
        self.top = mount / f"keepwatch-test-{os.getpid()}"
        self.folder = self.top / path.lstrip("/")
        self.folder.mkdir(parents=True)
        self.name = "/" + str(self.folder.relative_to(mount))  # what records call it

    def close(self):
        folder = self.folder
        while folder != self.mount:
            try:
                folder.rmdir()
            except OSError:  # another group's too
                return
            folder = folder.parent

    @contextlib.contextmanager
    def inside(self):
        """This process, with all its threads, is in the group."""
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        (before,) = [line.removeprefix("0::/") for line in lines if line.startswith("0::")]
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))
        try:
            yield
        finally:
            (self.mount / before / "cgroup.procs").write_text(str(os.getpid()))
