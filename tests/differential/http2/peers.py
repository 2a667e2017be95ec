# SPDX-License-Identifier: BSD-2-Clause
"""Servers and clients that speak HTTP/2 in clear."""

import os
import subprocess
import sys
from pathlib import Path

from lib.servers.process import Server, www

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[2] / "build" / "tests" / "differential"
PAGE = 40_000  # bytes

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
	access_log off;
	client_body_temp_path {folder}/body;
	keepalive_requests 30;
	server {{ listen 127.0.0.1:{port} http2; root {folder}/www; location /gone {{ return 410; }} }}
}}
"""

HAPROXY = """
defaults
	mode http
	timeout client 10s
frontend front
	bind 127.0.0.1:{port} proto h2
	http-request return status 503 if {{ path /gone }}
	http-request return status 200 content-type text/plain string hello hdr x-long {long}
"""


class Nghttpd(Server):
    def __init__(self, folder, port):
        www(folder, PAGE)
        super().__init__(folder, port, ["nghttpd", "--no-tls", "--trailer=x-sum: 1", "-a", "127.0.0.1", "-d", folder / "www", port])


class Nginx(Server):
    def __init__(self, folder, port):
        www(folder, PAGE)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
        super().__init__(folder, port, ["nginx", "-c", folder / "nginx.conf"])


class HAProxy(Server):
    def __init__(self, folder, port):
        (folder / "haproxy.conf").write_text(HAPROXY.format(port=port, long="x" * 3000))
        super().__init__(folder, port, ["haproxy", "-f", folder / "haproxy.conf"])


class Node(Server):
    def __init__(self, folder, port):
        super().__init__(folder, port, ["node", HERE / "node.js", "server", port])


class Go(Server):
    def __init__(self, folder, port):
        super().__init__(folder, port, [go(), "server", f"127.0.0.1:{port}"])


class Grpc(Server):
    def __init__(self, folder, port):
        super().__init__(folder, port, [sys.executable, HERE / "grpc_peer.py", "server", port])


def go():
    """The Go program, compiled with Debian's golang.org/x/net."""
    made = BUILD / "go-h2c"
    if not made.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        environment = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(BUILD / "go-cache")}
        fresh = made.with_suffix(f".{os.getpid()}")
        subprocess.run(["go", "build", "-o", fresh, HERE / "h2c.go"], check=True, env=os.environ | environment)
        fresh.rename(made)
    return made


FORBIDDEN = ["connection: keep-alive", "keep-alive: timeout=5", "te: gzip", "upgrade: h2c", "proxy-connection: x",
             "transfer-encoding: chunked"]

# Commands, of an address. /gone is an error where the server has one; node's and Go's know more paths.
CLIENTS = {
    "curl": lambda at: ["curl", "-s", "--http2-prior-knowledge", *[f"http://{at}/{n}" for n in ("", "large", "gone", "")]],
    "curl-upload": lambda at: ["curl", "-s", "--http2-prior-knowledge", "-H", "Expect: 100-continue", "-d", "x" * 30_000,
                               f"http://{at}/"],
    "nghttp": lambda at: ["nghttp", "-n", "-m", "30", "--padding=20", f"http://{at}/", f"http://{at}/gone"],
    "nghttp-hop-by-hop": lambda at: ["nghttp", "-n", *[f"-H{field}" for field in FORBIDDEN], f"http://{at}/"],
    "nghttp-continuation": lambda at: ["nghttp", "-n", "--continuation", "-H", f"cookie: {'c' * 9000}", f"http://{at}/"],
    "nghttp-trailers": lambda at: ["nghttp", "-n", "-Hte: trailers", "--trailer=x-sum: 1", "-d", "/etc/services", f"http://{at}/"],
    "h2load": lambda at: ["h2load", "-n", "2000", "-c", "1", "-m", "100", f"http://{at}/"],
    "node": lambda at: ["node", HERE / "node.js", "client", f"http://{at}"],
    "go": lambda at: [go(), "client", f"http://{at}"],
    "grpc": lambda at: [sys.executable, HERE / "grpc_peer.py", "client", at],
}

SERVERS = {"nghttpd": Nghttpd, "nginx": Nginx, "haproxy": HAProxy, "node": Node, "go": Go, "grpc": Grpc}

ANY = ["curl", "curl-upload", "nghttp", "nghttp-hop-by-hop", "nghttp-continuation", "nghttp-trailers", "h2load"]
PAIRS = [(server, client) for server in SERVERS if server != "grpc" for client in ANY]
PAIRS += [("node", "node"), ("go", "go"), ("nghttpd", "node"), ("nghttpd", "go"), ("grpc", "grpc"), ("node", "go"), ("go", "node")]


def started(name, folder, port):
    return SERVERS[name](folder, port)


