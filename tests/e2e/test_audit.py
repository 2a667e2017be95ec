# SPDX-License-Identifier: BSD-2-Clause
"""Fields that were meant for one connection only: real programs that send messages on, and which of these fields they send on.
A replay of the recording says the same, because only events are joined."""

import contextlib
import json
import tempfile
from pathlib import Path

import pytest

from lib import observer, stage, wire
from lib.accepting import Accepting
from lib.metrics import Daemon
from lib.reporter import Report, advises
from lib.servers.forwarders import CLEAN, Forwarder
from lib.servers.process import LISTEN
from test_recording import Recorder, replay

REQUEST = {"x-debug-token", "proxy-connection", "te"}
RESPONSE = {"x-origin-hop", "keep-alive"}
SENT_ON = {
    "haproxy": (REQUEST, RESPONSE),
    "nginx": ({"x-debug-token", "proxy-connection"}, set()),
    "varnish": ({"proxy-connection"}, set()),
    "node": (REQUEST, RESPONSE),
    "python": (REQUEST, RESPONSE),
} | {kind: (set(), set()) for kind in CLEAN}
STRIPPED_BY = {"haproxy": "http-request del-header", "nginx": "proxy_set_header", "varnish": "unset bereq.http"}

TIME_WAIT = "06"

NAMING = [
    "Connection: keep-alive, X-Debug-Token, TE",
    "X-Debug-Token: s3cr3t",
    "X-Unlisted: s3cr3t",
    "TE: trailers",
    "Proxy-Connection: keep-alive",
]
ANSWER = ["Connection: keep-alive, X-Origin-Hop", "Keep-Alive: timeout=17, max=42", "X-Origin-Hop: 1"]
ANSWER_NAMING_NOTHING = ["Connection: keep-alive", "Keep-Alive: timeout=17"]


class Origin(Accepting):
    """A server that answers each request with these fields."""

    def __init__(self, *fields):
        super().__init__()
        self.answer = wire.response("200 OK", *fields)

    def serve(self, connection, peer):
        data = b""
        while piece := connection.recv(65536):
            data += piece
            while b"\r\n\r\n" in data:
                data = data.partition(b"\r\n\r\n")[2]
                connection.sendall(self.answer)


class Scene:
    """A program of this kind in front of an origin."""

    def __init__(self, kind, stack, answer=ANSWER, **settings):
        self.kind = kind
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keepwatch-")))
        self.folder.chmod(0o755)  # some programs give up being root
        self.own = self.folder / "own"
        self.own.mkdir()
        self.origin = stack.enter_context(Origin(*answer))
        reserved = stack.enter_context(stage.reserve())
        self.port = wire.port_of(reserved)
        self.ports = [self.port, self.origin.port]
        self.forwarder = Forwarder(kind, self.own, self.port, self.origin.name, **settings)

    def ask(self, connections, requests, *fields):
        for _ in range(connections):
            with wire.Client(self.forwarder.address) as client:
                for _ in range(requests):
                    assert client.get("/", *fields) == (200, b"ok\n")

    def ends(self):
        """Of the program's connections: to the origin, which requests are sent on, and from its clients, for responses."""
        return {"role": "client", "remote": self.origin.name}, {"role": "server", "local": self.forwarder.name}

    def wait(self, trace):
        """All connections have their records, once the program is gone."""
        trace.wait_until(lambda: not is_open(self.ports), "the end of all connections")

    def sent_on(self, records):
        """The fields that it sent on by requests and by responses; the records may be amended."""
        return tuple(
            {
                field
                for one in records
                if one["type"] == "connection" and end.items() <= one.items()
                for said in records
                if said.get("id") == one["id"]
                for field in said.get("forwarded_hop_by_hop", [])
            }
            for end in self.ends()
        )


def is_open(ports):
    """Whether a connection of these ports is, by the kernel's table."""
    names = {f"{port:04X}" for port in ports}
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(one[3] not in (TIME_WAIT, LISTEN) and any(end[-4:] in names for end in one[1:3]) for one in sockets)


def read(trace):
    trace.records()
    return [one for one in trace.seen if one["type"] in ("connection", "amend")]


@pytest.fixture(scope="module", params=SENT_ON)
def played(request):
    """The program of this kind, with what was seen of it, and a recording."""
    with contextlib.ExitStack() as stack:
        scene = Scene(request.param, stack)
        scene.recording = scene.folder / "recording"
        with Recorder(scene.recording, scene.ports), observer.Trace(scene.ports) as trace:
            with scene.forwarder:
                scene.ask(4, 3, *NAMING)
            scene.wait(trace)
            wanted = SENT_ON[scene.kind]
            trace.comes_true(lambda: scene.sent_on(read(trace)) == wanted, 3)
        scene.live = scene.sent_on(read(trace))
        yield scene


def test_its_records_have_what_it_sent_on(played):
    assert played.live == SENT_ON[played.kind]


def test_a_replay_says_the_same(played):
    records = [json.loads(line) for line in replay(played.recording, "--as", "trace", "--json").splitlines()]
    assert played.sent_on(records) == SENT_ON[played.kind]


def test_no_value_and_no_name_that_connection_did_not_list_is_recorded(played):
    recorded = played.recording.read_bytes().lower()
    assert b"x-debug-token" in recorded
    assert b"s3cr3t" not in recorded and b"unlisted" not in recorded


def test_the_metric_counts_fields_by_a_fixed_list(played):
    lines = [line for line in replay(played.recording, "--as", "metrics").splitlines() if line.startswith("keepwatch_forwarded_hop_by_hop_total{")]
    requests, responses = SENT_ON[played.kind]
    for end, direction, fields in (("client", "request", requests), ("server", "response", responses)):
        port = played.origin.port if end == "client" else played.port
        of = [line for line in lines if f'role="{end}"' in line and f':{port}"' in line]
        known = {"other" if field.startswith("x-") else field for field in fields}
        assert {line.partition('field="')[2].partition('"')[0] for line in of} == known
        assert all(f'direction="{direction}"' in line and float(line.split()[-1]) > 0 for line in of)


def test_the_report_names_the_fields_and_the_setting(played):
    (line,) = replay(played.recording, "--as", "report", "--json").splitlines()
    for end, fields in zip(("client", "server"), SENT_ON[played.kind]):
        port = played.origin.port if end == "client" else played.port
        found = [
            one for one in json.loads(line)["findings"]
            if (one["id"], one["role"]) == ("forwards_hop_by_hop", end) and one["service"].endswith(f":{port}")
        ]
        assert len(found) == bool(fields), found
        if not fields:
            continue
        assert found[0]["severity"] == "warning" and found[0]["numbers"]["connections"] > 0
        assert all(field in found[0]["summary"] for field in fields)
        if end == "client" and played.kind in STRIPPED_BY:
            assert advises(found[0], STRIPPED_BY[played.kind])


@pytest.mark.parametrize("kind", CLEAN)
def test_a_program_that_sends_nothing_on_is_told_nothing_in_a_thousand_exchanges(kind):
    """Although it says keep-alive of its own accord, and some have the very timeout of the server behind them."""
    with contextlib.ExitStack() as stack:
        scene = Scene(kind, stack, ANSWER_NAMING_NOTHING)
        with observer.Trace(scene.ports) as trace, Report(scene.ports) as report:
            with scene.forwarder:
                scene.ask(10, 90, *NAMING)
                scene.ask(10, 10, "Connection: Upgrade, X-Debug-Token", "Upgrade: nothing", "X-Debug-Token: abc")
            scene.wait(trace)
            served = lambda: sum(one["requests"] for one in trace.records(**scene.ends()[1]))
            trace.wait_until(lambda: served() == 1000, "the records of all exchanges")
            conclusion = report.conclude()
        assert scene.sent_on(read(trace)) == (set(), set())
        for end, port in (("client", scene.origin.port), ("server", scene.port)):
            assert "forwards_hop_by_hop" not in {one["id"] for one in conclusion.of(end, port)}


def test_an_upgrade_that_the_server_did_not_take_was_not_meant_for_it():
    with contextlib.ExitStack() as stack:
        scene = Scene("haproxy", stack)
        with observer.Trace(scene.ports) as trace:
            with scene.forwarder:
                scene.ask(1, 1, "Connection: Upgrade, X-Debug-Token", "Upgrade: nothing", "X-Debug-Token: abc")
            scene.wait(trace)
        requests, _ = scene.sent_on(read(trace))
        assert requests == {"x-debug-token", "upgrade"}


def test_a_connection_that_is_older_than_the_list_is_watched_too():
    """nginx sends on the field alone, on a connection that it opened before anybody named the field, and that stays open."""
    with contextlib.ExitStack() as stack:
        scene = Scene("nginx", stack)
        with Daemon(scene.ports) as daemon, scene.forwarder, wire.Client(scene.forwarder.address) as client:
            assert client.get("/") == (200, b"ok\n")

            def is_counted(scrape):
                assert client.get("/", "Connection: X-Debug-Token", "X-Debug-Token: abc") == (200, b"ok\n")
                return scrape.sum_of(
                    "keepwatch_forwarded_hop_by_hop_total", role="client", direction="request", field="other"
                )

            daemon.scrape_until(is_counted, "the field that was sent on")
            scrape = daemon.scrape_until(
                lambda one: one.sum_of("keepwatch_requests_total", role="client", service=scene.origin.name) > 2, "requests"
            )
            assert scrape.sum_of("keepwatch_connections_opened_total", role="client", service=scene.origin.name) == 1


def test_a_name_that_a_program_sent_first_is_its_own():
    """This process is both ends: it receives the names that it sends, on one connection and then on others."""
    with contextlib.ExitStack() as stack:
        one, other = (stack.enter_context(wire.listen()) for _ in range(2))
        trace = stack.enter_context(observer.Trace([wire.port_of(one), wire.port_of(other)]))
        for listener in (one, other, other):
            with wire.Pair(listener) as pair:
                pair.exchange(wire.request("GET", "/", "Connection: X-Own", "X-Own: 1"), wire.response("200 OK", "Connection: X-Theirs"))
                pair.close(first=pair.client)
                for record in trace.both(pair):
                    assert record["forwarded_hop_by_hop"] == []
                    assert record["hop_by_hop"] == ["x-own", "x-theirs"]


def test_a_promise_that_is_sent_on_and_not_kept_is_critical_once_it_has_cost_a_request():
    with contextlib.ExitStack() as stack:
        scene = Scene("haproxy", stack, idle="500ms")
        with Report(scene.ports) as report:
            with scene.forwarder:
                for _ in range(2):
                    with wire.Client(scene.forwarder.address) as client:
                        assert client.get("/", *NAMING) == (200, b"ok\n")
                        wire.wait_for_end(client.client)
                        client.client.sendall(wire.GET)
                        assert client.client.recv(100) == b""
                        with contextlib.suppress(ConnectionError):
                            client.client.recv(100)
            conclusion = report.conclude()
        (found,) = [one for one in conclusion.of("server", scene.port) if one["id"] == "forwards_hop_by_hop"]
        assert found["severity"] == "critical", conclusion.value
        assert found["numbers"]["forwarded_timeout_s"] == 17
        assert advises(found, "http-response del-header")
