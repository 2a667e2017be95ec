# SPDX-License-Identifier: BSD-2-Clause
"""With --tls a connection is told as its twin in clear text: the scenarios of the suites of HTTP/1 are played in clear text, then
over TLS, and the same assertions hold, and the same records come of it."""

import contextlib
from types import SimpleNamespace

import pytest

from lib import sessions, tls, twins, wire
import test_endings
import test_half_close
import test_messages
import test_odd_messages
import test_passing
import test_reasons_cut
import test_reasons_facts
import test_reasons_idle
import test_refused_uploads

SUITES = (
    test_endings, test_half_close, test_messages, test_odd_messages, test_passing, test_reasons_cut, test_reasons_facts,
    test_reasons_idle, test_refused_uploads,
)  # fmt: skip

KNOWN = {"trace", "door", "listener", "talk", "pair"}
SCENARIOS = [one for suite in SUITES for one in twins.scenarios_of(suite) if set(one.wants) <= KNOWN]


@pytest.fixture(scope="module")
def carriers(nothing_left, tmp_path_factory):
    del nothing_left
    certificates = tls.Certificates(tmp_path_factory.mktemp("certificates"))
    with contextlib.ExitStack() as stack:
        doors = {
            "clear": stack.enter_context(wire.listen()),
            "1.2": stack.enter_context(sessions.Door(certificates, "1.2")),
            "1.3": stack.enter_context(sessions.Door(certificates, "1.3", address="::1")),
            "memory": stack.enter_context(sessions.Door(certificates, "1.3", sessions.over_memory)),
        }
        trace = stack.enter_context(twins.Trace(map(wire.port_of, doors.values()), "--tls"))
        yield SimpleNamespace(**{name: twins.Carrier(trace, door) for name, door in doors.items()}, certificates=certificates)


@pytest.mark.parametrize("version", tls.VERSIONS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_a_scenario_over_tls_is_told_as_its_twin_in_clear_text(carriers, scenario, version):
    clear = carriers.clear.play(scenario)
    read = getattr(carriers, version).play(scenario)
    differences = list(twins.differences(read, clear))
    assert not differences, "\n".join(map(str, differences))
    assert {one["tls"]["plaintext"] for one in read if one["type"] == "connection"} == {"openssl"}
