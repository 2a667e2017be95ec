# SPDX-License-Identifier: BSD-2-Clause
"""The verifier's effort for each program, as build/verifier prints it, beside tests/verifier.tsv."""

from lib.host import ROOT

TABLE = ROOT / "tests" / "verifier.tsv"
GROWTH = 1.2
ALL = "all"
MEMORY = 100  # MiB, at most, while any program loads
SWEEPS = {"kw_sweep", "kw_sweep_files"}  # a kernel loads one of these


def rows(text):
    """{program: (instructions, peak states)} and the MiB of the last line, which is about all programs."""
    lines = [line.split() for line in text.splitlines()[1:]]
    return {name: (int(instructions), int(peak)) for name, instructions, peak, *_ in lines}, float(lines[-1][-1])


def known(series):
    """The same of the table, for kernels of a series, such as 6.1."""
    lines = (line.split("\t") for line in TABLE.read_text().splitlines() if not line.startswith("#"))
    return {name: (int(instructions), int(peak)) for of, name, instructions, peak in lines if of == series}


def complaints(text, series):
    """Sentences about programs that are not in the table, or cost much more than it says; and about memory."""
    measured, memory = rows(text)
    table = known(series)
    found = [f"the verifier takes {memory} MiB"] if memory > MEMORY else []
    found += [f"{name} is not in {TABLE.name} for Linux {series}" for name in measured.keys() - table.keys() - SWEEPS]
    found += [f"{name} took the verifier {table[name]} (instructions, peak states), and now {measured[name]}"
              for name in measured.keys() & table.keys()
              if any(now > before * GROWTH for now, before in zip(measured[name], table[name]))]
    return found
