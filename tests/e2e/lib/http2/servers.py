# SPDX-License-Identifier: BSD-2-Clause
"""Servers that speak HTTP/2, in clear text or, those of SECURED, within TLS. Of each of them / is small, /large is some frames long, /gone is an error; /wait is never
answered, but by nghttpd, which knows no such page."""

import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from lib.http2 import go_program
from lib.servers import beginnings
from lib.servers.process import Server, www
from lib.tls import Certificates

HERE = Path(__file__).resolve().parent
PAGE = 40_000  # bytes of /large

NGINX = beginnings.NGINX + """
worker_processes 1;
http {{
""" + beginnings.NGINX_HTTP + """
	keepalive_requests {requests};
	keepalive_timeout {idle}s;
	http2_max_concurrent_streams {streams};
	server {{
		listen 127.0.0.1:{port}{ssl} http2; {secured}
		root {folder}/www;
		location /gone {{ return 410; }}
		location /wait {{ proxy_pass http://127.0.0.1:{hole}; }}
	}}
}}
"""

HAPROXY = """
global
	tune.h2.max-concurrent-streams {streams}
defaults
	mode http
	timeout connect 10s
	timeout server 600s
	timeout client {idle}s
frontend front
	bind 127.0.0.1:{port} {secured}
	use_backend hole if {{ path /wait }}
	http-request return status 503 if {{ path /gone }}
	http-request return status 200 content-type text/plain string hello hdr x-long {long} if !{{ path /wait }}
backend hole
	server hole 127.0.0.1:{hole}
"""

APACHE = beginnings.APACHE + """
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
{secured}
Protocols {h2} http/1.1
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
H2MaxSessionStreams {streams}
KeepAliveTimeout {idle}
Timeout 600
GracefulShutdownTimeout 10
DocumentRoot {folder}/www
DirectoryIndex index.html
ProxyPass /wait http://127.0.0.1:{hole}/
"""

CADDY = """
{{
	admin off
	auto_https off
	default_sni localhost
	storage file_system {folder}/storage
	grace_period 10s
	log {{
		level ERROR
	}}
	servers {{
		protocols h1 {h2}
		timeouts {{
			idle {idle}s
		}}
	}}
}}
{scheme}://:{port} {{
	bind 127.0.0.1
	{secured}
	root * {folder}/www
	respond /gone 410
	handle /wait {{
		reverse_proxy 127.0.0.1:{hole}
	}}
	file_server
}}
"""

LIGHTTPD = """
server.document-root = "{folder}/www"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{folder}/error.log"
server.modules = ("mod_proxy")
server.max-keep-alive-idle = {idle}
server.feature-flags = ("server.h2c" => "enable", "server.graceful-shutdown-timeout" => 10)
index-file.names = ("index.html")
{secured}
$HTTP["url"] =^ "/wait" {{ proxy.server = ("" => (("host" => "127.0.0.1", "port" => {hole}))) }}
"""


@dataclass
class Settings:
    """Of a server."""

    idle: int = 600  # seconds after which it closes an idle connection
    streams: int = 100  # at once
    requests: int = 1_000_000  # of a connection; nginx's alone
    hole: int = 9  # a port of this host that takes connections and never answers
    options: dict = None  # gRPC's own
    certificates: Certificates = None  # None: in clear text

    def secured(self, kind):
        """The words of a configuration that ask for TLS, or do not."""
        if not self.certificates:
            return {"scheme": "http", "ssl": "", "h2": "h2c", "secured": IN_CLEAR.get(kind, "")}
        files = {"cert": self.certificates.server, "key": self.certificates.server_key, "both": self.certificates.both}
        return {"scheme": "https", "ssl": " ssl", "h2": "h2", "secured": SECURED[kind].format(**files)}


IN_CLEAR = {"haproxy": "proto h2"}
SECURED = {
    "nginx": "ssl_certificate {cert}; ssl_certificate_key {key};",
    "haproxy": "ssl crt {both} alpn h2",
    "apache": "LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so\n"
              "LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n"
              "SSLEngine on\nSSLCertificateFile {cert}\nSSLCertificateKeyFile {key}",
    "lighttpd": 'server.modules += ("mod_gnutls")\nssl.engine = "enable"\nssl.pemfile = "{both}"',
    "caddy": "tls {cert} {key}",
    "nghttpd": "",
    "go": "",
    "grpc": "",
}
LIBRARIES = {"lighttpd": "gnutls", "caddy": "go", "go": "go"}  # of those that have another than OpenSSL


def _configured(kind, text, folder, port, settings):
    www(folder, PAGE)
    (folder / "www" / "gone").write_text("it is there\n")
    (folder / "conf").write_text(text.format(folder=folder, port=port, long="x" * 3000, **vars(settings), **settings.secured(kind)))
    return folder / "conf"


def _nginx(folder, port, settings):
    return ["nginx", "-p", folder, "-c", _configured("nginx", NGINX, folder, port, settings)]


def _haproxy(folder, port, settings):
    return ["haproxy", "-db", "-f", _configured("haproxy", HAPROXY, folder, port, settings)]


def _apache(folder, port, settings):
    folder.chmod(0o755)
    return ["apache2", "-f", _configured("apache", APACHE, folder, port, settings), "-D", "FOREGROUND"]


def _caddy(folder, port, settings):
    return ["caddy", "run", "--adapter", "caddyfile", "--config", _configured("caddy", CADDY, folder, port, settings)]


def _lighttpd(folder, port, settings):
    return ["/usr/sbin/lighttpd", "-D", "-f", _configured("lighttpd", LIGHTTPD, folder, port, settings)]


def _nghttpd(folder, port, settings):
    www(folder, PAGE)
    options = ["--trailer=x-sum: 1", "-a", "127.0.0.1", "-m", settings.streams, "-d", folder / "www"]
    if not settings.certificates:
        return ["nghttpd", "--no-tls", *options, port]
    return ["nghttpd", *options, port, settings.certificates.server_key, settings.certificates.server]


def _node(folder, port, settings):
    given = {"limit": settings.streams, "idle": settings.idle}
    return ["node", HERE / "node.js", "server", port, json.dumps(given)]


def _go(folder, port, settings):
    options = ["-idle", f"{settings.idle}s", "-limit", settings.streams]
    if settings.certificates:
        options += ["-cert", settings.certificates.server, "-key", settings.certificates.server_key]
    return [go_program.built(), *options, "server", f"127.0.0.1:{port}"]


def _grpc(folder, port, settings):
    given = {"grpc.max_connection_idle_ms": settings.idle * 1000, "grpc.max_concurrent_streams": settings.streams}
    files = [settings.certificates.server_key, settings.certificates.server] if settings.certificates else []
    return [sys.executable, HERE / "grpc_peer.py", "server", port, json.dumps(given | (settings.options or {})), *files]


KINDS = {"nghttpd": _nghttpd, "nginx": _nginx, "haproxy": _haproxy, "apache": _apache, "caddy": _caddy, "node": _node,
         "go": _go, "grpc": _grpc, "lighttpd": _lighttpd}

# Signals that let a server go after what it does, as a deploy does it. HAProxy's waits for its clients.
GRACEFUL = {"nginx": signal.SIGQUIT, "lighttpd": signal.SIGINT, "apache": signal.SIGWINCH, "caddy": signal.SIGTERM,
            "node": signal.SIGTERM, "go": signal.SIGTERM, "grpc": signal.SIGTERM}


def server(kind, folder, port, **settings):
    """One of KINDS, in a folder of its own below this one."""
    folder = Path(folder) / f"{kind}-{port}"
    folder.mkdir()
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    settings = Settings(**settings)
    started = Server(folder, port, KINDS[kind](folder, port, settings), **home)
    started.kind = kind
    started.certificates = settings.certificates
    started.scheme = "https" if settings.certificates else "http"
    started.library = LIBRARIES.get(kind, "openssl") if settings.certificates else None
    return started
