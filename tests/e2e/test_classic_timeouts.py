# SPDX-License-Identifier: BSD-2-Clause
"""The classic mistakes with idle timeouts, by real servers and clients, and the report's finding about each."""

import contextlib
import http.client
import tempfile
import threading
import time
from pathlib import Path

import pytest

from lib import stage, wire
from lib.reporter import Report, advises, near
from lib.servers import beginnings
from lib.servers.process import Server

CONNECTIONS = 6  # a timeout is inferred from five closes on

NODE = """
"use strict";
const http = require("http");
const [port, keepAliveTimeout] = process.argv.slice(2).map(Number);
const server = http.createServer({ keepAliveTimeout }, (request, response) => {
	setTimeout(() => response.end("ok\\n"), 200);
});
server.listen(port, "127.0.0.1");
"""

GUNICORN = """
import time

def application(environ, start_response):
	if environ["PATH_INFO"] != "/tick":
		time.sleep(0.2)
	start_response("200 OK", [("Content-Length", "3")])
	return [b"ok\\n"]
"""

HAPROXY = """
global
	nbthread 1
defaults
	mode http
	timeout connect 5s
	timeout client 60s
	timeout server 60s
	timeout http-keep-alive 60s
frontend front
	bind 127.0.0.1:{port}
	default_backend back
backend back
	http-reuse always
	server one {backend} pool-purge-delay 60s pool-max-conn 100
"""

NGINX = beginnings.NGINX + """
worker_processes 1;
http {{
""" + beginnings.NGINX_HTTP + """
	upstream back {{
		server {backend};
		keepalive 32;
		keepalive_timeout 60s;
	}}
	server {{
		listen 127.0.0.1:{port};
		keepalive_timeout 60s;
		location / {{
			proxy_pass http://back;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
		}}
	}}
}}
"""

APACHE = beginnings.APACHE + """
StartServers 1
KeepAlive On
KeepAliveTimeout 2
DocumentRoot {folder}
"""


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="keepwatch-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def ports():
    """Ports that are reserved for servers."""
    with contextlib.ExitStack() as stack:
        yield [wire.port_of(stack.enter_context(stage.reserve())) for _ in range(3)]


def running(folder, port, *arguments, **environment):
    return Server(folder, port, arguments, **environment)


def written(folder, name, text, **settings):
    path = folder / name
    path.write_text(text.format(folder=folder, **settings) if settings else text)
    return path


class Clients:
    """Clients that send a request each, all at once, on connections that they keep."""

    def __init__(self, address):
        self.connections = [http.client.HTTPConnection(*address, timeout=30) for _ in range(CONNECTIONS)]
        for connection in self.connections:
            connection.connect()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self.connections:
            connection.close()

    def round(self):
        threads = [threading.Thread(target=self._request, args=(one,)) for one in self.connections]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @staticmethod
    def _request(connection):
        # Without this field Apache advertises nothing.
        connection.request("GET", "/", headers={"Connection": "keep-alive"})
        connection.getresponse().read()


def test_haproxy_keeps_connections_longer_than_node(folder, ports):
    """Node closes a second later than configured, and than it advertises."""
    front, back, _ = ports
    program = written(folder, "server.js", NODE)
    config = written(folder, "haproxy.conf", HAPROXY, port=front, backend=f"127.0.0.1:{back}")
    with running(folder, back, "node", program, back, 1000), running(folder, front, "haproxy", "-f", config):
        with Report([back]) as report, Clients(("127.0.0.1", front)) as clients:
            clients.round()
            for _ in range(4):  # one of them is in time, however busy this machine is
                time.sleep(1.88)
                clients.round()
            time.sleep(2.5)
            conclusion = report.conclude()
    finding = conclusion.first("client", back, "timeout_race", "warning", "critical")
    numbers = finding["numbers"]
    assert near(numbers["server_idle_timeout_s"], 2.0), conclusion.value
    assert numbers["advertised_timeout_s"] == 1
    assert 1.8 <= numbers["client_idle_reuse_max_s"] <= 2.1
    assert advises(finding, "pool-purge-delay", "server.keepAliveTimeout")
    service = conclusion.service("client", back)
    assert service["comm"] == "haproxy"
    assert near(service["inferred_idle_timeout_s"], 2.0)
    assert service["inferred_support"]["count"] >= CONNECTIONS
    assert service["safe_margin_s"] <= 0.25
    assert near(conclusion.service("server", back)["inferred_idle_timeout_s"], 2.0)


@contextlib.contextmanager
def ticking(address):
    """A client that sends twenty requests per second."""
    done = threading.Event()

    def tick():
        with wire.Client(address) as one:
            while not done.wait(0.05):
                one.get("/tick")

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_nginx_keeps_upstream_connections_longer_than_gunicorn(folder, ports):
    """gunicorn looks at its idle connections when something happens, else once a second: with nothing else to do
    it closes them up to a second late. So something happens."""
    front, back, aside = ports
    written(folder, "program.py", GUNICORN)
    config = written(folder, "nginx.conf", NGINX, port=front, backend=f"127.0.0.1:{back}")
    gunicorn = "gunicorn --workers 1 --worker-class gthread --threads 16 --keep-alive 2".split()
    nginx = ["nginx", "-p", folder, "-c", config, "-e", folder / "error.log"]
    bind = ["--bind", f"127.0.0.1:{back}", "--bind", f"127.0.0.1:{aside}", "program:application"]
    with (
        running(folder, back, *gunicorn, *bind, PYTHONDONTWRITEBYTECODE="1"),
        running(folder, front, *nginx),
        Report([back]) as report,
        ticking(("127.0.0.1", aside)),
        Clients(("127.0.0.1", front)) as clients,
    ):
        clients.round()
        for _ in range(4):  # one of them is in time, however busy this machine is
            time.sleep(1.88)
            clients.round()
        time.sleep(2.5)
        conclusion = report.conclude()
    finding = conclusion.first("client", back, "timeout_race", "warning", "critical")
    numbers = finding["numbers"]
    assert near(numbers["server_idle_timeout_s"], 2.0), conclusion.value
    assert 1.8 <= numbers["client_idle_reuse_max_s"] <= 2.1
    assert advises(finding, "keepalive_timeout in its upstream block", "--keep-alive")
    assert near(conclusion.service("client", back)["inferred_idle_timeout_s"], 2.0)


def test_a_python_pool_reuses_past_apaches_timeout(folder, ports):
    port = ports[0]
    written(folder, "index.html", "ok\n")
    config = written(folder, "apache.conf", APACHE, port=port)
    with running(folder, port, "apache2", "-f", config, "-D", "FOREGROUND"), Report([port]) as report:
        with Clients(("127.0.0.1", port)) as pool, Clients(("127.0.0.1", port)) as others:
            pool.round()
            others.round()
            for connection in [*pool.connections, *others.connections]:
                wire.wait_for_end(connection.sock)
            for connection in pool.connections:
                with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
                    Clients._request(connection)
        conclusion = report.conclude()
    finding = conclusion.first("client", port, "timeout_race", "critical")
    numbers = finding["numbers"]
    assert (numbers["lost_requests"], numbers["retryable"]) == (CONNECTIONS, CONNECTIONS)
    assert numbers["advertised_timeout_s"] == 2
    assert near(numbers["server_idle_timeout_s"], 2.0)
    assert numbers["client_idle_reuse_max_s"] >= 1.9
    assert advises(finding, "KeepAliveTimeout", "urllib3")
    assert len(finding["examples"]) == 3
    service = conclusion.service("client", port)
    assert service["reasons"] == {"stale_reuse": CONNECTIONS, "server_idle_timeout": CONNECTIONS}
    assert service["lost_requests"] == service["premature"] == CONNECTIONS
    assert not [one for one in conclusion.of("server", port) if one["id"] == "timeout_race"]
    assert conclusion.service("server", port)["lost_requests"] == CONNECTIONS


def test_a_server_closes_before_its_advertised_timeout(own_listener):
    port = wire.port_of(own_listener)
    promise = wire.response("200 OK", "Connection: keep-alive", "Keep-Alive: timeout=5")
    with Report([port]) as report:
        with contextlib.ExitStack() as stack:
            pairs = [stack.enter_context(wire.Pair(own_listener)) for _ in range(CONNECTIONS)]
            for pair in pairs:
                pair.exchange(response=promise)
                time.sleep(0.5)
                pair.close(first=pair.server)
        conclusion = report.conclude()
    numbers = conclusion.only(port, "timeout_not_honoured", "warning")["numbers"]
    assert numbers["closed_before_timeout"] == CONNECTIONS
    assert numbers["advertised_timeout_s"] == 5
    assert near(numbers["server_idle_timeout_s"], 0.5, 0.1)
