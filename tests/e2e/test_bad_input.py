# SPDX-License-Identifier: BSD-2-Clause
"""Every error is reported in one helpful line, with the exit status of the contract."""

import os
import re
import subprocess

import pytest

from lib import deadlines, observer, wire

NOBODY = 65534


def run(*arguments, **options):
    """Runs keepwatch to its end: exit status, standard output, lines of standard error."""
    command = options.pop("command", [observer.BINARY])
    settings = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": deadlines.START} | options
    done = subprocess.run([*command, *arguments], **settings)
    return done.returncode, done.stdout, done.stderr.splitlines()


def check_refused(outcome, status, *words):
    """Asserts that keepwatch ended with this status and one line that has all these words."""
    got, output, errors = outcome
    assert got == status, errors
    assert output == ""
    assert len(errors) == 1, errors
    assert errors[0].startswith("keepwatch: ")
    for word in words:
        assert word in errors[0]


@pytest.mark.parametrize("command", ["run", "trace"])
def test_without_root_it_says_so(command):
    descriptor = os.open(observer.BINARY, os.O_RDONLY)  # its folder may be closed to others
    try:
        outcome = run(
            command,
            command=[f"/proc/self/fd/{descriptor}"],
            pass_fds=[descriptor],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
        )
    finally:
        os.close(descriptor)
    check_refused(outcome, 3, "root")


def test_check_finds_this_host_able():
    status, output, errors = run("check")
    assert status == 0
    assert "tracepoint" in output.splitlines()[-1]
    (sweep,) = [line for line in output.splitlines() if "iter/" in line]
    assert sweep.startswith("ok       iter/")
    assert errors == []


@pytest.mark.parametrize("front_end", ["tracepoint", "trampoline"])
def test_a_front_end_that_is_asked_for_is_used_or_refused_in_a_line(front_end):
    """Which of the two this kernel allows differs from host to host; `check` and the others agree on it."""
    status, output, errors = run("check", "--front-end", front_end)
    (line,) = [line for line in output.splitlines() if "front end:" in line]
    assert line.split()[1] == front_end
    assert errors == []
    if status == 0:
        assert line.startswith("ok ")
        assert output.splitlines()[-1] == f"keepwatch can run here, with its {front_end} front end"
        assert run("trace", "--front-end", front_end, "--for", "10ms", "--port", "1")[0] == 0
    else:
        assert status == 3
        assert line.startswith("missing ")
        check_refused(run("trace", "--front-end", front_end), 3, front_end, line.split()[4].rstrip(":"))


@pytest.mark.parametrize("arguments, word", [
    (["trace", "--nonsense"], "nonsense"),
    (["trace", "--front-end", "back"], "back"),
    (["run", "--nonsense"], "nonsense"),
    (["nonsense"], "nonsense"),
    (["trace", "surplus"], "surplus"),
    (["trace", "--port", "70000"], "70000"),
    (["trace", "--port", "http"], "http"),
    (["trace", "--port"], "port"),
    (["trace", "--for", "soon"], "soon"),
    (["trace", "--count", "-1"], "-1"),
    (["trace", "--reason", "boredom"], "boredom"),
    (["trace", "--role", "witness"], "witness"),
    (["trace", "--net", "10.0.0.0/99"], "10.0.0.0/99"),
    (["run", "--listen", "nowhere"], "nowhere"),
    (["run", "--listen", "0.0.0.0:0"], "--allow-remote"),
    (["run", "--services", "many"], "many"),
])  # fmt: skip
def test_bad_usage_is_refused(arguments, word):
    check_refused(run(*arguments), 2, word)


def test_a_port_that_is_taken_is_named():
    with wire.listen() as taken:
        address = f"127.0.0.1:{wire.port_of(taken)}"
        check_refused(run("run", "--listen", address), 1, address)


def test_a_configuration_that_cannot_be_read_is_named(tmp_path):
    path = str(tmp_path / "missing.conf")
    status, output, errors = run("trace", "--config", path)
    assert status in (1, 2)
    assert (output, len(errors)) == ("", 1)
    assert path in errors[0]


def test_an_unknown_key_in_a_configuration_is_named(tmp_path):
    path = tmp_path / "keepwatch.conf"
    path.write_text("# a comment\ncount = 1\nnonsense = 1\n")
    check_refused(run("trace", "--config", str(path)), 2, "nonsense", str(path))


def test_a_configuration_is_honoured(tmp_path, own_listener):
    path = tmp_path / "keepwatch.conf"
    path.write_text(f"# a comment\n\ncount = 1\nport = {wire.port_of(own_listener)}\n")
    trace = observer.Observer("trace", "--json", "--config", str(path))
    with trace, wire.Pair(own_listener) as pair:
        pair.exchange()
        pair.close(first=pair.client)
        assert trace.end() == 0
    assert len(trace.output) == 2  # one record and the summary


def test_help_and_version_are_data():
    for words in ["--help"], ["-h"], ["help"], ["trace", "--help"], ["help", "trace"], ["--version"]:
        status, output, errors = run(*words)
        assert (status, errors) == (0, [])
        assert "keepwatch" in output


COMMANDS = re.findall(r"^  keepwatch ([a-z]+)", run("help")[1], re.M)


@pytest.mark.parametrize("command", ["run", "trace", "report", "record", "check", "explain"])
def test_help_of_a_command_has_its_options_and_no_others(command):
    output = run(command, "--help")[1]
    assert output == run("help", command)[1] == run("-h", command)[1]
    listed = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", output, re.M))
    file = ["file"] if command == "record" else []
    for option, value in re.findall(r"^  (?:-\w, )?(--[a-z-]+)( \S)?", run("help")[1], re.M):
        if option in ("--help", "--version", "--config"):
            assert option in listed
            continue
        words = [option, "\x01"] if value else [option]
        # The last option is wrong for every command, so that none begins to observe.
        status, _, errors = run(command, *file, *words, "--window=no-duration")
        assert status == 2
        assert (f"has no option {option}:" in errors[0]) == (option not in listed), errors


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_two_examples(command):
    if command != "help":
        examples = run("help", command)[1].split("\nExamples:\n")[1].splitlines()
        assert len(examples) == 2
        assert all(example.startswith(f"  keepwatch {command}") for example in examples)


@pytest.mark.parametrize("words, hint", [
    (["--lisen", "127.0.0.1:1"], "did you mean --listen?"),
    (["--prot=80"], "did you mean --port?"),
    (["trcae"], "did you mean trace?"),
    (["help", "repaly"], "did you mean replay?"),
    (["trac", "--help"], "did you mean trace?"),
    (["--nonsense"], "see keepwatch --help"),
    (["rewind"], "see keepwatch --help"),
])  # fmt: skip
def test_a_mistyped_word_gets_a_hint(words, hint):
    check_refused(run(*words), 2, hint)
