# SPDX-License-Identifier: BSD-2-Clause
"""Real servers, from the distribution's packages, each with its own configuration in a temporary folder."""

import pytest

MODULES = "process apache caddy go gunicorn haproxy http_server lighttpd nginx node".split()
pytest.register_assert_rewrite(*(f"lib.servers.{name}" for name in MODULES))

from lib.servers.apache import Apache  # noqa: E402
from lib.servers.caddy import Caddy  # noqa: E402
from lib.servers.go import Go  # noqa: E402
from lib.servers.gunicorn import Gunicorn  # noqa: E402
from lib.servers.haproxy import HAProxy  # noqa: E402
from lib.servers.http_server import HttpServer  # noqa: E402
from lib.servers.lighttpd import Lighttpd  # noqa: E402
from lib.servers.nginx import Nginx  # noqa: E402
from lib.servers.node import Node  # noqa: E402

__all__ = ["Apache", "Caddy", "Go", "Gunicorn", "HAProxy", "HttpServer", "Lighttpd", "Nginx", "Node"]
