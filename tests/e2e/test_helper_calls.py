# SPDX-License-Identifier: BSD-2-Clause
"""The calls that the kernel side makes for a plain message are those of tests/calls.tsv, so that no call of a helper comes
in unnoticed, and nothing else on the host is counted with them."""

import contextlib
import re
import subprocess
import threading

import pytest

from lib import deadlines, wire
from lib.host import ROOT

CALLS = ROOT / "build" / "calls"
TABLE = ROOT / "tests" / "calls.tsv"
FRONT_ENDS = ("tracepoint", "trampoline")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=deadlines.START, check=False)


def counts(columns):
    """One row: {what is called: how often}."""
    callbacks, functions, which = columns
    helpers = {name: int(count) for name, count in (each.split(" ") for each in which.split(", "))}
    return helpers | {"callbacks": int(callbacks), "functions": int(functions)}


def table():
    """{front end: {path: counts}}"""
    known = {front_end: {} for front_end in FRONT_ENDS}
    for line in TABLE.read_text().splitlines():
        if not line.startswith("#"):
            front_end, path, _, *columns = line.split("\t")
            known[front_end][path] = counts(columns)
    return known


def measured(front_end):
    """{path: counts}, or None if this kernel lacks the hooks of this front end."""
    done = run(CALLS, front_end)
    if done.returncode == 1 and "cannot attach to" in done.stderr:
        return None
    assert (done.returncode, done.stderr) == (0, "")
    rows = [re.split(" {2,}", line) for line in done.stdout.splitlines()[1:]]
    for _, helpers, *columns in rows:
        assert int(helpers) == sum(counts(columns).values()) - int(columns[0]) - int(columns[1])
    return {path: counts(columns) for path, _, *columns in rows}


@pytest.fixture(scope="module")
def quiet():
    """{front end: what it costs}, of those that work here."""
    found = {front_end: measured(front_end) for front_end in FRONT_ENDS}
    return {front_end: rows for front_end, rows in found.items() if rows}


@contextlib.contextmanager
def traffic():
    """Connections that come and go, each with a few exchanges, as long as the context lasts."""
    enough, failures = threading.Event(), []

    def play():
        try:
            with wire.listen() as listener:
                while not enough.is_set():
                    with wire.Pair(listener) as pair:
                        for _ in range(3):
                            pair.exchange()
        except OSError as error:
            failures.append(error)

    player = threading.Thread(target=play)
    player.start()
    try:
        yield
    finally:
        enough.set()
        player.join()
    assert not failures


def test_a_plain_message_takes_no_calls_beyond_those_of_the_table(quiet):
    known = table()
    assert quiet, "no front end works here"
    for front_end, rows in quiet.items():
        assert rows.keys() == known[front_end].keys()
        assert all(row.get("bpf_sk_storage_get") for row in rows.values()), "a connection is always looked up"
        more = {(front_end, path, what): (count, known[front_end][path].get(what, 0))
                for path, row in rows.items() for what, count in row.items()
                if count > known[front_end][path].get(what, 0)}
        assert not more, "if that is what it takes, renew tests/calls.tsv as it says"


def test_what_others_send_meanwhile_does_not_count(quiet):
    with traffic():
        assert {front_end: measured(front_end) for front_end in quiet} == quiet


def test_without_privileges_it_says_why_it_cannot_measure():
    done = run("setpriv", "--bounding-set=-all", CALLS)
    assert done.returncode == 1
    assert re.fullmatch(r"calls: cannot attach to \w+/\w+: .* \(Operation not permitted\).*\n", done.stderr)
    assert done.stdout == ""
