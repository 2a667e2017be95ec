# SPDX-License-Identifier: BSD-2-Clause
import signal

from lib.servers import beginnings
from lib.servers.process import Server

CONFIG = """
global
	stats socket {folder}/admin level admin
	nbthread 2
	hard-stop-after 25s
defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 30s
	timeout http-request {http_request}
	timeout http-keep-alive {keepalive}
	option http-keep-alive
frontend front
	bind 127.0.0.1:{port} {keys}
	default_backend back
backend back
	http-reuse always
	server one {backend} {trusts} pool-purge-delay {purge} pool-max-conn 100
"""


class HAProxy(Server):
    """In front of another server, as a master with one worker. With certificates both speak TLS."""

    def __init__(self, folder, port, backend, keepalive="600s", http_request="30s", purge="60s", certificates=None):
        settings = {
            "folder": folder,
            "port": port,
            "backend": backend.name,
            "keepalive": keepalive,
            "http_request": http_request,
            "purge": purge,
            "keys": beginnings.keys("ssl crt {both}", certificates, " ssl-max-ver TLSv1.2 ciphers {suite}"),
            "trusts": "ssl verify none" if certificates else "",
        }
        (folder / "haproxy.conf").write_text(CONFIG.format(**settings))
        super().__init__(folder, port, ["haproxy", "-W", "-f", folder / "haproxy.conf"], certificates)

    def reload(self):
        """A new worker takes over, the old one stops softly."""
        self.signal(signal.SIGUSR2)

    def kill_workers(self):
        self.signal(signal.SIGKILL, self.children())
