# SPDX-License-Identifier: BSD-2-Clause
"""A scrape: its forms, as strict readers see them; and exact, under load and whoever else scrapes."""

import contextlib
import gzip
import signal
import subprocess
import threading
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from lib import metrics, wire
from lib.acts import connect_in_vain, make_traffic

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
REQUESTS = 50_000
CONNECTIONS = 20

# Sends so many requests, says so once all are answered, and sends no more.
WRK = f"""
local sent, answered = 0, 0
function delay()
	sent = sent + 1
	return sent > {REQUESTS} and 3600000 or 0
end
function response()
	answered = answered + 1
	if answered == {REQUESTS} then
		print("all answered")
		io.flush()
	end
end
"""


def closed(scrape):
    return scrape.sum_of("keepwatch_connections_closed_total")


@contextlib.contextmanager
def daemon_with_counts(listener, own_closed_port):
    """A daemon that has something to say in most families."""
    with metrics.Daemon([wire.port_of(listener), own_closed_port]) as daemon:
        make_traffic(listener)
        connect_in_vain(own_closed_port)
        daemon.scrape_until(lambda scrape: closed(scrape) == 8, "all closes")
        yield daemon


def fetch(daemon, **headers):
    """The answer's headers and bytes as they came."""
    request = urllib.request.Request(daemon.url + "/metrics", headers=headers)
    with metrics.DIRECT.open(request, timeout=wire.DEADLINE) as answer:
        return answer.headers, answer.read()


def test_promtool_has_nothing_to_say(own_listener, own_closed_port):
    with daemon_with_counts(own_listener, own_closed_port) as daemon:
        _, text = fetch(daemon)
        told = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60)
        assert (told.returncode, told.stdout, told.stderr) == (0, b"", b"")


def test_open_metrics_is_read_by_a_strict_parser_and_says_the_same(own_listener, own_closed_port):
    with daemon_with_counts(own_listener, own_closed_port) as daemon:
        headers, text = fetch(daemon, Accept=OPEN_METRICS)
        assert headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        families = {family.name: family for family in text_string_to_metric_families(text.decode())}
        plain = daemon.scrape()
    assert all(family.documentation for family in families.values())
    assert families["keepwatch_build"].type == "info"
    for name, family in families.items():
        unit = name.rpartition("_")[2]
        assert family.unit == (unit if unit in ("seconds", "bytes") else ""), name
    own = "process_", "keepwatch_bpf_"  # these move all the time
    said = {
        (sample.name, frozenset((key, as_text(key, value)) for key, value in sample.labels.items())): sample.value
        for family in families.values() for sample in family.samples if not sample.name.startswith(own)
    }
    assert said == {key: value for key, value in plain.samples.items() if not key[0].startswith(own)}


def as_text(key, value):
    """A bucket's bound as text format 0.0.4 writes it."""
    return value.removesuffix(".0") if key == "le" else value


def test_gzip_is_for_those_who_accept_it(own_listener, own_closed_port):
    with daemon_with_counts(own_listener, own_closed_port) as daemon:
        for accept in "text/plain", OPEN_METRICS:
            headers, packed = fetch(daemon, Accept=accept, **{"Accept-Encoding": "deflate, gzip;q=0.5"})
            assert headers["Content-Encoding"] == "gzip"
            plain_headers, plain = fetch(daemon, Accept=accept, **{"Accept-Encoding": "gzip;q=0, identity"})
            assert plain_headers["Content-Encoding"] is None
            assert headers["Content-Type"] == plain_headers["Content-Type"]
            assert len(packed) < len(plain) / 4
            assert samples_but_own(gzip.decompress(packed)) == samples_but_own(plain)


def samples_but_own(text):
    return [line for line in text.splitlines() if line.startswith(b"keepwatch_") and b"_bpf_" not in line]


def test_a_scrape_is_one_moment(own_listener):
    """What is told twice, in different families, agrees within each scrape, whatever happens meanwhile."""
    over = threading.Event()

    def busy():
        while not over.is_set():
            with wire.Pair(own_listener) as pair:
                pair.exchange()
                pair.close(first=pair.client)

    with metrics.Daemon([wire.port_of(own_listener)]) as daemon:
        worker = threading.Thread(target=busy)
        worker.start()
        try:
            seen = set()
            while len(seen) < 5:  # different moments
                scrape = daemon.scrape()
                for role in "client", "server":
                    count = scrape.sum_of("keepwatch_connections_closed_total", role=role)
                    opened = scrape.sum_of("keepwatch_connections_opened_total", role=role)
                    assert scrape.sum_of("keepwatch_connections_open", role=role) == opened - count
                    assert scrape.sum_of("keepwatch_connection_requests_count", role=role) == count
                    assert scrape.sum_of("keepwatch_protocol_connections_total", role=role) == count
                    seen.add((role, count))
        finally:
            over.set()
            worker.join()


# ---- exact, whoever scrapes ----


class Scraper(threading.Thread):
    """Scrapes about a hundred times a second, far more often than anybody should."""

    def __init__(self, daemon):
        super().__init__()
        self.daemon_ = daemon
        self.over = threading.Event()
        self.count = 0
        self.last = 0
        self.failure = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def run(self):
        try:
            while not self.over.wait(0.01):
                scrape = self.daemon_.scrape()
                requests = scrape.sum_of("keepwatch_requests_total")
                assert requests >= self.last
                self.last = requests
                self.count += 1
        except Exception as failure:
            self.failure = failure


@contextlib.contextmanager
def wrk(nginx, folder):
    """All requests are answered when this is entered; connections are closed after it."""
    (folder / "count.lua").write_text(WRK)
    command = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", "600", "-s", folder / "count.lua", nginx.url("/")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            while "all answered" not in process.stdout.readline():
                assert process.poll() is None
            yield
        finally:
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=wire.DEADLINE)[0]
    assert f"{REQUESTS} requests in" in said, said
    assert "errors" not in said and "Non-2xx" not in said, said


def test_fifty_thousand_requests_are_exact_under_a_hundred_scrapes_a_second(nginx, tmp_path):
    _, port = nginx.addresses["plain"]
    with metrics.Daemon([port]) as daemon:
        with Scraper(daemon) as scraper, wrk(nginx, tmp_path):
            daemon.scrape_until(lambda scrape: scrape.sum_of("keepwatch_requests_total") == 2 * REQUESTS, "all")
        assert scraper.failure is None and scraper.count > 5
        scrape = daemon.scrape_until(
            lambda scrape: scrape.sum_of("keepwatch_connections_open") == 0
            and scrape.sum_of("keepwatch_connections_closed_total", reason="unused") == 2,
            "the closes")
    assert scrape.sum_of("keepwatch_events_lost_total") == 0
    for role in "client", "server":
        def total(name, **labels):
            return scrape.sum_of(f"keepwatch_{name}", role=role, **labels)

        # wrk opens one more to see whether the server is there.
        assert total("connections_opened_total") == CONNECTIONS + 1
        assert total("connections_closed_total") == CONNECTIONS + 1
        assert total("connections_closed_total", reason="client_closed_idle", closer="client") == CONNECTIONS
        assert total("connections_closed_total", reason="unused", closer="client") == 1
        assert total("requests_total", version="1.1") == total("requests_total") == REQUESTS
        assert total("responses_total", code="2xx") == total("responses_total") == REQUESTS
        assert total("reused_requests_total") == REQUESTS - CONNECTIONS
        assert total("connection_requests_sum") == REQUESTS
        assert total("response_wait_seconds_count") == REQUESTS
        assert total("reuse_idle_seconds_count") == REQUESTS - CONNECTIONS
        assert total("directives_total", message="request") == REQUESTS
        assert total("lost_requests_total") == 0
