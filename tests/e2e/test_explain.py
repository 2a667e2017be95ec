# SPDX-License-Identifier: BSD-2-Clause
"""Output for people: the pages of `explain`, and the lines of `trace` on a terminal."""

import os
import pty
import subprocess

import pytest

from lib import deadlines, observer, record, wire

FINDINGS = """
    gateway_errors middlebox timeout_race goaway_losses truncated_responses no_responses drain unannounced_closes timeout_not_honoured
    too_many_pings lost_requests streams_refused forwards_hop_by_hop forbidden_fields connects_fail tls_handshakes_fail
    tls_unclean_closes low_reuse max_churn max_streams_churn max_age_churn probe_only clients_give_up dead_path
    close_wait_leak obsolete_fields
""".split()
PATH = "reset_by_path fin_by_path dropped_by_path seen_by_one_end".split()
ALERTS = """
    LostRequests GatewayErrors KeepAliveRace SafeMarginShrinking UnannouncedCloses ReuseCollapse TruncatedResponses
    ConnectsFail GoawayLosses TlsHandshakesFail EventsLost Down
""".split()
TOPICS = [*record.REASONS, *PATH, *FINDINGS, *(f"Keepwatch{name}" for name in ALERTS)]


def explain(*arguments, **options):
    return subprocess.run([observer.BINARY, "explain", *arguments], capture_output=True, text=True,
                          timeout=deadlines.START, **options)


def test_without_a_name_it_lists_all_with_a_line_each():
    told = explain()
    assert (told.returncode, told.stderr) == (0, "")
    names = [line.split()[0] for line in told.stdout.splitlines() if line.startswith("  ")]
    assert names == TOPICS


@pytest.mark.parametrize("name", TOPICS)
def test_every_topic_has_its_page(name):
    told = explain(name)
    assert (told.returncode, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    assert lines[0].split()[0] == name
    for title in "What it means", "What causes it", "What to do":
        assert title in lines
        assert lines[lines.index(title) + 1].startswith("  ")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("arguments", [["stale"], [""], ["stale_reuse "], ["stale_reuse", "drain"]])
def test_what_is_no_name_is_bad_usage_told_in_one_line(arguments):
    told = explain(*arguments)
    assert (told.returncode, told.stdout) == (2, "")
    assert len(told.stderr.splitlines()) == 1


def test_it_needs_no_root_and_no_kernel():
    told = explain("drain", user="nobody", env={})
    assert told.returncode == 0 and told.stdout


def test_a_reader_that_has_seen_enough_is_no_failure():
    command = [observer.BINARY, "explain"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.wait(deadlines.START) == 0
        assert process.stderr.read() == b""


def on_terminal(listener, **environment):
    """The lines that trace prints on a terminal for one end of a connection that was cut."""
    master, slave = pty.openpty()
    command = ["trace", "--role", "client", "--count", "1", *observer.port_options([wire.port_of(listener)])]
    with subprocess.Popen([observer.BINARY, *command], stdout=slave, stderr=subprocess.PIPE, text=True,
                          env=os.environ | environment) as process:
        os.close(slave)
        assert process.stderr.readline().strip() == observer.OBSERVING
        with wire.Pair(listener) as pair:
            pair.send_request()
            pair.close(first=pair.server)
        text = b""
        try:
            while piece := os.read(master, 10000):
                text += piece
        except OSError:  # the terminal's other side is closed
            pass
        os.close(master)
        assert process.wait(deadlines.START) == 0
    return text.decode().splitlines()


def test_what_is_premature_stands_out_on_a_terminal(own_listener):
    line, *evidence = on_terminal(own_listener)
    assert "\x1b[1;31mno_response" in line and line.endswith("1 lost")
    assert any("no response byte was received" in sentence for sentence in evidence)


def test_a_terminal_may_ask_for_no_colour(own_listener):
    text = "\n".join(on_terminal(own_listener, NO_COLOR="1"))
    assert "no_response" in text and "\x1b" not in text
