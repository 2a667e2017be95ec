#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Unpacks Debian packages for another processor, and all that they depend on, into a folder: what a cross compiler links with,
and what a guest runs. Nothing is installed.

    tools/sysroot.py FOLDER ARCHITECTURE PACKAGE...

FOLDER/var/lib/dpkg lists the packages, for dpkg-query; FOLDER/DEBIAN has the symbols of all their libraries, because
dpkg-shlibdeps finds them there."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from archive import Archive, Unavailable, own_sources

OF_LIBRARIES = "symbols", "shlibs"


def make_links_relative(root):
    """So that absolute links, as between /usr/lib and /lib, stay in the folder."""
    for path in root.rglob("*"):
        if path.is_symlink() and (target := os.readlink(path)).startswith("/"):
            path.unlink()
            path.symlink_to(os.path.relpath(root / target.lstrip("/"), path.parent))


def fields_of(package):
    """The text of its control file, and the same as {name: value}, for the fields of one line."""
    text = subprocess.run(["dpkg-deb", "-f", package], capture_output=True, text=True, check=True).stdout
    return text, dict(re.findall(r"^(\S+): (.*)$", text, re.M))


def files_of(package):
    """The paths in a package, as dpkg lists them."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as unpacker:
        with tarfile.open(fileobj=unpacker.stdout, mode="r|") as archive:
            return "".join(f"{member.name.removeprefix('.') or '/.'}\n" for member in archive)


def register(package, root):
    """Adds an unpacked package to the lists."""
    folder, (about, fields) = root / "var/lib/dpkg", fields_of(package)
    label = fields["Package"]
    if fields.get("Multi-Arch") == "same":
        label += f":{fields['Architecture']}"
    (folder / "info" / f"{label}.list").write_text(files_of(package))
    with open(folder / "status", "a", encoding="utf-8") as status:
        status.write(f"{about}Status: install ok installed\n\n")
    with tempfile.TemporaryDirectory() as control:
        subprocess.run(["dpkg-deb", "-e", package, control], check=True)
        for part in OF_LIBRARIES:
            if (found := Path(control, part)).exists():
                with open(root / "DEBIAN" / part, "a", encoding="utf-8") as all_of_them:
                    all_of_them.write(found.read_text())


def unpack(packages, root):
    for folder in ("DEBIAN", "var/lib/dpkg/info", "var/lib/dpkg/updates"):
        (root / folder).mkdir(parents=True)
    (root / "var/lib/dpkg/info/format").write_text("1\n")
    for package in packages:
        subprocess.run(["dpkg-deb", "-x", package, root], check=True)
        register(package, root)
    make_links_relative(root)


def main():
    root, architecture, *names = sys.argv[1:]
    root = Path(root)
    part = root.with_name(f"{root.name}.part{os.getpid()}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            unpack(Archive(Path(folder), own_sources(), architecture).download_all(names), part)
        shutil.rmtree(root, ignore_errors=True)
        part.rename(root)
    except (Unavailable, OSError, subprocess.SubprocessError) as error:
        return f"sysroot: the packages for {architecture} cannot be had: {error}"
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
