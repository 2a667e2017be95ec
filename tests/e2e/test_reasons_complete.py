# SPDX-License-Identifier: BSD-2-Clause
"""No close reason is without a scenario that proves it from real sockets."""

from lib import reasons, record
import test_half_close
import test_reasons_cut
import test_reasons_http2
import test_reasons_idle
import test_reasons_network
import test_tls_handshakes

SCENARIOS = (
    test_half_close, test_reasons_cut, test_reasons_http2, test_reasons_idle, test_reasons_network, test_tls_handshakes,
)  # fmt: skip


def test_every_reason_has_a_scenario():
    assert all(module.proves is reasons.proves for module in SCENARIOS)
    assert reasons.proven == set(record.REASONS)
