# SPDX-License-Identifier: BSD-2-Clause
"""Ten thousand services, each at an address of its own: a hundred are told apart, the rest count as "other", and
neither the daemon nor a scrape grows with them."""

import gzip
import urllib.request

from lib import metrics, observer
import pytest
from lib import wire

SERVICES = 10_000
CEILING = 100
MEBI = 2**20


@pytest.fixture
def wide_listener():
    """It listens at every address of the loopback network."""
    with wire.listen("0.0.0.0") as listener:
        yield listener


def visit(listener, number):
    """One exchange with the service of this number; the RST leaves no socket in TIME_WAIT."""
    address = f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}", wire.port_of(listener)
    with wire.Pair(listener, address) as pair:
        pair.exchange()
        wire.reset(pair.client)


def scraped(daemon):
    """The scrape with gzip, its sizes: (scrape, bytes, bytes on the wire)."""
    request = urllib.request.Request(daemon.url + "/metrics", headers={"Accept-Encoding": "gzip"})
    with metrics.DIRECT.open(request, timeout=wire.DEADLINE) as answer:
        packed = answer.read()
    text = gzip.decompress(packed)
    return metrics.Scrape(text.decode()), len(text), len(packed)


def visit_all(daemon, listener, numbers):
    for number in numbers:
        visit(listener, number)
    daemon.scrape_until(
        lambda scrape: scrape.sum_of("keepwatch_connections_closed_total", role="client") == numbers[-1] + 1,
        "all closes")
    return scraped(daemon)


def test_ten_thousand_services_cost_what_a_hundred_do(wide_listener):
    with metrics.Daemon([wire.port_of(wide_listener)], "--services", str(CEILING)) as daemon:
        visit_all(daemon, wide_listener, range(CEILING))  # so that the buffers of the text have their size
        first, size, packed = visit_all(daemon, wide_listener, range(CEILING, 2 * CEILING))
        last, last_size, last_packed = visit_all(daemon, wide_listener, range(2 * CEILING, SERVICES))
    resident = [scrape.sum_of("process_resident_memory_bytes") for scrape in (first, last)]
    print(f"{size} bytes, {packed} packed, {len(first.samples)} series, {resident[0]} resident; "
          f"at {SERVICES}: {last_size}, {last_packed}, {len(last.samples)}, {resident[1]}")
    opened = last.all_of("keepwatch_connections_opened_total")
    assert len(opened) == CEILING + 1  # and "other"; the one server's service is among the hundred
    for role in "client", "server":
        assert last.sum_of("keepwatch_connections_opened_total", role=role) == SERVICES
        assert last.sum_of("keepwatch_requests_total", role=role) == SERVICES
        assert last.sum_of("keepwatch_connections_closed_total", role=role) == SERVICES
    other = last.sum_of("keepwatch_connections_opened_total", role="client", service="other")
    assert other == SERVICES - (CEILING - 1)
    assert 9000 < last.sum_of("keepwatch_services_dropped_total", why="ceiling") <= other
    assert last.sum_of("keepwatch_events_lost_total") == 0
    assert last_size < size * 1.1 < 2 * MEBI
    assert last_packed < MEBI / 4
    # Both processes are summed, so that pages which they share count twice. The pages of the ring (2 MiB, mapped twice) count
    # where they have been read for the first time meanwhile.
    slack = 3 if observer.SANITIZED else 1
    assert resident[1] < resident[0] + 4 * slack * MEBI < 40 * slack * MEBI
