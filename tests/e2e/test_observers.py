# SPDX-License-Identifier: BSD-2-Clause
"""A test leaves no observer behind, even if one of several that it starts at once does not come up."""

import contextlib
from pathlib import Path

import pytest

from lib import observer


def children():
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def test_an_observer_that_was_not_entered_has_no_process():
    before = children()
    several = [observer.Observer("--nonsense"), *(observer.Observer("trace", "--json") for _ in range(3))]
    with pytest.raises(AssertionError, match="it ended at once"), contextlib.ExitStack() as stack:
        for one in several:
            stack.enter_context(one)
    assert children() == before
