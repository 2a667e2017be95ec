# SPDX-License-Identifier: BSD-2-Clause
"""Real HTTP clients and what they do with their connections, each against one of the servers."""

import subprocess
import urllib.request

import pytest
from lib import load, under_load, wire

pytest_plugins = ["lib.stage"]

REQUESTS = 12


def verdict(one):
    return one["closer"], one["manner"], one["phase"], one["reason"], one["premature"], one["lost_requests"]


BY_CLIENT = ("client", "fin", "idle", "client_closed_idle", False, 0)
AS_ASKED = ("server", "fin", "idle", "announced_by_request", False, 0)
AS_HTTP10 = ("server", "fin", "idle", "http10_default", False, 0)


def run(*arguments):
    subprocess.run([*map(str, arguments)], check=True, stdout=subprocess.DEVNULL, timeout=wire.DEADLINE)


def by_wget(url):
    run("wget", "-q", "--no-proxy", "-O", "/dev/null", *[url] * REQUESTS)


def by_curl(url):
    run("curl", "-q", "-s", "--http1.1", "--noproxy", "*", *["-o", "/dev/null", url] * REQUESTS)


def by_ab(url):
    run("ab", "-q", "-n", REQUESTS, "-c", 3, url)


def by_ab_keeping_alive(url):
    run("ab", "-q", "-k", "-n", REQUESTS, "-c", 3, url)


def by_hey(url):
    run("hey", "-n", REQUESTS, "-c", 3, url)


def by_hey_without_keep_alive(url):
    run("hey", "-n", REQUESTS, "-c", 3, "-disable-keepalive", url)


def by_http_client(url):
    connection = load.connection(url, timeout=wire.DEADLINE)
    for _ in range(REQUESTS):
        connection.request("GET", "/")
        connection.getresponse().read()
    connection.close()


def by_urllib(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(REQUESTS):
        opener.open(url, timeout=wire.DEADLINE).read()


AGENT = """
const [url, kept, requests] = process.argv.slice(1);
const http = require(url.split(":")[0]);
const agent = new http.Agent(kept === "yes" ? { keepAlive: true, maxSockets: 1 } : { keepAlive: false });
let left = Number(requests);
for (let at = 0; at < requests; at++)
	http.get(url, { agent }, (response) => response.resume().on("end", () => --left || agent.destroy()));
"""


def by_nodes_agent(url):
    run("node", "-e", AGENT, url, "yes", REQUESTS)


def by_nodes_agent_without_keep_alive(url):
    run("node", "-e", AGENT, url, "no", REQUESTS)


# How many connections each needs for its twelve requests, and how these end. ab speaks HTTP/1.0. Python's
# urllib asks for the close with each request, and so does Node's agent if it is not to keep connections alive.
CLIENTS = {
    by_wget: ("apache", 1, BY_CLIENT),
    by_curl: ("lighttpd", 1, BY_CLIENT),
    by_ab: ("nginx", REQUESTS, AS_HTTP10),
    by_ab_keeping_alive: ("nginx", 3, BY_CLIENT),
    by_hey: ("caddy", 3, BY_CLIENT),
    by_hey_without_keep_alive: ("go", REQUESTS, AS_ASKED),
    by_http_client: ("gunicorn", 1, BY_CLIENT),
    by_urllib: ("node", REQUESTS, AS_ASKED),
    by_nodes_agent: ("node", 1, BY_CLIENT),
    by_nodes_agent_without_keep_alive: ("apache", REQUESTS, AS_ASKED),
}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
def test_a_client_is_named_for_what_it_asked_and_did(stage, client):
    name, connections, ending = CLIENTS[client]
    with stage.running(name) as server, stage.captured(server) as capture:
        client(server.url())
        used = [stream for stream in capture.streams(complete=True) if stream.requests]
        # Over TLS one that comes late from its handshake may find nothing left to ask for.
        assert 0 < len(used) <= connections and (len(used) == connections or used[0].secure)
        assert sum(stream.requests for stream in used) == REQUESTS
        for stream in used:
            for end in under_load.check(stage, stream):
                assert verdict(end)[2:] == ending[2:]
            if ending != AS_ASKED:  # there either may close first
                assert (stream.closer, stream.manner) == ending[:2]


def test_what_wrk_cuts_at_its_end_is_told(stage):
    """The client's process exits with requests in flight, without closing its connections."""
    with stage.nginx() as nginx, stage.captured(nginx) as capture:
        (nginx.folder / "delay.lua").write_text("function delay() return 20 end\n")
        run("wrk", "-t", 1, "-c", 4, "-d", "1s", "-s", nginx.folder / "delay.lua", nginx.url())
        used = [stream for stream in capture.streams(complete=True) if stream.requests]
        assert len(used) == 4
        for stream in used:
            client, _ = under_load.check(stage, stream)
            assert client["closer"] == "client"
            assert client["reason"] == ("process_exit" if stream.lost else "client_closed_idle")
