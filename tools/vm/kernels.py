#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The kernels that guests boot: downloaded once from the archive that the system itself takes its packages from, and kept in a folder that outlives the clone (KEEPWATCH_KERNELS, else a folder of the user's cache). The system's
own package lists are left alone.

    tools/vm/kernels.py [--renew]    lists the kernels; --renew looks for newer ones"""

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LISTED = Path(__file__).with_name("kernels.tsv")
SOURCES = [Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")]
TRIES = 3  # a package may have left the archive since its list was written
TIMEOUT = 600


def cache():
    """The folder that keeps the images."""
    if given := os.environ.get("KEEPWATCH_KERNELS"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keepwatch" / "kernels"


class Unavailable(Exception):
    """A kernel is unavailable; the message says why."""


class Kernel:
    """A line of the list."""

    def __init__(self, series, suite, pattern):
        self.series, self.suite = series, suite
        self.pattern = re.compile(pattern)

    def kept(self):
        """The newest image in the cache, or None. A folder is complete once it has its name."""
        found = [path for path in (cache() / self.series).glob("*/vmlinuz") if ".part" not in path.parent.name]
        return max(found, key=lambda path: path.stat().st_mtime, default=None)


def listed():
    lines = [line for line in LISTED.read_text().splitlines() if line and not line.startswith("#")]
    return [Kernel(*line.split("\t")) for line in lines]


def stanzas():
    """The system's own sources, as (uri, suites, keyring)."""
    for path in SOURCES:
        if not path.exists():
            continue
        if path.suffix == ".list":
            for line in path.read_text().splitlines():
                if match := re.match(r"deb\s+(?:\[.*\]\s+)?(\S+)\s+(\S+)", line):
                    yield match[1], match[2].split(), None
            continue
        for text in path.read_text().split("\n\n"):
            fields = dict(re.findall(r"^([\w-]+):\s*(.+)$", text, re.M))
            if "URIs" in fields:
                yield fields["URIs"].split()[0], fields.get("Suites", "").split(), fields.get("Signed-By")


def source_of(suite):
    """A line for a list of sources: the suite from where the system has its like."""
    security = suite.endswith("-security")
    for uri, suites, keyring in stanzas():
        if any(one.endswith("-security") == security for one in suites):
            return f"deb [{f'signed-by={keyring}' if keyring else ''}] {uri} {suite} main\n".replace("[] ", "")
    raise Unavailable("this system has no Debian archive configured to download it from")


class Archive:
    """Package lists of our own, in a folder that is thrown away."""

    def __init__(self, folder, suites):
        self.folder = folder
        for part in ("state/lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text("".join(source_of(suite) for suite in sorted(suites)))
        self.options = [f"-o{name}={value}" for name, value in {
            "Dir::State": folder / "state", "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache", "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null", "APT::Sandbox::User": "root", "Acquire::Languages": "none",
        }.items()]
        self._run("apt-get", "-qq", "-oAPT::Update::Error-Mode=any", "update")
        self.packages = re.findall(r"^Package: (\S+)$.*?^Version: (\S+)$",
                                   self._run("apt-cache", "dumpavail"), re.M | re.S)

    def _run(self, program, *arguments):
        done = subprocess.run([program, *self.options, *arguments], cwd=self.folder, timeout=TIMEOUT,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"{program} {arguments[0]}: {' '.join(done.stderr.split())[:200]}")
        return done.stdout

    def newest(self, pattern):
        """The packages of these names, (name, version), the newest first."""
        def compare(one, other):
            newer = ["dpkg", "--compare-versions", one[1], "gt", other[1]]
            return 1 if subprocess.run(newer, check=False).returncode == 0 else -1

        found = {package for package in self.packages if pattern.fullmatch(package[0])}
        return sorted(found, key=functools.cmp_to_key(compare), reverse=True)

    def download(self, name, version):
        """The path of the package."""
        self._run("apt-get", "-qq", "download", f"{name}={version}")
        return next(self.folder.glob(f"{name}_*.deb"))


def fetch(archive, kernel):
    """Puts the newest image that can be had into the cache, if it is not there."""
    candidates = archive.newest(kernel.pattern)[:TRIES]
    why = f"{kernel.suite} has no such package"
    for name, version in candidates:
        target = cache() / kernel.series / f"{name}_{version}"
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


def provide(kernels, renew=False):
    """Makes sure that the cache has these kernels. Returns those that are unavailable, as {series: why}."""
    wanted = [kernel for kernel in kernels if renew or not kernel.kept()]
    missing = {}
    if not wanted:
        return missing
    with tempfile.TemporaryDirectory() as folder:
        try:
            archive = Archive(Path(folder), {kernel.suite for kernel in wanted})
        except (Unavailable, OSError, subprocess.TimeoutExpired) as error:
            return {kernel.series: str(error) for kernel in wanted if not kernel.kept()}
        for kernel in wanted:
            try:
                fetch(archive, kernel)
            except (Unavailable, OSError, StopIteration, subprocess.SubprocessError) as error:
                if not kernel.kept():
                    missing[kernel.series] = str(error) or type(error).__name__
    return missing


def main():
    kernels = listed()
    missing = provide(kernels, "--renew" in sys.argv[1:])
    for kernel in kernels:
        print(f"{kernel.series:6} {missing.get(kernel.series) or kernel.kept()}")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
