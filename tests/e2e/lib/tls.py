# SPDX-License-Identifier: BSD-2-Clause
"""TLS for tests: certificates, contexts, the beginning and the end of a session."""

import contextlib
import ssl
import subprocess

VERSIONS = ("1.2", "1.3")
STATIC = "AES128-GCM-SHA256"  # OpenSSL's name of a suite without forward secrecy
NAME = "server.test"

_EXTENSIONS = f"subjectAltName=DNS:{NAME},DNS:localhost,IP:127.0.0.1,IP:::1"


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Certificates:
    """An issuer, a certificate of it for a server, and one for a client. @static: where no end of a session notes its keys. The server's own
    key is one of RSA then, and opens each session whose secret the client sends by it: those of TLS 1.2 with STATIC."""

    def __init__(self, folder, static=False):
        self.folder = folder
        self.static = static
        self.issuer = folder / "issuer.pem"
        self._make("issuer", "basicConstraints=critical,CA:TRUE")
        self.server, self.server_key = self._issue("server", _EXTENSIONS)
        self.client, self.client_key = self._issue("client", "subjectAltName=DNS:client.test")
        self.keys = folder / "keys.log"  # of sessions, from whoever is told by SSLKEYLOGFILE to note them
        self.both = folder / "both.pem"
        self.both.write_text(self.server.read_text() + self.server_key.read_text())

    def _make(self, name, extension, *more):
        kind = ["rsa:2048"] if self.static else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        key = ["-newkey", *kind, "-nodes", "-keyout", self.folder / f"{name}.key"]
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


def server_context(certificates, version=None, alpn=()):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if alpn:
        context.set_alpn_protocols(list(alpn))
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
