# SPDX-License-Identifier: BSD-2-Clause
"""A machine for tests that install things: this one's files under an overlay, with a systemd, processes, a network and
control groups of its own. Nothing of what is done there reaches this machine."""

import contextlib
import os
import subprocess
import tempfile
import time
from pathlib import Path

from lib import deadlines

# The file systems, then systemd, without any service of the host's.
BOOT = r"""
set -e
base=$1 root=$1/root
mount -t tmpfs none $base
mkdir $base/upper $base/work $root
mount -t overlay -o lowerdir=/,upperdir=$base/upper,workdir=$base/work overlay $root
mount -t proc proc $root/proc
mount -t sysfs sysfs $root/sys
mount -t cgroup2 none $root/sys/fs/cgroup
mount --rbind /dev $root/dev
mount -t tmpfs none $root/run
mount -t tmpfs none $root/tmp
ip link set lo up
cd $root
rm -rf lib/systemd/system/*.target.wants/* etc/systemd/system/*.wants usr/sbin/policy-rc.d
cp "$2" srv/
exec chroot . env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=basic.target --log-target=null --show-status=no
"""


def control_groups():
    """Where version 2 of them is mounted."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    raise AssertionError("cgroup2 is not mounted")


class Machine:
    """One with this file in /srv."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.base = stack.enter_context(tempfile.TemporaryDirectory(prefix="keepwatch-machine-"))
            group = control_groups() / Path(self.base).name
            group.mkdir()
            stack.callback(self._remove_groups, group)
            enter = 'echo $$ > "$0/cgroup.procs"; exec "$@"'
            boot = ["unshare", "-m", "-p", "-f", "-C", "-i", "-n", "--kill-child", "sh", "-c", BOOT, "sh", self.base,
                    self.file]
            self.process = subprocess.Popen(["sh", "-c", enter, group, *boot], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            stack.callback(self._kill)
            self._wait_until(self._is_up, "systemd")
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _kill(self):
        self.process.kill()  # its first process goes with it, and with that all others
        self.process.communicate()

    @staticmethod
    def _remove_groups(top):
        for folder, _, _ in os.walk(top, topdown=False):
            end = time.monotonic() + deadlines.START
            while time.monotonic() < end:
                try:
                    os.rmdir(folder)
                    break
                except OSError:  # the last process is on its way out
                    time.sleep(0.05)

    def _wait_until(self, condition, what):
        end = time.monotonic() + deadlines.START
        while not condition():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end, f"waited in vain for {what}"
            time.sleep(0.1)

    def _first(self):
        """The machine's process 1, as it is known outside."""
        pid = self.process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]

    def _is_up(self):
        try:
            return self.run("systemctl", "is-active", "basic.target").stdout == "active\n"
        except IndexError:
            return False

    def run(self, *command):
        """Runs a command there."""
        return subprocess.run(["nsenter", "-t", self._first(), "-m", "-p", "-C", "-i", "-n", "-r", "-w", *command],
                              capture_output=True, text=True, timeout=deadlines.START, stdin=subprocess.DEVNULL)

    def wait_for(self, wanted, *command):
        """Until this is what a command says there."""
        self._wait_until(lambda: self.run(*command).stdout == wanted, f"{wanted!r} of {command}")

    def added(self):
        """Files and folders that are there and not here."""
        found = subprocess.run(["nsenter", "-t", self._first(), "-m", "find", f"{self.base}/upper", "-printf", "%P\n"],
                               capture_output=True, text=True, timeout=deadlines.START, check=True)
        return found.stdout.splitlines()
