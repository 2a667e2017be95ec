# SPDX-License-Identifier: BSD-2-Clause
"""Hosts as they are: what keeps programs out, or makes them see less, is said in one line with the remedy."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lib import deadlines, observer, refusing, wire

TYPES = Path("/sys/kernel/btf/vmlinux")
LEAST = "-all,+bpf,+perfmon"
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={LEAST}", f"--ambient-caps={LEAST}",
          f"--bounding-set={LEAST}"]
REFUSING = [sys.executable, refusing.__file__]
WITHOUT_TYPES = [*REFUSING, "ENOENT", refusing.BTF_GET_NEXT_ID]
DENYING = [*REFUSING, "EACCES", "any"]


def after(script):
    """A mount namespace of its own, in which this has been done first."""
    return ["unshare", "--mount", "sh", "-ec", f'{script}\nexec "$@"', "sh"]


HIDDEN = after("mount -t tmpfs none /sys/kernel/btf")


def run(*command):
    done = subprocess.run([str(one) for one in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=deadlines.START)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def line_of(lines, subject):
    (found,) = [line for line in lines if line[9:].startswith(subject)]
    return found


def check_refused(host, subject, *words, program=observer.BINARY):
    """check has a line about it, and the observing commands end with one; both say all these words."""
    status, output, errors = run(*host, program, "check")
    line = line_of(output, subject)
    assert (status, line[:9], errors) == (3, "missing  ", [])
    assert output[-1] == "keepwatch cannot run here: the lines above say what is missing"
    for command in "trace", "run":
        status, output, errors = run(*host, program, command)
        assert (status, output, len(errors)) == (3, [], 1), errors
        assert subject in errors[0]
        for word in words:
            assert word in line and word in errors[0]


def check_able(*command):
    status, output, errors = run(*command)
    assert (status, errors) == (0, []), output
    return output


@pytest.fixture(scope="module")
def program():
    """The program where everybody can run it, and a copy of the kernel's types beside it."""
    folder = Path(tempfile.mkdtemp())
    os.chmod(folder, 0o755)
    shutil.copy(TYPES, folder / "types")
    os.chmod(folder / "types", 0o644)
    yield shutil.copy(observer.BINARY, folder / "keepwatch")
    shutil.rmtree(folder)


# ---- obstacles ----

def test_a_user_namespace_is_named():
    check_refused(["unshare", "--user", "--map-root-user"], "load programs", "user namespace", "--userns=host", "hostUsers: true")


def lockdown(states):
    return after(f"mount -t tmpfs none /sys/kernel/security; echo '{states}' >/sys/kernel/security/lockdown")


def test_a_lockdown_for_confidentiality_is_named():
    """A true one is met in the guests of tests/kernels."""
    check_refused(lockdown("none integrity [confidentiality]"), "read the kernel's memory", "lockdown=integrity")


@pytest.mark.parametrize("states", ["none [integrity] confidentiality", "[none] integrity confidentiality"])
def test_a_lockdown_for_integrity_is_no_obstacle(states):
    check_able(*lockdown(states), observer.BINARY, "check")


def selinux(enforcing):
    return after("mount -t tmpfs none /run; mkdir /run/cgroup; mount --rbind /sys/fs/cgroup /run/cgroup; "
                 "mount -t tmpfs none /sys/fs; mkdir /sys/fs/cgroup /sys/fs/selinux; mount --rbind /run/cgroup /sys/fs/cgroup; "
                 f"echo {enforcing} >/sys/fs/selinux/enforce")


def test_a_policy_of_selinux_that_denies_bpf_is_named():
    check_refused([*selinux(1), *DENYING], "use BPF", "SELinux", "spc_t", "ausearch")


def test_a_policy_of_selinux_that_allows_bpf_is_no_obstacle():
    check_able(*selinux(1), observer.BINARY, "check")


def test_a_policy_that_is_not_enforced_is_not_blamed():
    status, output, _ = run(*selinux(0), *DENYING, observer.BINARY, "check")
    assert status == 3
    assert not [line for line in output if "SELinux" in line]


# ---- control groups ----

NO_GROUPS = "umount -a -t cgroup; umount -a -t cgroup2; mount -t tmpfs none /sys/fs/cgroup; mkdir /sys/fs/cgroup/1 /sys/fs/cgroup/2"
MOUNTS = {1: "mount -t cgroup -o none,name=kw none /sys/fs/cgroup/1", 2: "mount -t cgroup2 none /sys/fs/cgroup/2"}


@pytest.mark.parametrize("versions, begin", [
    ((2,), "ok       control groups of version 2"),
    ((1, 2), "without  names of containers that are in control groups of version 1 alone"),
    ((1,), "without  names of control groups and containers"),
    ((), "without  names of control groups and containers"),
])
def test_names_that_control_groups_of_version_1_hide_are_no_reason_not_to_run(versions, begin):
    host = after("; ".join([NO_GROUPS, *(MOUNTS[version] for version in versions)]))
    (line,) = [line for line in check_able(*host, observer.BINARY, "check") if "control groups" in line]
    assert line.startswith(begin)
    assert ("systemd.unified_cgroup_hierarchy=1" in line) == (1 in versions or not versions)


# ---- the kernel's types ----

def check_observes(own_listener, host, *arguments):
    with observer.Trace([wire.port_of(own_listener)], *arguments, program=host) as trace, wire.Pair(own_listener) as pair:
        pair.exchange()
        pair.close(first=pair.client)
        assert {one["reason"] for one in trace.wait_for(2)} == {"client_closed_idle"}


def test_types_whose_file_is_hidden_are_asked_of_the_kernel(own_listener):
    line = line_of(check_able(*HIDDEN, observer.BINARY, "check"), "type information")
    assert line.startswith("ok ") and "asked of the kernel" in line
    check_observes(own_listener, [*HIDDEN, observer.BINARY])


def test_where_the_kernel_cannot_be_asked_a_file_is_taken(program, own_listener):
    host = [*HIDDEN, *NOBODY]
    check_refused(host, "type information", "hidden", "--btf", "CAP_SYS_ADMIN", program=program)
    types = ["--btf", program.parent / "types"]
    assert "--btf" in line_of(check_able(*host, program, "check", *types), "type information")
    trace = observer.Observer("--json", "--port", str(wire.port_of(own_listener)), *types, program=[*host, program, "trace"])
    with trace, wire.Pair(own_listener) as pair:
        pair.exchange()
        pair.close(first=pair.client)
        trace.wait_until(lambda: len(trace.output) == 2, "both ends")
        assert all('"reason":"client_closed_idle"' in line for line in trace.output)


def test_a_kernel_without_types_is_named_and_no_file_replaces_them(program):
    host = [*HIDDEN, *WITHOUT_TYPES]
    check_refused(host, "type information", "CONFIG_DEBUG_INFO_BTF", "--btf")
    status, output, _ = run(*host, program, "check", "--btf", program.parent / "types")
    assert status == 3
    assert "CONFIG_DEBUG_INFO_BTF" in line_of(output, "type information")


def test_types_of_the_running_kernel_are_taken_although_it_shows_its_own(program):
    assert "--btf" in line_of(check_able(program, "check", "--btf", program.parent / "types"), "type information")


def test_types_of_another_kernel_are_refused():
    """Types of anything else will do: those of the programs themselves."""
    for command in "check", "trace":
        status, output, errors = run(observer.BINARY, command, "--btf", observer.BUILD / "keepwatch.bpf.o")
        assert (status, output, len(errors)) == (3, [], 1)
        assert "another kernel" in errors[0]


@pytest.mark.parametrize("content, word", [(b"", "cannot read"), (b"\x9f\xeb\x01\x00" + bytes(20), "cannot read"),
                                           (None, "No such file")], ids=["empty", "cut", "missing"])
def test_a_file_without_types_is_refused(tmp_path, content, word):
    path = tmp_path / "types"
    if content is not None:
        path.write_bytes(content)
    for command in "check", "trace":
        status, output, errors = run(observer.BINARY, command, "--btf", path)
        assert (status, output, len(errors)) == (1, [], 1)
        assert word in errors[0] and str(path) in errors[0]
