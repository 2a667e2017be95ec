# SPDX-License-Identifier: BSD-2-Clause
"""The privileges of an observer once it observes; they are enough for it, and few are needed to start."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from lib import deadlines, metrics, namespaces, observer, wire

NOBODY = 65534
CAP_DAC_READ_SEARCH = 1 << 2
ALL = ["bpf", "perfmon", "sys_admin", "sys_ptrace", "dac_read_search"]


def status_of(pid):
    return dict(re.findall(r"^(\w+):\s+(\S+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M))


def check_dropped(pid, bounding=CAP_DAC_READ_SEARCH, kept=CAP_DAC_READ_SEARCH):
    status = status_of(pid)
    sets = {name: int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd")}
    assert sets == {"CapEff": kept, "CapPrm": kept, "CapInh": 0, "CapAmb": 0, "CapBnd": bounding}
    # The system calls of a sanitizer would not pass the filter, so that build has none.
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "0" if observer.SANITIZED else "2")


@pytest.mark.parametrize("command", ["run", "trace", "report", "record"])
def test_what_it_may_do_is_given_up(command, tmp_path, own_listener):
    arguments = {"run": ["--listen", "127.0.0.1:0"], "record": [tmp_path / "file"]}.get(command, [])
    port = str(wire.port_of(own_listener))
    with observer.Observer(command, *arguments, "--port", port) as running, wire.Pair(own_listener) as pair:
        check_dropped(running.process.pid)
        pair.exchange()
        pair.close(first=pair.client)
    assert running.errors[0] == observer.OBSERVING  # no warning before it


def test_what_it_keeps_is_enough_to_serve_name_and_drain(own_listener, tmp_path):
    """It answers scrapes, sweeps what lives, resolves control groups and reads its file again, all of it after."""
    path = tmp_path / "file.conf"
    path.write_text("service-by = cgroup\n")
    with metrics.Daemon([wire.port_of(own_listener)], "--config", path) as daemon:
        check_dropped(daemon.process.pid)
        with wire.Pair(own_listener) as pair:
            pair.exchange()
            page = daemon.scrape_until(lambda page: page.sum_of("keepwatch_requests_total") == 2, "a sweep")
            assert page.sum_of("process_open_fds") > 3
            servers = page.all_of("keepwatch_requests_total", role="server")
            assert servers and all(labels["service"].startswith("/") for labels, _ in servers)
            os.kill(daemon.process.pid, 1)
            daemon.wait_until(lambda: f"keepwatch: read {path} again" in daemon.errors, "the reload")
            pair.close(first=pair.client)


def test_connections_of_namespaces_are_found_before_it_is_given_up():
    with contextlib.closing(namespaces.Cable()) as cable, cable.listen() as listener:
        pair = cable.pair(listener)
        with pair, observer.Trace([wire.port_of(listener)]) as trace:
            check_dropped(trace.process.pid)
            pair.exchange()
            pair.close(first=pair.client)
            assert {one["preexisting"] for one in trace.wait_for(2)} == {True}


# ---- without root ----

def as_nobody(capabilities, program):
    sets = ",".join(["-all", *(f"+{name}" for name in capabilities)])
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", f"--inh-caps={sets}",
            f"--ambient-caps={sets}", f"--bounding-set={sets}", program]


class Unprivileged(observer.Observer):
    """trace, with some capabilities only, by nobody."""

    def __init__(self, program, capabilities, port):
        super().__init__("--json", "--port", str(port), program=[*as_nobody(capabilities, program), "trace"])


def test_it_runs_without_root_with_these_capabilities(program, own_listener):
    with wire.Pair(own_listener) as pair, Unprivileged(program, ALL, wire.port_of(own_listener)) as trace:
        assert status_of(trace.process.pid)["Uid"] == str(NOBODY)
        check_dropped(trace.process.pid, bounding=0xC000280004)  # bound by whoever started it
        pair.exchange()
        pair.close(first=pair.client)
        trace.wait_until(lambda: len(trace.output) == 2, "both ends")
        assert all('"cgroup":"/' in line for line in trace.output)
    assert trace.errors == [observer.OBSERVING]


def test_with_the_least_it_says_what_it_does_not_see(program, own_listener):
    with Unprivileged(program, ALL[:2], wire.port_of(own_listener)) as trace, wire.Pair(own_listener) as pair:
        check_dropped(trace.process.pid, bounding=0xC000000000, kept=0)
        pair.exchange()
        pair.close(first=pair.client)
        trace.wait_until(lambda: len(trace.output) == 2, "both ends")
        assert all('"requests":1' in line and '"cgroup":null' in line for line in trace.output)
    assert len(trace.errors) == 2 and "lacks CAP_SYS_ADMIN" in trace.errors[0]


@pytest.mark.parametrize("missing", ["bpf", "perfmon"])
def test_it_names_the_capability_that_is_missing(program, missing):
    command = as_nobody([name for name in ALL[:2] if name != missing], program)
    done = subprocess.run([*command, "run"], capture_output=True, text=True, timeout=deadlines.START)
    assert done.returncode == 3
    assert re.fullmatch(rf"keepwatch: .*lacks CAP_{missing.upper()}\b.*\n", done.stderr)


def test_check_names_what_is_missing_and_what_would_go_unseen(program):
    done = subprocess.run([*as_nobody(ALL[:2], program), "check"], capture_output=True, text=True, timeout=deadlines.START)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^ok +CAP_BPF$", done.stdout, re.M)
    assert re.search(r"^without +CAP_SYS_ADMIN: ", done.stdout, re.M)
    done = subprocess.run([*as_nobody([], program), "check"], capture_output=True, text=True, timeout=deadlines.START)
    assert done.returncode == 3
    assert re.search(r"^missing +CAP_PERFMON: ", done.stdout, re.M)


def test_a_program_file_may_carry_the_capabilities(program, own_listener):
    """As `setcap` leaves it: whoever may run it needs no privileges of his own."""
    marked = shutil.copy(program, f"{program}-marked")
    subprocess.run(["setcap", ",".join(f"cap_{name}" for name in ALL) + "=ep", marked], check=True)
    unmarked = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", marked]
    running = observer.Observer("--json", "--port", str(wire.port_of(own_listener)), program=[*unmarked, "trace"])
    with running, wire.Pair(own_listener) as pair:
        status = status_of(running.process.pid)
        assert (status["Uid"], int(status["CapEff"], 16)) == (str(NOBODY), CAP_DAC_READ_SEARCH)
        pair.close(first=pair.client)
        running.wait_until(lambda: len(running.output) == 2, "both ends")
