# SPDX-License-Identifier: BSD-2-Clause
import signal

from lib.servers import beginnings
from lib.servers.process import Server, www

CONFIG = """
server.document-root = "{folder}/www"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{folder}/error.log"
server.modules = ("mod_access")
{keys}
server.max-keep-alive-idle = {idle}
server.max-keep-alive-requests = {max_requests}
server.max-request-size = 1
server.max-read-idle = 2
server.graceful-shutdown-timeout = 25
index-file.names = ("index.html")
$HTTP["url"] =^ "/private" {{ url.access-deny = ("") }}
"""

KEYS = """
server.modules += ("mod_openssl")
ssl.engine = "enable"
ssl.pemfile = "{both}"
"""
STATIC = 'ssl.openssl.ssl-conf-cmd = ("MaxProtocol" => "TLSv1.2", "CipherString" => "{suite}")'


class Lighttpd(Server):
    """Bodies over 1 KiB are refused."""

    def __init__(self, folder, port, idle=600, max_requests=100_000, certificates=None):
        www(folder)
        settings = {"folder": folder, "port": port, "idle": idle, "max_requests": max_requests}
        settings["keys"] = beginnings.keys(KEYS, certificates, STATIC)
        (folder / "lighttpd.conf").write_text(CONFIG.format(**settings))
        super().__init__(folder, port, ["/usr/sbin/lighttpd", "-D", "-f", folder / "lighttpd.conf"], certificates)

    def reload(self):
        """A graceful restart: the process starts over once its connections are done."""
        self.signal(signal.SIGUSR1)

    def kill_workers(self):
        self.kill()
