# SPDX-License-Identifier: BSD-2-Clause
import subprocess

from lib.servers import beginnings
from lib.servers.process import DEADLINE, Server, www

CONFIG = """
{{
	admin unix/{folder}/admin
	auto_https off
	default_sni localhost
	storage file_system {folder}/storage
	grace_period 25s
	log {{
		level ERROR
	}}
	servers {{
		timeouts {{
			read_header {read_header}
			idle {idle}
		}}
	}}
}}
{scheme}://:{port} {{
	bind 127.0.0.1
	{keys}
	header X-Generation {generation}
	root * {folder}/www
	respond /private 401
	request_body /upload {{
		max_size 1000
	}}
	file_server
}}
"""

TLS = """
	tls {certificate} {key} {{
		insecure_secrets_log {log}
	}}
"""


class Caddy(Server):
    def __init__(self, folder, port, idle="600s", read_header="30s", certificates=None):
        www(folder)
        self.folder = folder
        self.settings = {"folder": folder, "port": port, "idle": idle, "read_header": read_header}
        self.settings["scheme"] = "https" if certificates else "http"
        self.settings["keys"] = beginnings.keys(TLS, certificates)
        self._write_config(1)
        arguments = ["caddy", "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"]
        super().__init__(folder, port, arguments, certificates, HOME=str(folder), XDG_CONFIG_HOME=str(folder))

    def _write_config(self, generation):
        (self.folder / "Caddyfile").write_text(CONFIG.format(generation=generation, **self.settings))

    def reload(self):
        """The same process shuts down its old server, gracefully, after a new one listens."""
        self._write_config(2)
        file, admin = self.folder / "Caddyfile", f"unix/{self.folder}/admin"
        subprocess.run(
            ["caddy", "reload", "--adapter", "caddyfile", "--config", file, "--address", admin],
            check=True,
            capture_output=True,
            timeout=DEADLINE,
            env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"},
        )

    def kill_workers(self):
        self.kill()
