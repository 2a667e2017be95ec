# SPDX-License-Identifier: BSD-2-Clause
"""The daemon: its pages, its counters compared with known traffic, and its behaviour under load."""

import hashlib
import re
import subprocess
import threading
import time

from lib import deadlines, kernel, loss, metrics, nginx as servers, observer, wire
from lib.acts import CLIENT_COUNTS, SERVER_COUNTS, check_counts, connect_in_vain, make_traffic

COUNTERS = """
    connections_opened connections_preexisting connections_closed connect_failures lost_requests requests
    reused_requests responses directives hop_by_hop_fields forwarded_hop_by_hop protocol_connections parse_errors tainted_connections
    events_lost hidden_softirqs services_dropped bpf_run_seconds bpf_runs
""".split()
GAUGES = "connections_open connections_half_closed advertised_timeout_seconds build_info".split()
HISTOGRAMS = """
    connection_requests connection_duration_seconds reuse_idle_seconds close_idle_seconds response_wait_seconds
    stale_reuse_lateness_seconds
""".split()
LOAD = 30_000
KERNEL_NAME = 15  # characters that the kernel keeps of a program's name
GONE_ON_IN = {name[:KERNEL_NAME] for name in (
    "kw_http1", "kw_http1_receive", "kw_http1_sendmsg", "kw_http1_recvmsg", "kw_adopt_socket", "kw_adopt_receive",
    "kw_adopt_sendmsg", "kw_adopt_recvmsg", "kw_reconnect", "kw_last_record", "kw_tls_send", "kw_tls_receive",
    "kw_tls_sendmsg", "kw_tls_recvmsg", "kw_http2_send", "kw_http2_receive", "kw_http2_sendmsg", "kw_http2_recvmsg",
    "kw_seek_send", "kw_seek_receive", "kw_seek_sendmsg", "kw_seek_recvmsg")}


def closed(scrape):
    return scrape.sum_of("keepwatch_connections_closed_total")


def answered(scrape):
    return scrape.sum_of("keepwatch_responses_total")


def half_closed(scrape):
    return scrape.sum_of("keepwatch_connections_half_closed")


def failed(scrape):
    return scrape.sum_of("keepwatch_connect_failures_total")


def test_the_programs_in_the_metrics_are_those_in_the_kernel(own_listener):
    """Programs for other kernels are not loaded, and not counted as idle; the kernel counts the time of programs that
    others go on in with theirs."""
    with metrics.Daemon([wire.port_of(own_listener)]) as daemon:
        told = daemon.scrape().all_of("keepwatch_bpf_runs_total")
        held = {loss.name_of(number) for kind, number in kernel.held_by(daemon.process.pid) if kind == "prog"}
        named = {labels["program"][:KERNEL_NAME] for labels, _ in told}
        assert named < held and held - named <= GONE_ON_IN


def test_metrics_match_the_traffic(own_listener, own_closed_port):
    port = wire.port_of(own_listener)
    with metrics.Daemon([port, own_closed_port]) as daemon:
        make_traffic(own_listener)
        connect_in_vain(own_closed_port)
        scrape = daemon.scrape_until(lambda scrape: closed(scrape) + failed(scrape) == 9, "all closes")
        servers = scrape.all_of("keepwatch_connections_closed_total", role="server")
        (label,) = {labels["service"] for labels, _ in servers}
        assert label.endswith(f":{port}")
        check_counts(scrape, "client", f"127.0.0.1:{port}", CLIENT_COUNTS)
        check_counts(scrape, "server", label, SERVER_COUNTS)
        failures = scrape.sum_of(
            "keepwatch_connect_failures_total",
            role="client",
            service=f"127.0.0.1:{own_closed_port}",
            reason="connect_refused",
        )
        assert failures == 1
        assert scrape.sum_of("keepwatch_connections_opened_total", service=f"127.0.0.1:{own_closed_port}") == 0


def test_every_family_of_the_contract_is_there(own_listener, own_closed_port):
    with metrics.Daemon([wire.port_of(own_listener), own_closed_port]) as daemon:
        make_traffic(own_listener)
        connect_in_vain(own_closed_port)
        scrape = daemon.scrape_until(lambda scrape: closed(scrape) == 8, "all closes")
        for name in COUNTERS:
            assert scrape.types.get(f"keepwatch_{name}_total") == "counter", name
        for name in GAUGES:
            assert scrape.types.get(f"keepwatch_{name}") == "gauge", name
        for name in HISTOGRAMS:
            assert scrape.types.get(f"keepwatch_{name}") == "histogram", name
        assert set(scrape.types) == set(scrape.helps)
        assert all(scrape.helps.values())
        kinds = scrape.all_of("keepwatch_events_lost_total")
        assert kinds and all(value == 0 for _, value in kinds)  # zero from the start
        assert scrape.sum_of("keepwatch_parse_errors_total") == 0
        assert scrape.sum_of("keepwatch_build_info") == 1
        assert scrape.sum_of("process_resident_memory_bytes") > 0
        forbidden = {"pid", "port", "client", "address", "url", "path", "remote", "local"}
        for _, labels in scrape.samples:
            assert not forbidden & {name for name, _ in labels}


def test_histograms_add_up(own_listener):
    with metrics.Daemon([wire.port_of(own_listener)]) as daemon:
        make_traffic(own_listener)
        scrape = daemon.scrape_until(lambda scrape: closed(scrape) == 8, "all closes")
        for name in HISTOGRAMS:
            counts = scrape.all_of(f"keepwatch_{name}_count")
            assert counts, name
            for labels, count in counts:
                buckets = scrape.all_of(f"keepwatch_{name}_bucket", **labels)
                buckets.sort(key=lambda bucket: float(bucket[0]["le"]))
                values = [value for _, value in buckets]
                assert values == sorted(values), "buckets are cumulative"
                assert buckets[-1][0]["le"] == "+Inf" and values[-1] == count
                assert scrape.sum_of(f"keepwatch_{name}_sum", **labels) >= 0


def test_counters_of_a_living_connection_move(own_listener):
    with metrics.Daemon([wire.port_of(own_listener)]) as daemon, wire.Pair(own_listener) as pair:
        for count in (1, 2, 5):
            for _ in range(count):
                pair.exchange()
        scrape = daemon.scrape_until(lambda scrape: answered(scrape) == 16, "counters while it lives")
        assert scrape.sum_of("keepwatch_requests_total") == 16
        assert scrape.sum_of("keepwatch_connections_open") == 2
        assert scrape.sum_of("keepwatch_connections_opened_total") == 2
        assert closed(scrape) == 0
        pair.exchange()
        pair.server.shutdown(1)
        daemon.scrape_until(lambda scrape: half_closed(scrape) == 1, "the half-closed one")
        assert pair.client.recv(1) == b""
        pair.client.close()
        pair.server.close()
        scrape = daemon.scrape_until(lambda scrape: closed(scrape) == 2, "both closes")
        assert scrape.sum_of("keepwatch_requests_total") == 18
        assert scrape.sum_of("keepwatch_reused_requests_total") == 16
        assert scrape.sum_of("keepwatch_reuse_idle_seconds_count") == 16
        assert scrape.sum_of("keepwatch_response_wait_seconds_count") == 18
        assert scrape.sum_of("keepwatch_connections_open") == 0
        assert half_closed(scrape) == 0


def test_connections_older_than_the_daemon_are_counted_apart(own_listener):
    with wire.Pair(own_listener) as pair:
        pair.exchange()
        with metrics.Daemon([wire.port_of(own_listener)]) as daemon:
            pair.exchange()
            pair.close(first=pair.client)
            scrape = daemon.scrape_until(lambda scrape: closed(scrape) == 2, "both closes")
            assert scrape.sum_of("keepwatch_connections_preexisting_total") == 2
            assert scrape.sum_of("keepwatch_connections_opened_total") == 0
            assert scrape.sum_of("keepwatch_connections_open") == 0
            assert scrape.sum_of("keepwatch_requests_total") == 2


def test_more_pipelined_requests_than_are_paired_taint_by_that_name(own_listener):
    """More than 16 requests wait when the first response comes; this used to be reported as blind bytes."""
    with metrics.Daemon([wire.port_of(own_listener)]) as daemon, wire.Pair(own_listener) as pair:
        pair.exchange(wire.GET * 20, wire.OK * 20)
        found = daemon.scrape_until(
            lambda page: page.sum_of("keepwatch_tainted_connections_total", kind="pipeline") == 2, "both ends")
        assert found.sum_of("keepwatch_tainted_connections_total") == 2
        pair.close(first=pair.client)


def test_a_finding_that_is_over_is_told_to_be_over(own_listener):
    def lose_a_request():
        with wire.Pair(own_listener) as pair:
            pair.exchange()
            pair.server.close()
            wire.wait_for_end(pair.client)
            pair.client.sendall(wire.GET)

    def told(scrape, value):
        found = scrape.all_of("keepwatch_finding", role="client", finding="timeout_race", severity="critical")
        return [is_told for _, is_told in found] == [value]

    with metrics.Daemon([wire.port_of(own_listener)], "--window", "2s") as daemon:
        lose_a_request()
        while not told(daemon.scrape(), 1):  # on a slow machine the window may pass before anybody looks
            lose_a_request()
            time.sleep(0.1)
        scrape = daemon.scrape_until(lambda scrape: told(scrape, 0), "the window's end")
        assert scrape.sum_of("keepwatch_lost_requests_total", role="client", reason="stale_reuse") >= 1


def test_pages(own_listener):
    with metrics.Daemon([wire.port_of(own_listener)]) as daemon:
        status, kind, text = daemon.get("/metrics")
        assert status == 200
        assert re.match(r"text/plain; *version=0\.0\.4", kind)
        assert "# EOF" not in text
        status, kind, text = daemon.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
        assert status == 200
        assert re.match(r"application/openmetrics-text; *version=1\.0\.0", kind)
        assert text.endswith("\n# EOF\n")
        assert "# TYPE keepwatch_requests counter" in text
        status, _, _ = daemon.get("/healthz")
        assert status == 200
        status, kind, text = daemon.get("/")
        assert status == 200
        assert kind.startswith("text/html") and "/metrics" in text
        status, _, _ = daemon.get("/nonsense")
        assert status == 404


def test_the_daemon_leaves_nothing_in_the_kernel(own_listener):
    with metrics.Daemon([wire.port_of(own_listener)]) as daemon:
        assert {kind for kind, _ in daemon.held} == set(kernel.NEXT_ID)
        assert daemon.held <= kernel.existing()
    assert kernel.left_of(daemon.held) == set()


def test_load_is_untouched_and_counted_to_the_last_request(nginx):
    """ab checks the length of every answer; the file is compared byte by byte meanwhile."""
    address, port = nginx.addresses["plain"]
    expected = hashlib.sha256(b"x" * servers.FILE_SIZE).digest()
    differing = []
    fetched = 0
    over = threading.Event()

    def fetch():
        nonlocal fetched
        with wire.Client((address, port)) as one:
            while not over.is_set() or fetched == 0:
                status, body = one.get("/file")
                fetched += 1
                if status != 200 or hashlib.sha256(body).digest() != expected:
                    differing.append(status)

    with metrics.Daemon([port]) as daemon:
        fetcher = threading.Thread(target=fetch)
        fetcher.start()
        try:
            ab = subprocess.run(
                ["ab", "-q", "-k", "-n", str(LOAD), "-c", "20", nginx.url("/")],
                capture_output=True,
                text=True,
                timeout=deadlines.START,
            )
        finally:
            over.set()
            fetcher.join()
        assert ab.returncode == 0, ab.stderr
        assert re.search(rf"^Complete requests: +{LOAD}$", ab.stdout, re.M)
        assert re.search(r"^Failed requests: +0$", ab.stdout, re.M)
        assert "Non-2xx" not in ab.stdout
        assert differing == []
        scrape = daemon.scrape_until(
            lambda scrape: scrape.sum_of("keepwatch_connections_open") == 0
            and scrape.sum_of("keepwatch_responses_total") >= 2 * (LOAD + fetched),
            "all of the load",
        )
        for role in "client", "server":
            assert scrape.sum_of("keepwatch_requests_total", role=role) == LOAD + fetched
            assert scrape.sum_of("keepwatch_responses_total", role=role, code="2xx") == LOAD + fetched
            opened = scrape.sum_of("keepwatch_connections_opened_total", role=role)
            assert opened >= 21
            assert scrape.sum_of("keepwatch_connections_closed_total", role=role) == opened
            assert scrape.sum_of("keepwatch_reused_requests_total", role=role) == LOAD + fetched - opened
        assert scrape.sum_of("process_resident_memory_bytes") < 32 * 2**20 * (3 if observer.SANITIZED else 1)
        assert scrape.sum_of("keepwatch_events_lost_total") == 0
        assert scrape.sum_of("keepwatch_lost_requests_total") == 0
    assert kernel.left_of(daemon.held) == set()
