# SPDX-License-Identifier: BSD-2-Clause
"""Moves of a socket's state that no program saw: see unseen.c."""

import subprocess

import pytest

from lib import deadlines, observer

pytestmark = pytest.mark.once


def test_a_move_that_no_program_saw_is_counted_and_makes_no_verdict_up():
    done = subprocess.run([observer.ROOT / "build" / "tests" / "e2e" / "lib" / "unseen"], capture_output=True, text=True,
                          timeout=deadlines.START, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
