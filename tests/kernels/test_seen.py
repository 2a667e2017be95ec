# SPDX-License-Identifier: BSD-2-Clause
"""Records of a slow machine are compared by what it cannot help, and by nothing less."""

import json
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent)]

import seen  # noqa: E402
import story  # noqa: E402

AT_ONCE = story.Connection("close", ["pair close", "close server"])
PAUSED = story.Connection("close", ["pair close", "sleep 300", "close server"])
ENDS = "127.0.0.1:40000", "127.0.0.1:8000"


def record(reason, idle, role="server"):
    local, remote = ENDS if role == "client" else reversed(ENDS)
    return {"type": "connection", "id": role, "role": role, "service": f"peers-{role}:8000", "reason": reason,
            "idle_at_close_s": idle, "closer": "server", "local": local, "remote": remote}


def differ(one, other, connection=AT_ONCE):
    return [bool(list(seen.compared(connection, [mine], [others]))) for mine, others in ((one, other), (other, one))]


@pytest.mark.parametrize("reason", sorted(seen.PAUSED))
@pytest.mark.parametrize("prompt", sorted(seen.PROMPT))
def test_a_pause_of_the_machine_is_no_difference(reason, prompt):
    assert differ(record(reason, 0.142), record(prompt, 0.0001)) == [False, False]


def test_all_else_stays_a_difference():
    prompt = record("unannounced_close", 0.0001)
    assert differ(record("server_closed_idle", 0.0001), prompt) == [True, True]
    assert differ(record("no_response", 0.142), prompt) == [True, True]
    assert differ({**record("server_closed_idle", 0.142), "closer": "client"}, prompt) == [True, True]


def test_a_pause_excuses_only_the_reason_that_follows_from_it():
    paused = record("server_closed_idle", 0.142)
    assert differ(paused, record("unannounced_close", 0.142)) == [True, True]
    assert differ(record("unannounced_close", 0.142), record("max_requests", 0.0001)) == [True, True]
    assert differ(paused, record("closed_before_timeout", 0.142)) == [True, True]


def test_a_pause_that_is_played_is_not_the_machines():
    assert differ(record("server_closed_idle", 0.31), record("unannounced_close", 0.09), PAUSED) == [True, True]


def test_a_pause_longer_than_any_that_a_slow_machine_makes_is_a_difference():
    assert differ(record("server_closed_idle", 3.1), record("unannounced_close", 0.0001)) == [True, True]


def test_silence_that_is_not_played_is_the_machines():
    silent = {**record("tunnel_ended", 0.7), "evidence": ["the connection had become a tunnel", "602 ms of silence before the close"]}
    plain = {**silent, "evidence": silent["evidence"][:1]}
    assert differ(silent, plain) == [False, False]
    assert differ(silent, plain, PAUSED) == [True, True]
    assert differ({**silent, "evidence": silent["evidence"][1:]}, plain) == [True, True]
    cut = {**plain, "evidence": ["3 bytes of the body had come"]}
    held_up = {**cut, "evidence": ["3 bytes of the body, then 602 ms of silence"]}
    assert differ(held_up, cut) == [False, False]
    assert differ(held_up, cut, PAUSED) == [True, True]


# ---- counts ----

def session(folder, reason, idle, counted, findings=()):
    """Both ends of one connection; @counted: the reason that metrics and report count them by; @findings of the server."""
    folder.mkdir()
    (folder / "names").write_text(f"close {' '.join(ENDS)}\n")
    (folder / "ports").write_text("8000,8001\n")
    records = [record(reason, idle, role) for role in ("client", "server")]
    for name in ("trace", "replay"):
        (folder / name).write_text("".join(json.dumps(one) + "\n" for one in records))
    (folder / "metrics").write_text("".join(
        f'keepwatch_connections_closed_total{{role="{one["role"]}",service="{one["service"]}",reason="{counted}",'
        f'closer="server"}} 1\n' for one in records) + "".join(
        f'keepwatch_finding{{role="server",service="peers-server:8000",finding="{one}",severity="warning"}} 1\n' for one in findings))
    (folder / "report").write_text(json.dumps({"findings": [{"id": one, "role": "server"} for one in findings], "services": [
        {"service": one["service"], "role": one["role"], "connections": 1, "requests": 1, "premature": 0,
         "reasons": {counted: 1}, "lost_requests": 0} for one in records]}))
    return seen.Session(folder)


def summaries(tmp_path, counted, connection=AT_ONCE):
    """Differences of a guest that was held up, which counted its close by this reason."""
    guest = session(tmp_path / "guest", "server_closed_idle", 0.142, counted)
    host = session(tmp_path / "host", "unannounced_close", 0.0001, "unannounced_close")
    return [[what.split(":")[0] for what in one.summary_differences(other, [connection])]
            for one, other in ((guest, host), (host, guest))]


def test_closes_that_were_held_up_count_by_the_reason_that_they_would_have_had(tmp_path):
    assert summaries(tmp_path, "server_closed_idle") == [[], []]


def test_a_count_that_no_record_accounts_for_is_a_difference(tmp_path):
    assert all({"metrics", "report"} <= set(found) for found in summaries(tmp_path, "client_closed_idle"))


def test_a_finding_is_withdrawn_with_the_close_that_raised_it(tmp_path):
    host = session(tmp_path / "host", "unannounced_close", 0.0001, "unannounced_close")
    for place, findings, differences in (("a", ["timeout_not_honoured"], 0), ("b", ["timeout_not_honoured", "low_reuse"], 2)):
        guest = session(tmp_path / place, "closed_before_timeout", 0.142, "closed_before_timeout", findings)
        assert len(guest.summary_differences(host, [AT_ONCE])) == differences


def test_counts_of_a_pause_that_is_played_are_not_moved(tmp_path):
    assert all({"metrics", "report"} <= set(found) for found in summaries(tmp_path, "server_closed_idle", PAUSED))
