# SPDX-License-Identifier: BSD-2-Clause
"""A scrape: its forms, as strict readers see them; exact under load and whoever else scrapes; and whatever comes
to the metrics port, the next scrape is answered."""

import contextlib
import errno
import gzip
import resource
import signal
import socket
import subprocess
import threading
import time
import urllib.request

import metrics
import pytest
import wire
from acts import connect_in_vain, make_traffic
from prometheus_client.openmetrics.parser import text_string_to_metric_families

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
REQUESTS = 50_000
CONNECTIONS = 20
CROWD = 1000
MEBI = 2**20

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
def daemon_with_counts(listener, closed_port):
    """A daemon that has something to say in most families."""
    with metrics.Daemon([wire.port_of(listener), closed_port]) as daemon:
        make_traffic(listener)
        connect_in_vain(closed_port)
        daemon.scrape_until(lambda scrape: closed(scrape) == 8, "all closes")
        yield daemon


def fetch(daemon, **headers):
    """The answer's headers and bytes as they came."""
    request = urllib.request.Request(daemon.url + "/metrics", headers=headers)
    with metrics.DIRECT.open(request, timeout=wire.DEADLINE) as answer:
        return answer.headers, answer.read()


def test_promtool_has_nothing_to_say(own_listener, closed_port):
    with daemon_with_counts(own_listener, closed_port) as daemon:
        _, text = fetch(daemon)
        told = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60)
        assert (told.returncode, told.stdout, told.stderr) == (0, b"", b"")


def test_open_metrics_is_read_by_a_strict_parser_and_says_the_same(own_listener, closed_port):
    with daemon_with_counts(own_listener, closed_port) as daemon:
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


def test_gzip_is_for_those_who_accept_it(own_listener, closed_port):
    with daemon_with_counts(own_listener, closed_port) as daemon:
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
    """Scrapes about a hundred times a second, as a dozen Prometheus servers in need of rest would."""

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


# ---- bad input ----


@pytest.fixture(scope="module")
def daemon(closed_port):
    with metrics.Daemon([closed_port]) as daemon:
        yield daemon


def connect(daemon):
    host, port = daemon.url.removeprefix("http://").split(":")
    return wire.connect((host, int(port)))


def end_sending(client):
    """Unless the other side has ended it all by a RST."""
    try:
        client.shutdown(socket.SHUT_WR)
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise


def check_size(daemon):
    """It still answers, and has not grown out of bounds."""
    scrape = daemon.scrape()
    assert scrape.sum_of("process_resident_memory_bytes") < 32 * MEBI
    assert scrape.sum_of("process_open_fds") < 250


MALFORMED = {
    "no request line": b"GARBAGE\r\n\r\n",
    "no version": b"GET /metrics\r\n\r\n",
    "an unknown version": b"GET /metrics HTTP/9.9\r\nHost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    "zeros": bytes(5000),
    "no colon": b"GET /metrics HTTP/1.1\r\nnonsense\r\n\r\n",
    "no host": b"GET /metrics HTTP/1.1\r\n\r\n",
    "a negative length": b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "a length that is no number": b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: ten\r\n\r\n",
    "a chunk without a size": b"POST /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "an endless target": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a strange method": b"BREW /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
    "other bytes in Accept": b"GET /metrics HTTP/1.0\r\nAccept: \xff;q=\x80,,;;=;q=9\r\n\r\n",
    "a half of a head": b"GET /metrics HTTP/1.1\r\nHost",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_request_ends_or_is_answered(daemon, data):
    with connect(daemon) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(data)
            end_sending(client)
            answer = wire.read_to_end(client)
            assert answer == b"" or answer.startswith(b"HTTP/1."), answer[:100]
    check_size(daemon)


def test_a_head_of_ten_megabytes_is_refused(daemon):
    with connect(daemon) as client:
        answer = b""
        with contextlib.suppress(ConnectionError):
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-Long: ")
            for _ in range(10):
                client.sendall(b"x" * MEBI)
            client.sendall(b"\r\n\r\n")
            answer = wire.read_to_end(client)
        assert not answer.startswith(b"HTTP/1.1 2"), answer[:100]
    check_size(daemon)


def test_a_body_that_nobody_asked_for_is_read_and_forgotten(daemon):
    with connect(daemon) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (10 * MEBI))
        client.sendall(bytes(10 * MEBI))
        assert wire.read_head(client).startswith(b"HTTP/1.1 200")
    check_size(daemon)


def test_clients_that_send_or_read_slowly_hold_up_nobody(daemon):
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(connect(daemon)) for _ in range(20)]
        for byte in b"GET /met":
            for sender in senders:
                sender.sendall(bytes([byte]))
            check_size(daemon)
        readers = [stack.enter_context(connect(daemon)) for _ in range(20)]
        for reader in readers:  # none of them reads an answer
            reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
        check_size(daemon)
        for sender in senders:  # whoever is slow is answered too, while there is room
            sender.sendall(b"rics HTTP/1.0\r\n\r\n")
            assert wire.read_to_end(sender).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("data", [b"", b"GET /metrics HTTP/1.1\r\nHost: "], ids=["silent", "half a head"])
def test_a_thousand_idle_connections_leave_room_for_the_next(daemon, data):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.ExitStack() as stack:
        for count in range(CROWD):
            idle = stack.enter_context(connect(daemon))
            with contextlib.suppress(ConnectionError):
                idle.sendall(data)
            if count % 100 == 99:
                check_size(daemon)
        check_size(daemon)
    check_size(daemon)


def test_a_client_that_comes_back_keeps_its_connection_in_a_crowd(daemon):
    with contextlib.ExitStack() as stack, connect(daemon) as scraper:
        for _ in range(20):
            for _ in range(20):
                stack.enter_context(connect(daemon))
            scraper.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert wire.read_response(scraper) == (200, b"ok\n")


def test_a_client_that_closes_its_direction_with_its_request_is_answered_and_let_go(daemon):
    """It used to be kept waiting where its FIN came just before the request was read."""
    for delay in range(200):
        with connect(daemon) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            end = time.perf_counter() + delay * 4e-6
            while time.perf_counter() < end:
                pass
            client.shutdown(socket.SHUT_WR)
            assert wire.read_to_end(client).endswith(b"ok\n")
