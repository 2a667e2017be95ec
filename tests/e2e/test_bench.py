# SPDX-License-Identifier: BSD-2-Clause
"""Each part of the benchmark runs, so briefly that the results mean nothing and are not judged."""

import json
import math
import subprocess
import sys

import pytest

from lib.observer import ROOT

PARTS = {  # and how many rows of the table it has
    "per-event": 1, "throughput": 6, "felt": 18, "alternatives": 12, "daemon": 10, "scale": 19, "other": 5}
BENCH = [sys.executable, "-B", ROOT / "tools" / "bench" / "bench.py"]


def bench(*arguments):
    done = subprocess.run([*BENCH, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def numbers(figures):
    """All values in nested objects and lists."""
    if isinstance(figures, dict | list):
        for inner in figures.values() if isinstance(figures, dict) else figures:
            yield from numbers(inner)
    else:
        yield figures


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_the_benchmark_leaves_its_figures_and_its_rows(part, tmp_path):
    out = tmp_path / "bench.json"
    table = bench("--smoke", "--out", out, part)
    figures = json.loads(out.read_text())
    assert list(figures) == [part]
    assert all(math.isfinite(number) for number in numbers(figures))
    rows = table[next(at for at, line in enumerate(table) if line.split()[:2] == ["part", "what"]) + 1:]
    assert len(rows) == PARTS[part], table
    tables = bench("--markdown", out)
    assert sum(line.startswith("| ") and line.count("|") == 6 for line in tables) - 1 >= len(rows), tables


def test_a_part_that_there_is_not_is_refused():
    done = subprocess.run([*BENCH, "speed"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "no part speed" in done.stderr
