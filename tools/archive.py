# SPDX-License-Identifier: BSD-2-Clause
"""Packages of Debian's archive, from where the system itself takes its own, for any processor. Lists and packages lie in a folder
that is thrown away: the system's package manager knows nothing of them."""

import functools
import re
import subprocess
from pathlib import Path

SOURCES = [Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")]
TIMEOUT = 600


class Unavailable(Exception):
    """A package is unavailable; the message says why."""


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


def line_of(uri, suite, keyring):
    return f"deb [{f'signed-by={keyring}' if keyring else ''}] {uri} {suite} main\n".replace("[] ", "")


def beside(distribution, suite):
    """The suite of another distribution, where a mirror keeps its archive beside Debian's. Debian has no keys of it, so its packages
    are not proven: take from there only what runs in a guest."""
    for uri, suites, _ in stanzas():
        if not any(one.endswith("-security") for one in suites):
            return f"deb [trusted=yes] {re.sub('[^/]+/?$', distribution, uri)} {suite} main\n"
    raise Unavailable("this system has no Debian archive configured to look beside")


def source_of(suite):
    """A line for a list of sources: the suite from where the system has its like; or of another distribution, as in
    ubuntu/jammy-updates."""
    if "/" in suite:
        return beside(*suite.split("/", 1))
    security = suite.endswith("-security")
    for uri, suites, keyring in stanzas():
        if any(one.endswith("-security") == security for one in suites):
            return line_of(uri, suite, keyring)
    raise Unavailable("this system has no Debian archive configured to download it from")


def own_sources():
    """The suites that the system has itself."""
    lines = [line_of(uri, suite, keyring) for uri, suites, keyring in stanzas() for suite in suites]
    if not lines:
        raise Unavailable("this system has no Debian archive configured to download from")
    return lines


class Archive:
    """Package lists of our own, in a folder. @architecture: as Debian names it."""

    def __init__(self, folder, sources, architecture):
        self.folder = folder
        for part in ("state/lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text("".join(sources))
        self.options = [f"-o{name}={value}" for name, value in {
            "Dir::State": folder / "state", "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache", "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null", "APT::Sandbox::User": "root", "Acquire::Languages": "none",
            "APT::Architecture": architecture, "APT::Architectures": architecture,
        }.items()]
        self._run("apt-get", "-qq", "-oAPT::Update::Error-Mode=any", "update")

    def _run(self, program, *arguments):
        done = subprocess.run([program, *self.options, *arguments], cwd=self.folder, timeout=TIMEOUT,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"{program} {arguments[0]}: {' '.join(done.stderr.split())[:200]}")
        return done.stdout

    @functools.cached_property
    def packages(self):
        return re.findall(r"^Package: (\S+)$.*?^Version: (\S+)$", self._run("apt-cache", "dumpavail"), re.M | re.S)

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

    def download_all(self, names):
        """The paths of these packages and of all that they depend on."""
        self._run("apt-get", "-qq", "-y", "--no-install-recommends", "--download-only", "install", *names)
        return sorted((self.folder / "cache" / "archives").glob("*.deb"))
