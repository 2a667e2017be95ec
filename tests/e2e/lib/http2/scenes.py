# SPDX-License-Identifier: BSD-2-Clause
"""Scenes over HTTP/2 whose truth is known from those who play them: who closed, how many streams there were, and what became of
them. Nothing of the truth comes from keepwatch."""

import re
import subprocess
import time
from dataclasses import dataclass

from lib.http2.servers import GRACEFUL
from lib.http2.stage import talk_to
from lib.servers.process import wait_until

DEADLINE = 30
PAUSE = 0.3  # seconds that a client is idle before it closes: less than any server's timeout
OPEN = 2  # streams that are open when a scene ends them

GAVE_UP = ("client_gave_up",)
CLIENT_IS_DONE = ("client_closed_idle", "goaway_drained", "goaway_idle")
SERVER_IS_DONE = ("server_closed_idle", "idle_reset", "goaway_drained", "goaway_idle")
SERVER_CUTS = ("no_response", "goaway_cut", "goaway_refused", "stream_after_goaway", "goaway_error")


@dataclass
class Truth:
    """Of the connections of one process: what is None is not known, and is not judged."""

    scene: str
    pid: int
    closer: str = ""  # empty: either may have been first
    streams: int = None  # begun, of all connections together; so for the others
    answered: int = None
    lost: int = None
    unanswered: int = None  # streams that had no answer, whatever became of them
    losing: bool = None  # whether the close was premature
    reasons: tuple = ()  # one of these, at the client; none: any
    own_reasons: tuple = None  # the same at the server, where it differs
    count: int = 1  # connections


def answered(number, **more):
    return {"streams": number, "answered": number, "lost": 0, "losing": False} | more


def left_over(closer, reasons, done, left=OPEN, **more):
    """The close cut streams, and none of them had an answer."""
    facts = {"closer": closer, "streams": done + left, "answered": done, "unanswered": left, "losing": True}
    return facts | {"reasons": reasons} | more


# ---- clients that do as the scene says -----------------------------------------------------------------


def open_streams(talk, path="/wait"):
    """The server has read these: it has answered the one that came behind them."""
    talk.open(path, OPEN)
    if talk.kind == "go":  # it asks by threads of its own
        talk.wait("sent", OPEN, path=path)
    if path == "/begin":
        talk.wait("head", OPEN, path=path)
    talk.ask()


def done(talk, number):
    """Go's client names a stream of its own as the last one in its GOAWAY, which libnghttp2 refuses if it comes to that."""
    if talk.kind == "go":
        return answered(number, reasons=(*CLIENT_IS_DONE, "goaway_error"))
    return answered(number, closer="client", reasons=CLIENT_IS_DONE)


def polite(talk):
    talk.ask("/", 3)
    talk.close()
    return done(talk, 3)


def closes_idle(talk):
    talk.ask()
    talk.ask()
    time.sleep(PAUSE)  # the client's idle time
    talk.close()
    return done(talk, 2)


def leaves_at_once(talk):
    talk.ask("/", 5)
    talk.close("destroy")
    return answered(5, closer="client", reasons=CLIENT_IS_DONE)


def is_killed_idle(talk):
    talk.ask()
    talk.kill()
    return answered(1, closer="client", reasons=(*CLIENT_IS_DONE, "process_exit"))


def resets_idle(talk):
    talk.ask()
    time.sleep(PAUSE)  # the client's idle time
    talk.close("reset")
    return answered(1, closer="client", reasons=CLIENT_IS_DONE)


def gives_up(talk):
    talk.ask()
    open_streams(talk)
    talk.close("reset")
    return left_over("client", GAVE_UP, 2, lost=OPEN)


def is_killed_waiting(talk):
    open_streams(talk)
    talk.kill()
    return left_over("client", ("process_exit", *GAVE_UP), 1, lost=OPEN)


def leaves_in_an_answer(talk):
    open_streams(talk, "/begin")
    talk.kill()
    return {"closer": "client", "streams": OPEN + 1, "answered": 1,
            "reasons": ("process_exit", "client_left")}


def cancels(talk):
    open_streams(talk)
    talk.do("cancel")
    talk.wait("result", OPEN, path="/wait")
    talk.ask()
    talk.close()
    return done(talk, 2) | {"streams": OPEN + 2}


def server_times_out(talk):
    talk.ask()
    talk.ask()
    stays_until_closed(talk)
    return answered(2, closer="server", reasons=("goaway_idle",))


def stays_until_closed(talk):
    """A library closes its side as soon as it has read the GOAWAY."""
    wait_until(lambda: not is_connected(talk.pid), "the end of the connection", DEADLINE)


def is_connected(pid):
    """Whether this process has an established connection over TCP."""
    listed = subprocess.run(["ss", "-Htnp", "state", "established"], capture_output=True, text=True, check=True).stdout
    return f"pid={pid}," in listed


SCENES = (polite, closes_idle, leaves_at_once, is_killed_idle)
WITH_WAIT = (is_killed_waiting, cancels)
BY_RESET = (resets_idle, gives_up)
WITH_BEGIN = (leaves_in_an_answer,)


def scenes_of(server, client):
    """Those that both can play."""
    found = SCENES
    if server != "nghttpd":
        found += WITH_WAIT
    if client != "grpc":
        found += BY_RESET if server != "nghttpd" else BY_RESET[:1]
    if server in ("go", "node", "grpc"):
        found += WITH_BEGIN
    return found


def play(act, client, server, options=()):
    with talk_to(client, server, options) as talk:
        talk.wait("open")
        facts = act(talk)
    # Apache may take a connection for idle as soon as its last stream has ended.
    if server.kind == "apache" and facts.get("reasons") == CLIENT_IS_DONE:
        facts["closer"] = ""
    return Truth(f"{act.__name__}, {client}", talk.pid, **facts)


# ---- programs that fetch and leave --------------------------------------------------------------------------


def run(command, statuses=(0,)):
    """(its process id, its output)"""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = process.communicate(timeout=DEADLINE)
        assert process.returncode in statuses, (command, process.returncode, said)
    finally:
        process.kill()
    return process.pid, said


def how(server):
    """Words that let curl speak HTTP/2 with it."""
    return ["-k", "--http2"] if server.certificates else ["--http2-prior-knowledge"]


def curl(server, path):
    pid, said = run(["curl", "-sS", *how(server), "-w", "%{http_version}", "-o", "/dev/null", server.url(path)])
    assert said == "2"
    reasons = (*CLIENT_IS_DONE, "client_left")  # it may leave before the stream's end, once the body is complete
    return Truth("curl", pid, closer="client", streams=1, losing=False, reasons=reasons)


def curl_gives_up(server):
    pid, _ = run(["curl", "-sS", *how(server), "--max-time", "0.5", server.url("/wait")], (28,))
    return Truth("curl gives up", pid, closer="client", streams=1, answered=0, unanswered=1)


def nghttp(server, many):
    """Its log has each frame."""
    pid, said = run(["nghttp", "-nv", "-m", many, server.url("/"), server.url("/large")])
    begun = len(re.findall(r"send HEADERS frame", said))
    done = len(re.findall(r"recv (?:DATA|HEADERS) frame <[^>]*>\n *; .*END_STREAM", said))
    assert begun == 2 * many
    facts = {"streams": begun, "answered": done, "lost": 0, "losing": False}
    return Truth("nghttp", pid, closer="client", reasons=CLIENT_IS_DONE, **facts)


def h2load(server, connections, streams, at_once):
    pid, said = run(["h2load", "-n", connections * streams, "-c", connections, "-m", at_once, server.url("/")])
    started, done = map(int, re.search(r"(\d+) started, (\d+) done", said).groups())
    assert started == connections * streams
    return Truth("h2load", pid, count=connections, **answered(done, closer="client", reasons=CLIENT_IS_DONE))


def fetchers(server):
    """Functions that each play such a program and return its truth."""
    yield lambda: curl(server, "/")
    yield lambda: curl(server, "/large")
    yield lambda: curl(server, "/gone")
    if server.kind != "nghttpd":
        yield lambda: curl_gives_up(server)
    yield lambda: nghttp(server, 4 if server.kind == "lighttpd" else 10)  # that one takes 8 at once
    yield lambda: h2load(server, 4, 50, 10)
    yield lambda: h2load(server, 10, 1, 1)
    yield lambda: h2load(server, 1, 2000, 100)  # whose calls carry many frames


# ---- servers that end all their connections -------------------------------------------------------------------


class Crowd:
    """Connections of all clients that a server may have, each of them with open streams or idle; for a with statement."""

    def __init__(self, server, clients, paths):
        self.server = server
        self.talks = [(talk_to(client, server), path) for client in clients for path in paths]

    def __enter__(self):
        for talk, path in self.talks:
            talk.__enter__()
        for talk, path in self.talks:
            talk.wait("open")
            open_streams(talk, path) if path else talk.ask()
        return self

    def __exit__(self, *_):
        for talk, _ in self.talks:
            talk.__exit__()

    def wait_for_end(self):
        for talk, path in self.talks:
            if path:
                talk.wait("result", OPEN, path=path)
            stays_until_closed(talk)

    def truths(self, scene, of):
        """@of gives the facts of a connection with open streams of a path, or of an idle one."""
        return [Truth(f"{scene}, {talk.kind}, {path or 'idle'}", talk.pid, **of(path)) for talk, path in self.talks]


def dies(server, clients):
    """The server is killed over idle connections, and over some with open streams."""
    paths = ["", "/wait", "/begin"] if server.kind in ("go", "node", "grpc") else ["", "/wait"]
    reasons = {"/wait": ("no_response",), "/begin": ("response_truncated",)}
    with Crowd(server, clients, paths if server.kind != "nghttpd" else [""]) as crowd:
        server.kill()
        crowd.wait_for_end()

        def facts(path):
            if not path:
                return answered(1, closer="server", reasons=("server_closed_idle", "idle_reset"),
                                own_reasons=("server_closed_idle", "process_exit", "idle_reset"))
            return left_over("server", reasons[path], 1, lost=OPEN, own_reasons=("process_exit",))

        return crowd.truths("the server dies", facts)


def goes(server, clients):
    """The server goes as a deploy lets it: what it does is finished, where there are pages that take a while."""
    slow = "/later?for=" + {"go": "700ms", "node": "700ms", "grpc": "0.7"}.get(server.kind, "")
    paths = ["", slow] if server.kind in ("go", "node", "grpc") else [""]
    with Crowd(server, clients, paths) as crowd:
        server.signal(GRACEFUL[server.kind])
        crowd.wait_for_end()
        for talk, path in crowd.talks:
            assert not path or talk.results(path) == (OPEN, []), talk.events
        return crowd.truths("the server goes", lambda path: answered(1 + (OPEN if path else 0), closer="server",
                                                                     reasons=SERVER_IS_DONE))
