# SPDX-License-Identifier: BSD-2-Clause
"""keepwatch top: the live view, on terminals of any kind and size."""

import re
import signal
import subprocess
import termios
from pathlib import Path

import pytest

from lib import kernel, observer, wire
from lib.terminal import Terminal
from test_bad_input import check_refused, run

MAKER = observer.BUILD / "tests/e2e/lib/recordings"
ENVIRONMENT = {"PATH": "/usr/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
ESCAPE, ENTER, TAB, BACK_TAB = "\033", "\r", "\t", "\033\t"  # of TERM=linux
UP, DOWN, PAGE_DOWN, PAGE_UP, HOME, END = "\033[A", "\033[B", "\033[6~", "\033[5~", "\033[1~", "\033[4~"
END_OF_RECORDING = "end of the recording"

GOLDEN = """\
web1  observed 12 s, 22:30:10
open 2, idle 1  requests 3.8/s  reuse 66.7%  lost 3 in 12 s  events lost 0
Findings: 2 critical
  critical: gateway_errors  haproxy:80 (server)
    It answered 3 of 6 requests with 502: 3 because 10.0.0.7:3000 closed connections that the gatewa
  critical: timeout_race  10.0.0.7:3000 (client haproxy)
    The server closes idle connections (it advertises 4 s), and clients reuse them after up to 2.5 s
Services: 3
service              role   http      open   idle   req/s   reuse closes/s   lost  timeout    margin
10.0.0.7:3000        client 1.1          0      0     0.8   66.7%      0.2      3      4 s     1.5 s
nginx:8080           server 1.1          2      1     2.5   66.7%      0.7      0 ~5.003 s  ~2.503 s
haproxy:80           server 1.1          0      0     0.5   66.7%      0.2      0      5 s     2.5 s
Latest premature closes: 3
  22:30:05.270  stale_reuse             10.0.0.7:3000 (client)  by server (fin), 1 lost
                request 3 was sent 127 us after the server's FIN had arrived
  22:30:05.145  stale_reuse             10.0.0.7:3000 (client)  by server (fin), 1 lost
                request 3 was sent 127 us after the server's FIN had arrived
  22:30:05.020  stale_reuse             10.0.0.7:3000 (client)  by server (fin), 1 lost
                request 3 was sent 127 us after the server's FIN had arrived
Gateway errors: 3
  22:30:05.272  502 by haproxy:80: 10.0.0.7:3000: stale_reuse, by server
  22:30:05.147  502 by haproxy:80: 10.0.0.7:3000: stale_reuse, by server
  22:30:05.022  502 by haproxy:80: 10.0.0.7:3000: stale_reuse, by server
"""


def make_recording(kind, path):
    subprocess.run([MAKER, kind, path], check=True)
    return path


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    return {kind: make_recording(kind, folder / kind) for kind in ("scene", "played", "hostile", "many")}


def once(path, *options, width=100, height=40, **environment):
    settings = ENVIRONMENT | {"COLUMNS": str(width), "LINES": str(height)} | environment
    status, output, errors = run("top", "--once", "--replay", str(path), *options, env=settings)
    assert (status, errors) == (0, [])
    return output


def played(path, **settings):
    """The view of a recording that has been played to its end."""
    return Terminal("top", "--replay", path, **settings)


# ---- one screen ----


def test_the_screen_of_a_recording(recordings):
    assert once(recordings["scene"]) == GOLDEN


def test_one_screen_has_no_escapes_and_fits_its_size(recordings):
    for width, height in (80, 24), (200, 60), (20, 5), (1, 1):
        output = once(recordings["scene"], width=width, height=height)
        assert output.replace("\n", "").isprintable()
        assert len(output.splitlines()) <= height
        assert max(map(len, output.splitlines())) <= width


def test_a_wider_screen_has_more_columns(recordings):
    headings = [once(recordings["scene"], width=width).split("Services:")[1].splitlines()[1].split()
                for width in (80, 100, 132)]
    assert headings[0] == "service role open req/s reuse lost timeout margin".split()
    assert set(headings[0]) < set(headings[1]) < set(headings[2])
    assert {"http", "streams", "closes/s", "reason"} <= set(headings[2])


def test_without_utf8_other_scripts_become_question_marks(recordings):
    assert "日本:8004" in once(recordings["hostile"])
    output = once(recordings["hostile"], LC_ALL="C")
    assert output.isascii()
    assert "??:8004" in output


def test_hostile_names_do_not_reach_the_terminal(recordings):
    with played(recordings["hostile"], rows=30) as terminal:
        terminal.wait_for("?[2J?]0;own?:8000", "a?b?c?d:8001", "???:8002", "???gnp.exe:8003", "?31m:8005", "%s%n%s:8006")
        for part in b"\x1b]0;own", b"\x9b31m", "\u202e".encode():
            assert part not in terminal.sent


# ---- keys ----


@pytest.fixture
def terminal(recordings):
    with played(recordings["played"]) as terminal:
        terminal.wait_for(END_OF_RECORDING)
        yield terminal


def test_enter_leads_from_a_service_to_the_evidence_and_its_explanation(terminal):
    assert terminal.selected().startswith("10.0.0.7:3000")
    terminal.press(ENTER, "Latest closes: 3", "closed for stale_reuse 3", "critical: timeout_race")
    terminal.press(ENTER, "stale_reuse, by server (fin), premature, 1 lost, certain",
                   "request 3 was sent 127 us after the server's FIN had arrived",
                   "local 10.0.0.5:40", "remote 10.0.0.7:3000", "process haproxy, pid 812")
    terminal.press(ENTER, "What it means", "What causes it", "keep-alive race")
    terminal.press(PAGE_DOWN, "What to do")
    terminal.press(ESCAPE, "Enter explains the reason")
    terminal.press("\177", "Latest closes: 3")
    terminal.press("q", "Gateway errors: 3")
    terminal.process.send("q")
    assert terminal.end() == 0


def test_tab_goes_through_the_lists_and_enter_opens_each(terminal):
    terminal.press(TAB, "Services: 3")
    terminal.wait_until(lambda: "stale_reuse" in terminal.selected(), "a close to be selected")
    terminal.press(ENTER, "Connection of 10.0.0.7:3000 (client)")
    terminal.press(ESCAPE, "Services: 3")
    terminal.press(TAB)
    terminal.wait_until(lambda: "502 by haproxy:80" in terminal.selected(), "an error to be selected")
    terminal.press(ENTER, "haproxy:80 answered with status 502", "Caused by a connection to 10.0.0.7:3000")
    terminal.press(ESCAPE, "Services: 3")
    terminal.press(TAB)
    terminal.wait_until(lambda: "gateway_errors" in terminal.selected(), "a finding to be selected")
    terminal.press(ENTER, "What to change", "Numbers", "haproxy:80 (server)")
    terminal.press(ENTER, "gateway_errors", "What it means")
    terminal.press(ESCAPE, "What to change")
    terminal.press(ESCAPE, "Services: 3")
    terminal.press(BACK_TAB)
    terminal.wait_until(lambda: "502 by haproxy:80" in terminal.selected(), "the list before")


def test_the_cursor_moves_by_lines_and_to_the_ends(terminal):
    def at(name):
        terminal.wait_until(lambda: terminal.selected().startswith(name), f"the cursor at {name}")

    for keys, name in ((DOWN, "nginx:8080"), (UP, "10.0.0.7:3000"), ("j", "nginx:8080"), ("k", "10.0.0.7:3000"),
                       (END, "haproxy:80"), (HOME, "10.0.0.7:3000"), (PAGE_DOWN, "haproxy:80"), (PAGE_UP, "10.0.0.7:3000")):
        terminal.process.send(keys)
        at(name)


def services(terminal):
    lines = terminal.lines()
    first = next(i for i, line in enumerate(lines) if line.startswith("service ")) + 1
    return [line.split(" ")[0] for line in lines[first : first + 3]]


def wait_for_order(terminal, *names):
    terminal.wait_until(lambda: services(terminal) == list(names), f"the order {names}")


def test_services_are_sorted_by_any_column_and_back(terminal):
    wait_for_order(terminal, "10.0.0.7:3000", "nginx:8080", "haproxy:80")
    terminal.press("s", "sorted by service")
    wait_for_order(terminal, "10.0.0.7:3000", "haproxy:80", "nginx:8080")
    terminal.press("I", "sorted by service, reversed")
    wait_for_order(terminal, "nginx:8080", "haproxy:80", "10.0.0.7:3000")
    names = "role http open idle streams req/s reuse closes/s lost timeout margin".split() + ["top reason"]
    for key, name in zip("s>." * 4, names):
        terminal.press(key, f"sorted by {name}")
        terminal.wait_without("reversed")
    terminal.press("s", "Services: 3")
    terminal.wait_without("sorted by")
    terminal.press("<", "sorted by top reason")
    terminal.press("\033[17~", "Services: 3")  # F6
    terminal.wait_without("sorted by")


def test_the_cursor_stays_on_its_service_when_the_filter_goes(terminal):
    terminal.press("/", "Filter: _")
    terminal.press("NGINQ", "Filter: NGINQ_", "Services: 0 of 3")
    terminal.press("\177X", "Filter: NGINX_", "Services: 1 of 3")
    terminal.press(ENTER, 'filter "NGINX"', "nginx:8080", "Enter open")
    terminal.press("/", "Filter: NGINX_")
    terminal.press(ESCAPE, "Services: 3")
    terminal.wait_without('filter "')


def test_a_filter_takes_findings_closes_and_errors_along(terminal):
    terminal.press("/10.0.0.7" + ENTER, 'filter "10.0.0.7"', "Services: 1 of 3", "Gateway errors: 3", "timeout_race")
    terminal.wait_without("gateway_errors")
    terminal.press("/\177\177\177\177\177\177\177\177nginx" + ENTER, "Findings: none", "closes: none", "Gateway errors: 0 of 3")


def test_roles_are_shown_apart(terminal):
    terminal.press("r", "clients only", "Services: 1 of 3")
    terminal.press("r", "servers only", "Services: 2 of 3")
    terminal.press("r", "Services: 3")
    terminal.wait_without("only")


def test_help_comes_and_goes_from_anywhere(terminal):
    for key in "?", "h", "\033[[A":  # F1 of this terminal
        terminal.press(key, "Keys", "invert the order")
        terminal.press(key, "Services: 3")
    terminal.press(ENTER + "?", "Keys")
    terminal.press(END, "in the view of the service")
    terminal.press(ESCAPE, "Latest closes: 3")


def test_pause_says_so(terminal):
    terminal.press("p", "paused")
    terminal.press("Z", "Services: 3")
    terminal.wait_without("paused")


@pytest.mark.parametrize("key", ["q", "\033[21~", "\003", "\034"])  # q, F10, Ctrl-C, Ctrl-\
def test_it_ends_by_each_of_its_keys(terminal, key):
    terminal.process.send(key)
    assert terminal.end() == 0


def test_escape_and_unknown_keys_do_nothing_on_the_main_screen(terminal):
    terminal.press(ESCAPE)
    terminal.press("xyz1#\032" + "\033[99~")  # Ctrl-Z too: nobody would read the events
    terminal.press("s", "sorted by service")


# ---- terminals ----


@pytest.mark.parametrize("rows, columns", [(24, 80), (60, 200), (10, 40), (5, 20), (2, 3), (1, 1)])
def test_any_size_will_do(recordings, rows, columns):
    with played(recordings["played"], rows=rows, columns=columns) as terminal:
        terminal.wait_until(lambda: terminal.text().startswith("web1"[:columns]), "the head")
        for keys in ENTER, ENTER, DOWN, PAGE_DOWN, "?", ESCAPE, ESCAPE, "s", "/a", ESCAPE:
            terminal.process.send(keys)
        terminal.wait_until(lambda: terminal.text().startswith("web1"[:columns]), "the head")
        terminal.process.send("\003")
        assert terminal.end() == 0


def test_it_follows_the_size_of_its_terminal(terminal):
    terminal.resize(50, 180)
    terminal.wait_for("streams", "closes/s", "top reason", "Gateway errors: 3")
    assert "server_idle_timeout" in terminal.text()
    terminal.resize(10, 40)
    terminal.wait_without("streams")
    terminal.resize(24, 80)
    terminal.wait_for("margin", "Services: 3")


COLOURS = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-7]|4[0-7]|38|48)(?:;\d+)*m")


def test_colours_are_used_where_the_terminal_and_its_user_like_them(recordings):
    for variables, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "vt100"}, False)):
        with played(recordings["played"], **variables) as terminal:
            terminal.wait_for(END_OF_RECORDING)
            assert bool(COLOURS.search(terminal.sent)) == coloured, variables


def test_a_terminal_without_utf8_gets_ascii(recordings):
    with played(recordings["hostile"], LC_ALL="C") as terminal:
        terminal.wait_for("??:8004")
        terminal.press("q?" + ENTER)
        terminal.end()
        assert terminal.sent.isascii()


def test_a_terminal_that_cannot_draw_is_refused(recordings):
    for kind in "dumb", "no-such-terminal":
        with played(recordings["scene"], TERM=kind) as terminal:
            assert terminal.end() == 1
            (line,) = terminal.sent.decode().split("\r\n")[-2:-1]
            assert line.strip("\r") == f"keepwatch: cannot draw on a terminal of the type '{kind}': set TERM, or use --once"


def test_without_a_terminal_it_says_so(recordings):
    check_refused(run("top"), 2, "terminal", "--once")
    check_refused(run("top", "--replay", str(recordings["scene"])), 2, "terminal", "--once")


def modes(terminal):
    return termios.tcgetattr(terminal.process.child_fd)[3]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(recordings, number):
    with played(recordings["played"], TERM="xterm") as terminal:
        terminal.wait_until(lambda: b"\x1b[?1049h" in terminal.sent and b"web1" in terminal.sent, "the screen")
        terminal.wait_until(lambda: not modes(terminal) & (termios.ICANON | termios.ECHO), "its modes")
        terminal.process.kill(number)
        assert terminal.end() == 0
        assert modes(terminal) & termios.ICANON and modes(terminal) & termios.ECHO
        assert b"\x1b[?1049l" in terminal.sent  # back to the screen that was there before
        assert terminal.sent.rindex(b"\x1b[?1049l") > terminal.sent.rindex(b"\x1b[?1049h")


def test_a_terminal_that_goes_away_ends_it(recordings):
    with played(recordings["played"]) as terminal:
        terminal.wait_for(END_OF_RECORDING)
        terminal.process.close(force=False)
        assert not terminal.process.isalive()


def test_a_damaged_recording_shows_what_it_holds_and_then_says_so(recordings, tmp_path):
    path = tmp_path / "damaged"
    data = recordings["played"].read_bytes()
    path.write_bytes(data[:-100])
    with played(path) as terminal:
        terminal.wait_for("Services: 3", f"keepwatch: {path}"[:80])
        terminal.process.send("q")
        assert terminal.end() == 1
        assert f"keepwatch: {path}" in terminal.sent.decode().split("\x1b")[-1]


# ---- many services ----


def test_of_ten_thousand_services_only_the_visible_ones_are_sent(recordings):
    path = make_recording("many", recordings["many"].with_name("again"))
    with Terminal("top", "--services", "10000", "--replay", path) as terminal:
        terminal.wait_for(END_OF_RECORDING, "Services: 10000")
        before = len(terminal.sent)
        terminal.process.send(END)
        terminal.wait_until(lambda: terminal.selected().startswith("service:9999"), "the last one")
        assert len(terminal.sent) - before < 4000
        terminal.press("/service:77" + ENTER, "Services: 111 of 10000")
        terminal.press(HOME + ENTER, "service:77 (server service)", "Latest closes:")


# ---- this host ----


def test_it_shows_this_hosts_connections_without_roots_privileges(own_listener):
    port = wire.port_of(own_listener)
    with Terminal("top", "--port", port, "--interval", "1s") as terminal:
        terminal.wait_for("Services: 0")
        held = kernel.held_by(terminal.process.pid)
        with wire.Pair(own_listener) as pair:
            pair.exchange()
            terminal.wait_for("Services: 1", f":{port}", "both")
            status = Path(f"/proc/{terminal.process.pid}/status").read_text()
            assert re.search(r"^Seccomp:\s2$", status, re.M)
            assert not re.search(r"^Uid:\s0\s", status, re.M)
            terminal.resize(30, 132)
            terminal.wait_for("streams")
            pair.server.close()
            wire.wait_for_end(pair.client)
            pair.client.sendall(wire.GET)
        terminal.press("", "stale_reuse", "Latest premature closes: 1", "Findings: ")
        terminal.process.kill(signal.SIGTERM)
        assert terminal.end() == 0
    assert kernel.left_of(held) == set()


def test_one_screen_of_this_host(own_listener):
    port = wire.port_of(own_listener)
    with observer.Observer("top", "--once", "--port", str(port), "--interval", "2s") as top:
        with wire.Pair(own_listener) as pair:
            pair.exchange()
            pair.exchange()
            pair.close(first=pair.client)
        top.end()
    assert "Services: 1" in top.output
    assert any(f":{port}" in line and "client_closed_idle" in line for line in top.output)
