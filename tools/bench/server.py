# SPDX-License-Identifier: BSD-2-Clause
"""The observed: an nginx of its own on a free port, and wrk to load it."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path

MEGABYTE = 1 << 20

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
	sendfile {sendfile};
	keepalive_requests 1000000000;
	large_client_header_buffers 4 16k;
	server {{
		listen {address};
		root {folder}/www;
		location = / {{ return 200 "ok\\n"; }}
		location = /300 {{ return 200 "ok\\n"; {head300} }}
		location = /1000 {{ return 200 "ok\\n"; {head1000} }}
		location = /4000 {{ return 200 "ok\\n"; {head4000} }}
		location = /chunked {{ alias {folder}/www/page; sub_filter_types *; sub_filter word WORD; }}
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


class Server:
    def __init__(self, folder, sendfile=True):
        self.folder = Path(folder)
        (self.folder / "www").mkdir()
        (self.folder / "www" / "megabyte").write_bytes(b"x" * MEGABYTE)
        (self.folder / "www" / "page").write_text("a word and a word\n" * 100)
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = listener.getsockname()[1]
        heads = {f"head{size}": " ".join(f"add_header {name} {value};" for name, value in fields(size, 150))
                 for size in (300, 1000, 4000)}
        (self.folder / "nginx.conf").write_text(CONFIG.format(
            folder=self.folder, address=f"127.0.0.1:{self.port}", sendfile="on" if sendfile else "off", **heads))
        self.process = subprocess.Popen(
            ["nginx", "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"],
            env=os.environ | {"NGINX": f"{listener.fileno()};"}, pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL)
        listener.close()

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def cpu(self):
        """Seconds of processor time that the workers have used."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return sum(cpu_of(int(child)) for child in children)


def cpu_of(pid):
    stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def wrk(server, path="/", seconds=2, connections=100, headers=()):
    """Loads the server; returns the requests that were answered and the seconds it took."""
    arguments = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    for name, value in headers:
        arguments += ["-H", f"{name}: {value}"]
    started = time.monotonic()
    output = subprocess.check_output([*arguments, f"http://127.0.0.1:{server.port}{path}"], text=True,
                                     timeout=60 + seconds)
    found = re.search(r"(\d+) requests in", output)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    if bad:
        raise RuntimeError(output)
    return int(found[1]), time.monotonic() - started
