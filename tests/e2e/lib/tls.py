# SPDX-License-Identifier: BSD-2-Clause
"""TLS for tests: certificates, contexts, and servers that many hosts have, each of them answering "ok" over TLS."""

import contextlib
import json
import ssl
import subprocess
import textwrap
from pathlib import Path

from lib.servers import go
from lib.servers.process import Server

VERSIONS = ("1.2", "1.3")
NAME = "server.test"

_EXTENSIONS = f"subjectAltName=DNS:{NAME},DNS:localhost,IP:127.0.0.1"


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Certificates:
    """An issuer, a certificate of it for a server, and one for a client."""

    def __init__(self, folder):
        self.folder = folder
        self.issuer = folder / "issuer.pem"
        self._make("issuer", "basicConstraints=critical,CA:TRUE")
        self.server, self.server_key = self._issue("server", _EXTENSIONS)
        self.client, self.client_key = self._issue("client", "subjectAltName=DNS:client.test")
        self.both = folder / "both.pem"
        self.both.write_text(self.server.read_text() + self.server_key.read_text())

    def _make(self, name, extension, *more):
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.folder / f"{name}.key"]
        _openssl("req", "-x509", *key, "-days", "30", "-subj", f"/CN={name}", "-addext", extension,
                 "-out", self.folder / f"{name}.pem", *more)

    def _issue(self, name, extension):
        self._make(name, extension, "-CA", self.issuer, "-CAkey", self.folder / "issuer.key")
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"


def number_of(version):
    return {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]


def client_context(certificates, version=None, alpn=()):
    context = ssl.create_default_context(cafile=certificates.issuer)
    if version:
        context.minimum_version = context.maximum_version = number_of(version)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def server_context(certificates, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.server_key)
    if version:
        context.minimum_version = context.maximum_version = number_of(version)
    return context


def hello_bytes():
    """A ClientHello, as this Python's library makes it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=NAME)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def end_session(end):
    """Sends close_notify, and does not wait for the other side's."""
    end.settimeout(0)
    try:
        end.unwrap()
    except (ssl.SSLWantReadError, OSError):
        pass


# ---- servers: `idle` is the timeout in seconds -----------------------------------------------------------

NGINX = """
daemon off; user root; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
	access_log off; default_type text/plain; keepalive_requests 100000;
	client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
	server {{
		listen 127.0.0.1:{port} ssl; keepalive_timeout {idle}s; ssl_protocols TLSv1.2 TLSv1.3;
		ssl_certificate {certificate}; ssl_certificate_key {key};
		location / {{ return 200 "ok\\n"; }}
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
	bind 127.0.0.1:{port} ssl crt {both} ssl-min-ver TLSv1.2
	http-request return status 200 content-type text/plain string "ok\\n"
"""

APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/error.log
Listen 127.0.0.1:{port}
Mutex posixsem
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
KeepAlive On
KeepAliveTimeout {idle}
MaxKeepAliveRequests 0
SSLEngine on
SSLCertificateFile {certificate}
SSLCertificateKeyFile {key}
DocumentRoot {folder}/www
<Directory {folder}/www>
	Require all granted
</Directory>
"""

NODE = """
const https = require("https"), fs = require("fs");
const { port, certificate, key, idle } = JSON.parse(process.argv[2]);
const settings = { cert: fs.readFileSync(certificate), key: fs.readFileSync(key), keepAliveTimeout: idle * 1000 };
https.createServer(settings, (request, response) => response.end("ok\\n")).listen(port, "127.0.0.1");
"""

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
	server := &http.Server{Addr: os.Args[1], IdleTimeout: idle}
	panic(server.ListenAndServeTLS(os.Args[3], os.Args[4]))
}
"""


def _configured(text):
    def make(folder, port, certificates, idle):
        settings = {"folder": folder, "port": port, "idle": idle, "both": certificates.both}
        settings |= {"certificate": certificates.server, "key": certificates.server_key}
        (folder / "www").mkdir()
        (folder / "www" / "index.html").write_text("ok\n")
        (folder / "conf").write_text(text.format(**settings))
        return folder / "conf"

    return make


def _nginx(*given):
    return ["nginx", "-p", given[0], "-c", _configured(NGINX)(*given)]


def _haproxy(*given):
    return ["haproxy", "-db", "-f", _configured(HAPROXY)(*given)]


def _apache(*given):
    return ["apache2", "-X", "-f", _configured(APACHE)(*given)]


def _node(folder, port, certificates, idle):
    (folder / "server.js").write_text(NODE)
    given = {"port": port, "certificate": str(certificates.server), "key": str(certificates.server_key), "idle": idle}
    return ["node", folder / "server.js", json.dumps(given)]


def _go(_folder, port, certificates, idle):
    program = go.program(textwrap.dedent(GO))
    return [program, f"127.0.0.1:{port}", f"{idle}s", certificates.server, certificates.server_key]


SERVERS = {"nginx": _nginx, "haproxy": _haproxy, "apache": _apache, "node": _node, "go": _go}


def server(kind, folder, port, certificates, idle=1):
    """One of SERVERS."""
    own = Path(folder) / kind
    own.mkdir()
    started = Server(own, port, SERVERS[kind](own, port, certificates, idle))
    started.kind = kind
    return started


def openssl_server(folder, port, certificates, *options):
    """openssl s_server, which answers each request with a page, and closes."""
    keys = ["-cert", certificates.server, "-key", certificates.server_key, "-CAfile", certificates.issuer]
    return Server(folder, port, ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", *keys, *options])


def gnutls_server(folder, port, certificates, *options):
    keys = ["--x509certfile", certificates.server, "--x509keyfile", certificates.server_key]
    return Server(folder, port, ["gnutls-serv", "--http", "-p", port, *keys, "--disable-client-cert", *options])
