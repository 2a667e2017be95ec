# SPDX-License-Identifier: BSD-2-Clause
"""The page at / in a real browser, both in a network namespace that has nothing but a loopback interface."""

import html.parser
import http.client
import itertools
import re
import subprocess
from pathlib import Path

import pytest

from lib import metrics, namespaces, observer, wire
from lib.browser import Browser
from lib.child import child

HOSTILE = "<b>&\"'\x1b[31m\xff"  # as the name of a process: 15 bytes at most
SHOWN = "<b>&\"'?[31m?"
NAMES = "Array.from(document.querySelectorAll('tbody .name'), one => one.textContent)"
LINK_TOPS = "Array.from(document.querySelectorAll('nav a'), one => one.offsetTop)"
VOID = {"meta", "link"}


@pytest.fixture(scope="module")
def ground():
    """Whatever these tests start, and the browser with it, cannot leave this host."""
    namespace = namespaces.Namespace()
    try:
        namespace.ip("link", "set", "lo", "up")
        with namespace.inside():
            yield
    finally:
        namespace.close()


@pytest.fixture(scope="module")
def browser(ground):
    with Browser() as browser:
        yield browser


@pytest.fixture
def listener(ground):
    with wire.listen() as listener:
        yield listener


@pytest.fixture
def daemon(listener):
    with metrics.Daemon([wire.port_of(listener)]) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def quiet(ground):
    """A daemon that has nothing to observe."""
    with wire.listen() as listener, metrics.Daemon([wire.port_of(listener)]) as daemon:
        yield daemon


class Tags(html.parser.HTMLParser):
    """Checks that every tag is closed, and that there are no tags except the page's own."""

    ALLOWED = set(
        """html head meta title link style body header a span nav p noscript button main section div h1 h2 h3 h4
        bdi time dl dt dd b ul ol li code details summary figure figcaption svg desc rect path text table
        thead tbody tr th td footer script""".split()
    )

    def __init__(self, text):
        super().__init__()
        self.opened = []
        self.met = set()
        self.feed(text)
        self.close()
        assert self.opened == []
        assert self.met <= self.ALLOWED, self.met - self.ALLOWED

    def handle_starttag(self, tag, attributes):
        self.met.add(tag)
        assert not {name for name, _ in attributes} & {"style", "onclick", "onload", "onerror"}
        if tag not in VOID:
            self.opened.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.opened.pop() == tag


def race(listener, timeout=5):
    """A request that meets a server that has just closed, as it advertised or not."""
    answer = wire.response("200 OK", f"Keep-Alive: timeout={timeout}", "Connection: keep-alive")
    with wire.Pair(listener) as pair:
        for _ in range(3):
            pair.exchange(response=answer)
        pair.server.close()
        wire.wait_for_end(pair.client)
        pair.client.sendall(wire.GET)


def use_well(listener, count=1):
    for _ in range(count):
        with wire.Pair(listener) as pair:
            for _ in range(3):
                pair.exchange()
            pair.close(first=pair.client)


def cut(listener):
    """A response that ends in its middle."""
    with wire.Pair(listener) as pair:
        pair.send_request()
        pair.send_response(wire.head("HTTP/1.1 200 OK", "Content-Length: 1000"))
        pair.close(first=pair.server)


def wait_for(daemon, count):
    """Waits until the page has this many findings and premature closes."""
    daemon.wait_until(lambda: daemon.get("/?part=main")[2].count("data-key") >= count, "findings and closes")


def check(page, daemon):
    """Nothing on the console, and no request to anything but the daemon."""
    assert page.complaints() == []
    assert page.requested()
    assert all(address.startswith((daemon.url + "/", "data:")) for address in page.requested())


def test_it_shows_what_is_lost_and_what_to_change(browser, daemon, listener):
    use_well(listener, 20)
    race(listener)
    wait_for(daemon, 2)
    for scheme, width in itertools.product(("light", "dark"), (400, 800, 1600)):
        with browser.open(scheme=scheme, width=width) as page:
            page.go(daemon.url + "/")
            assert page.value("document.querySelector('h1').textContent") == "Requests are being lost"
            finding = page.value("document.querySelector('.finding[open]').innerText")
            assert "timeout race" in finding.lower() and "What to change" in finding
            assert "stale_reuse" in page.value("document.querySelector('#closes').textContent")
            assert page.value("document.querySelectorAll('#closes details').length") == 1
            assert page.value("document.querySelectorAll('tbody tr').length") == 1
            assert page.value("document.querySelectorAll('tbody .end').length") == 2
            assert page.value("document.querySelectorAll('.finding svg rect.reuse').length") > 0
            assert page.value("document.documentElement.scrollWidth") == width, "it scrolls sideways"
            assert page.value(LINK_TOPS)[0] == page.value(LINK_TOPS)[1], "the links are stacked"
            dark = page.value("getComputedStyle(document.body).backgroundColor") == "rgb(15, 19, 24)"
            assert dark == (scheme == "dark")
            page.screenshot(observer.ROOT / "build" / f"page-{scheme}-{width}.png")
            check(page, daemon)
    for name in ("light-1600", "dark-400"):
        picture = (observer.ROOT / "build" / f"page-{name}.png").read_bytes()
        assert picture.startswith(b"\x89PNG") and len(picture) > 20_000


def test_without_scripts_it_is_complete(browser, daemon, listener):
    cut(listener)
    cut(listener)
    wait_for(daemon, 3)
    with browser.open(scripts=False) as page:
        page.go(daemon.url + "/")
        text = page.value("document.body.innerText")
        assert "Requests are being lost" in text and "Reload the page for the present state." in text
        assert page.value("document.querySelector('#live button').hidden") is True
        page.value("document.querySelector('#closes details:not([open]) summary').click()")
        assert page.value("document.querySelectorAll('#closes details[open]').length") == 2
        assert page.requested() == [daemon.url + "/"]
        check(page, daemon)


def test_it_refreshes_itself_and_keeps_what_was_opened(browser, daemon, listener):
    with browser.open() as page:
        page.go(daemon.url + "/")
        assert page.value(NAMES) == []
        assert page.value("document.title").startswith("No HTTP connection seen yet")
        cut(listener)
        cut(listener)
        page.comes_true(f"{NAMES}.includes('127.0.0.1:{wire.port_of(listener)}')")
        page.comes_true("document.querySelectorAll('#closes details').length == 2")
        assert page.value("document.title").startswith("Requests are being lost")
        page.value("document.querySelector('#closes li:last-child summary').click()")
        page.value("""window.before = document.querySelector('#closes');
                      getSelection().selectAllChildren(before.querySelector('.gist'))""")
        page.comes_true("document.querySelector('#live span').textContent == 'Not updated while text is selected'")
        assert page.value("document.querySelector('#closes') == before")
        page.value("getSelection().removeAllRanges()")
        page.comes_true("document.querySelector('#closes') != before")
        assert page.value("document.querySelector('#closes li:last-child details').open") is True
        check(page, daemon)


def asked(page):
    """How often the page has fetched its changing part."""
    return sum(address.endswith("/?part=main") for address in page.requested())


def asks_for_nothing(page):
    """Whether the page fetches nothing for longer than its interval, after all pending fetches are done."""
    page.browser.wait_until(
        lambda: len(page.of("Network.loadingFinished")) == len(page.requested()), "all answers")
    before = asked(page)
    page.value("new Promise(done => setTimeout(done, 2500))")
    return asked(page) == before


def asks_after(page, act):
    before = asked(page)
    page.value(act)
    page.browser.wait_until(lambda: asked(page) > before, "another request")
    return True


PRESS = "document.querySelector('#live button').click()"
HIDE = """Object.defineProperty(document, "hidden", {value: true, configurable: true});
          document.dispatchEvent(new Event("visibilitychange"))"""
SHOW = """delete document.hidden; document.dispatchEvent(new Event("visibilitychange"))"""


def test_it_asks_for_nothing_while_paused_or_hidden(browser, quiet):
    with browser.open() as page:
        page.go(quiet.url + "/")
        page.value(PRESS)
        assert asks_for_nothing(page)
        assert page.value("document.querySelector('#live').innerText").split() == ["Paused", "Resume"]
        assert asks_after(page, PRESS)
        page.value(HIDE)
        assert asks_for_nothing(page)
        assert asks_after(page, SHOW)


def test_it_says_when_nobody_answers(browser, listener):
    with metrics.Daemon([wire.port_of(listener)]) as daemon, browser.open() as page:
        page.go(daemon.url + "/")
        daemon.stop()
        page.comes_true("document.querySelector('#live').classList.contains('stale')")
        assert "does not answer" in page.value("document.querySelector('#live').innerText")
        assert page.value("document.querySelector('h1').textContent") == "No HTTP connection seen yet"


def test_however_often_it_is_asked_for_nothing_goes_unseen(daemon, listener):
    command = ["ab", "-q", "-k", "-c", "8", "-n", "3000", daemon.url + "/"]
    with child(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as hammer:
        use_well(listener, 200)
        said, _ = hammer.communicate(timeout=observer.DEADLINE)
    assert re.search(r"^Complete requests: +3000$", said, re.M), said
    assert "Non-2xx" not in said
    scrape = daemon.scrape_until(
        lambda scrape: scrape.sum_of("keepwatch_connections_closed_total") == 400, "all closes")
    assert scrape.sum_of("keepwatch_requests_total") == 1200
    assert scrape.sum_of("keepwatch_events_lost_total") == 0


@pytest.fixture
def hostile_name():
    """Gives this process that name while it serves and sends requests."""
    comm = Path("/proc/self/comm")
    before = comm.read_bytes()
    comm.write_bytes(HOSTILE.encode("latin-1"))
    yield
    comm.write_bytes(before.rstrip(b"\n"))


def test_a_hostile_process_name_is_text(browser, daemon, listener, hostile_name):
    cut(listener)
    wait_for(daemon, 2)
    status, _, text = daemon.get("/")
    assert status == 200
    Tags(text)
    with browser.open() as page:
        page.go(daemon.url + "/")
        assert f"{SHOWN}:{wire.port_of(listener)}" in page.value(NAMES)
        assert f"client {SHOWN}" in page.value(
            "Array.from(document.querySelectorAll('tbody .role'), one => one.textContent)")
        assert page.value("document.querySelectorAll('main bdi b').length") == 0
        check(page, daemon)


def headers_of(daemon, path, **headers):
    connection = http.client.HTTPConnection(daemon.url.removeprefix("http://"), timeout=observer.DEADLINE)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def brightness(colour):
    """Relative luminance, as the Web Content Accessibility Guidelines define it."""
    digits = colour if len(colour) > 3 else "".join(2 * digit for digit in colour)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(*colours):
    dark, light = sorted(map(brightness, colours))
    return (light + 0.05) / (dark + 0.05)


def test_colours_are_told_apart_by_light_and_by_dark():
    """As guidelines ask: 4.5 for text, 3 for what is drawn."""
    style = (observer.ROOT / "user" / "output" / "page" / "page.css").read_text()
    schemes = [dict(re.findall(r"--([a-z-]+): #([0-9a-f]+)", part))
               for part in re.findall(r":root \{(.*?)\}", style, re.S)]
    assert len(schemes) == 2
    for colours in schemes:
        tints = [colours[name] for name in colours if name.endswith("-tint")]
        assert len(tints) == 4
        for ground in (colours["ground"], colours["card"], *tints):
            for text in ("text", "faint", "link"):
                assert contrast(colours[text], ground) >= 4.5, (text, ground)
        for text in ("critical", "warning", "info", "healthy"):
            assert contrast(colours[text], colours["card"]) >= 4.5, text
        assert contrast(colours["critical"], colours["critical-tint"]) >= 4.5
        for drawn in ("reuse", "close"):
            assert contrast(colours[drawn], colours["card"]) >= 3, drawn


def test_its_policy_lets_its_own_code_run_and_nothing_else(quiet):
    seen = set()
    for path in ("/", "/", "/?part=main", "/?part=other"):
        status, headers, text = headers_of(quiet, path)
        policy = headers["Content-Security-Policy"]
        (nonce,) = set(re.findall(r"'nonce-([0-9a-f]{32})'", policy))
        seen.add(nonce)
        assert status == 200
        assert policy.startswith("default-src 'none'; ") and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert text.count(f'nonce="{nonce}"') == text.count("<script") + text.count("<style")
        assert text.startswith("<main" if path == "/?part=main" else "<!DOCTYPE html>")
        Tags(text)
    assert len(seen) == 4, "a nonce is used once"


def test_nobody_elses_name_leads_to_it(quiet):
    """A hostile page could try this, with a host name that it makes resolve to 127.0.0.1."""
    for host in ("127.0.0.1", "127.0.0.1:80", "localhost:9951", "LOCALHOST", "[::1]:9951", "[::1]"):
        for path in ("/", "/metrics"):
            assert headers_of(quiet, path, Host=host)[0] == 200, host
    for host in ("evil.example", "evil.example:9951", "127.0.0.1.evil.example", "[evil]", "", "x" * 300, "::1",
                 "127.0.0.1:80.evil.example", "[::1].evil.example", "[::1", "localhost.evil.example", "localhostile"):
        for path in ("/", "/?part=main", "/metrics"):
            status, _, text = headers_of(quiet, path, Host=host)
            assert status == 403 and "<" not in text and "keepwatch_" not in text, host


def test_scrapes_and_health_are_not_affected(quiet):
    assert quiet.get("/healthz?part=main") == (200, "text/plain", "ok\n")
    status, _, text = quiet.get("/metrics?part=main")
    assert status == 200 and text.startswith("# HELP")
