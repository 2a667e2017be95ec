# SPDX-License-Identifier: BSD-2-Clause
"""Each server reloaded, gracefully restarted or stopped as a deploy does it, under load: whom it drops, whom it
lets finish, and that no record says other than the packets."""

import contextlib

import pytest

from lib import load, under_load
from lib.servers.process import Server

pytest_plugins = ["lib.stage"]

KEEP_ALIVE = "Connection: keep-alive"

# Who asks for pages, and what the server had promised to the idle connections that it drops. Apache and Node
# advertise ten minutes, and Node's promise comes through HAProxy; the others promise nothing.
SERVERS = {
    "nginx": (load.wrk, "server_closed_idle"),
    "apache": (load.hey, "closed_before_timeout"),
    "lighttpd": (load.wrk, "server_closed_idle"),
    "caddy": (load.hey, "server_closed_idle"),
    "go": (load.hey, "server_closed_idle"),
    "node": (load.agent, "closed_before_timeout"),
    "haproxy": (load.hey, "closed_before_timeout"),
    "gunicorn": (load.python, "server_closed_idle"),
}


@contextlib.contextmanager
def running(stage, name, **settings):
    if name != "haproxy":
        with stage.running(name, **settings) as server:
            yield server
    else:
        with stage.node() as node, stage.haproxy(node) as server:
            yield server


def check_large(stage, name, scene):
    """The response under way. Node takes a connection for idle whose response is still in its buffers, and
    drops it; all others let it finish, and then close. HAProxy notices a while later that there is nothing
    more to do, the others at once."""
    got = scene.ends[scene.large]
    client, server = stage.client(scene.large), stage.server(scene.large)
    stream = scene.own[scene.large.client_name]
    for end in client, server:
        assert (end["closer"], end["manner"]) == (stream.closer, stream.manner) == ("server", "fin")
        if name == "node":
            assert (end["reason"], end["premature"]) == ("response_truncated", True)
        else:
            assert end["reason"] in under_load.IDLE_CLOSES | {"announced_by_response"}
            assert (end["premature"], end["lost_requests"]) == (False, 0)
    assert (len(got) < Server.LARGE) is (name == "node")


@pytest.mark.parametrize("name", SERVERS)
def test_a_graceful_restart_drops_what_is_idle_and_nothing_else(stage, name):
    program, reason = SERVERS[name]
    with running(stage, name) as server:
        # gunicorn's threads would finish the large one only after 30 s, and keep the idle ones as long.
        large = name != "gunicorn"
        scene = under_load.Scene(stage, server, program, server.reload, large, [KEEP_ALIVE])
        for one in scene.idle:
            stream = scene.own[one.client_name]
            assert (stream.requests, stream.responses, stream.closer, stream.manner) == (1, 1, "server", "fin")
            for end in stage.client(one), stage.server(one):
                # gunicorn's old worker waits as long as its master waits for it, and then kills it.
                expected = {reason, "process_exit"} if (name, end["role"]) == ("gunicorn", "server") else {reason}
                assert end["reason"] in expected, end
                assert (end["closer"], end["manner"], end["phase"]) == ("server", "fin", "idle")
                assert end["premature"] is False
                assert end["idle_at_close_s"] > 0.15
        if large:
            check_large(stage, name, scene)
        assert len(scene.streams) >= load.CONNECTIONS
        for stream in scene.streams:
            under_load.check(stage, stream)
