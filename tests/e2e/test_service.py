# SPDX-License-Identifier: BSD-2-Clause
"""The daemon under a service manager: its notifications, its reaction to signals, and the limits of its unit."""

import os
import re
import signal
import socket
import subprocess

import pytest

from lib import deadlines, metrics, observer

EXPOSURE = 2.2  # of 10, as the README says


class Manager:
    """The service manager's end of the notification socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(deadlines.START)
        self.environment = os.environ | {"NOTIFY_SOCKET": str(path)}

    def next(self, *skipped):
        """The next message, except those to be skipped."""
        while (message := self.socket.recv(4096).decode()) in skipped:
            pass
        return message


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path / "notify")
    with manager.socket:
        yield manager


# ---- what it tells ----

def test_start_reload_and_end_are_told(manager, tmp_path, closed_port):
    path = tmp_path / "file.conf"
    path.write_text("")
    with metrics.Daemon([closed_port], "--config", path, env=manager.environment) as daemon:
        assert manager.next() == "READY=1"
        os.kill(daemon.process.pid, signal.SIGHUP)
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=[1-9]\d*", manager.next())
        assert manager.next() == "READY=1"
    assert manager.next() == "STOPPING=1"


def test_a_watchdog_is_fed_by_the_event_loop(manager, closed_port):
    environment = manager.environment | {"WATCHDOG_USEC": "200000"}
    with metrics.Daemon([closed_port], env=environment):
        assert manager.next() == "READY=1"
        assert [manager.next() for _ in range(5)] == ["WATCHDOG=1"] * 5
    assert manager.next("WATCHDOG=1") == "STOPPING=1"


@pytest.mark.parametrize("environment", [{}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}])
def test_a_watchdog_that_nobody_keeps_is_not_fed(manager, closed_port, environment):
    with metrics.Daemon([closed_port], env=manager.environment | environment) as daemon:
        daemon.scrape()
    assert [manager.next(), manager.next()] == ["READY=1", "STOPPING=1"]


def test_a_loop_that_hangs_feeds_no_watchdog(manager, closed_port):
    """Standard output is a pipe that is full, so that it hangs in its first report."""
    reader, writer = os.pipe2(os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        while os.write(writer, bytes(4096)):
            pass
    os.set_blocking(writer, True)
    environment = manager.environment | {"WATCHDOG_USEC": "200000"}
    command = [observer.BINARY, "report", "--port", str(closed_port), "--every", "1ms"]
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.DEVNULL, env=environment) as process:
        os.close(writer)
        try:
            assert manager.next() == "READY=1"
            manager.socket.settimeout(3)  # a hundred would come in ten seconds if it did not hang
            with pytest.raises(TimeoutError):
                for _ in range(100):
                    manager.next()
        finally:
            process.kill()
            os.close(reader)


# ---- reload ----

def reload_with(daemon, path, text):
    path.write_text(text)
    os.kill(daemon.process.pid, signal.SIGHUP)


def test_a_reload_says_what_takes_a_restart(tmp_path, closed_port):
    path = tmp_path / "file.conf"
    path.write_text("window = 5m\n")
    with metrics.Daemon([], "--config", path, "--port", str(closed_port)) as daemon:
        before = len(daemon.errors)
        reload_with(daemon, path, "window = 1m\nservices = 7\nnet = 10.0.0.0/8\nport = 1\nring-size = 1M\n"
                                  "networks = 10.0.0.0/8=all\nrole = client\nservice-by = port\n"
                                  "front-end = tracepoint\nbtf = types\n")
        daemon.wait_until(lambda: len(daemon.errors) == before + 2, "both lines")
        assert daemon.errors[before:] == [
            "keepwatch: these options change only with a restart: ring-size, front-end, service-by, networks, btf",
            f"keepwatch: read {path} again"]


def test_a_reload_changes_which_connections_are_observed(tmp_path, own_listener):
    """From then on: those that open between two reloads are observed or not."""
    def use():
        with socket.create_connection(own_listener.getsockname()) as client:
            server, _ = own_listener.accept()
            with server:
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                server.recv(100)
                server.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                client.recv(100)

    def requests(scrape):
        return scrape.sum_of("keepwatch_requests_total", role="client")

    def reload(port):
        again = f"keepwatch: read {path} again"
        before = daemon.errors.count(again)
        reload_with(daemon, path, f"port = {port}\n")
        daemon.wait_until(lambda: daemon.errors.count(again) > before, "the reload")

    path = tmp_path / "file.conf"
    path.write_text("port = 1\n")
    own = own_listener.getsockname()[1]
    with metrics.Daemon([], "--config", path) as daemon:
        use()
        for port in (own, 1, own):  # so that the last one proves that nothing of those in between is on its way
            reload(port)
            use()
        daemon.scrape_until(lambda scrape: requests(scrape) == 2, "both requests")


def test_a_fault_in_the_file_changes_nothing(tmp_path, closed_port):
    path = tmp_path / "file.conf"
    path.write_text("")
    with metrics.Daemon([closed_port], "--config", path) as daemon:
        before = len(daemon.errors)
        reload_with(daemon, path, "quiet\nservices = none\n")
        daemon.wait_until(lambda: len(daemon.errors) == before + 2, "both lines")
        assert f"{path}:2: services 'none'" in daemon.errors[before]
        assert daemon.errors[before + 1] == "keepwatch: the configuration stays as it was"
        reload_with(daemon, path, "services = 5\n")
        daemon.wait_until(lambda: daemon.errors[-1] == f"keepwatch: read {path} again", "the next reload")
        daemon.scrape()


def test_what_can_change_does(tmp_path, own_listener):
    path = tmp_path / "file.conf"
    path.write_text("")
    port = own_listener.getsockname()[1]

    def lost_request():
        with socket.create_connection(own_listener.getsockname()) as client:
            server, _ = own_listener.accept()
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            server.recv(100)
            server.close()
            client.recv(1)

    def premature():
        return [line for line in daemon.errors if "premature close" in line]

    with metrics.Daemon([port], "--config", path) as daemon:
        lost_request()
        daemon.scrape_until(lambda page: page.sum_of("keepwatch_lost_requests_total") == 2, "the first")
        assert premature() == []
        reload_with(daemon, path, "log-premature = true\n")
        daemon.wait_until(lambda: daemon.errors[-1] == f"keepwatch: read {path} again", "the reload")
        lost_request()
        daemon.wait_until(lambda: len(premature()) == 2, "a line for each end")


def test_without_a_file_a_hang_up_ends_it(closed_port):
    daemon = metrics.Daemon([closed_port])
    with pytest.raises(AssertionError), daemon:
        os.kill(daemon.process.pid, signal.SIGHUP)
        assert daemon.end() == -signal.SIGHUP


# ---- the unit ----

@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["make", "-s", "install", f"PREFIX={root}", f"SYSCONFDIR={root}/etc"], cwd=observer.ROOT,
                   check=True, capture_output=True)
    return root / "lib/systemd/system/keepwatch.service"


def settings_of(unit):
    found = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.M):
        found.setdefault(key, []).append(value)
    return found


def test_systemd_takes_the_unit_without_a_word(unit):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_unit_exposes_little(unit):
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
                          capture_output=True, text=True, check=True)
    found = float(re.search(r"Overall exposure level for \S+: (\S+)", done.stdout)[1])
    assert found <= EXPOSURE
    assert f"exposure of {found}" in (observer.ROOT / "README.md").read_text()


def test_the_unit_gives_what_the_program_asks_for_and_no_more(unit):
    settings = settings_of(unit)
    check = subprocess.run([observer.BINARY, "check", "--tls"], capture_output=True, text=True).stdout
    wanted = set(re.findall(r"\bCAP_\w+", check))
    assert len(wanted) == 6
    for name in "AmbientCapabilities", "CapabilityBoundingSet":
        (value,) = settings[name]
        assert set(value.split()) == wanted
