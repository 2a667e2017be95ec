# SPDX-License-Identifier: BSD-2-Clause
"""Every command under valgrind, with traffic of every kind: no byte is read that was not written, and what was
allocated is given back at the end."""

import pytest

from lib import metrics, observer
import test_web_config as web
from lib import wire
from lib.reporter import Report
from test_bad_input import run
from lib.kinds import WITH_BOTH_ENDS
from test_recording import Recorder

SLOWER = 10  # than without valgrind, on a busy machine
FOUND = 99


@pytest.fixture
def valgrind(monkeypatch, tmp_path):
    """The command line that runs keepwatch so. A fault that valgrind finds changes the exit status, which every test looks at;
    what it was is shown then."""
    command = ["valgrind", "--quiet", "--vgdb=no", "--leak-check=full", "--show-leak-kinds=all", "--errors-for-leak-kinds=all",
               f"--error-exitcode={FOUND}", f"--suppressions={observer.ROOT}/tests/valgrind.supp",
               f"--log-file={tmp_path}/valgrind.%p", str(observer.BINARY)]
    monkeypatch.setenv("LD_PRELOAD", str(observer.BUILD / "tests" / "e2e" / "lib" / "unfiltered.so"))
    monkeypatch.setattr(observer.Observer, "command", command)
    monkeypatch.setattr(observer, "DEADLINE", SLOWER * observer.DEADLINE)
    yield command
    for log in tmp_path.glob("valgrind.*"):
        print(log.read_text())


def make_traffic(listener):
    """Connections of every kind and end."""
    for number, kind in enumerate(WITH_BOTH_ENDS):
        kind(listener, number)
    with wire.Pair(listener) as pair:  # a late request
        pair.exchange(wire.request("GET", "/", "Connection: x-name"))
        pair.server.close()
        wire.wait_for_end(pair.client)
        pair.client.sendall(wire.GET)
    return 2 * (len(WITH_BOTH_ENDS) + 1)


@pytest.mark.parametrize("options", [[], ["--json", "--exchanges", "--open"], ["-v", "--exchanges"]], ids=" ".join)
def test_trace(valgrind, own_listener, options):
    with observer.Observer("trace", *options, *observer.port_options([wire.port_of(own_listener)])) as trace:
        with wire.Pair(own_listener) as still_open:
            still_open.exchange()
            count = make_traffic(own_listener)
            trace.wait_until(lambda: len(trace.output) >= count, "the records")
            trace.stop()


def test_run(valgrind, own_listener):
    with metrics.Daemon([wire.port_of(own_listener)], "--log-premature", "--services", "2") as daemon:
        count = make_traffic(own_listener)
        daemon.scrape_until(
            lambda page: page.sum_of("keepwatch_connections_closed_total") == count, "all closes")
        for path in "/", "/healthz", "/nonsense":
            daemon.get(path)
        daemon.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")


def test_run_over_tls_with_a_password(valgrind, own_closed_port, tmp_path):
    authority = web.Authority(tmp_path)
    text = web.tls(authority, authority.server()) + web.users(alice="one")
    with web.Daemon(tmp_path, text, [own_closed_port]) as daemon:
        for password, expected in ("wrong", 401), ("one", 200), ("one", 200):
            web.check_status(f"{daemon.url}/healthz", expected, *web.trusting(authority, "-u", f"alice:{password}"))
        host, port = daemon.url.removeprefix("https://").split(":")
        with wire.connect((host, int(port))):  # this one keeps what it began with
            assert len(daemon.reload("nonsense: 1\n")) == 2
            assert len(daemon.reload(text)) == 1
            web.check_status(f"{daemon.url}/healthz", 200, *web.trusting(authority, "-u", "alice:one"))


def test_report(valgrind, own_listener):
    with Report([wire.port_of(own_listener)], "--every", "1s") as report:
        make_traffic(own_listener)
        report.wait_until(lambda: len(report.output) >= 2, "reports")
        report.stop()


def test_record_and_replay(valgrind, own_listener, tmp_path):
    path = tmp_path / "recording"
    with Recorder(path, [wire.port_of(own_listener)], "--exchanges") as recorder:
        make_traffic(own_listener)
        recorder.stop()
    for how in ["--json", "--exchanges"], ["-v"], ["--as", "report"], ["--as", "report", "--json"], ["--as", "metrics"]:
        status, output, _ = run("replay", str(path), *how, command=valgrind)
        assert status == 0 and output
    (tmp_path / "damaged").write_bytes(path.read_bytes()[:-100])
    assert run("replay", str(tmp_path / "damaged"), command=valgrind)[0] == 1


def test_a_compressed_set_is_replayed_and_shown(valgrind, own_listener, tmp_path):
    path = tmp_path / "recording"
    with Recorder(path, [wire.port_of(own_listener)], "--max-size", "1M", "--max-files", "2", "--compress") as recorder:
        make_traffic(own_listener)
        recorder.stop()
    (tmp_path / "other").write_bytes(path.read_bytes())
    for how in (["replay", path], ["replay", path, tmp_path / "other", "--pair", "--json"], ["replay", path, tmp_path / "other", "--as", "report"],
                ["top", "--once", "--replay", path]):
        status, output, errors = run(*map(str, how), command=valgrind, timeout=observer.DEADLINE)
        assert status == 0 and output, errors


@pytest.mark.parametrize("arguments, expected", [
    (["check"], 0), (["explain", "stale_reuse"], 0), (["explain"], 0), (["--help"], 0), (["--version"], 0),
    (["run", "--web-config", "/etc/passwd"], 2), (["trace", "--nonsense"], 2), (["trace", "--config", "/nonexistent"], 2), (["run", "--listen", "nowhere"], 2),
    (["replay", "/nonexistent"], 1), (["record", "/nonexistent/file"], 1),
], ids=lambda value: " ".join(value) if isinstance(value, list) else str(value))
def test_what_ends_by_itself(valgrind, arguments, expected):
    assert run(*arguments, command=valgrind, timeout=observer.DEADLINE)[0] == expected
