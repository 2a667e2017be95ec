# SPDX-License-Identifier: BSD-2-Clause
"""Records of a slow machine are compared by what it cannot help, and by nothing less."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent)]

import seen  # noqa: E402


def closed(reason, idle, closer="server"):
    return [{"type": "connection", "reason": reason, "idle_at_close_s": idle, "closer": closer}]


@pytest.mark.parametrize("reason", sorted(seen.PAUSED))
def test_a_pause_of_the_machine_is_no_difference(reason):
    assert not list(seen.compared(closed(reason, 0.142), closed("unannounced_close", 0.0001)))
    assert not list(seen.compared(closed("max_requests", 0.0001), closed(reason, 0.142)))


def test_all_else_stays_a_difference():
    prompt = closed("unannounced_close", 0.0001)
    assert list(seen.compared(closed("server_closed_idle", 0.0001), prompt))
    assert list(seen.compared(closed("no_response", 0.142), prompt))
    assert list(seen.compared(closed("server_closed_idle", 0.142, closer="client"), prompt))


def test_idle_closes_are_counted_together():
    counts = {'closed{reason="unannounced_close"}': "3", 'closed{reason="server_closed_idle"}': "1", "requests": "7"}
    assert seen.idle_together(counts) == {'closed{reason="idle"}': 4, "requests": 7}
