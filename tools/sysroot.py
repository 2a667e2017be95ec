#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Unpacks Debian packages for another processor, and all that they depend on, into a folder: what a cross compiler links with,
and what a guest runs. Nothing is installed.

    tools/sysroot.py FOLDER ARCHITECTURE PACKAGE..."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from archive import Archive, Unavailable, own_sources


def make_links_relative(root):
    """So that absolute links, as between /usr/lib and /lib, stay in the folder."""
    for path in root.rglob("*"):
        if path.is_symlink() and (target := os.readlink(path)).startswith("/"):
            path.unlink()
            path.symlink_to(os.path.relpath(root / target.lstrip("/"), path.parent))


def main():
    root, architecture, *names = sys.argv[1:]
    root = Path(root)
    part = root.with_name(f"{root.name}.part{os.getpid()}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            for package in Archive(Path(folder), own_sources(), architecture).download_all(names):
                subprocess.run(["dpkg-deb", "-x", package, part], check=True)
        make_links_relative(part)
        shutil.rmtree(root, ignore_errors=True)
        part.rename(root)
    except (Unavailable, OSError, subprocess.SubprocessError) as error:
        return f"sysroot: the packages for {architecture} cannot be had: {error}"
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
