# SPDX-License-Identifier: BSD-2-Clause
import signal

from lib.servers.process import Server

WORKERS = 2

PROGRAM = """
def application(environ, start_response):
	if environ["PATH_INFO"] == "/large":
		start_response("200 OK", [("Content-Length", "LARGE")])
		return [b"x" * 100_000] * (LARGE // 100_000)
	if environ["PATH_INFO"] == "/private":
		start_response("401 Unauthorized", [("Content-Length", "0")])
		return []
	start_response("200 OK", [("Content-Length", "3")])
	return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"ok\\n"]
"""


class Gunicorn(Server):
    """With threads, since its simplest workers keep no connection alive."""

    def __init__(self, folder, port, keepalive=600, max_requests=0, worker="gthread", certificates=None):
        (folder / "program.py").write_text(PROGRAM.replace("LARGE", str(self.LARGE)))
        arguments = ["gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", WORKERS, "--worker-class", worker]
        arguments += ["--threads", 8] if worker == "gthread" else []
        arguments += ["--keep-alive", keepalive, "--max-requests", max_requests, "--graceful-timeout", 2]
        if certificates:
            arguments += ["--certfile", certificates.server, "--keyfile", certificates.server_key]
        super().__init__(folder, port, [*arguments, "program:application"], certificates, PYTHONDONTWRITEBYTECODE="1")

    def is_up(self):
        return super().is_up() and self.said().count("Booting worker") >= WORKERS

    def reload(self):
        """New workers are started, then the old ones are told to stop."""
        self.signal(signal.SIGHUP)

    def kill_workers(self):
        self.signal(signal.SIGKILL, self.children())
