# SPDX-License-Identifier: BSD-2-Clause
"""Clients under whose requests a server is reloaded or killed: real ones, gentle, and for a bounded time."""

import http.client
import subprocess
import threading
import time
import urllib.parse

from lib import wire

CONNECTIONS = 6
SECONDS = 3.0
PER_SECOND = 40  # requests on each connection

DELAY = "function delay() return 25 end\n"

AGENT = """
"use strict";
const [url, connections, seconds, pause] = process.argv.slice(2);
const http = require(url.split(":")[0]);
const agent = new http.Agent({ keepAlive: true, maxSockets: Number(connections) });
const end = Date.now() + seconds * 1000;
function next() {
	if (Date.now() > end)
		return;
	const again = () => setTimeout(next, Number(pause));
	http.get(url, { agent }, (response) => {
		response.resume();
		response.on("close", again);
		response.on("error", () => {});
	}).on("error", again);
}
for (let at = 0; at < connections; at++)
	next();
setTimeout(() => process.exit(0), seconds * 1000 + 200);
"""


def hey(url, folder):
    return ["hey", "-z", f"{SECONDS}s", "-c", CONNECTIONS, "-q", PER_SECOND, "-t", 5, url]


def wrk(url, folder):
    (folder / "delay.lua").write_text(DELAY)
    return ["wrk", "-t", 1, "-c", CONNECTIONS, "-d", f"{SECONDS + 0.8:.0f}s", "-s", folder / "delay.lua", url]


def agent(url, folder):
    (folder / "agent.js").write_text(AGENT)
    return ["node", folder / "agent.js", url, CONNECTIONS, SECONDS, 1000 // PER_SECOND]


class Load:
    """One of these programs at work on a server."""

    def __init__(self, program, server, path="/"):
        self.arguments = [str(argument) for argument in program(server.url(path), server.folder)]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.process.kill()
        self.said, _ = self.process.communicate(timeout=wire.DEADLINE)
        assert kind is not None or self.process.returncode == 0, self.said


def connection(url, timeout):
    """One of http.client, to the server of this URL."""
    parts = urllib.parse.urlsplit(url)
    kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}[parts.scheme]
    return kind(parts.netloc, timeout=timeout)


class PythonLoad:
    """http.client in threads; a connection that failed is replaced."""

    def __init__(self, server, path="/"):
        self.server, self.path = server, path
        self.threads = [threading.Thread(target=self._work) for _ in range(CONNECTIONS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for thread in self.threads:
            thread.join(wire.DEADLINE)

    def _work(self):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            one = connection(self.server.url(), timeout=5)
            try:
                while time.monotonic() < end:
                    one.request("GET", self.path)
                    one.getresponse().read()
                    time.sleep(1 / PER_SECOND)
            except (OSError, http.client.HTTPException):
                time.sleep(1 / PER_SECOND)
            finally:
                one.close()


def python(server, path="/"):
    return PythonLoad(server, path)


def of(program, server, path="/"):
    """A load, for a with statement that ends when the load does."""
    return program(server, path) if program is python else Load(program, server, path)
