# SPDX-License-Identifier: BSD-2-Clause
"""More services than --services allows, made by somebody without privileges: those that matter have a name of their own, and all
are in the totals."""

import socket
import subprocess
import sys

import pytest

from lib import metrics, wire

PLACES = 6
NAMES = 100

# Connects once to each of these addresses, and says how many connects were refused.
KNOCK = """
import socket, sys
port, refused = int(sys.argv[1]), 0
for number in range(int(sys.argv[2])):
    try:
        socket.create_connection((f"127.7.{number // 250}.{1 + number % 250}", port)).close()
    except ConnectionRefusedError:
        refused += 1
print(refused)
"""


@pytest.fixture
def wide_listener():
    """It listens at every address of the loopback network."""
    with wire.listen("0.0.0.0") as listener:
        yield listener


@pytest.fixture
def nobodys_port():
    """A port at which nobody listens, and that nobody else gets meanwhile."""
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", 0))
        yield holder.getsockname()[1]


def knock_as_nobody(port):
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
                           sys.executable, "-c", KNOCK, str(port), str(NAMES)],
                          capture_output=True, text=True, timeout=wire.DEADLINE, check=True)
    assert done.stdout == f"{NAMES}\n"


def visit(listener, address, count, lose=False):
    """Exchanges with the service of this address, each on a connection of its own."""
    for _ in range(count):
        with wire.Pair(listener, (address, wire.port_of(listener))) as pair:
            if lose:
                pair.send_request()
                pair.close(first=pair.server)
            else:
                pair.exchange()
                pair.close(first=pair.client)


def of_client(scrape, name, service=None, **labels):
    if service:
        labels["service"] = service
    return scrape.sum_of(f"keepwatch_{name}", role="client", **labels)


def wait_for_closes(daemon, count):
    return daemon.scrape_until(lambda scrape: of_client(scrape, "connections_closed_total") == count, "all closes")


def test_refused_connects_keep_no_place_from_a_service_that_loses_requests(wide_listener, nobodys_port):
    port = wire.port_of(wide_listener)
    with metrics.Daemon([port, nobodys_port], "--services", str(PLACES)) as daemon:
        knock_as_nobody(nobodys_port)
        daemon.scrape_until(lambda scrape: of_client(scrape, "connect_failures_total") == NAMES, "all refused connects")
        visit(wide_listener, "127.0.0.1", 20, lose=True)
        scrape = wait_for_closes(daemon, 20)
    lost = of_client(scrape, "lost_requests_total", f"127.0.0.1:{port}", reason="no_response")
    assert lost == of_client(scrape, "lost_requests_total") == 20
    assert of_client(scrape, "connections_opened_total", f"127.0.0.1:{port}") == 20
    assert of_client(scrape, "connect_failures_total") == NAMES
    assert scrape.sum_of("keepwatch_events_lost_total") == 0


def test_a_busy_newcomer_takes_a_place_and_totals_stay_exact(wide_listener):
    port = wire.port_of(wide_listener)
    with metrics.Daemon([port], "--services", str(PLACES)) as daemon:
        for number in range(NAMES):
            visit(wide_listener, f"127.7.0.{1 + number}", 1)
        before = wait_for_closes(daemon, NAMES)
        visit(wide_listener, "127.0.0.1", 30)
        after = wait_for_closes(daemon, NAMES + 30)
    own = of_client(after, "requests_total", f"127.0.0.1:{port}")
    other = of_client(after, "requests_total", "other")
    assert 20 <= own <= 30
    assert of_client(after, "requests_total") == NAMES + 30
    assert after.sum_of("keepwatch_requests_total", role="server") == NAMES + 30
    assert other >= of_client(before, "requests_total", "other")
    assert after.sum_of("keepwatch_services_dropped_total", why="displaced") == 1
    assert len(after.all_of("keepwatch_connections_opened_total", role="client")) == PLACES  # with "other"; one is the server's
    assert all(value >= 0 for _, value in after.all_of("keepwatch_connections_open"))
    assert after.sum_of("keepwatch_connections_open") == 0
