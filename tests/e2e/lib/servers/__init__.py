# SPDX-License-Identifier: BSD-2-Clause
"""Real servers, from the distribution's packages, each with its own configuration in a temporary folder."""

from lib.servers.apache import Apache
from lib.servers.caddy import Caddy
from lib.servers.go import Go
from lib.servers.gunicorn import Gunicorn
from lib.servers.haproxy import HAProxy
from lib.servers.http_server import HttpServer
from lib.servers.lighttpd import Lighttpd
from lib.servers.nginx import Nginx
from lib.servers.node import Node

__all__ = ["Apache", "Caddy", "Go", "Gunicorn", "HAProxy", "HttpServer", "Lighttpd", "Nginx", "Node"]
