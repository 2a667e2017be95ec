# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/2 between programs, in clear text and, where their TLS library is read, within TLS: each record says who closed, and what became of the streams, as those know who played the
scene. pytest -s prints the numbers."""

import concurrent.futures

import pytest

from lib.http2 import scenes, servers, tally
from lib.http2.stage import each, started

AT_ONCE = 4  # scenes that are played side by side
LEAST_RECORDS = {"nghttpd": 60, "grpc": 20}  # of each server that talks to all clients; of the others:
LEAST_OF_OTHERS = 78
LEAST_WITHIN_TLS = 38  # of all but gRPC's
IDLE = ("nginx", "haproxy", "apache", "caddy", "node", "go", "grpc")  # servers that close what is idle
MOST_UNKNOWN = 1  # of each server


def clients_of(kind, secured=False):
    if kind == "grpc":
        return ("grpc",)
    return ("go",) if secured else ("go", "node")


def play_all(jobs):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return [done.result() for done in [pool.submit(job) for job in jobs]]


def jobs_of(server):
    for client in clients_of(server.kind, server.certificates):
        for act in scenes.scenes_of(server.kind, client):
            yield lambda act=act, client=client: scenes.play(act, client, server)
    if server.kind != "grpc":
        yield from scenes.fetchers(server)


def check(one, kind):
    one.check(kind)
    assert one.unknown.total() <= MOST_UNKNOWN


@pytest.mark.parametrize(("kind", "secured"), each(*servers.KINDS))
def test_a_server_and_all_clients(nothing_left, kind, secured, tmp_path):
    del nothing_left
    one = tally.Tally()
    with started(kind, tmp_path, secured) as (trace, server):
        truths = play_all(jobs_of(server))
        truths += scenes.dies(server, clients_of(kind, secured))
        tally.judge(trace, truths, one)
    check(one, kind)
    assert one.records >= (LEAST_WITHIN_TLS if secured and kind != "grpc" else LEAST_RECORDS.get(kind, LEAST_OF_OTHERS))


@pytest.mark.parametrize(("kind", "secured"), each(*IDLE))
def test_a_server_that_closes_idle_connections(nothing_left, kind, secured, tmp_path):
    del nothing_left
    one = tally.Tally()
    with started(kind, tmp_path, secured, idle=1) as (trace, server):
        truths = play_all([lambda client=client: scenes.play(scenes.server_times_out, client, server)
                           for client in clients_of(kind, secured)])
        tally.judge(trace, truths, one)
    check(one, kind)


@pytest.mark.parametrize(("kind", "secured"), each(*servers.GRACEFUL))
def test_a_server_that_goes_as_deploys_let_it(nothing_left, kind, secured, tmp_path):
    del nothing_left
    one = tally.Tally()
    with started(kind, tmp_path, secured) as (trace, server):
        tally.judge(trace, scenes.goes(server, clients_of(kind, secured)), one)
    check(one, kind)
