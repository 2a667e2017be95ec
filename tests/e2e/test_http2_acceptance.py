# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/2 in clear between programs: each record says who closed, and what became of the streams, as those know who played the
scene. pytest -s prints the numbers."""

import collections
import concurrent.futures

import pytest

from lib.http2 import scenes, servers, tally
from lib.http2.stage import started

AT_ONCE = 4  # scenes that are played side by side
LEAST_CONNECTIONS = 300
MOST_UNKNOWN = 0.03

tallies = {}  # of this session, by server


def clients_of(kind):
    return ("grpc",) if kind == "grpc" else ("go", "node")


def play_all(jobs):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return [done.result() for done in [pool.submit(job) for job in jobs]]


def jobs_of(server):
    for client in clients_of(server.kind):
        for act in scenes.scenes_of(server.kind, client):
            yield lambda act=act, client=client: scenes.play(act, client, server)
    if server.kind != "grpc":
        yield from scenes.fetchers(server)


@pytest.mark.parametrize("kind", servers.KINDS)
def test_a_server_and_all_clients(nothing_left, kind, tmp_path):
    del nothing_left
    one = tallies[kind] = tally.Tally()
    with started(kind, tmp_path) as (trace, server):
        truths = play_all(jobs_of(server))
        truths += scenes.dies(server, clients_of(kind))
        tally.judge(trace, truths, one)
    one.check(kind)


@pytest.mark.parametrize("kind", ["nginx", "haproxy", "apache", "caddy", "node", "go", "grpc"])
def test_a_server_that_closes_idle_connections(nothing_left, kind, tmp_path):
    del nothing_left
    one = tallies[kind, "idle"] = tally.Tally()
    with started(kind, tmp_path, idle=1) as (trace, server):
        truths = play_all([lambda client=client: scenes.play(scenes.server_times_out, client, server)
                           for client in clients_of(kind)])
        tally.judge(trace, truths, one)
    one.check(kind)


@pytest.mark.parametrize("kind", servers.GRACEFUL)
def test_a_server_that_goes_as_deploys_let_it(nothing_left, kind, tmp_path):
    del nothing_left
    one = tallies[kind, "going"] = tally.Tally()
    with started(kind, tmp_path) as (trace, server):
        tally.judge(trace, scenes.goes(server, clients_of(kind)), one)
    one.check(kind)


def test_all_together():
    """There were enough connections, and few that are unknown."""
    if len(tallies) < len(servers.KINDS):
        pytest.skip("the numbers are those of all tests of this file")
    records = sum(one.records for one in tallies.values())
    unknown = sum((one.unknown for one in tallies.values()), collections.Counter())
    reasons = sum((one.reasons for one in tallies.values()), collections.Counter())
    print(f"\nall: {records} records, {unknown.total()} unknown ({unknown.total() / records:.2%}): {dict(unknown)}; {dict(reasons)}")
    assert records >= 2 * LEAST_CONNECTIONS
    assert unknown.total() <= MOST_UNKNOWN * records
