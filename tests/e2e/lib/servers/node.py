# SPDX-License-Identifier: BSD-2-Clause
import json
import signal

from lib.servers.process import Server

PROGRAM = """
"use strict";
const { scheme, port, settings, limit, keys } = JSON.parse(process.argv[2]);
const files = Object.entries(keys).map(([name, path]) => [name, require("fs").readFileSync(path)]);

const server = require(scheme).createServer({ ...settings, ...Object.fromEntries(files) }, (request, response) => {
	const [path] = request.url.split("?");
	if (path === "/large")
		response.end(Buffer.alloc(LARGE, "x"));
	else if (path === "/events") {
		response.writeHead(200, { "Content-Type": "text/event-stream" });
		const timer = setInterval(() => response.write("data: tick\\n\\n"), 50);
		response.on("close", () => clearInterval(timer));
	} else if (path === "/refuse") {
		response.writeHead(413, { "Content-Length": 0, "Connection": "close" });
		response.end(() => request.socket.destroySoon());
	} else if (path === "/private") {
		response.writeHead(401, { "Content-Length": 0 });
		response.end();
	} else
		response.end("ok\\n");
});
// Without this listener Node answers 100 by itself.
server.on("checkContinue", (request, response) => {
	response.writeHead(401, { "Content-Length": 0 });
	response.end();
});
if (limit)
	server.maxRequestsPerSocket = limit;
server.listen(port, "127.0.0.1");

// As deploys do it: what is idle goes, what is busy is finished, for a second at most.
process.on("SIGTERM", () => {
	server.close(() => process.exit(0));
	server.closeIdleConnections();
	setTimeout(() => process.exit(0), 1000);
});
"""


class Node(Server):
    """Node's http. `settings` are those of http.createServer, in milliseconds."""

    def __init__(self, folder, port, limit=0, certificates=None, **settings):
        (folder / "server.js").write_text(PROGRAM.replace("LARGE", str(self.LARGE)))
        given = {"port": port, "settings": {"keepAliveTimeout": 600_000} | settings, "limit": limit}
        given |= {"scheme": "http", "keys": {}}
        options = [f"--tls-keylog={certificates.keys}"] if certificates else []
        if certificates:
            given |= {"scheme": "https", "keys": {"cert": str(certificates.server), "key": str(certificates.server_key)}}
        super().__init__(folder, port, ["node", *options, folder / "server.js", json.dumps(given)], certificates)

    def reload(self):
        """It has no reload: a deploy ends it by SIGTERM."""
        self.signal(signal.SIGTERM)

    def kill_workers(self):
        self.kill()
