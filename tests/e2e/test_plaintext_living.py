# SPDX-License-Identifier: BSD-2-Clause
"""Plaintext of TLS connections (--tls) that are reported while they live: each second, whatever has passed by then."""

import pytest

from lib import metrics, tls, wire
from lib.sessions import Session


@pytest.mark.parametrize("version", tls.VERSIONS)
def test_a_session_that_was_reported_before_its_first_request_is_read(nothing_left, own_listener, certificates, version):
    """As a pool opens connections in advance. That they are open is all that has been said of them by then."""
    del nothing_left
    with metrics.Daemon([wire.port_of(own_listener)], "--tls") as daemon, Session(own_listener, certificates, version) as session:
        daemon.scrape_until(lambda page: page.sum_of("keepwatch_connections_open") == 2, "both ends, reported as open")
        for count in 1, 2:
            session.exchange(wire.GET, wire.response("404 Not Found"))
            daemon.scrape_until(lambda page, count=count: page.sum_of("keepwatch_requests_total") == 2 * count, f"requests {count}")
        session.close(first=session.client)
        page = daemon.scrape_until(lambda page: page.sum_of("keepwatch_connections_closed_total") == 2, "the ends")
        assert page.sum_of("keepwatch_connections_opened_total") == 2
        assert page.sum_of("keepwatch_requests_total") == page.sum_of("keepwatch_responses_total", code="4xx") == 4
        assert page.sum_of("keepwatch_connections_closed_inferred_total") == page.sum_of("keepwatch_connections_open") == 0
