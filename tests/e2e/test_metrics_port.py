# SPDX-License-Identifier: BSD-2-Clause
"""Whatever arrives at the metrics port, memory and time stay bounded, and the next scrape is answered."""

import contextlib
import errno
import resource
import socket
import threading
import time

from lib import metrics
import pytest
from lib import wire

CROWD = 1000
MEBI = 2**20


@pytest.fixture(scope="module")
def daemon(own_closed_port):
    with metrics.Daemon([own_closed_port]) as daemon:
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
    """Asserts that the daemon still answers, and has not grown out of bounds."""
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
    "a half of a body": b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab",
    "a head without its body": b"GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n",
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
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (10 * MEBI))
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
            reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
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
    """Such a client used to wait for ever if its FIN came just before the request was read."""
    for delay in range(200):
        with connect(daemon) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            end = time.perf_counter() + delay * 4e-6
            while time.perf_counter() < end:
                pass
            client.shutdown(socket.SHUT_WR)
            assert wire.read_to_end(client).endswith(b"ok\n")


def test_a_flood_of_requests_leaves_the_observer_its_turn(own_listener):
    """Clients that send requests without a pause, as many as the server takes."""
    over = threading.Event()

    def flood(client):
        with contextlib.suppress(OSError):
            while not over.is_set():
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)

    def drain(client):
        with contextlib.suppress(OSError):
            while client.recv(MEBI):
                pass

    with metrics.Daemon([wire.port_of(own_listener)]) as daemon, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(daemon)) for _ in range(8)]
        threads = [threading.Thread(target=act, args=[client]) for client in clients for act in (flood, drain)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(500):
                with wire.Pair(own_listener) as pair:
                    pair.exchange()
                    pair.close(first=pair.client)
            scrape = daemon.scrape_until(
                lambda scrape: scrape.sum_of("keepwatch_connections_closed_total") == 1000, "all closes")
        finally:
            over.set()
            for client in clients:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
        assert scrape.sum_of("keepwatch_events_lost_total") == 0
