# SPDX-License-Identifier: BSD-2-Clause
"""The cost of connections that are not HTTP in clear text: of a send or receive after the first bytes, beside the reference
programs on the same hooks in the same run. TLS is between nginx and wrk; the other loads are one program with both ends."""

import paired
import per_event
import programs
import server
from rows import row

TO_STORAGE = 1.3  # that a send and a receive may cost together, of a program that looks up the socket's storage
RECORDS, FRAMES = "records of TLS", "frames of HTTP/2"
MORE = {RECORDS: 0.6, FRAMES: 0.7}  # that one may cost more than the same bytes of nobody's protocol, in floors above empty
CONNECTIONS = 10


def tls(nginx, plan):
    return per_event.measure(lambda seconds: server.wrk(nginx, seconds=seconds, tls=True), plan.attachments,
                             plan.seconds, "storage")


class Opaque:
    """Exchanges or bytes on connections whose first bytes the observer has seen."""

    def __init__(self, protocol, verb="exchanges"):
        self.load = programs.Load(processes=1, protocol=protocol)
        self.verb = verb

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.load.stop()

    def work(self, seconds):
        self.load.open(0)
        self.load.open(CONNECTIONS)
        self.load.exchanges(0)
        return getattr(self.load, self.verb)(seconds)


def opaque(plan, verb):
    with Opaque("redis", verb) as load:
        return per_event.measure(load.work, plan.attachments, plan.seconds, "storage")


def above_empty(figures, kind):
    return sum(figures[f"{kind}_{way}"] - figures[f"empty_{way}"] for way in ("send", "receive"))


def followed(plan, protocol):
    """The same bytes in turns: on connections whose beginning was seen to be of the protocol, and on others."""
    each = []
    with Opaque(protocol) as taken, Opaque(f"nobodys_{protocol}") as passed:
        for index in range(plan.attachments):
            both = {name: per_event.attachment(load.work, index, plan.seconds, "floor")
                    for name, load in (("followed", taken), ("passed", passed))}
            cost = {name: above_empty(figures, "kw") for name, figures in both.items()}
            floor = sum(above_empty(figures, "floor") for figures in both.values()) / 2
            each.append(both | {"more": (cost["followed"] - cost["passed"]) / floor})
    return {"attachments": each, "more": paired.spread(one["more"] for one in each)}


MEASURES = {"ping-pong of a few bytes": lambda _, plan: opaque(plan, "exchanges"),
            "bulk transfer, 32 KiB a send": lambda _, plan: opaque(plan, "bytes"),
            "TLS": tls,
            RECORDS: lambda _, plan: followed(plan, "tls"),
            FRAMES: lambda _, plan: followed(plan, "http2")}
TARGETS = {"ping-pong of a few bytes": TO_STORAGE, "bulk transfer, 32 KiB a send": TO_STORAGE}


def run(nginx, plan):
    return {name: MEASURES[name](nginx, plan) for name in plan.chosen(MEASURES)}


def table(results):
    return per_event.table({name: one for name, one in results.items() if name not in MORE}, "storage")


def rows(results):
    for name, result in results.items():
        if name in MORE:
            yield row("not HTTP", f"{name}: send and receive, more than bytes of no known protocol, to floor less empty",
                      result["more"]["median"], MORE[name], note=paired.quartiles(result["more"], "{:.2f}"))
        else:
            yield row("not HTTP", f"{name}: send and receive to storage", result["to_storage"]["median"],
                      TARGETS.get(name), note=paired.quartiles(result["to_storage"], "{:.2f}"))
