#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The kernels that guests boot: downloaded once from the archive that the system itself takes its packages from, and kept in a
folder that outlives the clone (KEEPWATCH_KERNELS, else a folder of the user's cache).

    tools/vm/kernels.py [--renew]    lists the kernels; --renew looks for newer ones"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from archive import Archive, Unavailable, source_of  # noqa: E402

LISTED = Path(__file__).with_name("kernels.tsv")
TRIES = 3  # a package may have left the archive since its list was written
OWN = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine())  # this machine, as Debian names it


def cache():
    """The folder that keeps the images."""
    if given := os.environ.get("KEEPWATCH_KERNELS"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keepwatch" / "kernels"


class Kernel:
    """A line of the list."""

    def __init__(self, name, architecture, suite, pattern):
        self.name, self.architecture, self.suite = name, architecture, suite
        self.pattern = re.compile(pattern)
        self.archive = architecture, suite.partition("/")[0] if "/" in suite else "debian"

    def kept(self):
        """The newest image in the cache, or None. A folder is complete once it has its name."""
        found = [path for path in (cache() / self.name).glob("*/vmlinuz") if ".part" not in path.parent.name]
        return max(found, key=lambda path: path.stat().st_mtime, default=None)


def listed():
    lines = [line for line in LISTED.read_text().splitlines() if line and not line.startswith("#")]
    return [Kernel(*line.split("\t")) for line in lines]


def fetch(archive, kernel):
    """Puts the newest image that can be had into the cache, if it is not there."""
    candidates = archive.newest(kernel.pattern)[:TRIES]
    why = f"{kernel.suite} has no such package"
    for name, version in candidates:
        target = cache() / kernel.name / f"{name}_{version}"
        if (target / "vmlinuz").exists():
            os.utime(target / "vmlinuz")
            return
        try:
            package = archive.download(name, version)
        except Unavailable as error:
            why = str(error)
            continue
        unpacked = archive.folder / "unpacked"
        subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
        part = target.with_name(f"{target.name}.part{os.getpid()}")
        part.mkdir(parents=True)
        shutil.copy(next(unpacked.rglob("vmlinuz*")), part / "vmlinuz")
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
        shutil.rmtree(unpacked)
        package.unlink()
        return
    raise Unavailable(why)


def provide_of(architecture, wanted):
    """The same as below, for kernels of one archive that are to be looked for."""
    missing = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            suites = sorted({kernel.suite for kernel in wanted})
            archive = Archive(Path(folder), [source_of(suite) for suite in suites], architecture)
        except (Unavailable, OSError, subprocess.TimeoutExpired) as error:
            return {kernel.name: str(error) for kernel in wanted if not kernel.kept()}
        for kernel in wanted:
            try:
                fetch(archive, kernel)
            except (Unavailable, OSError, StopIteration, subprocess.SubprocessError) as error:
                if not kernel.kept():
                    missing[kernel.name] = str(error) or type(error).__name__
    return missing


def provide(kernels, renew=False):
    """Makes sure that the cache has these kernels. Returns those that are unavailable, as {name: why}."""
    wanted = [kernel for kernel in kernels if renew or not kernel.kept()]
    missing = {}
    for archive in {kernel.archive for kernel in wanted}:
        missing |= provide_of(archive[0], [kernel for kernel in wanted if kernel.archive == archive])
    return missing


def main():
    kernels = listed()
    missing = provide(kernels, "--renew" in sys.argv[1:])
    for kernel in kernels:
        print(f"{kernel.name:10} {missing.get(kernel.name) or kernel.kept()}")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
