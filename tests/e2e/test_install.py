# SPDX-License-Identifier: BSD-2-Clause
"""The files that `make install` puts on a host; the manual, the completion and the configuration are complete."""

import re
import subprocess

import pytest

from lib import deadlines, observer, record

PACKAGING = observer.ROOT / "tools" / "packaging"
FILES = {
    "usr/bin/keepwatch", "usr/share/man/man1/keepwatch.1", "usr/share/man/man5/keepwatch.conf.5",
    "usr/share/man/man5/keepwatch-record.5", "usr/share/man/man7/keepwatch-metrics.7",
    "usr/lib/systemd/system/keepwatch.service", "usr/share/bash-completion/completions/keepwatch",
    "etc/keepwatch/keepwatch.conf", "usr/share/keepwatch/alerts.yml", "usr/share/keepwatch/recording.yml",
    "usr/share/keepwatch/keepwatch.json",
}
MAIN, CONF, RECORD, METRICS = PAGES = [
    "man/man1/keepwatch.1", "man/man5/keepwatch.conf.5", "man/man5/keepwatch-record.5", "man/man7/keepwatch-metrics.7"]
OBJECTS = {"CONNECTION": "connection", "EXCHANGE": "exchange", "STREAM": "stream", "AMEND": "amend", "FORWARDED": "forwarded", "SUMMARY": "summary"}


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=deadlines.START, **options)


def make(target, root):
    done = run("make", "-s", target, f"DESTDIR={root}", "PREFIX=/usr", cwd=observer.ROOT)
    assert done.returncode == 0, done.stderr


def files_in(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("root")
    make("install", path)
    return path


@pytest.fixture(scope="module")
def about():
    return run(observer.BINARY, "--help").stdout


@pytest.fixture(scope="module")
def options(about):
    """{option: the help's title above it}"""
    found, title = {}, None
    for line in about.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            title = line[:-1]
        elif match := re.match(r"  (?:-\w, )?--([a-z-]+)", line):
            found[match[1]] = title
    assert {"port", "config", "listen", "as"} <= set(found)
    return found


@pytest.fixture(scope="module")
def commands(about):
    found = re.findall(r"^  keepwatch \[?([a-z]+)", about, re.M)
    assert {"run", "explain"} <= set(found)
    return found


def text_of(root, page):
    shown = run("mandoc", "-T", "ascii", "-O", "width=200", root / "usr/share" / page)
    return re.sub(".\b", "", shown.stdout)


# ---- install ----

def test_uninstall_takes_back_what_install_put(tmp_path):
    make("install", tmp_path)
    assert files_in(tmp_path) == FILES
    make("uninstall", tmp_path)
    assert files_in(tmp_path) == set()
    assert not (tmp_path / "etc/keepwatch").exists()


def test_an_edited_configuration_outlives_install_and_uninstall(tmp_path):
    path = tmp_path / "etc/keepwatch/keepwatch.conf"
    path.parent.mkdir(parents=True)
    path.write_text("services = 3\n")
    make("install", tmp_path)
    make("uninstall", tmp_path)
    assert path.read_text() == "services = 3\n"


def test_folders_can_be_chosen_one_by_one(tmp_path):
    names = "BINDIR", "MANDIR", "UNITDIR", "COMPLETIONDIR", "SHAREDIR", "SYSCONFDIR"
    folders = {name: tmp_path / name for name in names}
    done = run("make", "-s", "install", *(f"{name}={path}" for name, path in folders.items()), cwd=observer.ROOT)
    assert done.returncode == 0, done.stderr
    assert len(files_in(tmp_path)) == len(FILES)
    unit = (folders["UNITDIR"] / "keepwatch.service").read_text()
    assert f"{folders['BINDIR']}/keepwatch run --config {folders['SYSCONFDIR']}/keepwatch/keepwatch.conf" in unit


# ---- manual ----

@pytest.mark.parametrize("page", PAGES)
def test_the_manual_is_well_formed(root, page):
    # Mandoc's messages about style concern lines of the source being long, and names being written small.
    lint = run("mandoc", "-T", "lint", "-W", "warning", root / "usr/share" / page)
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", "")
    man = run("man", "--warnings", "-l", "-Tutf8", "-Z", root / "usr/share" / page)
    assert (man.returncode, man.stderr) == (0, "")
    assert "@" not in text_of(root, page)


def test_the_manual_has_every_command_and_option(root, about, options, commands):
    text = text_of(root, MAIN)
    for option in options:
        assert re.search(rf"^ +(-\w, )?--{option}( |$)", text, re.M), option
    for letter in re.findall(r"^  (-\w), --", about, re.M):
        assert re.search(rf"^ +{letter}, --", text, re.M), letter
    for command in commands:
        assert re.search(rf"^ +{command}( |$)", text, re.M), command


def test_the_manual_has_every_exit_status(root):
    text = text_of(root, MAIN)
    for status in range(5):
        assert re.search(rf"^ +{status}$", text, re.M), status


@pytest.mark.parametrize("section", OBJECTS)
def test_the_manual_of_the_record_has_every_field_and_no_other(root, section):
    """record.FORMS are the fields that every record of the tests is held against."""
    text = re.search(rf"^{section}\n(.*?)^[A-Z]", text_of(root, RECORD), re.M | re.S)[1]
    terms = [term for line in re.findall(r"^ {1,8}([a-z_][a-z0-9_, ]*)$", text, re.M) for term in line.split(", ")]
    form = record.FORMS[OBJECTS[section]]
    assert sorted(terms) == sorted([*form, *(record.OPTIONAL if section == "CONNECTION" else [])])
    within = [term for line in re.findall(r"^ {9,}([a-z_][a-z_, ]*)$", text, re.M) for term in line.split(", ")]
    assert sorted(within) == (sorted([*record.TLS, "server_name", *record.HTTP2]) if section == "CONNECTION" else [])


def test_the_manual_of_the_file_has_every_key(root, options):
    text = text_of(root, CONF)
    for key in set(options) - {"config", "help", "version"}:
        assert re.search(rf"^ +{key}( =|$)", text, re.M), key


# ---- configuration ----

def refused_for_privileges(path):
    """The daemon reads the file before it checks its privileges, so an error about those shows that it read it."""
    done = run("setpriv", "--bounding-set=-all", observer.BINARY, "run", "--config", path)
    return (done.returncode, "CAP_BPF" in done.stderr) == (3, True) or done.stderr


def test_the_configuration_is_taken_as_it_is_and_with_all_that_is_commented_out(root, tmp_path, options):
    path = root / "etc/keepwatch/keepwatch.conf"
    assert refused_for_privileges(path) is True
    assert all(line == "" or line.startswith("#") for line in path.read_text().splitlines())
    everything = tmp_path / "all.conf"
    everything.write_text(re.sub(r"^#(?=[a-z])", "", path.read_text(), flags=re.M))
    assert refused_for_privileges(everything) is True
    keys = set(re.findall(r"^#([a-z-]+) = ", path.read_text(), re.M))
    assert keys == {name for name, title in options.items() if re.search(r"\brun\b|Every", title)} - {
        "config", "help", "version"}


# ---- completion ----

def complete(*words):
    """The completions that are offered for the last of these words."""
    script = """
        source "$1"; program=$2; shift 2
        COMP_WORDS=("$program" "$@"); COMP_CWORD=$#
        previous=${COMP_WORDS[COMP_CWORD - 1]}
        _keepwatch "$program" "${COMP_WORDS[COMP_CWORD]}" "$previous"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = run("bash", "-uc", script, "bash", PACKAGING / "keepwatch.bash", observer.BINARY, *words)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_completion_offers_every_command(commands):
    assert complete("") == set(commands)
    assert complete("re") == {"report", "record", "replay"}
    assert complete("trace", "") == set()


def test_completion_offers_the_options_of_the_command(options):
    for command in "run", "trace", "report", "record", "check", "explain":
        wanted = {f"--{name}" for name, title in options.items()
                  if title == "Every command" or re.search(rf"\b{command}\b", title)}
        assert complete(command, "--") == wanted
    assert complete("--") == complete("run", "--")
    assert {"--as", "--json", "--premature"} <= complete("replay", "file", "--")
    assert complete("trace", "--prem") == {"--premature"}


@pytest.mark.parametrize("words, offered", [
    (["trace", "--role", ""], {"client", "server"}),
    (["check", "--front-end", "tr"], {"tracepoint", "trampoline"}),
    (["--service-by", "c"], {"comm", "cgroup", "container"}),
    (["replay", "file", "--as", ""], {"trace", "report", "metrics"}),
    (["report", "--fail-on", ""], {"info", "warning", "critical"}),
    (["trace", "--reason", "stale"], {"stale_reuse"}),
    (["trace", "--reason", "unused,stale"], {"unused,stale_reuse"}),
    (["trace", "--reason", "timeout_r"], set()),
    (["trace", "--role", "=", "s"], {"server"}),
    (["trace", "--role", "="], {"client", "server"}),
    (["explain", "timeout_"], {"timeout_race", "timeout_not_honoured"}),
    (["explain", "KeepwatchDo"], {"KeepwatchDown"}),
    (["run", "--listen", ""], set()),
    (["trace", "--net", "-"], set()),
    (["trace", "--json", "--prem"], {"--premature"}),
    (["help", "tr"], {"trace"}),
    (["run", "--web-config", f"{observer.ROOT}/READ"], {f"{observer.ROOT}/README.md"}),
])  # fmt: skip
def test_completion_offers_values(words, offered):
    assert complete(*words) == offered


def test_completion_offers_the_values_of_each_option_that_has_a_list(about):
    lists = dict(re.findall(r"^  (--[a-z-]+) ([a-z]+(?:\|[a-z]+)+)", about, re.M))
    assert {"--role", "--fail-on", "--as"} <= set(lists)
    for option, values in lists.items():
        assert complete("trace", option, "") == set(values.split("|")), option


def test_completion_offers_values_that_the_program_takes():
    for words in (["trace", "--role", ""], ["run", "--service-by", ""], ["report", "--fail-on", ""]):
        for value in complete(*words):
            done = run("setpriv", "--bounding-set=-all", observer.BINARY, *words[:-1], value)
            assert done.returncode == 3, done.stderr
    assert complete("explain", "") >= set(record.REASONS)
