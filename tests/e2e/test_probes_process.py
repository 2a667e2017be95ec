# SPDX-License-Identifier: BSD-2-Clause
"""The process that puts probes into libraries (--tls): the things that it holds, and that code which got into it could do no more than
read files and put keepwatch's own programs into them. A debugger makes it do every system call there is, as in test_injected.py."""

import fcntl
import mmap
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lib import deadlines, metrics, observer, tls, wire
from lib.inject import name_of
from lib.sessions import Session
from test_injected import (AT_FDCWD, MAP_PRIVATE_ANONYMOUS, NEWER, NO_PROCESS, NUMBERS, PROT_NONE, SHARED, Process)
from test_privileges import ALL, as_nobody

pytestmark = pytest.mark.skipif(observer.SANITIZED, reason="the system calls of a sanitizer would not pass the filter")

HARMLESS = set("""
    read pread64 write writev lseek close fstat fstatfs newfstatat getdents64 poll ppoll epoll_wait epoll_pwait rt_sigaction
    rt_sigprocmask rt_sigreturn restart_syscall exit exit_group brk munmap mremap clock_gettime gettimeofday time getpid gettid
    getrandom
""".split())
NARROWED = set("openat fcntl bpf mmap mprotect madvise futex tgkill".split())
SOURCE = observer.ROOT / "user" / "observe" / "tls" / "attacher.c"
LINK_CREATE, MAP_UPDATE = 28, 2
OPENED = (os.O_PATH, os.O_CLOEXEC, os.O_DIRECTORY, os.O_NONBLOCK, os.O_NOCTTY, 0o100000)  # and O_LARGEFILE


@pytest.fixture(scope="module")
def trace(closed_port):
    with observer.Trace([closed_port], "--tls") as trace:
        yield trace


def attacher_of(running):
    pid = running.process.pid
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


@pytest.fixture
def process(trace):
    with Process(attacher_of(trace)) as process:
        yield process


# ---- system calls ----


def test_every_other_call_is_refused(process):
    left = {NUMBERS[name] for name in HARMLESS | NARROWED}
    answers = {number: name_of(process.call(number)) for number in [*NUMBERS.values(), *NEWER] if number not in left}
    assert {number: answer for number, answer in answers.items() if answer != "EPERM"} == {}
    assert len(answers) > 300


def test_nothing_is_opened_to_be_written(process):
    (path,) = process.put(b"/dev/null\0")
    flags = [1 << bit for bit in range(32) if 1 << bit not in OPENED]
    assert os.O_WRONLY in flags and os.O_CREAT in flags and os.O_TRUNC in flags
    assert process.refused([("openat", AT_FDCWD, path, flag, 0o600) for flag in [*flags, os.O_RDWR, os.O_RDWR | os.O_PATH]]) == {}


def test_of_bpf_only_the_making_of_a_link_is_left(process):
    (attributes,) = process.put(bytes(128))
    assert process.refused([("bpf", command, attributes, 128) for command in range(64) if command != LINK_CREATE]) == {}
    assert process.ask("bpf", LINK_CREATE, attributes, 128) in ("EBADF", "EINVAL"), "the kernel looks at it"


def test_no_memory_becomes_code(process):
    protections = [mmap.PROT_EXEC, mmap.PROT_READ | mmap.PROT_EXEC, 7, 8, 1 << 24, 1 << 25]
    assert process.refused([("mmap", 0, 4096, protection, MAP_PRIVATE_ANONYMOUS, -1, 0) for protection in protections]) == {}
    page = process.ask("mmap", 0, 4096, PROT_NONE, MAP_PRIVATE_ANONYMOUS, -1, 0)
    assert process.refused([("mprotect", page, 4096, protection) for protection in protections]) == {}
    left = mmap.MADV_DONTNEED, mmap.MADV_FREE
    assert process.refused([("madvise", page, 4096, advice) for advice in range(128) if advice not in left]) == {}
    assert process.ask("munmap", page, 4096) == 0


def test_no_signal_is_sent_and_nobody_is_woken(process, trace):
    (value,) = process.put(bytes(64))
    waits = {0, 1, 9}  # FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAIT_BITSET
    commands = {*range(64), *range(1024, 1048)} - {fcntl.F_GETFD, fcntl.F_GETFL}
    whose = trace.process.pid, os.getpid(), NO_PROCESS
    assert process.refused([
        *[("fcntl", 2, command, 0) for command in commands],
        *[("futex", value, operation, 1) for operation in range(128) if operation not in waits],
        *[("tgkill", one, one, 0) for one in whose], *[("kill", one, 0) for one in whose]]) == {}
    assert process.ask("tgkill", process.pid, process.pid, 0) == 0


def test_each_allowed_call_is_known_here():
    """The tables of this file name the calls that the filter does."""
    named = set(re.findall(r"KW_CALL(?:_IF)?\((\w+)", SOURCE.read_text())) | SHARED | {"tgkill"}
    assert named == HARMLESS | NARROWED


# ---- what it holds ----


def held_by(pid):
    """{descriptor: what it is}, from standard error on."""
    links = Path(f"/proc/{pid}/fd").iterdir()
    return {int(link.name): os.readlink(link) for link in links if int(link.name) > 2}


def maps_of(pid, held):
    """The kinds of the maps that it holds, by their numbers in the kernel."""
    texts = [Path(f"/proc/{pid}/fdinfo/{fd}").read_text() for fd, what in held.items() if what == "anon_inode:bpf-map"]
    return [re.search(r"^map_type:\s+(\d+)$", text, re.M)[1] for text in texts]


@pytest.mark.parametrize("command", ["trace", "run"])
def test_it_holds_nothing_that_it_does_not_need(command, closed_port):
    """Programs, the ring that asks for processes, what it waits by, its end of the observer's socket; and the probes
    of each library. Of the observer's own maps, events and clients it has none."""
    running = (metrics.Daemon([closed_port], "--tls") if command == "run" else observer.Trace([closed_port], "--tls"))
    with running:
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
        (pid,) = [pid for pid in map(int, children) if "anon_inode:bpf-prog" in held_by(pid).values()]
        held = held_by(pid)
        kinds = [re.sub(r"\[?\d+\]?$", "", what) for what in held.values() if not what.startswith("/")]
        files = [what for what in held.values() if what.startswith("/")]
        programs, links = kinds.count("anon_inode:bpf-prog"), kinds.count("anon_inode:bpf_link") + kinds.count("anon_inode:bpf-link")
        assert maps_of(pid, held) == ["27"], held  # BPF_MAP_TYPE_RINGBUF
        assert kinds.count("socket:") == kinds.count("anon_inode:[eventpoll]") == 1, held
        assert programs >= 3 and links, held
        assert not files, "their links hold the files that have probes"
        assert len(held) == programs + links + 3, held


def test_it_reads_files_but_may_not_change_them(trace):
    """Nobody, who is let read all files and look into all processes."""
    status = Path(f"/proc/{attacher_of(trace)}/status").read_text()
    assert "0" not in re.search(r"^Uid:\t(.*)$", status, re.M)[1].split()
    assert re.search(r"^CapEff:\s+0*1c000080004$", status, re.M), status  # no CAP_DAC_OVERRIDE, no CAP_KILL, no CAP_SYS_ADMIN
    assert os.stat(f"/proc/{attacher_of(trace)}/environ").st_uid == 0, "nobody of the same user looks into it"


PROBING = [name for name in ALL if name != "sys_admin"]  # capabilities


# ---- processes that hide ----

HIDDEN = "mount -t proc -o hidepid=invisible processes /proc && exec \"$@\""


def test_libraries_of_processes_that_are_hidden_from_others_are_found(program, tmp_path):
    """As the unit sees /proc (ProtectProc=invisible). The process runs a library of its own, in a folder that is closed to others."""
    with open("/proc/self/maps", encoding="ascii") as maps:
        (library,) = {line.split()[-1] for line in maps if "/libssl.so.3" in line}
    own = shutil.copy(library, tmp_path / "libssl.so.3")
    tmp_path.chmod(0o700)
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path)}
    with subprocess.Popen(["/usr/bin/python3", "-c", "import ssl, sys; sys.stdin.read()"], stdin=subprocess.PIPE, env=environment) as peer:
        try:
            wait_until(lambda: str(own) in Path(f"/proc/{peer.pid}/maps").read_text())
            command = ["unshare", "--mount", "sh", "-c", HIDDEN, "sh", *as_nobody(PROBING, program), "check", "--tls"]
            said = subprocess.run(command, capture_output=True, text=True).stdout
        finally:
            peer.kill()
    assert f"library  {own} (process {peer.pid}): would get probes\n" in said


def wait_until(condition):
    end = time.monotonic() + deadlines.START
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


# ---- its option in a configuration ----


def test_the_option_of_a_configuration_takes_a_restart(own_listener, tmp_path):
    certificates, path = tls.Certificates(tmp_path), tmp_path / "file.conf"
    path.write_text("tls = true\n")
    with metrics.Daemon([], "--config", path, "--port", str(wire.port_of(own_listener))) as daemon:
        for count, wanted in (1, "false"), (2, "true"):
            with Session(own_listener, certificates, "1.3") as session:
                session.exchange(wire.GET, wire.response("404 Not Found"))
                session.close(first=session.client)
            daemon.scrape_until(lambda page, count=count: page.sum_of("keepwatch_responses_total", code="4xx") == 2 * count, "both ends")
            said = len(daemon.errors)
            path.write_text(f"tls = {wanted}\n")
            os.kill(daemon.process.pid, signal.SIGHUP)
            daemon.wait_until(lambda said=said: f"keepwatch: read {path} again" in daemon.errors[said:], "the reload")
            restart = "keepwatch: these options change only with a restart: tls"
            assert (restart in daemon.errors[said:]) == (wanted == "false")


# ---- without root ----


def test_plaintext_is_read_without_root(program, own_listener, tmp_path):
    certificates = tls.Certificates(tmp_path)
    running = observer.Observer("--json", "--tls", "--port", str(wire.port_of(own_listener)),
                                program=[*as_nobody(PROBING, program), "trace"])
    with running:
        with Session(own_listener, certificates, "1.3") as session:
            session.exchange()
            session.close(first=session.client)
        running.wait_until(lambda: len(running.output) == 2, "both ends")
    assert all('"plaintext":"openssl"' in line and '"requests":1,' in line for line in running.output[:2]), running.output


@pytest.mark.parametrize("missing", PROBING)
def test_it_names_the_capability_that_is_missing(program, missing):
    """Those of whoever has CAP_SYS_ADMIN in the place of others, too, because it is given up."""
    command = as_nobody([name for name in ALL if name != missing], program)
    done = subprocess.run([*command, "trace", "--tls"], capture_output=True, text=True)
    assert done.returncode == 3
    assert re.fullmatch(rf"keepwatch: .*lacks CAP_{missing.upper()}, which --tls needs to .*\n", done.stderr)
    done = subprocess.run([*command, "check", "--tls"], capture_output=True, text=True)
    assert done.returncode == 3 and re.search(rf"^missing +CAP_{missing.upper()}: --tls needs it to ", done.stdout, re.M)
