# SPDX-License-Identifier: BSD-2-Clause
"""The observed: an nginx of its own on a free port, and wrk to load it."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path

import programs

MEGABYTE = 1 << 20
SCRIPT = Path(__file__).with_name("bytes.lua")

CONFIG = """
daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 20000; }}
http {{
	access_log off;
	default_type text/plain;
	sendfile on;
	keepalive_requests 1000000000;
	large_client_header_buffers 4 16k;
	upstream behind {{ server {behind}; keepalive 128; keepalive_requests 1000000000; }}
	server {{
		listen {address};
		root {folder}/www;
		location = / {{ return 200 "ok\\n"; }}
		location = /300 {{ return 200 "ok\\n"; {head300} }}
		location = /1000 {{ return 200 "ok\\n"; {head1000} }}
		location = /4000 {{ return 200 "ok\\n"; {head4000} }}
		location = /chunked {{ alias {folder}/www/page; sub_filter_types *; sub_filter word WORD; }}
		location = /large {{ sendfile on; sendfile_max_chunk 64k; }}
		location = /proxied {{ proxy_pass http://behind/; proxy_http_version 1.1; proxy_set_header Connection ""; }}
	}}
	server {{
		listen {tls_address} ssl;
		ssl_certificate {folder}/certificate.pem;
		ssl_certificate_key {folder}/key.pem;
		root {folder}/www;
		location = / {{ return 200 "ok\\n"; }}
	}}
}}
"""

NAMES = ("Cache-Control", "Strict-Transport-Security", "X-Request-Id", "ETag", "Content-Security-Policy", "Vary",
         "Set-Cookie", "X-Frame-Options", "Last-Modified", "Accept-Ranges", "Via", "Age")


def fields(size, own):
    """Lines that make a head of @own bytes one of @size bytes, as [(name, value)]."""
    left, found = size - own, []
    while left > 0:
        name = NAMES[len(found) % len(NAMES)]
        length = min(max(left - len(name) - 4, 1), 40 + 7 * (len(found) % 9))
        found.append((name, "v" * length))
        left -= len(name) + 4 + length
    return found


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=localhost", "-days", "2", "-keyout", folder / "key.pem",
                    "-out", folder / "certificate.pem"], check=True, stderr=subprocess.DEVNULL)


class Server:
    """@behind is the server that `/proxied` is passed on to."""

    def __init__(self, folder, behind=None):
        self.folder = Path(folder)
        (self.folder / "www").mkdir()
        (self.folder / "www" / "megabyte").write_bytes(b"x" * MEGABYTE)
        (self.folder / "www" / "page").write_text("a word and a word\n" * 100)
        make_certificate(self.folder)
        listeners = [socket.create_server(("127.0.0.1", 0), backlog=4096) for _ in range(2)]
        self.port, self.tls_port = (listener.getsockname()[1] for listener in listeners)
        heads = {f"head{size}": " ".join(f"add_header {name} {value};" for name, value in fields(size, 150))
                 for size in (300, 1000, 4000)}
        (self.folder / "nginx.conf").write_text(CONFIG.format(
            folder=self.folder, address=f"127.0.0.1:{self.port}", tls_address=f"127.0.0.1:{self.tls_port}",
            behind=f"127.0.0.1:{(behind or self).port}", **heads))
        self.process = subprocess.Popen(
            ["nginx", "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"],
            env=os.environ | {"NGINX": "".join(f"{listener.fileno()};" for listener in listeners)},
            pass_fds=[listener.fileno() for listener in listeners], stdin=subprocess.DEVNULL)
        for listener in listeners:
            listener.close()

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def cpu(self):
        """Seconds of processor time that the workers have used."""
        return programs.cpu_of(*programs.family(self.process.pid)[1:])


def output_of_wrk(url, seconds, connections, *arguments):
    output = subprocess.check_output(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *arguments, url], text=True,
                                     timeout=60 + seconds)
    if re.search(r"Non-2xx or 3xx responses: (\d+)", output):
        raise RuntimeError(output)
    return output


def wrk(server, path="/", seconds=2, connections=100, headers=(), tls=False):
    """Loads the server; returns the requests that were answered and the seconds it took."""
    started = time.monotonic()
    origin = f"https://127.0.0.1:{server.tls_port}" if tls else f"http://127.0.0.1:{server.port}"
    fields_of_wrk = [word for name, value in headers for word in ("-H", f"{name}: {value}")]
    output = output_of_wrk(origin + path, seconds, connections, *fields_of_wrk)
    return int(re.search(r"(\d+) requests in", output)[1]), time.monotonic() - started


def download(server, path, seconds, connections):
    """Reads large bodies; returns how many bytes came."""
    output = output_of_wrk(f"http://127.0.0.1:{server.port}{path}", seconds, connections, "-s", SCRIPT)
    return int(re.search(r"bytes: (\d+)", output)[1])
