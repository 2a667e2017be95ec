# SPDX-License-Identifier: BSD-2-Clause
"""Of many errors of gateways under load, each has its record, and a cause that is called certain is the right one. `pytest -s`
prints the numbers."""

import collections

import pytest

from lib import observer
from lib.gateway_load import Scene
from lib.gateway_tally import Tally, errors_of
from lib.servers.gateways import KINDS

ROUNDS = {"lighttpd": 2}  # it waits for three seconds where the others wait for one
CERTAIN = dict.fromkeys(["nginx", "haproxy", "apache", "squid", "varnish"], 0.95)  # at the least, of those with a cause

total = collections.Counter()


@pytest.mark.parametrize("kind", KINDS)
def test_each_error_has_its_record_and_what_is_certain_is_right(kind):
    with Scene(kind) as scene, observer.Trace(scene.ports) as trace:
        scene.play(ROUNDS.get(kind, 3))
        errors = scene.errors()
        trace.wait_until(lambda: len(errors_of(scene, trace)) >= len(errors), f"{len(errors)} records")
        tally = Tally(scene, trace)
    print(tally.row())
    counts = tally.counts
    total.update(counts)
    assert counts["records"] == counts["errors"] > 50
    assert len(errors_of(scene, trace)) == counts["errors"]
    wrong = [one for one in tally.wrong if one[0] == "certain"]
    assert len(wrong) <= max(2, 0.01 * counts["certain"]), wrong
    assert counts["invented"] == 0, tally.row()
    assert counts["caused, certain"] >= CERTAIN.get(kind, 0.2) * counts["caused"], tally.row()


def test_all_in_all_it_holds():
    """Of all gateways together, if all were tested by this process."""
    print(total)
    if total["errors"] > 500:
        assert total["certain, right"] >= 0.99 * total["certain"]
