# SPDX-License-Identifier: BSD-2-Clause
"""A real Prometheus scrapes; every metric of the contract, queried by PromQL, matches the traffic."""

import os
import time

from lib import loss, scene as scenes
from lib.acts import CLIENT_COUNTS, SERVER_COUNTS
from lib.witness import Witness

MANY = scenes.MANY

# Of the connections that scene.py calls "more", the one that is older included: alike from both ends.
MORE = {
    ("connections_opened_total",): 8,
    ("connections_preexisting_total",): 1,
    ("connections_open",): 1,
    ("connections_closed_total",): 8,
    ("connections_closed_total", "reason=announced_by_request", "closer=server"): 1,
    ("connections_closed_total", "reason=no_response", "closer=server"): 1,
    ("connections_closed_total", "reason=tunnel_ended", "closer=client"): 1,
    ("connections_closed_total", "reason=unused", "closer=client"): 2,
    ("connections_closed_total", "reason=not_http", "closer=client"): 1,
    ("lost_requests_total", "reason=no_response", "retryable=no"): 1,
    ("responses_total", "code=1xx"): 1,
    ("directives_total", "message=request", "directive=upgrade"): 1,
    ("directives_total", "message=response", "directive=upgrade"): 1,
    ("directives_total", "message=request", "directive=close"): 1,
    ("directives_total", "message=response", "directive=close"): 1,
    ("hop_by_hop_fields_total", "field=content-length"): 2,
    ("protocol_connections_total", "protocol=tls"): 1,
    ("protocol_connections_total", "protocol=h2c"): 1,
    ("protocol_connections_total", "protocol=none"): 1,
}
TIMEOUTS = {
    ("connections_closed_total", "reason=server_closed_idle", "closer=server"): MANY,
    ("connections_closed_total", "reason=client_closed_idle", "closer=client"): MANY,
    ("close_idle_seconds_count", "closer=server"): MANY,
    ("close_idle_seconds_count", "closer=client"): MANY,
    ("requests_total", "version=1.1"): 2 * MANY + 1,
    ("reused_requests_total",): 1,
    ("reuse_idle_seconds_count",): 1,
    ("response_wait_seconds_count",): 2 * MANY + 1,
    ("drains_total",): 0,
}
DRAINED = {
    ("connections_closed_total", "reason=server_closed_idle"): MANY,
    ("drains_total",): 1,
    ("finding", "finding=drain", "severity=info"): 1,
}
# Of the streams of acts.speak_http2(), alike from both ends.
STREAMS = {
    ("requests_total", "version=2"): 3,
    ("requests_total",): 3,
    ("responses_total", "code=2xx"): 1,
    ("responses_total", "code=unknown"): 0,
    ("streams_open",): 0,
    ("streams_reset_total", "by=client", "code=CANCEL"): 1,
    ("streams_reset_total",): 1,
    ("goaways_total", "by=server", "code=NO_ERROR", "graceful=no"): 1,
    ("goaways_total",): 1,
    ("connection_peak_streams_count",): 1,
    ("connection_peak_streams_sum",): 1,
    ("connection_requests_sum",): 3,
    ("forbidden_fields_total", "field=connection"): 1,
    ("forbidden_fields_total",): 1,
    ("protocol_connections_total", "protocol=h2c"): 1,
    ("finding", "finding=goaway_losses", "severity=warning"): 1,
}


def selector(name, role, port, *labels):
    pairs = [f'role="{role}"', f'service=~".*:{port}"']
    pairs += ['{}="{}"'.format(*label.split("=", 1)) for label in labels]
    return f"keepwatch_{name}{{{','.join(pairs)}}}"


def counts(scene):
    """(expression, value) of all that is counted by service."""
    tables = [("client", "main", CLIENT_COUNTS), ("server", "main", SERVER_COUNTS)]
    for role in "client", "server":
        tables += [(role, "more", MORE), (role, "timeouts", TIMEOUTS), (role, "drained", DRAINED),
                   (role, "streams", STREAMS)]
    for role, listener, table in tables:
        for (name, *labels), value in table.items():
            yield f"sum({selector(name, role, scene.port(listener), *labels)}) or vector(0)", value


def sums(scene):
    """(expression, value) of what has no table."""
    # Nobody ever reached that service, so it gave way to the first newcomer that came when all places were taken.
    yield 'sum(keepwatch_connect_failures_total{role="client",service="other",reason="connect_refused"})', 1
    yield f'sum({selector("connections_half_closed", "client", scene.port("more"))})', 1
    own = ("code=503", "upstream=none", "reason=none")
    yield f'sum({selector("gateway_errors_total", "server", scene.port("main"), *own)})', 1
    race = selector("finding", "client", scene.port("main"), "finding=timeout_race", "severity=critical")
    yield f"sum({race})", 1
    late = "keepwatch_stale_reuse_lateness_seconds_bucket"
    yield f'sum({late}{{le="+Inf"}})', 1
    yield f"min({late}) >= 0", 0
    yield 'sum(keepwatch_connections_opened_total{service="other"})', 3
    yield 'sum(keepwatch_responses_total{service="other",code="2xx"})', 3
    yield 'keepwatch_services_dropped_total{why="ceiling"}', 1
    yield 'keepwatch_services_dropped_total{why="displaced"}', 1
    yield 'keepwatch_services_dropped_total{why="idle"}', 0
    yield "sum(keepwatch_forwarded_hop_by_hop_total) or vector(0)", 0
    for name in "tls_handshakes_total", "tls_alerts_total", "connections_closed_inferred_total":
        yield f"sum(keepwatch_{name}) or vector(0)", 0
    yield 'keepwatch_parse_errors_total{kind="no_colon"}', 2
    yield 'keepwatch_tainted_connections_total{kind="malformed"}', 2
    yield 'keepwatch_tainted_connections_total{kind="preexisting"}', 2
    yield 'count(keepwatch_events_lost_total{kind=~"closed|late|state|recursion|exchange|unseen"} == 0)', 6
    yield "count(keepwatch_bpf_run_seconds_total) - count(keepwatch_bpf_runs_total)", 0
    yield 'count(keepwatch_bpf_runs_total{program="kw_send"})', 1
    yield 'count(keepwatch_build_info{version!=""} == 1)', 1
    yield "count(process_resident_memory_bytes > 2^20 < process_virtual_memory_bytes)", 1
    yield "count(process_open_fds > 5 < process_max_fds)", 1
    yield "count(process_cpu_seconds_total > 0)", 1
    yield 'count(up{job="keepwatch"} == 1)', 1


def times(scene):
    """(expression, least, most) of what depends on how fast this process was."""
    ages, port = scene.ages, scene.port("timeouts")
    reuse, server, client = ages["reuse"], ages["server"], ages["client"]
    inferred = "inferred_idle_timeout_seconds"
    for role in "client", "server":
        yield selector(inferred, role, port, "side=server"), server.least, server.most
        yield selector(inferred, role, port, "side=client"), client.least, client.most
        yield selector("safe_margin_seconds", role, port), server.least - reuse.most, server.most - reuse.least
        yield selector("reuse_idle_seconds_sum", role, port), reuse.least, reuse.most
        closes = selector("close_idle_seconds_sum", role, port, "closer=server")
        yield closes, MANY * server.least, MANY * server.most
        yield selector("connection_duration_seconds_sum", role, port), 2 * MANY * server.least, float("inf")
        yield f"histogram_quantile(0.5, {selector('close_idle_seconds_bucket', role, port, 'closer=server')})", \
            server.least / 2.5, server.most * 2.5
        yield selector("response_wait_seconds_sum", role, scene.port("main")), 0, server.most
    yield "process_start_time_seconds", time.time() - 600, time.time()
    yield "keepwatch_hidden_softirqs_total", 0, hidden_softirqs() + os.cpu_count()


def hidden_softirqs():
    """By a witness that has been looking since the session began."""
    return sum(one.look()["recursion"] for one in loss.observed if isinstance(one, Witness))


def families(daemon):
    """The names under which samples of each family are asked for."""
    scrape = daemon.scrape()
    return {name for name, kind in scrape.types.items()}


def test_every_metric_says_what_traffic_was_made(tmp_path, own_closed_port):
    with scenes.scene(tmp_path, own_closed_port) as scene:
        scene.play()
        closed = 8 + 2 * 8 + 2 * (2 * MANY + MANY) + 2 + 6
        scene.wait_for("sum(keepwatch_connections_closed_total)", closed)
        scene.wait_for("sum(keepwatch_connections_half_closed)", 1)
        scene.wait_for("sum(keepwatch_gateway_errors_total)", 1)
        wrong, asked = [], ""
        for expression, expected in [*counts(scene), *sums(scene)]:
            asked += expression
            if (value := scene.prometheus.value(expression)) != expected:
                wrong.append((expression, value, expected))
        for expression, least, most in times(scene):
            asked += expression
            value = scene.prometheus.value(expression)
            if value is None or not least <= value <= most:
                wrong.append((expression, value, least, most))
        assert wrong == []
        assert [name for name in sorted(families(scene.daemon)) if name not in asked] == []
        missing = [name for name in families(scene.daemon)
                   if not scene.prometheus.get("metadata", metric=name.removesuffix("_total").removesuffix("_info"))]
        assert missing == []


