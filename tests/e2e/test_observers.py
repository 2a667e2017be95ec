# SPDX-License-Identifier: BSD-2-Clause
"""A test leaves no process behind, even if one that it starts does not come up, or comes up too late."""

import contextlib

import pytest

from lib import deadlines, kernel, observer
from lib.browser import Browser
from lib.capture import Capture
from lib.child import child, children
from lib.machine import Machine
from lib.nginx import Nginx
from lib.prometheus import Prometheus
from lib.servers.process import Server


def test_an_observer_that_was_not_entered_has_no_process():
    before = children()
    several = [observer.Observer("--nonsense"), *(observer.Observer("trace", "--json") for _ in range(3))]
    with pytest.raises(AssertionError, match="it ended at once"), contextlib.ExitStack() as stack:
        for one in several:
            stack.enter_context(one)
    assert children() == before


class Silent(observer.Observer):
    """An observer that never says that it observes; who waits for that loses patience once it does."""

    command = ["sh", "-c", 'exec "$0" "$@" 2> /dev/null', observer.BINARY]

    def comes_true(self, condition, deadline=observer.DEADLINE):
        assert super().comes_true(lambda: "link" in {kind for kind, _ in kernel.held_by(self.process.pid)}, deadline)
        self.held |= kernel.held_by(self.process.pid)
        return super().comes_true(condition, deadline=0)


def test_an_observer_that_is_never_ready_leaves_nothing_behind(closed_port):
    before = children()
    silent = Silent("trace", "--json", "--port", str(closed_port))
    with pytest.raises(AssertionError, match="waited in vain for the start"), silent:
        pass
    assert children() == before
    assert {"prog", "link"} <= {kind for kind, _ in silent.held}
    assert kernel.left_of(silent.held) == set()


LATE = {
    "nginx": lambda folder: Nginx(folder),
    "server": lambda folder: Server(folder, 9, ["sleep", "600"]),
    "prometheus": lambda folder: Prometheus(folder, "http://127.0.0.1:9"),
    "browser": lambda folder: Browser(),
    "machine": lambda folder: Machine(__file__),
    "capture": lambda folder: Capture([9]),
}


@pytest.mark.parametrize("name", LATE)
def test_what_is_late_is_ended_and_waited_for(name, tmp_path, monkeypatch):
    before = children()
    late = LATE[name](tmp_path)
    assert children() == before, "nothing runs before it is entered"
    monkeypatch.setattr(deadlines, "START", -1.0)
    with pytest.raises(AssertionError), late:
        pass
    assert children() == before
    assert late.process.returncode is not None, "it had been started"


def test_a_child_is_killed_if_the_test_fails():
    with pytest.raises(ValueError), child(["sleep", "600"]) as process:
        raise ValueError
    assert process.returncode == -9
