# SPDX-License-Identifier: BSD-2-Clause
"""The Debian package: it is well formed and always the same, says what it is made of, its service runs under systemd as the
unit says, and it leaves nothing."""

import fcntl
import hashlib
import json
import os
import re
import shutil
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


# ---- built twice ----

# The pages are built in another year; the compilers are spared the trick that this takes.
LATER = "umask 077; faketime '+400 days' make -s man && make -s -j3 all && make -s deb"


@pytest.fixture(scope="module")
def elsewhere(package, tmp_path_factory):
    """The package as somebody else builds it: in another folder, time zone and language, with another umask, at another time."""
    sources = tmp_path_factory.mktemp("elsewhere") / "sources"
    shutil.copytree(observer.ROOT, sources, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))
    others = {"TZ": "Pacific/Chatham", "LANG": "tr_TR.UTF-8", "LC_ALL": "C", "HOME": str(tmp_path_factory.mktemp("home"))}
    environment = {**os.environ, **others}
    done = subprocess.run(["sh", "-c", LATER], cwd=sources, env=environment,
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return sources / done.stdout.splitlines()[-1]


def test_the_same_sources_make_the_same_package(package, elsewhere):
    assert elsewhere != package
    assert elsewhere.read_bytes() == package.read_bytes()


def test_the_same_package_has_the_same_bill_of_materials(package, elsewhere):
    assert bill_of(elsewhere).read_bytes() == bill_of(package).read_bytes()


# ---- the bill of materials ----

def bill_of(package):
    return package.with_suffix(".spdx.json")


@pytest.fixture(scope="module")
def bill(package):
    return json.loads(bill_of(package).read_text())


def related(bill, kind):
    return {(one["spdxElementId"], one["relatedSpdxElement"]) for one in bill["relationships"]
            if one["relationshipType"] == kind}


def test_the_bill_of_materials_is_of_this_package(bill, package):
    assert bill["spdxVersion"] == "SPDX-2.3"
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    (me,) = (one for one in bill["packages"] if one.get("packageFileName") == package.name)
    assert me["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest}]
    assert digest in bill["documentNamespace"]
    assert related(bill, "DESCRIBES") == {("SPDXRef-DOCUMENT", me["SPDXID"])}
    known = {"SPDXRef-DOCUMENT", *(one["SPDXID"] for one in bill["packages"])}
    assert len(known) == len(bill["packages"]) + 1
    assert {end for one in bill["relationships"] for end in (one["spdxElementId"], one["relatedSpdxElement"])} == known


def test_the_bill_of_materials_has_the_packages_that_the_program_depends_on(bill, package):
    """Those that the package itself asks for come from another tool, dpkg-shlibdeps."""
    depends = subprocess.run(["dpkg-deb", "--field", package, "Depends"], capture_output=True, text=True, check=True).stdout
    wanted = {name.split()[0] for name in depends.split(", ")} - {"init-system-helpers", "adduser"}  # for its scripts
    assert {"libbpf1", "libc6", "libgnutls30"} <= wanted
    versions = {one["name"]: one["versionInfo"] for one in bill["packages"]}
    linked = {to for start, to in related(bill, "DYNAMIC_LINK") if start == "SPDXRef-Package-keepwatch"}
    # The package does not ask for libm's package beside libc6, and so on: those that it links to are never fewer.
    assert {f"SPDXRef-Package-{name}" for name in wanted} <= linked
    built = {start for start, _ in related(bill, "BUILD_DEPENDENCY_OF")}
    assert {"SPDXRef-Package-gcc", "SPDXRef-Package-clang", "SPDXRef-Package-bpftool"} <= built
    for name in *wanted, "gcc", "uthash-dev":
        asked = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True, check=True)
        assert versions[name] == asked.stdout, name


# ---- AppArmor ----

PROFILE = observer.ROOT / "tools" / "packaging" / "keepwatch.apparmor"


def capabilities_of(text, pattern):
    return {name.lower().removeprefix("cap_") for line in re.findall(pattern, text, re.M) for name in line.split()}


def test_the_profile_is_one_that_the_parser_takes(package):
    done = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], capture_output=True, check=True).stdout
    packed = subprocess.run(["tar", "-xO", "./etc/apparmor.d/keepwatch"], input=done, capture_output=True, check=True).stdout
    parsed = subprocess.run(["apparmor_parser", "-QTK", "--names"], input=packed, capture_output=True)
    assert (parsed.returncode, parsed.stdout) == (0, b"keepwatch\n"), parsed.stderr
    compiled = subprocess.run(["apparmor_parser", "-QTK"], input=packed, capture_output=True)
    assert compiled.returncode == 0, compiled.stderr


def test_unit_and_profile_allow_the_same_capabilities():
    unit = (PROFILE.parent / "keepwatch.service.in").read_text()
    assert "AppArmorProfile=-keepwatch\n" in unit
    allowed = capabilities_of(PROFILE.read_text(), r"^ *capability (\w+),$")
    assert allowed == capabilities_of(unit, r"^CapabilityBoundingSet=(.*)$")
    assert "bpf" in allowed


# ---- installed ----

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
        assert do(machine, "cat", "/etc/apparmor.d/local/keepwatch") == "", "a place for an administrator's own rules"

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
