# SPDX-License-Identifier: BSD-2-Clause
"""A gateway's 502, 503 or 504 names the connection that caused it: real gateways, in front of a backend that fails them and
logs what it did."""

import concurrent.futures
import contextlib
import tempfile
from pathlib import Path

import pytest

from lib import observer, stage, wire
from lib.backend import Backend
from lib.reporter import Report
from lib.servers.gateways import Gateway

KINDS = ["nginx", "haproxy", "apache", "caddy"]
TRIES_NEXT = ["nginx", "haproxy"]  # on another server, when one fails

# By path: the reasons for which the gateway's connection may have ended. Which of several it is depends on who closes first.
FAILURES = {
    "/close": {"no_response"},
    "/cut": {"response_truncated"},
    "/garbage": {"unknown"},
    "/endless": {"client_left", "response_truncated", "unknown"},  # unknown if some of it was never read
    "/slow": {"client_gave_up"},
}


@contextlib.contextmanager
def ports_of_ours(count):
    reserved = [stage.reserve() for _ in range(count)]
    try:
        yield [wire.port_of(one) for one in reserved]
    finally:
        for one in reserved:
            one.close()


class Scene:
    """A gateway of this kind, its backend, and two ports on which nobody listens."""

    def __init__(self, kind, stack):
        self.backend = stack.enter_context(Backend())
        own, *down = stack.enter_context(ports_of_ours(3))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keepwatch-")))
        self.down = [f"127.0.0.1:{port}" for port in down]
        self.ports = [own, self.backend.port, *down]
        self.gateway = stack.enter_context(Gateway(kind, folder, own, self.backend.name, *self.down))
        self.answers = {}  # by path: status, the client's end, and what the backend did meanwhile

    def ask(self, path):
        before = len(self.backend.log)
        status, name = self.gateway.get(path)
        self.answers[path] = status, name, self.backend.log[before:]

    def play(self):
        """All at once, because an error waits two seconds for its cause."""
        self.ask("/ok")
        self.ask("/reused")
        for path in [*FAILURES, "/down/", "/own"]:
            self.ask(path)
        for path in ["/two/", "/saved/ok"] if self.gateway.kind in TRIES_NEXT else []:
            self.ask(path)

    def accepted(self, trace, path):
        """The gateway's record of its client's connection."""
        (record,) = trace.wait_for(1, local=self.gateway.name, remote=self.answers[path][1])
        return record

    def error_of(self, trace, path):
        """The error that is reported for this path."""
        (error,) = trace.wait_for(1, "gateway_error", connection=self.accepted(trace, path)["id"])
        assert (error["status"], error["exchange"]) == (self.answers[path][0], 1)
        assert error["service"].endswith(f":{self.gateway.port}")
        return error

    def end_of(self, trace, failure):
        """The gateway's record of the connection that a cause or a try names."""
        (record,) = trace.wait_for(1, id=failure["connection"])
        assert record["role"] == "client"
        assert {key: record[key] for key in ("service", "reason", "closer", "evidence")} == {
            key: failure[key] for key in ("service", "reason", "closer", "evidence")
        }
        return record


@pytest.fixture(scope="module", params=KINDS)
def scene(request):
    with contextlib.ExitStack() as stack:
        yield Scene(request.param, stack)


@pytest.fixture(scope="module")
def watching(scene):
    with observer.Trace(scene.ports) as trace:
        scene.play()
        yield trace


def sure(scene):
    """A goroutine may move to another thread between the failure and the answer."""
    return {"certain"} if scene.gateway.kind != "caddy" else {"certain", "inferred"}


@pytest.mark.parametrize("path", FAILURES)
def test_the_backends_failure_is_the_cause(scene, watching, path):
    if (scene.gateway.kind, path) == ("nginx", "/garbage"):
        assert scene.answers[path][0] == 200, "it takes that for a response of HTTP/0.9"
        return
    error = scene.error_of(watching, path)
    cause = error["cause"]
    assert cause is not None and cause["service"] == scene.backend.name
    assert cause["reason"] in FAILURES[path]
    assert error["confidence"] in sure(scene)
    assert error["status"] == (504 if path == "/slow" else 502) or scene.gateway.kind == "apache"
    failed, peer, _ = scene.answers[path][2][-1]
    assert failed == path and scene.end_of(watching, cause)["local"] == peer


def test_a_connection_that_served_before_is_the_cause_if_it_is_closed_on_its_reuse(scene, watching):
    (ok,) = scene.answers["/ok"][2]
    failed = scene.answers["/reused"][2]
    assert ok[2] == 1 and {path for path, _, _ in failed} == {"/reused"}
    error = scene.error_of(watching, "/reused")
    _, peer, _ = failed[-1]
    assert scene.end_of(watching, error["cause"])["local"] == peer
    assert error["confidence"] in sure(scene) or len(failed) > 1


def test_a_server_that_is_down_is_the_cause(scene, watching):
    error = scene.error_of(watching, "/down/")
    assert (error["cause"]["service"], error["cause"]["reason"]) == (scene.down[0], "connect_refused")
    assert error["confidence"] in sure(scene)
    assert scene.end_of(watching, error["cause"])["remote"] == scene.down[0]


def test_a_503_of_its_own_has_no_cause(scene, watching):
    error = scene.error_of(watching, "/own")
    assert (error["status"], error["cause"], error["tries"]) == (503, None, [])
    assert error["confidence"] == "unknown"


@pytest.mark.parametrize("scene", TRIES_NEXT, indirect=True)
def test_of_two_servers_that_are_down_the_last_is_the_cause(scene, watching):
    error = scene.error_of(watching, "/two/")
    (tried,) = error["tries"]
    assert {error["cause"]["service"], tried["service"]} == {*scene.down}
    first, last = scene.end_of(watching, tried), scene.end_of(watching, error["cause"])
    assert first["opened"] < last["opened"]
    # A second is as far back as a cause is looked for, and HAProxy pauses that long between its tries.
    assert error["confidence"] in {"nginx": {"inferred"}, "haproxy": {"inferred", "certain"}}[scene.gateway.kind]


@pytest.mark.parametrize("scene", TRIES_NEXT, indirect=True)
def test_a_request_that_the_next_server_saves_is_no_error(scene, watching):
    status, _, (served,) = scene.answers["/saved/ok"]
    assert (status, served[0]) == (200, "/ok")
    identity = scene.accepted(watching, "/saved/ok")["id"]
    failures = watching.records(remote=scene.down[0], reason="connect_refused")
    assert any(one["opened"] > scene.error_of(watching, "/two/")["at"] for one in failures)
    assert watching.records("gateway_error", connection=identity) == []


MANY = 60


def test_of_many_errors_at_once_the_certain_ones_have_the_right_cause(scene, watching):
    paths = [f"/close?{number}" for number in range(MANY)]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = [*pool.map(scene.gateway.get, paths)]
    right, certain, causes = 0, 0, []
    for path, (_, name) in zip(paths, answers):
        (accepted,) = watching.wait_for(1, local=scene.gateway.name, remote=name)
        (error,) = watching.wait_for(1, "gateway_error", connection=accepted["id"])
        if not error["cause"]:
            continue
        causes.append(error["cause"]["connection"])
        peers = {peer for asked, peer, _ in scene.backend.log if asked == path}
        is_right = scene.end_of(watching, error["cause"])["local"] in peers
        right += is_right
        certain += error["confidence"] == "certain"
        assert is_right or error["confidence"] == "inferred" or scene.gateway.kind == "caddy"
    assert len({*causes}) == len(causes)
    assert right > 0.5 * MANY or scene.gateway.kind == "caddy", (right, certain)


def test_the_report_begins_with_it(scene):
    with Report(scene.ports) as report:
        for path in ("/close", "/close", "/down/", "/own"):
            scene.gateway.get(path)
        conclusion = report.conclude()
    finding = conclusion.value["findings"][0]
    assert (finding["id"], finding["severity"], finding["role"]) == ("gateway_errors", "critical", "server")
    assert (finding["numbers"]["gateway_errors"], finding["numbers"]["cause_unknown"]) == (4, 1)
    assert f"2 because {scene.backend.name} took requests and closed" in finding["summary"]
    assert f"1 because {scene.down[0]} refused connections" in finding["summary"]
