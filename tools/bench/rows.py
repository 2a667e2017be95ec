# SPDX-License-Identifier: BSD-2-Clause
"""The one table: a row is what was measured, its figure, and the target beside it where there is one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    part: str
    what: str
    figure: str
    target: str = ""
    holds: bool | None = None  # does the figure meet the target; None where there is none

    @property
    def verdict(self):
        return {None: "", True: "ok", False: "MISSED"}[self.holds]


def row(part, what, value, most=None, form="{:.2f}", note=""):
    """A row of a figure that a target limits from above, if @most is given."""
    if most is None:
        return Row(part, what, form.format(value) + note)
    return Row(part, what, form.format(value) + note, "at most " + form.format(most), value <= most)


def plain(rows):
    """The table as lines, aligned."""
    cells = [("part", "what", "figure", "target", "")]
    cells += [(row.part, row.what, row.figure, row.target, row.verdict) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    for line in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()


def markdown(rows):
    yield "| | | | target | |"
    yield "|---|---|---|---|---|"
    part = None
    for row in rows:
        yield f"| {row.part if row.part != part else ''} | {row.what} | {row.figure} | {row.target} | {row.verdict} |"
        part = row.part
