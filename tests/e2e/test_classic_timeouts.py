# SPDX-License-Identifier: BSD-2-Clause
"""The classic mistakes with idle timeouts, by real servers and clients, and the report's finding about each."""

import contextlib
import http.client
import json
import threading
import time

import pytest

from lib import sessions, stage, wire
from lib.reporter import Report, advises, near
from lib.servers import beginnings
from lib.servers.process import Server

IN_CLEAR = sessions.Terms()
CONNECTIONS = 6  # a timeout is inferred from five closes on

NODE = """
"use strict";
const { scheme, port, keepAliveTimeout, keys } = JSON.parse(process.argv[2]);
const files = Object.entries(keys).map(([name, path]) => [name, require("fs").readFileSync(path)]);
const server = require(scheme).createServer({ keepAliveTimeout, ...Object.fromEntries(files) }, (request, response) => {
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
	server one {backend} {speaks} pool-purge-delay 60s pool-max-conn 100
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
			proxy_pass {scheme}://back;
			{speaks}
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
{keys}
"""


def running(folder, port, *arguments, **environment):
    return Server(folder, port, arguments, **environment)


def written(folder, name, text, **settings):
    path = folder / name
    path.write_text(text.format(folder=folder, **settings) if settings else text)
    return path


class Clients:
    """Clients that send a request each, all at once, on connections that they keep."""

    def __init__(self, port, terms=IN_CLEAR):
        self.connections = [terms.http_client("127.0.0.1", port) for _ in range(CONNECTIONS)]
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


def node(folder, port, terms):
    """Node's server, with an idle timeout of a second."""
    program = written(folder, "server.js", NODE)
    keys = {"cert": terms.certificates.server, "key": terms.certificates.server_key} if terms.certificates else {}
    settings = {"scheme": terms.scheme, "port": port, "keepAliveTimeout": 1000, "keys": keys}
    return running(folder, port, "node", program, json.dumps(settings, default=str))


def haproxy(folder, port, backend, terms):
    """In front of that port. Its own clients speak to it in clear text."""
    speaks = f"ssl verify none ssl-min-ver TLSv{terms.version} ssl-max-ver TLSv{terms.version}" if terms.certificates else ""
    config = written(folder, "haproxy.conf", HAPROXY, port=port, backend=f"127.0.0.1:{backend}", speaks=speaks)
    return running(folder, port, "haproxy", "-f", config)


def test_haproxy_keeps_connections_longer_than_node(terms):
    """Node closes a second later than configured, and than it advertises."""
    with stage.place(2) as (folder, (front, back)), node(folder, back, terms), haproxy(folder, front, back, terms):
        with Report([back]) as report, Clients(front) as clients:
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


def gunicorn(folder, port, aside, terms):
    """On two ports, with an idle timeout of two seconds."""
    written(folder, "program.py", GUNICORN)
    command = "gunicorn --workers 1 --worker-class gthread --threads 16 --keep-alive 2".split()
    if terms.certificates:
        command += ["--certfile", terms.certificates.server, "--keyfile", terms.certificates.server_key]
    bind = ["--bind", f"127.0.0.1:{port}", "--bind", f"127.0.0.1:{aside}", "program:application"]
    return running(folder, port, *command, *bind, PYTHONDONTWRITEBYTECODE="1")


def nginx(folder, port, backend, terms):
    """In front of that port. Its own clients speak to it in clear text."""
    speaks = f"proxy_ssl_protocols TLSv{terms.version};" if terms.certificates else ""
    settings = {"port": port, "backend": f"127.0.0.1:{backend}", "scheme": terms.scheme, "speaks": speaks}
    config = written(folder, "nginx.conf", NGINX, **settings)
    return running(folder, port, "nginx", "-p", folder, "-c", config, "-e", folder / "error.log")


def test_nginx_keeps_upstream_connections_longer_than_gunicorn(terms):
    """gunicorn looks at its idle connections when something happens, else once a second: with nothing else to do
    it closes them up to a second late. So something happens."""
    with (
        stage.place(3) as (folder, (front, back, aside)),
        gunicorn(folder, back, aside, terms),
        nginx(folder, front, back, terms),
        Report([back]) as report,
        ticking(terms.address(("127.0.0.1", aside))),
        Clients(front) as clients,
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


def apache(folder, port, terms):
    """With an idle timeout of two seconds."""
    written(folder, "index.html", "ok\n")
    config = written(folder, "apache.conf", APACHE, port=port, keys=beginnings.keys(beginnings.APACHE_TLS, terms.certificates))
    return running(folder, port, "apache2", "-f", config, "-D", "FOREGROUND")


def test_a_python_pool_reuses_past_apaches_timeout(terms):
    with stage.place(1) as (folder, (port,)), apache(folder, port, terms), Report([port]) as report:
        with Clients(port, terms) as pool, Clients(port, terms) as others:
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
