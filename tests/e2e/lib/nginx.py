# SPDX-License-Identifier: BSD-2-Clause
"""nginx with a configuration of its own in a temporary folder."""

import os
import re
import subprocess
import time
from pathlib import Path

from lib import deadlines, sessions, wire

FILE_SIZE = 300_000
LARGE_SIZE = 16_000_000
WORKERS = 2

# One server for each way to end a connection: its name, and what sets it apart.
SERVERS = {
    "plain": "keepalive_timeout 600s;",
    "advertised": "keepalive_timeout 1s 1s;",
    "silent": "keepalive_timeout 300ms;",
    "three": "keepalive_timeout 600s; keepalive_requests 3;",
    "single": "keepalive_timeout 0;",
}

LOCATIONS = """
		root {folder}/www;
		location = / {{ return 200 "ok\\n"; }}
		location = /204 {{ return 204; }}
		location = /chunked {{ alias {folder}/www/page; sub_filter_types *; sub_filter word WORD; }}
		location /upload/ {{ dav_methods PUT; }}
"""

CONFIG = """
daemon off;
user root;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
	access_log off;
	log_not_found off;
	default_type text/plain;
	sendfile on;
	if_modified_since before;
	keepalive_requests 1000000;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	{servers}
}}
"""


class Nginx:
    """nginx for a with statement. It is handed sockets that listen already: no port can be lost on the way to it, and
    nobody has to connect to see whether it is ready, because its workers can be counted."""

    scheme, more, keys = "http", "", ""  # of its listeners

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "www" / "upload").mkdir(parents=True)
        (self.folder / "www" / "file").write_bytes(b"x" * FILE_SIZE)
        (self.folder / "www" / "large").write_bytes(b"x" * LARGE_SIZE)
        (self.folder / "www" / "page").write_text("a word and a word\n" * 100)
        self.listeners = {name: wire.listen() for name in SERVERS} | {"ipv6": wire.listen("::1")}
        self.addresses = {name: listener.getsockname()[:2] for name, listener in self.listeners.items()}
        (self.folder / "nginx.conf").write_text(self.config())

    def __enter__(self):
        descriptors = [listener.fileno() for listener in self.listeners.values()]
        self.process = subprocess.Popen(
            ["nginx", "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"],
            env=os.environ | {"NGINX": "".join(f"{descriptor};" for descriptor in descriptors)},
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
        )
        try:
            self._close_listeners()
            self._wait_for_workers()
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self._kill()
        else:
            self.stop()

    def _close_listeners(self):
        for listener in self.listeners.values():
            listener.close()

    def _wait_for_workers(self):
        end = time.monotonic() + deadlines.START
        while len(self.workers()) < WORKERS:
            assert self.process.poll() is None, self._complaints()
            assert time.monotonic() < end, "waited in vain for nginx's workers"
            time.sleep(0.02)

    def _kill(self):
        """Ends it by SIGTERM first, because a master that is killed leaves its workers behind."""
        self.process.terminate()
        try:
            self.process.wait(wire.DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _complaints(self):
        log = self.folder / "error.log"
        return log.read_text() if log.exists() else ""

    def config(self):
        servers = ""
        locations = LOCATIONS.format(folder=self.folder)
        for name, settings in (SERVERS | {"ipv6": SERVERS["plain"]}).items():
            address = wire.name_of(self.addresses[name])
            servers += f"\tserver {{\n\t\tlisten {address}{self.more};\n\t\t{self.keys}{settings}{locations}\t}}\n"
        return CONFIG.format(folder=self.folder, servers=servers, workers=WORKERS)

    @property
    def ports(self):
        return [address[1] for address in self.addresses.values()]

    def url(self, path="/", server="plain"):
        return f"{self.scheme}://{wire.name_of(self.addresses[server])}{path}"

    def workers(self):
        """The process ids of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in children.split()]

    def stop(self):
        self._kill()
        assert self.process.returncode == 0
        log = self._complaints()
        assert not re.search(r"\[(error|crit|alert|emerg)\]", log), log


class SecureNginx(Nginx):
    """The same over TLS."""

    scheme, more = "https", " ssl"

    def __init__(self, folder, certificates, version, carried=sessions.over_sockets):
        self.keys = f"ssl_certificate {certificates.server}; ssl_certificate_key {certificates.server_key};\n\t\t"
        self.keys += f"ssl_protocols TLSv{version};\n\t\t"
        super().__init__(folder)
        self.addresses = {name: sessions.Address(one, certificates, version, carried) for name, one in self.addresses.items()}
