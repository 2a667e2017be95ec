# SPDX-License-Identifier: BSD-2-Clause
"""Programs that send each message on to one server, and differ in the fields that they remove on the way."""

import fcntl
import hashlib
import os
import subprocess
import sys

from lib.servers import beginnings
from lib.servers.go import BUILD
from lib.servers.process import Server

NGINX = beginnings.NGINX + """
worker_processes 1;
http {{
""" + beginnings.NGINX_HTTP + """
	keepalive_requests 100000;
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	upstream back {{ server {backend}; keepalive 4; keepalive_requests 100000; }}
	server {{
		listen 127.0.0.1:{port};
		location / {{ proxy_pass http://back; }}
	}}
}}
"""

HAPROXY = """
defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 30s
	timeout http-keep-alive {idle}
frontend front
	bind 127.0.0.1:{port}
	default_backend back
backend back
	http-reuse always
	server one {backend}
"""

APACHE = beginnings.APACHE + """
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
KeepAliveTimeout 17
MaxKeepAliveRequests 0
ProxyPass / http://{backend}/
"""

CADDY = beginnings.CADDY + """
	reverse_proxy {backend}
}}
"""

VARNISH = """
vcl 4.1;
backend back {{ .host = "127.0.0.1"; .port = "{backend_port}"; }}
sub vcl_recv {{ return (pass); }}
"""

SQUID = """
http_port 127.0.0.1:{port} accel no-vhost defaultsite=test
cache_peer 127.0.0.1 parent {backend_port} 0 no-query originserver
http_access allow all
cache deny all
access_log none
cache_log {folder}/cache.log
pid_filename none
coredump_dir {folder}
pinger_enable off
netdb_filename none
shutdown_lifetime 0 seconds
visible_hostname test
"""

NODE = """
"use strict";
const http = require("http");
const [, , port, backend, hides] = process.argv;
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });

// hides: the fields that it removes, and then leaves to Node what it says of its connections.
const sent = (headers) => {
	const rest = { ...headers };
	if (hides)
		for (const name of ["connection", ...(headers.connection || "").toLowerCase().split(/ *, */), "keep-alive", "proxy-connection", "te", "upgrade"])
			delete rest[name];
	return rest;
};

const server = http.createServer({ keepAliveTimeout: 17_000 }, (request, response) => {
	const [host, number] = backend.split(":");
	const onward = http.request({ host, port: number, agent, path: request.url, method: request.method,
		headers: sent(request.headers) }, (answer) => {
		response.writeHead(answer.statusCode, sent(answer.headers));
		answer.pipe(response);
	});
	onward.on("error", () => response.destroy());
	request.pipe(onward);
});
server.listen(port, "127.0.0.1");
"""

PYTHON = """
import http.client, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    log_message = lambda *_: None

    def setup(self):
        super().setup()
        self.onward = http.client.HTTPConnection(sys.argv[2])

    def do_GET(self):
        self.onward.request("GET", self.path, headers=dict(self.headers))
        answer = self.onward.getresponse()
        body = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def finish(self):
        super().finish()
        self.onward.close()

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

GO = """
package main

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	target, _ := url.Parse("http://" + os.Args[2])
	panic(http.ListenAndServe(os.Args[1], httputil.NewSingleHostReverseProxy(target)))
}
"""

TEXTS = {"nginx": NGINX, "haproxy": HAPROXY, "apache": APACHE, "caddy": CADDY, "varnish": VARNISH, "squid": SQUID}
CLEAN = ["apache", "caddy", "squid", "go", "node_clean"]


def compiled(source):
    """A Go program, compiled once and kept in the build folder; sessions that run side by side take turns."""
    built = BUILD / f"go-forwarder-{hashlib.sha256(source.encode()).hexdigest()[:12]}"
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / "go.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            main = BUILD / "forwarder.go"
            main.write_text(source)
            environment = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "CGO_ENABLED": "0"}
            environment |= {"GOCACHE": str(BUILD / "go-cache"), "GOPATH": str(BUILD / "go-path")}
            made = built.with_suffix(".new")
            subprocess.run(["go", "build", "-o", made, main], check=True, env=os.environ | environment)
            made.rename(built)
    return built


def command_of(kind, folder, port, backend):
    config, here = folder / "config", f"127.0.0.1:{port}"
    return {
        "nginx": lambda: ["nginx", "-p", folder, "-c", config, "-e", folder / "error.log"],
        "haproxy": lambda: ["haproxy", "-f", config],
        "apache": lambda: ["apache2", "-f", config, "-D", "FOREGROUND"],
        "caddy": lambda: ["caddy", "run", "--adapter", "caddyfile", "--config", config],
        "varnish": lambda: ["varnishd", "-F", "-j", "none", "-a", here, "-f", config, "-n", folder / "varnish",
                            "-s", "malloc,16m", "-T", "none"],
        "squid": lambda: ["squid", "-N", "-f", config],
        "node": lambda: ["node", config, port, backend],
        "node_clean": lambda: ["node", config, port, backend, "hides"],
        "python": lambda: [sys.executable, config, port, backend],
        "go": lambda: [compiled(GO), here, backend],
    }[kind]()


class Forwarder(Server):
    """In front of @backend, an address with a port. @idle: HAProxy's own idle timeout."""

    def __init__(self, kind, folder, port, backend, idle="30s"):
        folder.chmod(0o777 if kind == "squid" else 0o755)  # Squid gives up being root
        text = {"node": NODE, "node_clean": NODE, "python": PYTHON, "go": GO}.get(kind)
        names = {"folder": folder, "port": port, "backend": backend, "idle": idle}
        if not text:
            text = TEXTS[kind].format(**names, backend_port=backend.rpartition(":")[2])
        (folder / "config").write_text(text)
        super().__init__(folder, port, command_of(kind, folder, port, backend), HOME=str(folder), XDG_CONFIG_HOME=str(folder))
        self.kind = kind
