# SPDX-License-Identifier: BSD-2-Clause
"""Scenes over TLS whose truth is known from those who play them: who closed, and whether a request was lost. Nothing of the
truth comes from keepwatch."""

import subprocess
import sys
import time
from dataclasses import dataclass

from lib import tls, tls_pipes
from lib.tls_pipes import Pipe

DEADLINE = 60
PAUSE = 0.3  # seconds of a client that closes idle, or gives up: less than any server's timeout

PYCURL = """
import pycurl, sys
issuer, version, h2, *urls = sys.argv[1:]
handle = pycurl.Curl()
handle.setopt(pycurl.CAINFO, issuer)
handle.setopt(pycurl.WRITEFUNCTION, lambda data: None)
handle.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_MAX_TLSv1_2 if version == "1.2" else pycurl.SSLVERSION_TLSv1_3)
if h2 == "no":
    handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
for url in urls:
    handle.setopt(pycurl.URL, url)
    handle.perform()
handle.close()
"""


@dataclass
class Truth:
    """Of all connections of one process."""

    scene: str
    pid: int
    closer: str  # empty: either may have been first
    lost: int = 0  # requests
    count: int = 1  # connections, at the least
    version: str = ""


# ---- clients that do what the scene says ----------------------------------------------------------------


def polite(pipe):
    pipe.ask()
    pipe.close()
    return "client", 0


def closes_idle(pipe):
    pipe.ask()
    pipe.ask()
    time.sleep(PAUSE)  # the client's idle time
    pipe.close()
    return "client", 0


def is_killed_idle(pipe):
    pipe.ask()
    pipe.kill()
    return "client", 0


def asks_for_the_close(pipe):
    pipe.ask("/", "Connection: close")
    pipe.wait_for_end()
    pipe.close()
    return "server", 0


def server_times_out(pipe):
    pipe.ask()
    pipe.ask()
    pipe.wait_for_end()
    pipe.close()
    return "server", 0


def gives_up(pipe):
    pipe.ask()
    pipe.send("/hole")
    time.sleep(PAUSE)  # the client's patience
    pipe.close()
    return "client", 1


def gives_up_at_once(pipe):
    pipe.send("/hole")
    time.sleep(PAUSE)  # the client's patience
    pipe.close()
    return "client", 1


def races(pipe):
    """Uses a connection that the server has closed."""
    pipe.ask()
    pipe.wait_for_end()
    pipe.send()
    pipe.close()
    return "server", 1


SCENES = (polite, closes_idle, is_killed_idle, asks_for_the_close, server_times_out, gives_up, gives_up_at_once)


def reach_limit(path):
    def reaches_limit(pipe):
        """Asks until the server says that this was the last time."""
        while b"connection: close" not in pipe.ask(path).lower():
            pass
        pipe.wait_for_end()
        pipe.close()
        return "server", 0

    return reaches_limit


def play(act, kind, place, version, *options, identity=None, count=1):
    with Pipe(kind, place, version, *options, identity=identity) as pipe:
        closer, lost = act(pipe)
        return Truth(f"{act.__name__}, {kind}", pipe.pid, closer, lost, count, version)


# ---- programs that fetch and leave ------------------------------------------------------------------------


def run(scene, command, count=1, closer="client", lost=0, version="", statuses=(0,)):
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, said = process.communicate(timeout=DEADLINE)
        assert process.returncode in statuses, (command, process.returncode, said)
    finally:
        process.kill()
    return Truth(scene, process.pid, closer, lost, count, version)


def fetchers(place, version):
    """(scene, command, count, lost, statuses)"""
    url, issuer = f"https://{place.address}/", place.certificates.issuer
    curl = ["curl", "-sS", "--cacert", issuer, "-o", "/dev/null", *(["--tls-max", "1.2"] if version == "1.2" else [])]
    wget = ["wget", "-q", "-O", "/dev/null", f"--ca-certificate={issuer}", "--tries=1"]
    wget.append(f"--secure-protocol=TLSv1_{version[-1]}")
    pycurl = [sys.executable, "-c", PYCURL, issuer, version]
    yield "curl fetches", [*curl, "--http1.1", url], 1, 0, (0,)
    yield "curl offers h2", [*curl, url, url], 1, 0, (0,)
    yield "curl fetches three", [*curl, "--http1.1", url, url, url], 1, 0, (0,)
    yield "curl waits in between", [*curl, "--http1.1", "--rate", "200/m", url, url], 1, 0, (0,)
    yield "curl gives up", [*curl, "--http1.1", "--max-time", "0.5", url + "hole"], 1, 1, (28,)
    yield "wget fetches", [*wget, url, url], 1, 0, (0,)
    yield "wget gives up", [*wget, "--timeout=0.5", url + "hole"], 1, 1, (4,)
    yield "libcurl (GnuTLS) fetches", [*pycurl, "no", url, url], 1, 0, (0,)
    yield "libcurl (GnuTLS) offers h2", [*pycurl, "yes", url], 1, 0, (0,)
    git = ["git", "-c", f"http.sslCAInfo={issuer}", "-c", f"http.sslVersion=tlsv{version}", "ls-remote", url]
    yield "git", git, 0, 0, (0, 128)


def loads(place, many):
    """(scene, command, count, closer): programs that make many connections at once."""
    url = f"https://{place.address}/"
    yield "hey", ["hey", "-n", 3 * many, "-c", many, url], many, "client"
    yield "hey, a connection each", ["hey", "-n", many, "-c", 5, "-disable-keepalive", url], many // 5 * 5, ""
    yield "h2load", ["h2load", "--h1", "-n", 3 * many, "-c", many, url], many, "client"


def all_jobs(place, version, resumes, kinds=tls_pipes.KINDS):
    """Functions that each play a scene and return its truth."""
    for kind in kinds:
        for act in SCENES + ((races,) if kind in tls_pipes.LINGER else ()):
            yield lambda act=act, kind=kind: play(act, kind, place, version)
    yield lambda: play(polite, "go", place, version, "-split")
    yield lambda: play(closes_idle, "go", place, version, "-reset")
    for act in polite, asks_for_the_close, gives_up_at_once:
        yield lambda act=act: play(act, "go", place, version, "-stateless")
    if resumes:
        yield lambda: play(polite, "go", place, version, "-resume", count=2)
    for one in fetchers(place, version):
        yield lambda one=one: run(one[0], one[1], count=one[2], lost=one[3], statuses=one[4], version=version)


def load_jobs(place, many):
    for one in loads(place, many):
        yield lambda one=one: run(one[0], one[1], count=one[2], closer=one[3])


def die_over(place, server, versions=tls.VERSIONS, kinds=tls_pipes.KINDS):
    """The server is killed over idle connections, and over some with a request. Returns the truths."""
    truths, pipes = [], []
    try:
        for kind in kinds:
            for version in versions:
                for waiting in False, True:
                    pipes.append(Pipe(kind, place, version).__enter__())
                    pipes[-1].ask()
                    if waiting:
                        pipes[-1].send("/hole")
                    scene = f"server dies over {'a request' if waiting else 'nothing'}, {kind}"
                    truths.append(Truth(scene, pipes[-1].pid, "server", int(waiting), 1, version))
        time.sleep(PAUSE)  # the requests are with the server; a truth holds all the same if one is not
        server.kill()
        for pipe in pipes:
            pipe.wait_for_end()
            pipe.close()
    finally:
        for pipe in pipes:
            pipe.__exit__()
    return truths
