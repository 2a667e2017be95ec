# SPDX-License-Identifier: BSD-2-Clause
"""Files that the user names: what a program file with capabilities may do is no right of its user; what stands in them
is not printed; and no recording goes where somebody else can read or redirect it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from lib import metrics, observer
from lib.observer import Observer
from test_bad_input import NOBODY, check_refused, run
from test_hostile_names import check_harmless
from test_injected import has_landlock
from test_privileges import ALL, CAP_DAC_READ_SEARCH, check_dropped, status_of
from test_web_config import Authority, check_status, tls, trusting, users

SECRET = "$6$salt$u1kUnqv0mWq"
WORDS = "correcthorsestaple"
SHADOW = f"root:{SECRET}:19000:0:99999:7:::\n"
AS_NOBODY = {"user": NOBODY, "group": NOBODY, "extra_groups": []}


@pytest.fixture(scope="module")
def place():
    """A folder that everybody can enter."""
    with tempfile.TemporaryDirectory(prefix="keepwatch-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture(scope="module", params=["setcap", "set-user-id"])
def marked(place, request):
    """The program as `setcap` leaves it, and one that is root whoever starts it."""
    path = shutil.copy(observer.BINARY, place / request.param)
    if request.param == "setcap":
        subprocess.run(["setcap", ",".join(f"cap_{name}" for name in ALL) + "=ep", path], check=True)
    else:
        os.chmod(path, 0o4755)
    return path


@pytest.fixture
def theirs(place):
    """A folder of nobody's."""
    with tempfile.TemporaryDirectory(dir=place) as name:
        os.chown(name, NOBODY, NOBODY)
        yield Path(name)


@pytest.fixture
def closed(place):
    """A folder of root's with a file of root's, each closed to others. Only CAP_DAC_READ_SEARCH reads it."""
    with tempfile.TemporaryDirectory(dir=place) as name:
        path = Path(name) / "secret"
        path.write_text(SHADOW)
        path.chmod(0o600)
        yield path


def give(path, text):
    path.write_text(text)
    os.chown(path, NOBODY, NOBODY)
    return path


def as_nobody(marked, *arguments):
    return run(*arguments, command=[marked], **AS_NOBODY)


def check_secret(outcome, *words, status=2):
    check_refused(outcome, status, *words)
    assert SECRET not in outcome[2][0]


# ---- a program file with capabilities ----

@pytest.mark.parametrize("command", ["run", "trace", "report", "check", "explain"])
def test_it_reads_no_configuration_that_its_user_may_not(marked, closed, command):
    check_secret(as_nobody(marked, command, "--config", closed), str(closed), "Permission denied")


def test_it_reads_no_web_configuration_key_recording_or_types_either(marked, closed, theirs):
    check_secret(as_nobody(marked, "run", "--web-config", closed), "Permission denied")
    for key in "cert_file", "key_file", "client_ca_file":
        web = give(theirs / "web.yml", f"tls_server_config:\n  {key}: {closed}\n")
        check_secret(as_nobody(marked, "run", "--web-config", web), "web.yml:2: ", "Permission denied")
    check_secret(as_nobody(marked, "replay", closed), "Permission denied", status=1)
    check_secret(as_nobody(marked, "trace", "--btf", closed), "Permission denied", status=1)


def test_it_writes_no_recording_where_its_user_may_not(marked, closed):
    check_refused(as_nobody(marked, "record", closed.parent / "file"), 1, "Permission denied")
    assert os.listdir(closed.parent) == [closed.name]


def test_it_notifies_no_service_manager_that_its_user_may_not(marked, closed):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(closed.parent / "notify"))
        os.chmod(closed.parent / "notify", 0o777)
        manager.setblocking(False)
        environment = os.environ | {"NOTIFY_SOCKET": str(closed.parent / "notify")}
        with Observer("--port", "1", program=[marked, "trace"], env=environment, **AS_NOBODY) as trace:
            assert "Permission denied" in trace.errors[0]
        with pytest.raises(BlockingIOError):
            manager.recv(100)


class Daemon(metrics.Daemon):
    """run --config, by nobody or by root."""

    def __init__(self, path, *options, program=observer.BINARY, **popen):
        super().__init__([], "--port", "1", "--config", path, *options, **popen)
        self.arguments[0] = program

    def reload(self):
        before = len(self.errors)
        self.process.send_signal(signal.SIGHUP)
        self.wait_until(lambda: len(self.errors) > before and self.errors[-1].endswith((" again", " was")), "the reload")
        return self.errors[before:]


def test_nor_at_a_reload(marked, closed, theirs):
    path = give(theirs / "file.conf", "window = 5m\n")
    with Daemon(path, program=marked, **AS_NOBODY) as daemon:
        out_of_reach = Path(marked).name == "setcap"
        bounding = int(status_of(os.getpid())["CapBnd"], 16) if out_of_reach else CAP_DAC_READ_SEARCH
        check_dropped(daemon.process.pid, bounding)
        path.unlink()
        path.symlink_to(closed)
        why, so = daemon.reload()
        assert why.startswith(f"keepwatch: cannot read the configuration file {path}: Permission denied")
        assert so == "keepwatch: the configuration stays as it was"
        path.unlink()
        give(path, "services = 5\n")
        assert daemon.reload() == [f"keepwatch: read {path} again"]
        check_dropped(daemon.process.pid, bounding)


# ---- a start as root ----

def test_after_root_was_left_its_own_files_are_read_again(closed):
    """They are root's alone, and replaced by others of the same name, as editors do."""
    path, web = closed.parent / "file.conf", closed.parent / "web.yml"
    authority = Authority(closed.parent)
    authority.server()

    def replace(file, text):
        new = file.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o600)
        new.rename(file)

    replace(path, "window = 5m\n")
    replace(web, tls(authority) + users(alice="one"))
    with Daemon(path, "--web-config", web) as daemon:
        assert status_of(daemon.process.pid)["Uid"] != "0"
        check_dropped(daemon.process.pid)
        replace(path, "services = 5\n")
        replace(web, tls(authority) + users(alice="two"))
        authority.server()
        assert daemon.reload() == [f"keepwatch: read {path} and {web} again"]
        check_status(f"{daemon.url}/healthz", 200, *trusting(authority, "-u", "alice:two"))


def test_a_configuration_behind_a_symbolic_link_may_be_exchanged(place):
    """As Kubernetes does: the folder that the link leads to is another one each time."""
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder = Path(name)
        for number in "12":
            (folder / number).mkdir()
            (folder / number / "file.conf").write_text(f"services = {number}\n")
        (folder / "data").symlink_to("1")
        (folder / "file.conf").symlink_to("data/file.conf")
        with Daemon(folder / "file.conf") as daemon:
            (folder / "new").symlink_to("2")
            (folder / "new").rename(folder / "data")
            assert daemon.reload() == [f"keepwatch: read {folder}/file.conf again"]


def test_a_configuration_behind_a_symbolic_link_elsewhere_may_change(closed, theirs):
    """Neither of the folders is in the other."""
    path, link = closed.parent / "file.conf", theirs / "link.conf"
    path.write_text("services = 1\n")
    link.symlink_to(path)
    with Daemon(link) as daemon:
        path.write_text("services = 2\n")
        assert daemon.reload() == [f"keepwatch: read {link} again"]


@pytest.mark.skipif(observer.SANITIZED or not has_landlock(), reason="without Landlock it can be read")
def test_a_file_in_another_folder_takes_a_restart(closed, tmp_path):
    authority = Authority(tmp_path)
    authority.server()
    web = closed.parent / "web.yml"
    web.write_text(users(alice="one"))
    (closed.parent / "file.conf").write_text("")
    with Daemon(closed.parent / "file.conf", "--web-config", web) as daemon:
        web.write_text(tls(authority))
        why, so = daemon.reload()
        assert f"cannot read {tmp_path}/server.pem: Permission denied" in why and "restart" in why
        assert so == "keepwatch: the configuration stays as it was"
        check_status(f"{daemon.url}/healthz", 200, "-u", "alice:one")


# ---- text of others ----

@pytest.mark.parametrize("text", [
    SHADOW,
    f"{SECRET}\n",
    f"password = {SECRET}\n",
    f"port = 80{SECRET}{SECRET}{SECRET}\n",
    "-----BEGIN PRIVATE KEY-----\n" + SECRET,
    f"lisen{SECRET}\n",
    f"{WORDS} = 1\n",
])  # fmt: skip
def test_a_line_of_another_file_is_not_printed(tmp_path, text):
    (tmp_path / "file").write_text(text)
    for option in "--config", "--web-config":
        status, output, errors = run("run", "--listen", "127.0.0.1:0", option, tmp_path / "file")
        assert (status, output, len(errors)) == (2, "", 1)
        assert text.strip() not in errors[0] and 3 * SECRET not in errors[0] and WORDS not in errors[0]
        if not text.startswith("port"):
            assert SECRET not in errors[0]


EVIL = "\033]0;t\007\033[31m\x9b\x7f\u202e\n"


@pytest.mark.parametrize("arguments", [
    [EVIL], [f"--{EVIL}"], ["-\033"], ["trace", EVIL], ["help", EVIL], ["explain", EVIL], ["trace", "--config", EVIL],
    ["run", "--web-config", EVIL], ["trace", "--port", EVIL], ["trace", "--net", EVIL], ["trace", "--reason", EVIL],
    ["run", "--listen", EVIL], ["replay", EVIL], ["record", f"/nonexistent/{EVIL}"], ["report", "--fail-on", EVIL],
    ["trace", f"--port={EVIL}"], ["trace", f"--json={EVIL}"],
])  # fmt: skip
def test_no_escape_of_the_command_line_reaches_the_terminal(arguments):
    status, output, errors = run(*arguments)
    assert status in (1, 2) and output == "" and len(errors) == 1
    check_harmless(errors[0])


@pytest.mark.parametrize("option, text", [
    ("--config", EVIL), ("--config", f"window = {EVIL}"), ("--config", f"{EVIL.strip()} = 1"),
    ("--web-config", f'"{EVIL.strip()}": 1\n'.replace("\033", r"\e").replace("\007", r"\a").replace("\x9b", r"\x9b")),
    ("--web-config", "tls_server_config:\n  cert_file: \"\\e[2J\\a\"\n"),
    ("--web-config", "basic_auth_users:\n  \"\\e[2J\\a\": x\n"),
])  # fmt: skip
def test_no_escape_of_a_file_reaches_the_terminal(tmp_path, option, text):
    path = tmp_path / "\033[2J\007"
    path.write_text(text)
    status, output, errors = run("run", "--listen", "127.0.0.1:0", option, path)
    assert status == 2 and output == "" and len(errors) == 1
    check_harmless(errors[0])


# ---- recordings ----

@contextlib.contextmanager
def laid(folder, kind):
    """A file that was there before, which must not become a recording."""
    path = folder / "file"
    other = folder / "other"
    other.write_text("")
    other.chmod(0o600)
    if kind == "symbolic link":
        path.symlink_to(other)
    elif kind == "dangling link":
        path.symlink_to(folder / "nothing")
    elif kind == "hard link":
        path.hardlink_to(other)
    elif kind == "pipe":
        os.mkfifo(path, 0o600)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text("")
        path.chmod({"for all": 0o666, "for the group": 0o640}.get(kind, 0o600))
        if kind == "another's":
            os.chown(path, NOBODY, NOBODY)
    yield path
    assert other.read_text() == "" and not (folder / "nothing").exists()


@pytest.mark.parametrize("kind, word", [
    ("symbolic link", "symbolic link"), ("dangling link", "symbolic link"), ("hard link", "hard links"),
    ("pipe", ""), ("folder", ""), ("for all", "other users"), ("for the group", "other users"),
    ("another's", "another user"),
])  # fmt: skip
def test_a_recording_does_not_go_where_somebody_else_wants_it(tmp_path, kind, word):
    with laid(tmp_path, kind) as path:
        check_refused(run("record", path, "--for", "1ms", "--port", "1"), 1, str(path), word)
        assert path.is_symlink() or not path.is_file() or path.stat().st_size == 0


def test_an_empty_file_of_its_own_becomes_a_recording(tmp_path):
    descriptor, path = tempfile.mkstemp(dir=tmp_path)
    os.close(descriptor)
    assert run("record", path, "--for", "1ms", "--port", "1")[0] == 0
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert run("replay", path)[0] == 0
