# SPDX-License-Identifier: BSD-2-Clause
"""The Debian package: it is well formed, its service runs under systemd as the unit says, and it leaves nothing."""

import fcntl
import re
import subprocess

import pytest

from lib import observer
from lib.machine import Machine

METRICS = ["curl", "-s", "http://127.0.0.1:9951/metrics"]
IS_ACTIVE = ["systemctl", "is-active", "keepwatch"]
DROP_IN = "/run/systemd/system/keepwatch.service.d"
CONFIGURATION = "/etc/keepwatch/keepwatch.conf"


@pytest.fixture(scope="module")
def package():
    """Built in the one folder that make builds it in, so workers of pytest that run side by side take turns."""
    with open(observer.BUILD / "deb.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(["make", "-s", "deb"], cwd=observer.ROOT, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        yield observer.ROOT / done.stdout.splitlines()[-1]


def test_lintian_has_nothing_to_say(package):
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", package], capture_output=True,
                          text=True, timeout=600)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_same_sources_make_the_same_package(package):
    before = package.read_bytes()
    subprocess.run(["make", "-s", "deb"], cwd=observer.ROOT, capture_output=True, timeout=600, check=True)
    assert package.read_bytes() == before


def status_of(machine):
    pid = machine.run("systemctl", "show", "--property=MainPID", "--value", "keepwatch").stdout.strip()
    return dict(re.findall(r"^(\w+):\s+(\S+)", machine.run("cat", f"/proc/{pid}/status").stdout, re.M))


def do(machine, *command):
    done = machine.run(*command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_user_of_root_start(machine):
    """Where root starts the program, it becomes the user that the package made."""
    user = do(machine, "getent", "passwd", "keepwatch").split(":")
    assert (user[5], user[6]) == ("/nonexistent", "/usr/sbin/nologin\n") and 0 < int(user[2]) < 1000
    start = "keepwatch trace --port 1 >/dev/null 2>/tmp/said & echo $!; until grep -q observing /tmp/said; do sleep 0.1; done"
    pid = do(machine, "sh", "-c", start).strip()
    status = dict(re.findall(r"^(\w+):\t(.*)$", do(machine, "cat", f"/proc/{pid}/status"), re.M))
    do(machine, "kill", pid)
    assert status["Uid"] == "\t".join(4 * [user[2]]) and status["Gid"] == "\t".join(4 * [user[3]])
    assert status["Groups"].strip() == ""


def test_it_installs_runs_and_is_removed(package):
    """One machine for all steps, because each step needs the one before."""
    with Machine(package) as machine:
        before = set(machine.added())
        do(machine, "dpkg", "-i", f"/srv/{package.name}")
        assert do(machine, *IS_ACTIVE) == "active\n"
        assert do(machine, "systemctl", "is-enabled", "keepwatch") == "enabled\n"
        status = status_of(machine)
        assert (int(status["CapEff"], 16), status["NoNewPrivs"], status["Seccomp"]) == (4, "1", "2")
        assert int(status["Uid"]) >= 61184, "a user of its own, made by systemd for it"
        check_user_of_root_start(machine)
        assert "keepwatch_build_info" in do(machine, *METRICS)

        do(machine, "sh", "-c", f"echo services = 7 >> {CONFIGURATION}")
        do(machine, "systemctl", "reload", "keepwatch")
        assert do(machine, *IS_ACTIVE) == "active\n"

        # One that hangs is replaced; sooner than by its unit, so that nobody has to wait for it.
        do(machine, "sh", "-c", f"mkdir -p {DROP_IN} && printf '[Service]\\nWatchdogSec=1\\n' > {DROP_IN}/sooner.conf")
        do(machine, "systemctl", "daemon-reload")
        do(machine, "systemctl", "restart", "keepwatch")
        do(machine, "systemctl", "kill", "--signal=STOP", "keepwatch")
        machine.wait_for("1\n", "systemctl", "show", "--property=NRestarts", "--value", "keepwatch")
        machine.wait_for("active\n", *IS_ACTIVE)
        do(machine, "rm", "-r", DROP_IN)

        do(machine, "dpkg", "-r", "keepwatch")
        assert machine.run(*IS_ACTIVE).stdout != "active\n"
        assert do(machine, "tail", "-1", CONFIGURATION) == "services = 7\n", "the edited file stays"
        do(machine, "dpkg", "-P", "keepwatch")
        assert machine.run("getent", "passwd", "keepwatch").stdout == ""
        left = {path for path in set(machine.added()) - before if "keepwatch" in path}
        assert left == set()
