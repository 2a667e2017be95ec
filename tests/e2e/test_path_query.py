# SPDX-License-Identifier: BSD-2-Clause
"""The query of tools/prometheus/README.md joins the records of two hosts as `replay --pair` does."""

import re
import sqlite3

from lib import observer
from test_bad_input import run
from test_path import Recordings, healthy

pytest_plugins = ["lib.routed"]

README = observer.ROOT / "tools/prometheus/README.md"


def query():
    (text,) = re.findall(r"```sql\n(.*?->> 'flow'.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return text


def joined(recordings):
    """The rows that the query gives over the records of both hosts: (flow, hosts, reasons, nat)."""
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE records (host TEXT, line TEXT)")
        for file in recordings.files:
            status, output, errors = run("replay", str(file), "--json")
            assert (status, errors) == (0, [])
            rows = [(file.stem, line) for line in output.splitlines()]
            database.executemany("INSERT INTO records VALUES (?, ?)", rows)
        return database.execute(query()).fetchall()


def test_the_query_of_the_manual_finds_the_two_ends_of_each_connection(path, door, tmp_path):
    recordings = Recordings(path, tmp_path)
    with recordings:
        healthy(path, door, 40)
    rows = joined(recordings)
    pairs = recordings.pairs()
    assert len(rows) == len(pairs) == 40
    assert {row[0] for row in rows} == {pair["flow"] for pair in pairs}
    assert all(row[1:3] == ("client", "server") and row[5] == 1 for row in rows)
    assert {row[3] for row in rows} >= {"stale_reuse", "client_closed_idle"}
