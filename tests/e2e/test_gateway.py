# SPDX-License-Identifier: BSD-2-Clause
"""A gateway's 502, 503 or 504 names the connection that caused it: real gateways, in front of a backend that fails them and
logs what it did."""

import contextlib
import tempfile
from pathlib import Path

import pytest

from lib import observer, stage, wire
from lib.backend import Backend, Full
from lib.metrics import Daemon
from lib.reporter import Report
from lib.servers.gateways import ADDRESSES, KINDS, LONG, STATUSES, TRY_NEXT, Gateway

DOWN, FULL = f"/down/{ADDRESSES[0]}/", f"/full/{ADDRESSES[0]}/"
AT_FIRST_UNSURE = ["caddy", "go", "varnish"]  # until they have shown that their threads hand work to each other

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
    """A gateway of this kind, its backend, two ports on which nobody listens, and a server that is full."""

    def __init__(self, kind, stack):
        self.backend = stack.enter_context(Backend())
        self.full = stack.enter_context(Full())
        own, *down = stack.enter_context(ports_of_ours(3))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keepwatch-")))
        self.down = [f"127.0.0.1:{port}" for port in down]
        self.ports = [own, self.backend.port, *down, wire.port_of(self.full.listener)]
        self.gateway = stack.enter_context(
            Gateway(kind, folder, own, self.backend.name, *self.down, self.full.name)
        )
        self.answers = {}  # by path: status, the client's end, and what the backend did meanwhile

    def ask(self, path):
        before = len(self.backend.log)
        status, name = self.gateway.get(path)
        self.answers[path] = status, name, self.backend.log[before:]

    def play(self):
        """All at once, because an error waits two seconds for its cause."""
        self.ask("/ok")
        self.ask("/reused")
        for path in [*FAILURES, DOWN, FULL, "/own", "/passed"]:
            if (self.gateway.kind, path) not in LONG:
                self.ask(path)
        for path in ["/two/", "/saved/ok"] if self.gateway.kind in TRY_NEXT else []:
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
    return {"certain", "inferred"} if scene.gateway.kind in AT_FIRST_UNSURE else {"certain"}


def is_error(scene, watching, path):
    """Whether the gateway's answer was an error of a gateway; if not, none is reported."""
    if path not in scene.answers:
        return False
    if scene.answers[path][0] in STATUSES:
        return True
    assert watching.records("gateway_error", connection=scene.accepted(watching, path)["id"]) == []
    return False


@pytest.mark.parametrize("path", FAILURES)
def test_the_backends_failure_is_the_cause(scene, watching, path):
    if not is_error(scene, watching, path):  # some take garbage for HTTP/0.9, and some answer 500
        return
    error = scene.error_of(watching, path)
    cause = error["cause"]
    assert cause is not None and cause["service"] == scene.backend.name
    assert cause["reason"] in FAILURES[path]
    assert error["confidence"] in sure(scene)
    failed, peer, _ = scene.answers[path][2][-1]
    assert failed == path and scene.end_of(watching, cause)["local"] == peer


def test_most_failures_give_errors(scene, watching):
    assert sum(is_error(scene, watching, path) for path in FAILURES) >= (2 if scene.gateway.kind == "lighttpd" else 4)


def test_a_connection_that_served_before_is_the_cause_if_it_is_closed_on_its_reuse(scene, watching):
    (ok,) = scene.answers["/ok"][2]
    failed = scene.answers["/reused"][2]
    assert ok[2] == 1 and {path for path, _, _ in failed} == {"/reused"}
    if not is_error(scene, watching, "/reused"):
        return
    error = scene.error_of(watching, "/reused")
    found = scene.end_of(watching, error["cause"])["local"]
    *tried, last = [peer for _, peer, _ in failed]
    assert found == last or (error["confidence"], found in tried) == ("inferred", True), failed
    assert error["confidence"] in sure(scene) or tried


def test_a_server_that_is_down_is_the_cause(scene, watching):
    name = scene.down[0].replace("127.0.0.1", ADDRESSES[0])
    error = scene.error_of(watching, DOWN)
    assert (error["cause"]["service"], error["cause"]["reason"]) == (name, "connect_refused")
    assert error["confidence"] in sure(scene)
    assert scene.end_of(watching, error["cause"])["remote"] == name


def test_a_server_that_takes_no_connection_is_the_cause(scene, watching):
    error = scene.error_of(watching, FULL)
    assert error["cause"]["service"] == scene.full.name.replace("127.0.0.1", ADDRESSES[0])
    assert error["cause"]["reason"] in {"connect_aborted", "connect_timeout"}
    assert error["confidence"] in sure(scene)


def test_a_503_of_its_own_has_no_cause(scene, watching):
    error = scene.error_of(watching, "/own")
    assert (error["status"], error["cause"], error["tries"]) == (503, None, [])
    assert error["confidence"] == "unknown"


def test_a_502_that_was_passed_on_has_no_cause(scene, watching):
    error = scene.error_of(watching, "/passed")
    assert (error["status"], error["cause"], error["tries"], error["confidence"]) == (502, None, [], "unknown")


@pytest.mark.parametrize("scene", TRY_NEXT, indirect=True)
def test_of_two_servers_that_are_down_the_last_is_the_cause(scene, watching):
    error = scene.error_of(watching, "/two/")
    (tried,) = error["tries"]
    assert {error["cause"]["service"], tried["service"]} == {*scene.down}
    first, last = scene.end_of(watching, tried), scene.end_of(watching, error["cause"])
    assert first["opened"] < last["opened"]
    # A second is as far back as a cause is looked for, and HAProxy pauses that long between its tries.
    assert error["confidence"] in {"nginx": {"inferred"}, "haproxy": {"inferred", "certain"}}[scene.gateway.kind]


@pytest.mark.parametrize("scene", TRY_NEXT, indirect=True)
def test_a_request_that_the_next_server_saves_is_no_error(scene, watching):
    status, _, (served,) = scene.answers["/saved/ok"]
    assert (status, served[0]) == (200, "/ok")
    identity = scene.accepted(watching, "/saved/ok")["id"]
    failures = watching.records(remote=scene.down[0], reason="connect_refused")
    assert any(one["opened"] > scene.error_of(watching, "/two/")["at"] for one in failures)
    assert watching.records("gateway_error", connection=identity) == []


@pytest.mark.parametrize("scene", ["nginx"], indirect=True)
def test_the_text_says_what_was_passed_on_and_what_failed(scene):
    with observer.Observer("trace", *observer.port_options(scene.ports)) as text:
        scene.gateway.get("/passed")
        scene.gateway.get("/close")

        def said(what):
            return [line for line in text.output if " gateway_error " in line and line.endswith(what)]

        text.wait_until(lambda: said(f"{scene.backend.name}: no_response, by server"), "the line of the failure")
        text.wait_until(lambda: said(f"{scene.backend.name} answered so itself, and it was passed on"), "the other")


@pytest.mark.parametrize("scene", ["nginx"], indirect=True)
def test_the_daemon_logs_it_with_the_premature_closes(scene):
    def logged(daemon, *parts):
        lines = [line for line in daemon.errors if line.startswith("keepwatch: gateway error: ")]
        return any(all(part in line for part in parts) for line in lines)

    with Daemon(scene.ports, "--log-premature") as daemon:
        scene.gateway.get("/close")
        scene.gateway.get("/own")
        found = ["status=502", f"upstream={scene.backend.name}", "reason=no_response", "confidence=certain"]
        daemon.wait_until(lambda: logged(daemon, *found), "the line of the failure")
        found = ["status=503", "upstream=none reason=none upstream-id=none confidence=unknown"]
        daemon.wait_until(lambda: logged(daemon, *found), "the line of its own answer")


@pytest.mark.parametrize("scene", ["nginx", "haproxy", "apache", "caddy"], indirect=True)
def test_the_report_begins_with_it(scene):
    with Report(scene.ports) as report:
        for path in ("/close", "/close", DOWN, "/own"):
            scene.gateway.get(path)
        conclusion = report.conclude()
    down = scene.down[0].replace("127.0.0.1", ADDRESSES[0])
    finding = conclusion.value["findings"][0]
    assert (finding["id"], finding["severity"], finding["role"]) == ("gateway_errors", "critical", "server")
    assert (finding["numbers"]["gateway_errors"], finding["numbers"]["cause_unknown"]) == (4, 1)
    assert f"2 because {scene.backend.name} took requests and closed" in finding["summary"]
    assert f"1 because {down} refused connections" in finding["summary"]
