# SPDX-License-Identifier: BSD-2-Clause
"""Servers that many hosts have, each of them answering "ok" over TLS, and never answering for /hole. They close idle
connections after some seconds."""

import json
import textwrap
from dataclasses import dataclass
from pathlib import Path

from lib.servers import beginnings, go
from lib.servers.process import Server
from lib.tls import Certificates


@dataclass
class Place:
    """The facts that the configuration of a server needs."""

    folder: Path
    port: int
    certificates: Certificates
    idle: int = 1  # seconds
    host: str = "127.0.0.1"
    hole: int = 9  # a port of this host that takes connections and never answers
    extra: str = ""  # for NGINX: more directives

    def values(self):
        values = {"certificate": self.certificates.server, "key": self.certificates.server_key}
        values |= {"both": self.certificates.both, "issuer": self.certificates.issuer, "address": self.address}
        return vars(self) | values

    @property
    def address(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


NGINX = beginnings.NGINX + """
http {{
""" + beginnings.NGINX_HTTP + """
	default_type text/plain; keepalive_requests 100000;
	server {{
		listen {address} ssl; keepalive_timeout {idle}s; ssl_protocols TLSv1.2 TLSv1.3;
		ssl_certificate {certificate}; ssl_certificate_key {key}; {extra}
		location / {{ return 200 "ok\\n"; }}
		location /few {{ keepalive_requests 2; return 200 "ok\\n"; }}
		location /hole {{ proxy_pass http://127.0.0.1:{hole}; }}
	}}
}}
"""

HAPROXY = """
defaults
	mode http
	timeout connect 5s
	timeout client 600s
	timeout server 600s
	timeout http-keep-alive {idle}s
	timeout http-request 600s
frontend front
	bind {address} ssl crt {both} ssl-min-ver TLSv1.2
	http-request return status 200 content-type text/plain string "ok\\n" if !{{ path /hole }}
	default_backend hole
backend hole
	server hole 127.0.0.1:{hole}
"""

APACHE = beginnings.APACHE.replace("127.0.0.1:{port}", "{address}") + """
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
ThreadLimit 200
ThreadsPerChild 200
MaxRequestWorkers 200
KeepAlive On
KeepAliveTimeout {idle}
MaxKeepAliveRequests 0
SSLEngine on
SSLCertificateFile {certificate}
SSLCertificateKeyFile {key}
DocumentRoot {folder}/www
ProxyPass /hole http://127.0.0.1:{hole}/
<Directory {folder}/www>
	Require all granted
</Directory>
"""

LIGHTTPD = """
server.document-root = "{folder}/www"
server.bind = "{host}"
server.port = {port}
server.errorlog = "{folder}/error.log"
server.modules = ("mod_openssl", "mod_proxy")
server.max-keep-alive-idle = {idle}
server.max-keep-alive-requests = 4
index-file.names = ("index.html")
ssl.engine = "enable"
ssl.pemfile = "{both}"
$HTTP["url"] =^ "/hole" {{ proxy.server = ("" => (("host" => "127.0.0.1", "port" => {hole}))) }}
"""

CADDY = """
{{
	admin off
	auto_https off
	default_sni localhost
	storage file_system {folder}/storage
	servers {{
		timeouts {{
			idle {idle}s
		}}
	}}
}}
https://:{port} {{
	bind {host}
	tls {certificate} {key}
	handle /hole {{
		reverse_proxy 127.0.0.1:{hole}
	}}
	respond "ok
"
}}
"""

NODE = """
const https = require("https"), fs = require("fs");
const { host, port, certificate, key, idle } = JSON.parse(process.argv[2]);
const settings = { cert: fs.readFileSync(certificate), key: fs.readFileSync(key), keepAliveTimeout: idle * 1000 };
const answer = (request, response) => { if (request.url !== "/hole") response.end("ok\\n"); };
https.createServer(settings, answer).listen(port, host);
"""

# Without a certificate in clear text, for those who only carry TLS.
GO = """
package main

import (
	"net/http"
	"os"
	"time"
)

func main() {
	idle, _ := time.ParseDuration(os.Args[2])
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("ok\\n")) })
	http.HandleFunc("/hole", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	server := &http.Server{Addr: os.Args[1], IdleTimeout: idle}
	if len(os.Args) == 3 {
		panic(server.ListenAndServe())
	}
	panic(server.ListenAndServeTLS(os.Args[3], os.Args[4]))
}
"""

GUNICORN = """
import time

def application(environ, start_response):
	if environ["PATH_INFO"] == "/hole":
		time.sleep(600)
	start_response("200 OK", [("Content-Length", "3")])
	return [b"ok\\n"]
"""

STUNNEL = """
foreground = yes
pid =
[service]
accept = {address}
connect = 127.0.0.1:{behind}
cert = {both}
"""


def _configured(text, place, **more):
    (place.folder / "www").mkdir()
    (place.folder / "www" / "index.html").write_text("ok\n")
    (place.folder / "conf").write_text(text.format(**place.values(), **more))
    return place.folder / "conf"


def _nginx(place):
    return ["nginx", "-p", place.folder, "-c", _configured(NGINX, place)]


def _haproxy(place):
    return ["haproxy", "-db", "-f", _configured(HAPROXY, place)]


def _apache(place):
    return ["apache2", "-X", "-f", _configured(APACHE, place)]


def _lighttpd(place):
    return ["/usr/sbin/lighttpd", "-D", "-f", _configured(LIGHTTPD, place)]


def _caddy(place):
    return ["caddy", "run", "--adapter", "caddyfile", "--config", _configured(CADDY, place)]


def _node(place):
    (place.folder / "server.js").write_text(NODE)
    return ["node", place.folder / "server.js", json.dumps(place.values(), default=str)]


def _go(place):
    program = go.built("tls-server", textwrap.dedent(GO))
    return [program, place.address, f"{place.idle}s", place.certificates.server, place.certificates.server_key]


def _gunicorn(place):
    (place.folder / "program.py").write_text(GUNICORN)
    keys = ["--certfile", place.certificates.server, "--keyfile", place.certificates.server_key]
    workers = ["--worker-class", "gthread", "--threads", 64, "--keep-alive", place.idle]
    return ["gunicorn", "--bind", place.address, *workers, *keys, "program:application"]


KINDS = {"nginx": _nginx, "haproxy": _haproxy, "apache": _apache, "lighttpd": _lighttpd, "caddy": _caddy, "node": _node,
         "go": _go, "gunicorn": _gunicorn}


def server(kind, place):
    """One of KINDS."""
    place.folder = Path(place.folder) / kind
    place.folder.mkdir()
    home = {"HOME": str(place.folder), "XDG_CONFIG_HOME": str(place.folder), "PYTHONDONTWRITEBYTECODE": "1"}
    started = Server(place.folder, place.port, KINDS[kind](place), **home)
    started.kind = kind
    return started


def plain_server(folder, port, idle):
    """Go's, in clear text."""
    return Server(folder, port, [go.built("tls-server", textwrap.dedent(GO)), f"127.0.0.1:{port}", f"{idle}s"])


def stunnel(place, behind):
    """It ends TLS for a server in clear text."""
    return Server(place.folder, place.port, ["stunnel4", _configured(STUNNEL, place, behind=behind)])


def openssl_server(folder, port, certificates, *options):
    """openssl s_server, which answers each request with a page, and closes."""
    keys = ["-cert", certificates.server, "-key", certificates.server_key, "-CAfile", certificates.issuer]
    return Server(folder, port, ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", *keys, *options])


def gnutls_server(folder, port, certificates, *options):
    keys = ["--x509certfile", certificates.server, "--x509keyfile", certificates.server_key]
    return Server(folder, port, ["gnutls-serv", "--http", "-p", port, *keys, "--disable-client-cert", *options])
