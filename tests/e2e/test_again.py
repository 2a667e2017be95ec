# SPDX-License-Identifier: BSD-2-Clause
"""Shows which tests again.py repeats and which it does not, by sessions of pytest in which a test says what went unseen; and that
the losses of an observer are known by kind, and end it as they should."""

import contextlib
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lib import deadlines, kernel, loss, maps, metrics, observer, wire
from lib.witness import Witness, softirqs

pytestmark = pytest.mark.once  # they make losses

HERE = Path(__file__).parent
BEGIN = """
from pathlib import Path

import pytest

from lib import loss

class Losses:
    known = dict.fromkeys(loss.KINDS, 0)

    def look(self):
        return self.known


losses = Losses()
loss.observed.append(losses)


def play(lost, fails=True, kind="recursion"):
    '''A try in which so much was lost; each leaves a line in a file.'''
    with open(Path(__file__).with_name("tries"), "a") as file:
        print(lost, file=file)
        losses.known[kind] += lost
    assert not fails, "as it was told to"


def number():
    '''Of the present try.'''
    path = Path(__file__).with_name("tries")
    return len(path.read_text().splitlines()) + 1 if path.exists() else 1


"""
CONFTEST = """
from lib import again


def pytest_configure(config):
    config.pluginmanager.register(again)
"""
COUNTED = """
from lib import again


def pytest_configure(config):
    again.count_in_summary(config)
"""


class Session:
    """A session of pytest of one file, in a process of its own. The plugin is loaded from below the folder, so with
    xdist in its workers alone."""

    def __init__(self, folder, text, *options):
        below = folder / "below"
        below.mkdir()
        (folder / "conftest.py").write_text(COUNTED)
        (below / "conftest.py").write_text(CONFTEST)
        (below / "test_it.py").write_text(BEGIN + text)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(folder)]
        done = subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(HERE)}, capture_output=True,
                              text=True, timeout=2 * deadlines.START)
        self.said = done.stdout + done.stderr
        self.outcome = done.stdout.splitlines()[-1].split(" in ")[0]
        self.tries = (below / "tries").read_text().split()
        self.again = done.stdout.count("played again: below/test_it.py::test_it, its observers counted ")


@pytest.mark.parametrize("options", [["-p", "no:xdist"], ["-n", "2"]], ids=" ".join)
def test_what_failed_while_something_went_unseen_is_played_again_and_told(tmp_path, options):
    session = Session(tmp_path, """
def test_it():
    first = number() == 1
    play(lost=2 * first, fails=first)
""", *options)
    outcome = "1 passed, 1 warning, 1 played again"
    assert (session.outcome, session.tries, session.again) == (outcome, ["2", "0"], 1), session.said
    why = "its observers counted 2 events that the kernel did not show them; it had failed: AssertionError: as it was "
    assert why in session.said


def test_it_is_played_three_times_at_most(tmp_path):
    session = Session(tmp_path, "def test_it(): play(lost=1)")
    assert (session.outcome, session.tries) == ("1 failed, 2 warnings, 2 played again", ["1", "1", "1"]), session.said


@pytest.mark.parametrize("text, outcome", [
    ("def test_it(): play(lost=0)", "1 failed"),
    ("def test_it(): play(lost=-1)", "1 failed"),
    ("def test_it(): play(lost=1, fails=False)", "1 passed"),
    ("def test_it(): play(lost=1, kind='closed')", "1 failed"),
    ("@pytest.mark.once\ndef test_it(): play(lost=1)", "1 failed"),
    ("def test_it(request):\n    request.addfinalizer(lambda: play(lost=1))", "1 passed, 1 error"),
    ("def test_it(request):\n    request.addfinalizer(lambda: play(lost=1))\n    assert False", "1 failed, 1 error"),
    ("def test_it():\n    losses.known['recursion'] += 1\n\n\ndef test_another(): play(lost=0)", "1 failed, 1 passed"),
    ("@pytest.mark.xfail\ndef test_it(): play(lost=1)", "1 xfailed"),
], ids=["nothing unseen", "fewer than before", "not failed", "another loss", "marked", "failed at its end", "failed, also at its end",
        "unseen in another test", "expected"])
def test_nothing_else_is(tmp_path, text, outcome):
    session = Session(tmp_path, text)
    assert (session.outcome, len(session.tries), session.again) == (outcome, 1, 0), session.said


SHARED = """
made = []


@pytest.fixture(scope="session")
def shared():
    made.append(number())
    yield made[-1]
    {end}


def test_before(shared): pass


def test_it(shared):
    first = number() == 1
    play(lost=first, fails=first or shared != number() or made != [1, 2])


def test_behind(shared):
    assert made == [1, 2]
"""


def test_it_is_played_with_everything_set_up_anew(tmp_path):
    session = Session(tmp_path, SHARED.format(end=""))
    assert (session.outcome, session.again) == ("3 passed, 1 warning, 1 played again", 1), session.said


def test_what_fails_to_end_before_is_told_as_any_end(tmp_path):
    session = Session(tmp_path, SHARED.format(end="assert made != [1], 'the end of the first'"))
    assert (session.outcome, len(session.tries)) == ("1 failed, 2 passed, 1 error", 1), session.said
    assert "the end of the first" in session.said


def test_the_witness_counts_what_it_is_not_shown():
    witness, begin = Witness(), softirqs()
    with contextlib.closing(witness):
        wait_for_softirqs(begin + 200)
        shown = witness.look()["recursion"]
        assert shown < 100, "it is shown most"
        os.close(witness.link)
        wait_for_softirqs(softirqs() + 200)
        assert witness.look()["recursion"] >= shown + 200, "none any more"
        witness.link = os.open(os.devnull, os.O_RDONLY)


def wait_for_softirqs(number):
    while softirqs() < number:
        time.sleep(0.01)


# ---- losses of a real observer ------------------------------------------------------------------------------


def lose(observer, kind):
    """One event of this kind is lost, as far as this observer can know."""
    with maps.Maps(observer.process.pid) as held:
        (totals,) = [one for one in held.maps if one.name == "totals"]
        key = bytes(totals.key_size)
        value = bytearray(totals.lookup(key))
        struct.pack_into("Q", value, 8 * (loss.place(totals.number) + loss.COUNTED.index(kind)), 1)
        totals.update(key, bytes(value))


REAL = """
from lib import observer
from test_again import lose


@pytest.fixture(scope="session")
def trace():
    with observer.Trace([1]) as trace:
        yield trace


def test_it(trace):
    first = number() == 1
    if first:
        lose(trace, "{kind}")
    play(lost=0, fails=first)
"""


@pytest.mark.parametrize("kind, outcome", [("recursion", "1 passed, 1 warning, 1 played again"), ("closed", "1 failed, 1 error")])
def test_what_a_real_observer_lost_counts(tmp_path, kind, outcome):
    session = Session(tmp_path, REAL.format(kind=kind))
    assert session.outcome == outcome, session.said


@pytest.mark.parametrize("kind", loss.COUNTED)
def test_a_loss_is_known_by_its_kind(own_listener, kind):
    known = {one: one == kind for one in loss.KINDS}
    with metrics.Daemon([wire.port_of(own_listener)]) as daemon:
        lose(daemon, kind)
        assert daemon.losses.look() == known
        daemon.scrape_until(lambda page: page.sum_of("keepwatch_events_lost_total", kind=kind) == 1, "the loss")
        assert daemon.scrape().sum_of("keepwatch_events_lost_total") == 1
        daemon.stop()
    assert kernel.left_of(daemon.held) == set()
    assert daemon.losses.look() == known, "known beyond its end"


@pytest.mark.parametrize("kind", loss.COUNTED)
def test_a_trace_may_end_only_with_losses_of_what_it_was_not_shown(own_listener, kind):
    fails = contextlib.nullcontext() if kind == "recursion" else pytest.raises(AssertionError, match=kind)
    with fails, observer.Trace([wire.port_of(own_listener)]) as trace:
        lose(trace, kind)
    assert trace.output[-1].startswith('{"type":"summary"') and '"lost_events":1,' in trace.output[-1]
