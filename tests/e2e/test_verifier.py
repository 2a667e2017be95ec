# SPDX-License-Identifier: BSD-2-Clause
"""Compares the verifier's effort for each program with tests/verifier.tsv, so that no program grows unnoticed. The guests of
tests/kernels do the same on other kernels."""

import subprocess

from lib import deadlines, effort
from lib.host import ROOT

HERE = "6.18"  # the kernels that are like the one the table was measured on need the same


def measured():
    return subprocess.check_output([ROOT / "build" / "verifier"], text=True, timeout=deadlines.START)


def test_no_program_costs_the_verifier_a_fifth_more_than_the_table_says():
    """But for memory: on this host other processes take and free some at the same time."""
    text = measured()
    grown = [line for line in effort.complaints(text, HERE) if "MiB" not in line]
    assert not grown, "if that is what it takes, renew tests/verifier.tsv as it says"
    assert len(effort.rows(text)[0].keys() & effort.SWEEPS) == 1


def test_all_programs_together_stay_below_what_a_quick_start_allows():
    """The table itself must not creep: it is renewed program by program. TLS has programs of its own: on 6.1 two, because its
    hooks cannot share one, and a longer record in each program that makes records."""
    for series, most in {"5.15": 220_000, "6.1": 200_000, "6.12": 150_000, "6.16": 150_000, "6.18": 150_000, "7.x": 150_000,
                         "6.12-arm64": 150_000, "7.x-arm64": 150_000}.items():
        assert 50_000 < effort.known(series)[effort.ALL][0] <= most, series
