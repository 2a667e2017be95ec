# SPDX-License-Identifier: BSD-2-Clause
import signal

from lib.servers import beginnings
from lib.servers.process import Server, www

CONFIG = beginnings.NGINX + """
worker_processes 2;
worker_shutdown_timeout 25s;
http {{
""" + beginnings.NGINX_HTTP + """
	default_type text/plain;
	keepalive_timeout {keepalive_timeout};
	keepalive_requests {keepalive_requests};
	client_max_body_size 1000;
	client_header_timeout 500ms;
	lingering_timeout 300ms;
	server {{
		listen 127.0.0.1:{port}{ssl};
		{keys}
		root {folder}/www;
		location = /drop {{ return 444; }}
		location = /private {{ return 401 "who are you?\\n"; }}
		location = /upload {{ proxy_pass {scheme}://{upstream}; }}
		location /unbuffered/ {{
			client_max_body_size 0;
			proxy_pass {scheme}://{upstream}/;
			proxy_http_version 1.1;
			proxy_request_buffering off;
		}}
		location /up/ {{ proxy_pass {scheme}://{upstream}/; }}
		location /pass/ {{
			proxy_pass {scheme}://{upstream}/;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_pass_header Keep-Alive;
			proxy_buffering off;
		}}
	}}
}}
"""


class Nginx(Server):
    """With an upstream ("address:port") it is a proxy below /up/ by HTTP/1.0, its default, and below /pass/ by
    HTTP/1.1. /drop is `return 444`. Bodies over 1000 bytes are refused. With certificates the upstream speaks TLS, too."""

    def __init__(
        self, folder, port, keepalive_timeout="600s", keepalive_requests=100_000, upstream="127.0.0.1:9", certificates=None
    ):
        www(folder)
        self.settings = {
            "folder": folder,
            "port": port,
            "keepalive_timeout": keepalive_timeout,
            "keepalive_requests": keepalive_requests,
            "upstream": upstream,
            "scheme": "https" if certificates else "http",
            "ssl": " ssl" if certificates else "",
            "keys": beginnings.keys(beginnings.NGINX_TLS, certificates, beginnings.NGINX_STATIC, beginnings.NGINX_ANY),
        }
        (folder / "nginx.conf").write_text(CONFIG.format(**self.settings))
        arguments = ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        super().__init__(folder, port, arguments, certificates)

    def reload(self):
        """Old workers finish what they do and go, new ones take over."""
        self.signal(signal.SIGHUP)

    def kill_workers(self):
        self.signal(signal.SIGKILL, self.children())
