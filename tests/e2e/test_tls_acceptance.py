# SPDX-License-Identifier: BSD-2-Clause
"""TLS between programs that the rules were not written from: no record names a wrong closer or a loss that was none, and few
say that they do not know. Each scene is played over one version of TLS; KEEPWATCH_ROUNDS=2 plays it over the other too, a higher
number more often. pytest -s prints the numbers."""

import collections
import concurrent.futures
import contextlib
import itertools
import os
import socket

import pytest

from lib import observer, tls, tls_scenes, tls_servers, wire
from lib.tls_scenes import play

ROUNDS = int(os.environ.get("KEEPWATCH_ROUNDS", "1"))
AT_ONCE = 6  # scenes that are played side by side
LOAD = 20  # connections
MOST_UNKNOWN = 0.03
LEAST_RECORDS = 1000
LIMITS = {"nginx": "/few", "lighttpd": "/"}  # where a connection carries few requests

tallies = {}  # of this session, by server


def told(one):
    keys = ("role", "closer", "manner", "reason", "premature", "lost_requests", "late_request", "evidence", "tls")
    return {key: one[key] for key in keys}


class Tally:
    def __init__(self):
        self.records, self.unknown, self.missed = 0, collections.Counter(), collections.Counter()
        self.wrong = []

    def judge(self, name, truth, one):
        """Compares one record with the truth."""
        self.records += 1
        if one["reason"] == "unknown" or truth.lost and not one["premature"]:
            print(f"open: {name} {truth} {told(one)}")
        if one["reason"] == "unknown":
            self.unknown[truth.scene, truth.version, one["role"]] += 1
            return
        loses = one["premature"] or one["lost_requests"] or one["late_request"]
        if (truth.closer and one["closer"] != truth.closer) or (loses and not truth.lost):
            self.wrong.append((truth, one))
        if truth.lost and not one["premature"]:
            self.missed[truth.scene, one["reason"], one["role"]] += 1


@pytest.fixture(scope="module")
def hole():
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        yield listener.getsockname()[1]


def free_port(host="127.0.0.1"):
    with wire.listen(host) as listener:
        return wire.port_of(listener)


def play_all(jobs):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return [done.result() for done in [pool.submit(job) for job in jobs]]


def by_flow(records):
    """Ports come again, flows do not."""
    return {one["flow"]: one for one in records}


def judge(trace, truths, name):
    """Waits for the records of both ends of all connections, and judges them."""
    tally = Tally()

    def of(truth):
        return trace.records(role="client", pid=truth.pid)

    for truth in truths:
        trace.wait_until(lambda truth=truth: len(of(truth)) >= truth.count, f"the records of {truth}")
    clients = [(truth, one) for truth in truths for one in of(truth)]
    trace.wait_until(
        lambda: by_flow(one for _, one in clients).keys() <= by_flow(trace.records(role="server")).keys(),
        "the records of the servers' ends")
    servers = by_flow(trace.records(role="server"))
    for truth, one in clients:
        tally.judge(name, truth, one)
        tally.judge(name, truth, servers[one["flow"]])
    check(tally, name)
    tallies[name] = tally  # a play that failed, and is played again, counts for nothing


def check(tally, name):
    print(f"\n{name}: {tally.records} records, {len(tally.wrong)} wrong, unknown {dict(tally.unknown)}, "
          f"losses not seen {dict(tally.missed)}")
    for truth, one in tally.wrong:
        print(f"wrong: {name} {truth} {told(one)}")
    assert not tally.wrong


@contextlib.contextmanager
def watched(place):
    with observer.Trace([place.port]) as trace:
        yield trace


def jobs_of(place, kind):
    """The scenes of all rounds. Each round plays each of them over another version than the one before."""
    both = [list(scenes_of(place, kind, version)) for version in tls.VERSIONS]
    for number in range(ROUNDS):
        yield from (scenes[(at + number) % 2] for at, scenes in enumerate(zip(*both)))


def scenes_of(place, kind, version):
    yield from tls_scenes.all_jobs(place, version, resumes=kind != "gunicorn")
    if kind in LIMITS:
        act = tls_scenes.reach_limit(LIMITS[kind])
        for client in tls_scenes.tls_pipes.KINDS:
            yield lambda client=client: play(act, client, place, version)


@pytest.mark.parametrize("kind", [*tls_servers.KINDS, "stunnel"])
def test_a_server_and_all_clients(nothing_left, kind, certificates, hole, tmp_path):
    del nothing_left
    place = tls_servers.Place(tmp_path, free_port(), certificates, hole=hole)
    with contextlib.ExitStack() as stack:
        trace = stack.enter_context(watched(place))
        if kind == "stunnel":
            behind = stack.enter_context(tls_servers.plain_server(tmp_path, free_port(), 1))
            server = stack.enter_context(tls_servers.stunnel(place, behind.port))
        else:
            server = stack.enter_context(tls_servers.server(kind, place))
        truths = play_all(jobs_of(place, kind))
        if kind != "lighttpd":  # whose connections carry few requests
            truths += play_all(tls_scenes.load_jobs(place, LOAD))
        truths += tls_scenes.die_over(place, server)
        judge(trace, truths, kind)


def closes_after_response(pipe):
    pipe.send()
    pipe.wait_for_end()
    pipe.close()
    return "server", 0


@pytest.mark.parametrize("kind", ["openssl_server", "gnutls_server"])
def test_a_server_that_closes_after_each_response(nothing_left, kind, certificates, tmp_path):
    del nothing_left
    place = tls_servers.Place(tmp_path, free_port(), certificates)
    with watched(place) as trace, getattr(tls_servers, kind)(tmp_path, place.port, certificates):
        jobs = [lambda client=client, version=version: play(closes_after_response, client, place, version)
                for _ in range(2 * ROUNDS) for version in tls.VERSIONS for client in tls_scenes.tls_pipes.KINDS]
        judge(trace, [job() for job in jobs], kind)


VARIANTS = {
    "client certificates": "ssl_verify_client on; ssl_client_certificate {issuer};",
    "session ids": "ssl_session_tickets off; ssl_session_cache shared:ids:1m;",
    "no resumption": "ssl_session_tickets off; ssl_session_cache off;",
    "another curve": "ssl_ecdh_curve secp521r1;",  # clients begin with another: HelloRetryRequest
    "another cipher": "ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256; ssl_ciphers ECDHE-ECDSA-AES128-SHA;",
    "IPv6": "",
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_handshake_of_another_kind(nothing_left, variant, certificates, hole, tmp_path):
    del nothing_left
    extra = VARIANTS[variant].format(issuer=certificates.issuer)
    host = "::1" if variant == "IPv6" else "127.0.0.1"
    identity = (certificates.client, certificates.client_key) if variant == "client certificates" else None
    place = tls_servers.Place(tmp_path, free_port(host), certificates, host=host, hole=hole, extra=extra)
    with watched(place) as trace, tls_servers.server("nginx", place):
        jobs = []
        for number in range(ROUNDS):
            for at, (client, act) in enumerate(itertools.product(tls_scenes.tls_pipes.KINDS, tls_scenes.SCENES)):
                version = tls.VERSIONS[(at + number) % 2]
                jobs.append(lambda act=act, client=client, version=version:
                            play(act, client, place, version, identity=identity))
        judge(trace, play_all(jobs), variant)


@pytest.mark.parametrize("how", ["tickets", "session ids"])
def test_resumption_and_early_data_by_openssl(nothing_left, how, certificates, hole, tmp_path):
    """Early data hides which record is the first answer: its records may say that they do not know, and nothing wrong."""
    del nothing_left
    place = tls_servers.Place(tmp_path, free_port(), certificates, hole=hole, extra="ssl_early_data on;" + (VARIANTS[how] if how in VARIANTS else ""))
    early = tmp_path / "early"
    early.write_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def asks_early(pipe):
        pipe.wait_for_answer()
        pipe.close()
        return "client", 0

    with watched(place) as trace, tls_servers.server("nginx", place):
        truths = []
        for version in tls.VERSIONS:
            session = tmp_path / f"session-{version}"
            truths.append(play(tls_scenes.closes_idle, "openssl", place, version, "-sess_out", session))
            truths.append(play(tls_scenes.closes_idle, "openssl", place, version, "-sess_in", session))
        truths.append(play(tls_scenes.closes_idle, "openssl", place, "1.3", "-sess_out", session))
        truths.append(play(asks_early, "openssl", place, "1.3", "-sess_in", session, "-early_data", early))
        judge(trace, truths, f"early data, {how}")


def test_all_together():
    """There were enough records, and few that are unknown."""
    if len(tallies) < len(tls_servers.KINDS) + 1:
        pytest.skip("the numbers are those of all tests of this file")
    records = sum(tally.records for tally in tallies.values())
    unknown = sum((tally.unknown for tally in tallies.values()), collections.Counter())
    print(f"\nall: {records} records, {unknown.total()} unknown ({unknown.total() / records:.2%}): {dict(unknown)}")
    assert records >= LEAST_RECORDS
    assert unknown.total() <= MOST_UNKNOWN * records
