# SPDX-License-Identifier: BSD-2-Clause
"""Each server killed under load: its own sockets know that the process ended, its clients only what that did to
them."""

import pytest

from lib import load, under_load
from test_server_reload import KEEP_ALIVE, running

pytest_plugins = ["lib.stage"]

SERVERS = {
    "nginx": (load.wrk, "server_closed_idle"),
    "apache": (load.hey, "closed_before_timeout"),
    "lighttpd": (load.hey, "server_closed_idle"),
    "caddy": (load.hey, "server_closed_idle"),
    "go": (load.hey, "server_closed_idle"),
    "node": (load.agent, "closed_before_timeout"),
    "haproxy": (load.hey, "closed_before_timeout"),
    "gunicorn": (load.python, "server_closed_idle"),
    "http_server": (load.python, "server_closed_idle"),
}
SETTINGS = {"http_server": {"protocol": "HTTP/1.1"}}


@pytest.mark.parametrize("name", SERVERS)
def test_a_killed_server_is_a_process_that_exited_and_its_clients_see_what_they_lost(stage, name):
    program, reason = SERVERS[name]
    with running(stage, name, **SETTINGS.get(name, {})) as server:
        scene = under_load.Scene(stage, server, program, server.kill_workers, True, [KEEP_ALIVE])
        for one in scene.idle:
            client, accepted = stage.client(one), stage.server(one)
            for end in client, accepted:
                assert (end["closer"], end["manner"], end["phase"]) == ("server", "fin", "idle")
                assert (end["premature"], end["lost_requests"]) == (False, 0)
            assert client["reason"] == reason
            assert accepted["reason"] == "process_exit"
        client, accepted = stage.client(scene.large), stage.server(scene.large)
        for end in client, accepted:
            assert (end["closer"], end["phase"], end["premature"]) == ("server", "response", True)
            assert (end["requests"], end["lost_requests"]) == (1, 1)
        assert (client["reason"], accepted["reason"]) == ("response_truncated", "process_exit")
        assert len(scene.streams) >= load.CONNECTIONS
        for stream in scene.streams:
            check_killed(stage, stream)


def check_killed(stage, stream):
    client, server = under_load.check(stage, stream)
    if stream.closer == "server" and stream.requests:
        # A request that it had not begun to read is late; with one that it had, it was killed at work.
        assert server["reason"] == "process_exit", (server, stream)
