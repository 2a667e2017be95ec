# SPDX-License-Identifier: BSD-2-Clause
from lib.servers.process import Server, www

PROGRAM = """
import http.server, os, ssl, sys

class Handler(http.server.SimpleHTTPRequestHandler):
	protocol_version = sys.argv[2]
	timeout = float(sys.argv[3]) or None

	def do_GET(self):
		if self.path == "/endless":
			# A body without a length, from a process that ends with it.
			self.wfile.write(b"HTTP/1.0 200 OK\\r\\nContent-Type: text/plain\\r\\n\\r\\nall there is\\n")
			os._exit(0)
		super().do_GET()

	def log_message(self, *_):
		pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
if len(sys.argv) > 4:
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	context.load_cert_chain(sys.argv[4], sys.argv[5])
	server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


class HttpServer(Server):
    """Python's http.server: HTTP/1.0 unless told otherwise, and then without a timeout."""

    def __init__(self, folder, port, protocol="HTTP/1.0", timeout=0, certificates=None):
        program = folder / "server.py"
        program.write_text(PROGRAM)
        arguments = ["/usr/bin/python3", program, port, protocol, timeout]
        arguments += [certificates.server, certificates.server_key] if certificates else []
        pages = www(folder)
        (folder / "index.html").symlink_to(pages / "index.html")
        (folder / "large").symlink_to(pages / "large")
        super().__init__(folder, port, arguments, certificates)

    def kill_workers(self):
        self.kill()
