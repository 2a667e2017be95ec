# SPDX-License-Identifier: BSD-2-Clause
"""The cost of connections that are not HTTP: of a send or receive after the first bytes, beside the reference programs on
the same hooks in the same run. TLS is between nginx and wrk; the other two loads are one program with both ends."""

import paired
import per_event
import programs
import server
from rows import row

TO_STORAGE = 1.3  # that a send and a receive may cost together, of a program that looks up the socket's storage
CONNECTIONS = 10


def tls(nginx, plan):
    return per_event.measure(lambda seconds: server.wrk(nginx, seconds=seconds, tls=True), plan.attachments,
                             plan.seconds, "storage")


def opaque(plan, verb):
    """Exchanges or bytes on connections whose first bytes have been seen."""
    load = programs.Load(processes=1, protocol="redis")
    try:
        def work(seconds):
            load.open(0)
            load.open(CONNECTIONS)
            load.exchanges(0)
            return getattr(load, verb)(seconds)

        return per_event.measure(work, plan.attachments, plan.seconds, "storage")
    finally:
        load.stop()


def run(nginx, plan):
    return {"ping-pong of a few bytes": opaque(plan, "exchanges"),
            "bulk transfer, 32 KiB a send": opaque(plan, "bytes"),
            "TLS": tls(nginx, plan)}


def rows(results):
    for name, result in results.items():
        yield row("not HTTP", f"{name}: send and receive to storage", result["to_storage"]["median"], TO_STORAGE,
                  note=paired.quartiles(result["to_storage"], "{:.2f}"))
