# SPDX-License-Identifier: BSD-2-Clause
"""Servers and clients that speak HTTP/2 in clear."""

import sys

from lib.http2 import go_program, servers

REQUESTS = 30  # of a connection to nginx: the end of one is seen too

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
    "node": lambda at: ["node", servers.HERE / "node.js", "client", f"http://{at}"],
    "go": lambda at: [go_program.built(), "client", f"http://{at}"],
    "grpc": lambda at: [sys.executable, servers.HERE / "grpc_peer.py", "client", at],
}

ANY = ["curl", "curl-upload", "nghttp", "nghttp-hop-by-hop", "nghttp-continuation", "nghttp-trailers", "h2load"]
PAIRS = [(server, client) for server in ("nghttpd", "nginx", "haproxy", "node", "go") for client in ANY]
PAIRS += [("node", "node"), ("go", "go"), ("nghttpd", "node"), ("nghttpd", "go"), ("grpc", "grpc"), ("node", "go"), ("go", "node")]


def started(name, folder, port):
    return servers.server(name, folder, port, requests=REQUESTS, idle=10 if name == "haproxy" else 1 if name == "grpc" else 600)
