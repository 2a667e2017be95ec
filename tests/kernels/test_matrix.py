# SPDX-License-Identifier: BSD-2-Clause
"""Which kernels are run, and that the others are named."""

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path[:0] = [str(Path(__file__).parent)]

import matrix  # noqa: E402


def chosen(*names, ends=False):
    return matrix.chosen(argparse.Namespace(names=names, ends=ends))


def test_an_architecture_names_all_its_kernels():
    assert {kernel.architecture for kernel in chosen("arm64")} == {"arm64"}
    assert {kernel.architecture for kernel in chosen()} == set(matrix.guest.MACHINES)
    assert [kernel.name for kernel in chosen("6.1")] == ["6.1"]


def test_the_ends_are_those_of_each_archive():
    for archive in {kernel.archive for kernel in chosen()}:
        every = [kernel.name for kernel in chosen() if kernel.archive == archive]
        assert {kernel.name for kernel in chosen(ends=True) if kernel.archive == archive} == {every[0], every[-1]}
    assert len({kernel.archive for kernel in chosen()}) > len(matrix.guest.MACHINES)


def test_kernels_whose_programs_cannot_be_built_are_named(monkeypatch, capsys):
    """As where neither a cross compiler nor the libraries can be had; the others run all the same."""
    monkeypatch.setattr(matrix.kernels, "OWN", "amd64")
    monkeypatch.setattr(matrix.kernels, "provide", lambda wanted, renew: {})
    monkeypatch.setattr(matrix.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1, stderr="no compiler\n"))
    wanted, builds = matrix.available(chosen("6.12", "6.12-arm64"), renew=False)
    assert ([kernel.name for kernel in wanted], builds) == (["6.12"], {"amd64": matrix.BUILD})
    said = capsys.readouterr().out
    assert said.startswith("6.12-arm64 NOT TESTED:") and "no compiler" in said
