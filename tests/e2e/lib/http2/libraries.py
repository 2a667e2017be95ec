# SPDX-License-Identifier: BSD-2-Clause
"""Ends of TLS sessions that speak HTTP/2 and are in the hands of a test, by each library that is read."""

from dataclasses import dataclass
from typing import Callable

from lib import gnutls, go_tls, tls, wire

H2 = "h2"
NAMES = ("openssl", "gnutls", "go")


@dataclass
class Library:
    """Functions that make of a connected socket the end of a session whose handshake is done."""

    name: str  # as records have it
    client: Callable
    server: Callable


def openssl(certificates):
    def client(plain):
        return tls.client_context(certificates, alpn=[H2]).wrap_socket(plain, server_hostname=tls.NAME)

    def server(plain):
        plain.settimeout(wire.DEADLINE)
        return tls.server_context(certificates, alpn=[H2]).wrap_socket(plain, server_side=True)

    return Library("openssl", client, server)


def all_by_name(certificates, holder):
    """@holder: a program of Go, see lib/go_tls.py."""
    return {
        "openssl": openssl(certificates),
        "gnutls": Library(
            "gnutls",
            lambda plain: gnutls.client_end(plain, H2.encode()),
            lambda plain: gnutls.server_end(plain, certificates, H2.encode()),
        ),
        "go": Library("go", lambda plain: go_tls.client_end(plain, holder), lambda plain: go_tls.server_end(plain, holder)),
    }
