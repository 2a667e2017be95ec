# SPDX-License-Identifier: BSD-2-Clause
"""The costs that a user feels: how much more processor time a server takes, per request or per megabyte, in pairs of slices
with and without keepwatch, and with the reference programs in its place. The requests have the heads that browsers send.

The clients are on this host, so keepwatch observes them too; in one case it is told to leave them out."""

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass

import paired
import programs
import server
from rows import row

FLOOR = "programs at the floor"
NEAR_FLOOR = 0.03  # that the ratio may lie above the floor's
BODIES, WORKING = 1.005, 1.015  # that a server of bodies, and one that works for each request, may take to that without
LARGE = 16 * server.MEGABYTE
BROWSER = [
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("Accept-Language", "en-US,en;q=0.5"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Referer", "https://www.example.com/products/?category=garden&sort=price"),
    ("Connection", "keep-alive"),
    ("Cookie", "session=8f14e45fceea167a5a36dedd4bea2543f7b1c0d9; _ga=GA1.2.1382940177.1719830021; "
               "_gid=GA1.2.96240413.1719830021; consent=v2:analytics=1:marketing=0:preferences=1; theme=dark; "
               "csrftoken=kZk3nQ7tYVx2mFh9sWc5uRb1gLp8dJa4eTo6iXyN0qMvHwBz; cart=%5B%7B%22id%22%3A4711%7D%5D; "
               "recent=4711.4712.1138.2187; experiment=checkout-b"),
    ("Upgrade-Insecure-Requests", "1"),
    ("Sec-Fetch-Dest", "document"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Site", "same-origin"),
    ("Sec-Fetch-User", "?1"),
    ("Priority", "u=0, i"),
]


def per_request(path, *servers):
    """Microseconds that these servers take for a request to the first one."""
    def work(seconds):
        before = sum(one.cpu() for one in servers)
        requests, _ = server.wrk(servers[0], path, seconds, headers=BROWSER)
        return (sum(one.cpu() for one in servers) - before) / requests * 1e6

    return work


@contextmanager
def answering(nginx):
    yield per_request("/", nginx)


@contextmanager
def proxying(nginx):
    """A second nginx passes each request on, over connections that it keeps."""
    with tempfile.TemporaryDirectory() as folder:
        proxy = server.Server(folder, behind=nginx)
        try:
            yield per_request("/proxied", proxy, nginx)
        finally:
            proxy.stop()


def downloads(path):
    @contextmanager
    def sending(nginx):
        """Microseconds of the server per megabyte of a large body."""
        def work(seconds):
            before = nginx.cpu()
            taken = server.download(nginx, path, seconds, connections=10)
            return (nginx.cpu() - before) / (taken / 1e6) * 1e6

        (nginx.folder / "www" / "large").write_bytes(b"x" * LARGE)
        yield work

    return sending


@contextmanager
def working(_nginx):
    """Both ends are one thread, but only the server's time is counted: see load.c."""
    load = programs.Load(processes=1, protocol="browser")

    def work(seconds):
        load.open(0)
        load.open(10)
        requests, spent = load.busy(seconds)
        return spent / requests * 1e6

    try:
        yield work
    finally:
        load.stop()


@dataclass(frozen=True)
class Case:
    serving: object  # a context in which there is a function of seconds: microseconds of processor time for each unit
    unit: str = "request"
    most: float | None = None  # that the ratio may be
    near_floor: bool = False
    also: tuple = ()  # observers besides those of paired.py


SERVER_ALONE = ("keepwatch --role server", lambda: programs.Keepwatch("--role", "server"))
CASES = {
    "nginx, return 200": Case(answering, near_floor=True, also=(SERVER_ALONE,)),
    "nginx, proxy and backend": Case(proxying),
    "nginx, sendfile by 64 KiB": Case(downloads("/large"), "MB", BODIES),
    "nginx, writes of 4 KiB": Case(downloads("/pieces"), "MB", BODIES),
    "server that works 100 us": Case(working, most=WORKING),
}


def measure(case, nginx, plan):
    with case.serving(nginx) as work:
        found = paired.measure(lambda: (work(plan.slice),), plan.felt, paired.OBSERVERS | dict(case.also))
    return {name: {"us": [one.all(0) for one in slices],
                   "ratio": paired.spread(one.ratio(0) for one in slices),
                   "added_us": paired.spread(one.added(0) for one in slices)}
            for name, slices in found.items()}


def run(nginx, plan):
    return {name: measure(CASES[name], nginx, plan) for name in plan.chosen(CASES)}


def rows_of(name, case, result):
    most = case.most
    if case.near_floor:
        most = result[FLOOR]["ratio"]["median"] + NEAR_FLOOR
    for observer, of in result.items():
        yield row("felt", f"{name}, {observer}: CPU per {case.unit}, to that without", of["ratio"]["median"],
                  most if observer.startswith("keepwatch") else None, form="{:.3f}",
                  note=paired.quartiles(of["ratio"]) + f", {of['added_us']['median']:+.2f} us")


def rows(results):
    for name, result in results.items():
        yield from rows_of(name, CASES[name], result)
