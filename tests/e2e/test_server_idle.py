# SPDX-License-Identifier: BSD-2-Clause
"""Each server closes connections that are idle for a second; the verdict compares that with what it advertised."""

import contextlib
import subprocess

import pytest
from lib import record, wire

pytest_plugins = ["lib.stage"]

KEEP_ALIVE = "Connection: keep-alive"  # Apache advertises only to those who ask


def verdict(one):
    return one["closer"], one["manner"], one["phase"], one["reason"], one["premature"], one["lost_requests"]


IDLE = ("server", "fin", "idle")
PROMISED = (*IDLE, "server_idle_timeout", False, 0)
UNPROMISED = (*IDLE, "server_closed_idle", False, 0)


def close_when_idle(stage, server, *fields):
    """Two exchanges, then the server's close; the records of both ends."""
    with wire.Client(server.address) as one:
        for _ in range(2):
            one.get("/", *fields)
        one.close_after_server()
    client, server = stage.both(one)
    assert (client["requests"], client["responses"], client["announced"]) == (2, 2, None)
    return client, server


# The behaviour of each server with an idle timeout of one second, by its documentation and by the packets: whether it
# advertises it, and between which idle ages it closes. nginx, Apache, HAProxy, Caddy and Go close on time.
# lighttpd looks once a second for what is idle for longer than the second. Node 20 adds a second to what it
# advertises, so as not to lose the race. gunicorn's threads look about once a second.
SERVERS = {
    "nginx": ({"keepalive_timeout": "1s 1s"}, 1, 0.9, 1.5),
    "apache": ({"keepalive_timeout": "1"}, 1, 0.9, 1.5),
    "caddy": ({"idle": "1s"}, None, 0.9, 1.5),
    "go": ({"idle": "1s"}, None, 0.9, 1.5),
    "lighttpd": ({"idle": 1}, None, 0.9, 3.5),
    "node": ({"keepAliveTimeout": 1000}, 1, 0.9, 3.5),
    "gunicorn": ({"keepalive": 1}, None, 0.9, 3.5),
    "http_server": ({"protocol": "HTTP/1.1", "timeout": 1}, None, 0.9, 1.5),
}


@pytest.mark.parametrize("name", SERVERS)
def test_an_idle_timeout_is_one_whether_advertised_or_not(stage, name):
    settings, timeout, least, most = SERVERS[name]
    with stage.running(name, **settings) as running:
        client, server = close_when_idle(stage, running, KEEP_ALIVE)
    for one in client, server:
        assert verdict(one) == (UNPROMISED if timeout is None else PROMISED)
        assert record.advertised(one)[0] == timeout
        assert one["confidence"] == "certain"
    assert least < server["idle_at_close_s"] < most + 2  # a busy machine is late
    assert client["idle_at_close_s"] <= server["idle_at_close_s"] + 0.1


def test_apache_advertises_no_timeout_to_a_client_that_does_not_ask_for_it(stage):
    with stage.apache(keepalive_timeout="1") as apache:
        client, _ = close_when_idle(stage, apache)
    assert verdict(client) == UNPROMISED
    assert client["advertised"] is None


def test_apache_rounds_its_timeout_down_to_seconds(stage):
    """Half a second is advertised as timeout=0; the close comes later than that, so it breaks no promise."""
    with stage.apache(keepalive_timeout="500ms") as apache:
        with wire.Client(apache.address) as one:
            one.client.sendall(wire.request("GET", "/", KEEP_ALIVE))
            assert b"Keep-Alive: timeout=0\r\n" in wire.read_head(one.client)
            assert wire.read_to_end(one.client) == b"ok\n"
        client, server = stage.both(one)
    assert verdict(client) == PROMISED
    assert record.advertised(client)[0] == 0
    assert 0.4 < server["idle_at_close_s"] < 3


def test_apache_with_a_timeout_below_a_second_advertises_none_unasked(stage):
    with stage.apache(keepalive_timeout="500ms") as apache:
        _, server = close_when_idle(stage, apache)
    assert verdict(server) == UNPROMISED
    assert 0.4 < server["idle_at_close_s"] < 3


@contextlib.contextmanager
def haproxy_before_node(stage, node=None, **settings):
    with stage.node(**(node or {})) as backend, stage.haproxy(backend, **settings) as haproxy:
        yield haproxy, backend


def test_a_proxy_that_forwards_its_backends_keep_alive_promises_what_it_does_not_keep(stage):
    """HAProxy removes Connection and forwards Keep-Alive: Node promises an hour, but HAProxy closes after a second."""
    with haproxy_before_node(stage, {"keepAliveTimeout": 3_600_000}, keepalive="1s") as (haproxy, _):
        client, server = close_when_idle(stage, haproxy)
    for one in client, server:
        assert verdict(one) == (*IDLE, "closed_before_timeout", False, 0)
        assert record.advertised(one) == (3600, None)
        assert any("likely forwarded by an intermediary" in sentence for sentence in one["evidence"])
    assert 0.9 < server["idle_at_close_s"] < 4


def test_a_proxy_whose_backend_promises_the_same_seems_to_keep_it(stage):
    with haproxy_before_node(stage, {"keepAliveTimeout": 1000}, keepalive="1s") as (haproxy, _):
        client, _ = close_when_idle(stage, haproxy)
    assert verdict(client) == PROMISED
    assert any("likely forwarded by an intermediary" in sentence for sentence in client["evidence"])


def test_haproxy_purges_its_pool_by_resets_that_do_no_harm(stage):
    """To its backend HAProxy is a client. It ends connections that were idle too long with a RST, to save TIME_WAIT."""
    with haproxy_before_node(stage, purge="500ms") as (haproxy, node), stage.captured(node) as capture:
        with wire.Client(haproxy.address) as one:
            one.get()
        (client,) = stage.ended(node, 1)
        (server,) = stage.ended(node, 1, "local")
    (stream,) = capture.streams()
    assert (stream.closer, stream.manner, stream.requests, stream.responses) == ("client", "rst", 1, 1)
    for end in client, server:
        assert verdict(end) == ("client", "rst", "idle", "client_closed_idle", False, 0)
    assert client["comm"] == "haproxy"


def test_nodes_agent_closes_what_it_has_not_used_for_its_own_timeout(stage, tmp_path):
    """The client closes sooner than the server would, so it never loses the keep-alive race."""
    (tmp_path / "agent.js").write_text(
        'const http = require(process.argv[2].split(":")[0]);'
        "const agent = new http.Agent({ keepAlive: true, timeout: 1000 });"
        "http.get(process.argv[2], { agent }, (response) => response.resume());"
        "setTimeout(() => {}, 2500);"
    )
    with stage.node(keepAliveTimeout=10_000) as node:
        subprocess.run(["node", tmp_path / "agent.js", node.url()], check=True, timeout=wire.DEADLINE)
        (client,) = stage.ended(node, 1)
    assert verdict(client) == ("client", "fin", "idle", "client_closed_idle", False, 0)
    assert record.advertised(client) == (10, None)
    assert 0.9 < client["idle_at_close_s"] < 2.4
