# SPDX-License-Identifier: BSD-2-Clause
"""Checks the tours in the documents: every source file and folder is named in the README.md that is to name it, and every
file or folder that a README.md names exists. Prints whatever is missing, and fails if anything is.

    python3 tools/tour.py       (from the top of the sources)"""

import re
import sys
from pathlib import Path

TOP = Path(".")
OUTPUT = {"build", ".git"}
TOURS = {  # a document, and the files and folders that it is to name
    "README.md": ["*/", "tools/*/"],
    "bpf/README.md": ["bpf/*.[ch]", "include/*.h", "include/*/*.h"],
    "tests/README.md": ["tests/*/"],
    "user/README.md": ["user/**/*.[ch]", "user/**/*.css", "user/**/*.js"],
}


def is_source(path):
    return not any(part in OUTPUT or part.startswith((".", "__")) for part in path.parts)


def words(text):
    """The words in `backticks`: names, with or without a folder before and an ending behind."""
    for quoted in re.findall(r"`([^`\n]+)`", text):
        yield from (part for part in re.split(r"[/\s,:]+", quoted) if part)


def unnamed(document, patterns):
    named = set(words((TOP / document).read_text()))
    for pattern in patterns:
        for path in sorted(TOP.glob(pattern)):
            wanted = {path.name, path.name.partition(".")[0]}
            if is_source(path) and (path.is_dir() or not pattern.endswith("/")) and not wanted & named:
                yield f"{document}: does not name {path}"


def missing(document):
    """Links, and paths in backticks that have a folder and an ending."""
    text = document.read_text()
    links = re.findall(r"\]\(([^):#]+)[)#]", text)
    paths = [path for path in re.findall(r"`([\w./-]+/[\w-]+\.\w+)`", text) if path[0] != "/" and path[:6] != "build/"]
    for path in sorted(set(links + paths)):
        if not any((folder / path).exists() for folder in (document.parent, TOP, TOP / "user")):
            yield f"{document}: there is no {path}"


def main():
    found = [line for document, patterns in TOURS.items() for line in unnamed(document, patterns)]
    for document in sorted(TOP.glob("**/README.md")):
        if is_source(document):
            found += missing(document)
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


sys.exit(main())
