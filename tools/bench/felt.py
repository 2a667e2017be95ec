# SPDX-License-Identifier: BSD-2-Clause
"""The costs that a user feels: how much more processor time a server takes, per request or per megabyte, in slices
with and without keepwatch, and with the reference programs in its place. The requests have heads as browsers send them.

The cost of bodies is less than the host's speed varies, so the kernel's statistics count it too, as a share of the
server's time: the run time of sends alone, because the client receives. This share is a lower bound, because it leaves
out how a program is entered, which the row of the empty programs shows. The clients are on this host, so keepwatch
observes them as well; in one case it is told to leave them out."""

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import paired
import per_event
import programs
import server
from rows import row

FLOOR = "programs at the floor"
NEAR_FLOOR = 0.03  # that the ratio may lie above the floor's
WORKING = 1.015  # that a server that works for each request may take to that without
BODIES = 0.5  # percent of a server's time that bodies may cost
CONNECTIONS = 10
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
    """Of these servers together, for requests to the first one."""
    def work(seconds):
        before = sum(one.cpu() for one in servers)
        requests, _ = server.wrk(servers[0], path, seconds, headers=BROWSER)
        return Done(sum(one.cpu() for one in servers) - before, requests)

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


@contextmanager
def sending(nginx):
    """A large file."""
    def work(seconds):
        before = nginx.cpu()
        taken = server.download(nginx, "/large", seconds, CONNECTIONS)
        return Done(nginx.cpu() - before, taken / 1e6)

    (nginx.folder / "www" / "large").write_bytes(b"x" * LARGE)
    yield work


def loaded(verb, units):
    """A load whose two ends are one thread, but only the server's time is counted: see load.c. An exchange has so many
    units."""
    @contextmanager
    def serving(_nginx):
        load = programs.Load(processes=1, protocol="browser")

        def work(seconds):
            load.open(0)
            load.open(CONNECTIONS)
            exchanges, spent = load.served(verb, seconds)
            return Done(spent, exchanges * units)

        try:
            yield work
        finally:
            load.stop()

    return serving


@dataclass(frozen=True)
class Done:
    """By a server in a slice: seconds of processor time, and requests or megabytes."""

    spent: float
    units: float

    @property
    def each(self):
        """Microseconds."""
        return self.spent / self.units * 1e6


@dataclass(frozen=True)
class Case:
    serving: object  # a context that gives a function of seconds, which returns what was Done
    unit: str = "request"
    most: float | None = None  # that the ratio may be
    near_floor: bool = False
    counted: bool = False
    also: tuple = ()  # observers besides those of paired.py


SERVER_ALONE = ("keepwatch --role server", lambda: programs.Keepwatch("--role", "server"))
CASES = {
    "nginx, return 200": Case(answering, near_floor=True, also=(SERVER_ALONE,)),
    "nginx, proxy and backend": Case(proxying),
    "nginx, sendfile by 64 KiB": Case(sending, "MB", counted=True),
    "server that writes 4 KiB a call": Case(loaded("writes", LARGE / 1e6), "MB", 1 + BODIES / 100, counted=True),
    "server that works 100 us": Case(loaded("busy", 1), most=WORKING),
}


def count(work, index, seconds):
    """Microseconds per unit that sends run in keepwatch, above those in an empty program, by the kernel's statistics.
    No program at the floor is there: it slows down sendfile, because it takes a descriptor for the address of bytes."""
    done = []
    counted = per_event.slice_of(lambda seconds: done.append(work(seconds)), ("empty",), index % 2 == 0, index // 2 % 2,
                                 seconds)
    (ours, sends), (empty, empty_sends) = counted["kw", "send"], counted["empty", "send"]
    return (ours - empty / empty_sends * sends) / 1e3 / done[-1].units


def measure(case, nginx, plan):
    with case.serving(nginx) as work:
        found = paired.measure(lambda: (work(plan.slice).each,), plan.felt, paired.OBSERVERS | dict(case.also))
        attachments = [count(work, index, plan.slice) for index in range(plan.attachments) if case.counted]
    results = {name: {"us": [one.all(0) for one in slices],
                      "ratio": paired.spread(one.ratio(0) for one in slices),
                      "added_us": paired.spread(one.added(0) for one in slices)}
               for name, slices in found.items()}
    if case.counted:
        alone = median(one.alone(0) for slices in found.values() for one in slices)
        results["counted"] = {"us": attachments, "alone_us": alone,
                              "percent": paired.spread(us / alone * 100 for us in attachments)}
    return results


def run(nginx, plan):
    return {name: measure(CASES[name], nginx, plan) for name in plan.chosen(CASES)}


def rows_of(name, case, result):
    most = result[FLOOR]["ratio"]["median"] + NEAR_FLOOR if case.near_floor else case.most
    for observer, of in result.items():
        if observer == "counted":
            yield row("felt", f"{name}: counted run time of keepwatch's sends above empty, % of the server's",
                      of["percent"]["median"], BODIES, note=paired.quartiles(of["percent"], "{:.2f}"))
            continue
        yield row("felt", f"{name}, {observer}: CPU per {case.unit}, to that without", of["ratio"]["median"],
                  most if observer.startswith("keepwatch") else None, form="{:.3f}",
                  note=paired.quartiles(of["ratio"]) + f", {of['added_us']['median']:+.2f} us")


def rows(results):
    for name, result in results.items():
        yield from rows_of(name, CASES[name], result)
