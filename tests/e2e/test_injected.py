# SPDX-License-Identifier: BSD-2-Clause
"""Code that got into the process, after the privilege drop: a debugger makes it do every system call there is, and those
that are left with arguments that would do harm. Each is refused, and the daemon goes on afterwards."""

import ctypes
import fcntl
import mmap
import os
import re
import socket
import struct
from pathlib import Path

import pytest

from lib import metrics, observer
from lib.inject import Injected, name_of
from test_service import Manager

pytestmark = pytest.mark.skipif(observer.SANITIZED, reason="the system calls of a sanitizer would not pass the filter")

HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
NUMBERS = {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", HEADER.read_text())}
NEWER = range(max(NUMBERS.values()) + 1, 512)  # calls of kernels that are younger than the header

# By process, the calls that do no harm with any arguments; they are not injected, since some end the process or wait for ever.
HARMLESS = {
    "reader": set("""
        read readv pread64 write writev lseek close fstat newfstatat statx readlink readlinkat getdents64 recvfrom epoll_ctl
        epoll_wait epoll_pwait poll ppoll timerfd_create timerfd_settime signalfd4 nanosleep clock_nanosleep restart_syscall
        sched_yield rt_sigaction rt_sigprocmask rt_sigreturn exit exit_group brk munmap mremap clock_gettime gettimeofday time
        getrandom getpid gettid uname sysinfo
    """.split()),
    "port": set("""
        read readv pread64 write writev close ftruncate accept4 recvfrom recvmsg shutdown getsockname getpeername epoll_ctl
        epoll_wait epoll_pwait poll ppoll timerfd_settime sched_yield restart_syscall rt_sigreturn rt_sigprocmask exit
        exit_group brk munmap mremap clock_gettime gettimeofday time getrandom getpid gettid
    """.split()),
}
NARROWED = {
    "reader": set("""
        openat open_by_handle_at fcntl ioctl sendto mmap mprotect madvise futex sched_getaffinity prlimit64 bpf tgkill
    """.split()),
    "port": set("fcntl sendto sendmsg setsockopt getsockopt mmap mprotect madvise futex tgkill".split()),
}
SOURCES = {"reader": "user/base/system_calls.c", "port": "user/web/confine.c"}
SHARED = {"futex", "brk", "munmap", "mremap", "mmap", "mprotect", "madvise"}  # of both, in system_calls.h
BOTH = pytest.mark.parametrize("process", ["reader", "port"], indirect=True)
PORT = pytest.mark.parametrize("process", ["port"], indirect=True)

AT_FDCWD = -100
NO_PROCESS = 1 << 22  # all numbers of processes are lower
DATAGRAMS = "0002"  # the type SOCK_DGRAM in /proc/net/unix
HIGH = 1 << 32  # the kernel takes the lower half of a descriptor or a number
MSG_FASTOPEN = 0x20000000
FLAGS = [1 << bit for bit in range(32)]  # of a send
SENDING = socket.MSG_NOSIGNAL, socket.MSG_DONTWAIT, socket.MSG_MORE
PROT_NONE, MAP_PRIVATE_ANONYMOUS = 0, 0x22
BPF_LEFT = {1, 15, 33}  # lookup of an element, information by descriptor, creation of an iterator's descriptor
READ_FLAGS = (os.O_CLOEXEC | os.O_DIRECTORY | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW)


def has_landlock():
    return ctypes.CDLL(None).syscall(444, None, 0, 1) > 0


@pytest.fixture(scope="module")
def manager(tmp_path_factory):
    manager = Manager(tmp_path_factory.mktemp("manager") / "notify")
    with manager.socket:
        yield manager


@pytest.fixture(scope="module")
def daemon(manager, tmp_path_factory):
    folder = tmp_path_factory.mktemp("configuration")
    (folder / "file.conf").write_text("window = 5m\n")
    with metrics.Daemon([], "--port", "1", "--config", folder / "file.conf", env=manager.environment) as daemon:
        daemon.folder = folder
        yield daemon
        daemon.scrape()  # it is unharmed


class Process(Injected):
    """The daemon, and how it answers calls by their names."""

    def ask(self, name, *arguments):
        return name_of(self.call(NUMBERS[name], *arguments))

    def refused(self, cases):
        """Those of these calls that were not refused, with their results."""
        answers = {case: self.ask(*case) for case in cases}
        return {case: answer for case, answer in answers.items() if answer != "EPERM"}


def port_of(daemon):
    """The process of the daemon's metrics port."""
    pid = daemon.process.pid
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


@pytest.fixture
def process(daemon, request):
    role = getattr(request, "param", "reader")
    with Process(daemon.process.pid if role == "reader" else port_of(daemon)) as process:
        process.role = role
        yield process


def sockets_of(pid):
    """{descriptor: inode} of its sockets."""
    found = {}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link)):
            found[int(link.name)] = match[1]
    return found


def descriptor_in(pid, table):
    """The descriptor of its one socket that this table of /proc/net lists; of UNIX sockets, of the one for datagrams."""
    lines = [line.split() for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()]
    listed = {field for line in lines if table != "unix" or line[4] == DATAGRAMS for field in line}
    (found,) = [fd for fd, inode in sockets_of(pid).items() if inode in listed]
    return found


@pytest.fixture(scope="module")
def listener(daemon):
    """The port's socket, which its process alone holds."""
    assert not {*sockets_of(daemon.process.pid).values()} & {*Path("/proc/net/tcp").read_text().split()}
    return descriptor_in(port_of(daemon), "tcp")


@pytest.fixture(scope="module")
def notify(daemon):
    return descriptor_in(daemon.process.pid, "unix")


@BOTH
def test_every_other_call_is_refused(process):
    """Each by its number, also those that this test does not know a name of."""
    left = {NUMBERS[name] for name in HARMLESS[process.role] | NARROWED[process.role]}
    answers = {number: name_of(process.call(number)) for number in [*NUMBERS.values(), *NEWER] if number not in left}
    assert {number: answer for number, answer in answers.items() if answer != "EPERM"} == {}
    assert len(answers) > 300


@BOTH
def test_no_signal_is_sent_by_a_descriptor(process):
    """F_SETOWN with F_SETSIG and O_ASYNC would let the kernel kill processes of others."""
    left = {fcntl.F_GETFL, fcntl.F_GETFD if process.role == "reader" else fcntl.F_SETFL}
    commands = {*range(64), *range(1024, 1048)} - left
    fds = [0, *sockets_of(process.pid)]
    assert process.refused([("fcntl", fd, command, 0) for fd in fds for command in commands]) == {}
    assert process.refused([("fcntl", fd, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC) for fd in fds]) == {}
    assert isinstance(process.ask("fcntl", fds[1], fcntl.F_GETFL), int)


@PORT
def test_no_connection_is_opened(process, listener):
    address = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", 9, bytes([127, 0, 0, 1]))
    text, to = process.put(b"GET / HTTP/1.1\r\n\r\n", address)
    for fd in listener, HIGH | listener:
        assert process.refused([("shutdown", fd, how) for how in range(3)]) == {}
        assert process.refused([("sendto", fd, text, 4, MSG_FASTOPEN, to, len(address)),
                                ("sendto", fd, text, 4, 0, to, len(address)),
                                ("sendto", fd, text, 4, MSG_FASTOPEN, 0, 0),
                                ("sendmsg", fd, text, MSG_FASTOPEN)]) == {}
    assert process.refused([("sendmsg", fd, text, flag) for fd in (0, listener) for flag in FLAGS if flag not in SENDING]) == {}


def test_the_service_managers_socket_reaches_nobody_else(process, notify, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(tmp_path / "other"))
        other.setblocking(False)
        address = struct.pack("=H", socket.AF_UNIX) + bytes(tmp_path / "other") + b"\0"
        text, to = process.put(b"hello", address)
        (message,) = process.put(struct.pack("=QIIQQQQQQ", to, len(address), 0, 0, 0, 0, 0, 0, 0) + address)
        for fd in notify, HIGH | notify:
            assert process.refused([("sendto", fd, text, 5, 0, to, len(address)), ("sendmsg", fd, message, 0)]) == {}
        with pytest.raises(BlockingIOError):
            other.recv(100)
        flags = [socket.MSG_DONTWAIT | flag for flag in FLAGS if flag not in SENDING]
        assert process.refused([("sendto", notify, text, 5, flag, 0, 0) for flag in flags]) == {}


@PORT
def test_a_socket_keeps_its_settings(process, listener):
    left = {(socket.IPPROTO_TCP, socket.TCP_NODELAY), (socket.IPPROTO_TCP, socket.TCP_CORK)}
    levels = socket.SOL_SOCKET, socket.IPPROTO_IP, socket.IPPROTO_TCP, socket.IPPROTO_IPV6, 282, 284
    cases = [(level, option) for level in levels for option in range(80) if (level, option) not in left]
    assert process.refused([("setsockopt", listener, *case) for case in cases]) == {}
    assert process.refused([("getsockopt", listener, *case) for case in cases if case[0] != socket.SOL_SOCKET]) == {}


def test_nothing_is_opened_to_be_written(process):
    """Nor with a flag that does more than to read."""
    (path,) = process.put(b"/dev/null\0")
    flags = [1 << bit for bit in range(32) if not READ_FLAGS & 1 << bit and 1 << bit != 0o100000]  # O_LARGEFILE
    assert os.O_WRONLY in flags and os.O_CREAT in flags and os.O_PATH in flags
    assert process.refused([("openat", AT_FDCWD, path, flag, 0o600) for flag in [*flags, os.O_RDWR]]) == {}
    assert process.refused([("open_by_handle_at", AT_FDCWD, path, flag)
                            for flag in [0, *flags, os.O_PATH | os.O_RDWR, os.O_PATH | os.O_CREAT]]) == {}


def test_only_what_is_read_can_be_read(process, daemon):
    """By Landlock, where the kernel has it; the capability to read all files is left."""
    def read(path):
        (at,) = process.put(bytes(path) + b"\0")
        fd = process.ask("openat", AT_FDCWD, at, os.O_RDONLY | os.O_CLOEXEC)
        if isinstance(fd, int):
            assert process.ask("close", fd) == 0
        return fd if isinstance(fd, str) else "read"

    expected = "EACCES" if has_landlock() else "read"
    forbidden = map(Path, ["/etc/shadow", "/etc/passwd", "/", "/var/lib", "/dev/null", "/proc/self/root/etc/shadow"])
    assert {path: read(path) for path in forbidden if read(path) != expected} == {}
    left = [Path("/proc/self/stat"), Path("/proc/net/netstat"), daemon.folder, daemon.folder / "file.conf"]
    assert {path: read(path) for path in left} == dict.fromkeys(left, "read")


@BOTH
def test_no_memory_becomes_code(process):
    protections = [mmap.PROT_EXEC, mmap.PROT_READ | mmap.PROT_EXEC, 7, 8, 1 << 24, 1 << 25]
    assert process.refused([("mmap", 0, 4096, protection, MAP_PRIVATE_ANONYMOUS, -1, 0) for protection in protections]) == {}
    page = process.ask("mmap", 0, 4096, PROT_NONE, MAP_PRIVATE_ANONYMOUS, -1, 0)
    assert process.refused([("mprotect", page, 4096, protection) for protection in protections]) == {}
    left = mmap.MADV_DONTNEED, mmap.MADV_FREE
    assert process.refused([("madvise", page, 4096, advice) for advice in range(128) if advice not in left]) == {}
    assert process.ask("munmap", page, 4096) == 0


def test_of_bpf_only_reading_is_left(process):
    (attributes,) = process.put(bytes(128))
    commands = [command for command in range(64) if command not in BPF_LEFT]
    assert process.refused([("bpf", command, attributes, 128) for command in commands]) == {}
    assert process.ask("bpf", 1, attributes, 128) in ("EBADF", "EINVAL"), "the kernel looks at it"


def test_the_rest_is_for_itself(process, daemon):
    """The kernel refuses some of this too, because the process has left root; of itself and of nobody it would not."""
    pid, parent = daemon.process.pid, os.getpid()
    (value,) = process.put(bytes(64))
    waits = {0, 1, 9}  # FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAIT_BITSET
    assert process.refused([
        *[("ioctl", 0, request, value) for request in (0x5402, 0x5412, 0x541B, 0x5421, 0x8901, 0x8902, 0x8946)],
        *[("futex", value, operation, 1) for operation in range(128) if operation not in waits],
        ("sched_getaffinity", parent, 64, value),
        *[("prlimit64", whose, 7, 0, value) for whose in (parent, pid, NO_PROCESS)], ("prlimit64", 0, 7, value, 0),
        *[("tgkill", whose, whose, 0) for whose in (parent, NO_PROCESS)]]) == {}
    assert process.ask("tgkill", pid, pid, 0) == 0
    assert process.ask("prlimit64", 0, 7, 0, value) == 0


def test_nobody_of_the_same_user_looks_into_it(daemon):
    """Its files in /proc are root's, although the process is not: the kernel does so where no one may trace it."""
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    assert "0" not in re.search(r"^Uid:\t(.*)$", status, re.M)[1].split()
    assert os.stat(f"/proc/{daemon.process.pid}/environ").st_uid == 0


def test_a_connection_may_take_the_number_of_what_was_closed(daemon):
    """The filter knows sockets by their descriptors, but refuses nothing on those that other things had at the start."""
    links = Path(f"/proc/{daemon.process.pid}/fd").iterdir()
    program = min(int(link.name) for link in links if os.readlink(link) == "anon_inode:bpf-prog")
    with Process(daemon.process.pid) as process:
        assert process.ask("close", program) == 0
    for _ in range(3):
        daemon.scrape()


@pytest.mark.parametrize("role", SOURCES)
def test_each_allowed_call_is_known_here(role):
    """The tables of this file, which the filters are held against, name the calls that the filters do."""
    source = (observer.ROOT / SOURCES[role]).read_text()
    named = set(re.findall(r"KW_CALL(?:_IF)?\((\w+)", source)) | SHARED | {"tgkill"}
    assert named == HARMLESS[role] | NARROWED[role]
