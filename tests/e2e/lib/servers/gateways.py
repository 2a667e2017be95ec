# SPDX-License-Identifier: BSD-2-Clause
"""Gateways with the same paths: /own is their own 503; below /down/ a server is down; all else is for the backend, for
whose responses they wait a second. Those that try the next server have /two/ (both are down) and /saved/ (the first is)."""

import http.client
from datetime import datetime, timezone

from lib import wire
from lib.servers import beginnings
from lib.servers.process import Server

NGINX = beginnings.NGINX + """
worker_processes 2;
http {{
""" + beginnings.NGINX_HTTP + """
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_read_timeout 1s;
	upstream back {{ server {backend}; keepalive 4; }}
	upstream two {{ server {down} max_fails=0; server {other} max_fails=0; }}
	upstream saved {{ server {down} max_fails=0; server {backend} backup; }}
	server {{
		listen 127.0.0.1:{port};
		location = /own {{ return 503; }}
		location /down/ {{ proxy_pass http://{down}/; }}
		location /two/ {{ proxy_pass http://two/; }}
		location /saved/ {{ proxy_pass http://saved/; }}
		location / {{ proxy_next_upstream off; proxy_pass http://back; }}
	}}
}}
"""

HAPROXY = """
global
	nbthread 2
	hard-stop-after 1s
defaults
	mode http
	timeout connect 1s
	timeout client 30s
	timeout server 1s
	retries 0
frontend front
	bind 127.0.0.1:{port}
	http-request return status 503 if {{ path /own }}
	use_backend down if {{ path_beg /down/ }}
	use_backend two if {{ path_beg /two/ }}
	use_backend saved if {{ path_beg /saved/ }}
	default_backend back
backend back
	http-reuse always
	server one {backend}
backend down
	server one {down}
backend two
	retries 1
	option redispatch 1
	server one {down}
	server two {other}
backend saved
	retries 1
	option redispatch 1
	balance first
	http-request set-path %[path,regsub(^/saved,)]
	server one {down} maxconn 100
	server two {backend} maxconn 100
"""

APACHE = beginnings.APACHE + """
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
StartServers 2
ThreadsPerChild 16
ProxyTimeout 1
Redirect 503 /own
ProxyPass /own !
ProxyPass /down/ http://{down}/ retry=0
ProxyPass / http://{backend}/ retry=0
"""

CADDY = """
{{
	admin off
	auto_https off
	storage file_system {folder}/storage
	log {{
		level ERROR
	}}
}}
http://:{port} {{
	bind 127.0.0.1
	handle /own {{
		respond 503
	}}
	handle_path /down/* {{
		reverse_proxy {down}
	}}
	handle {{
		reverse_proxy {backend} {{
			transport http {{
				response_header_timeout 1s
			}}
		}}
	}}
}}
"""


class Gateway(Server):
    """In front of a backend, and of two servers that are down."""

    def __init__(self, kind, folder, port, backend, down, other):
        config, command = {
            "nginx": (NGINX, ["nginx", "-p", folder, "-c", folder / "config", "-e", folder / "error.log"]),
            "haproxy": (HAPROXY, ["haproxy", "-W", "-f", folder / "config"]),
            "apache": (APACHE, ["apache2", "-f", folder / "config", "-D", "FOREGROUND"]),
            "caddy": (CADDY, ["caddy", "run", "--adapter", "caddyfile", "--config", folder / "config"]),
        }[kind]
        folder.chmod(0o755)
        names = {"backend": backend, "down": down, "other": other}
        (folder / "config").write_text(config.format(folder=folder, port=port, **names))
        super().__init__(folder, port, command, HOME=str(folder), XDG_CONFIG_HOME=str(folder))
        self.kind = kind

    def get(self, path):
        """The status of the answer, and the client's end of the connection."""
        since = datetime.now(timezone.utc)
        connection = http.client.HTTPConnection(*self.address, timeout=wire.DEADLINE)
        try:
            connection.request("GET", path)
            name = wire.Name(connection.sock.getsockname(), since)
            response = connection.getresponse()
            response.read()
        finally:
            connection.close()
        return response.status, name
