# SPDX-License-Identifier: BSD-2-Clause
"""What each program costs the kernel's verifier, against tests/verifier.tsv: no program grows unnoticed."""

import subprocess

from lib import deadlines
from lib.host import ROOT

TABLE = ROOT / "tests" / "verifier.tsv"
GROWTH = 1.2
SWEEPS = {"kw_sweep", "kw_sweep_files"}  # of which a kernel loads one


def rows(text):
    return {name: (int(instructions), int(peak)) for name, instructions, peak in map(str.split, text)}


def table():
    lines = TABLE.read_text().splitlines()
    return rows(line for line in lines if not line.startswith("#"))


def measured():
    output = subprocess.check_output([ROOT / "build" / "verifier"], text=True, timeout=deadlines.START)
    return rows(output.splitlines()[1:])


def test_no_program_costs_the_verifier_a_fifth_more_than_the_table_says():
    costs, known = measured(), table()
    assert len(costs.keys() & SWEEPS) == 1
    assert costs.keys() | SWEEPS == known.keys(), "renew tests/verifier.tsv as it says"
    grown = {name: (costs[name], known[name]) for name in costs
             if any(now > before * GROWTH for now, before in zip(costs[name], known[name]))}
    assert not grown, "if that is what it takes, renew tests/verifier.tsv as it says"
