# SPDX-License-Identifier: BSD-2-Clause
"""An edited header rebuilds the objects that include it, and nothing else."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = sorted(str(path.relative_to(ROOT))
                 for folder in ("include", "bpf", "vmlinux", "user") for path in (ROOT / folder).rglob("*.h"))
SEARCHED = ("user", ".", "vmlinux", "build")


def includes(path):
    """The project's files that @path includes, by their names in the text."""
    for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', (ROOT / path).read_text(), re.MULTILINE):
        for folder in (pathlib.Path(path).parent, *map(pathlib.Path, SEARCHED)):
            found = (ROOT / folder / name).resolve()
            if found.is_file():
                yield str(found.relative_to(ROOT))
                break


def includes_deep(path, seen):
    for name in includes(path):
        if name not in seen and not name.startswith("build/"):
            seen.add(name)
            includes_deep(name, seen)
        elif name == "build/keepwatch.skel.h":
            seen.add(name)
    return seen


def sources():
    yield "bpf/keepwatch.bpf.c", "build/keepwatch.bpf.o"
    for path in sorted([*(ROOT / "user").rglob("*.c"), *(ROOT / "tools" / "http1-parse").glob("*.c")]):
        name = str(path.relative_to(ROOT))
        yield name, f"build/{name[:-2]}.o"


@pytest.fixture(scope="module")
def wanted():
    """The sources of each object. The skeleton is made from the kernel side's object."""
    kernel = includes_deep("bpf/keepwatch.bpf.c", set())
    result = {}
    for source, target in sources():
        result[target] = includes_deep(source, set())
        if "build/keepwatch.skel.h" in result[target]:
            result[target] |= kernel
    return result


@pytest.fixture(scope="module")
def spellings():
    """The names that make knows a file by: bpf/../include/event.h is one of include/event.h."""
    result = {}
    for notes in (ROOT / "build").rglob("*.d"):
        if notes.is_dir():  # of a package
            continue
        for name in re.findall(r"[^\s:\\]+\.h", notes.read_text()):
            result.setdefault((ROOT / name).resolve(), set()).add(name)
    return result


@pytest.mark.parametrize("header", HEADERS)
def test_editing_a_header_rebuilds_exactly_what_includes_it(header, wanted, spellings):
    edited = [f"--what-if={name}" for name in spellings.get(ROOT / header, {header})]
    plan = subprocess.run(["make", "-n", "V=1", *edited, "all"], cwd=ROOT, capture_output=True, text=True,
                          check=True).stdout
    rebuilt = {target for target in wanted if re.search(rf"-o {re.escape(target)}$", plan, re.MULTILINE)}
    assert rebuilt == {target for target, made_from in wanted.items() if header in made_from}
