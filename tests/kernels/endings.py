# SPDX-License-Identifier: BSD-2-Clause
"""How a connection can end: acts of peers.c, and the reasons that its two sockets must be given for them."""

from lib import handshakes
from lib.http2 import frames

GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
TIMEOUT = b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 3\r\n\r\nok\n"
CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n"
DELIMITED = b"HTTP/1.1 200 OK\r\n\r\nuntil the end"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n"
BODY = bytes(40000)
OTHER = {"client": "server", "server": "client"}


def send(end, data, call="send", piece=0):
    return f"send {end} {call} {piece} {data.hex()}"


def receive(end, count, call="recv", piece=0):
    return f"recv {end} {call} {piece} {count}"


def carry(end, data, sending=("send", 0), receiving=("recv", 0)):
    """From this end to the other one."""
    return [send(end, data, *sending), receive(OTHER[end], len(data), *receiving)] if data else []


def exchange(request=GET, response=OK):
    return carry("client", request) + carry("server", response)


def close(first):
    """One end closes by a FIN, the other reads it and closes too."""
    return [f"close {first}", f"ended {OTHER[first]}", f"close {OTHER[first]}"]


IDLE = "sleep 300"  # long enough that a close no longer counts as "right after the response"
UNANSWERED = exchange() + carry("client", GET)

ENDINGS = {
    "client-fin": (exchange() + [IDLE] + close("client"), "client_closed_idle", "client_closed_idle"),
    "server-fin": (exchange() + [IDLE] + close("server"), "server_closed_idle", "server_closed_idle"),
    "unused": (close("client"), "unused", "unused"),
    "announced": (exchange(response=CLOSE) + close("server"), "announced_by_response", "announced_by_response"),
    "delimited": (exchange(response=DELIMITED) + close("server"), "close_delimited", "close_delimited"),
    "idle-timeout": (
        exchange(response=TIMEOUT) * 2 + ["sleep 1050"] + close("server"),
        "server_idle_timeout", "server_idle_timeout",
    ),
    "server-linger-0": (
        exchange() + ["reset server", "await client", "ended client", "close client"], "idle_reset", "idle_reset",
    ),
    "client-linger-0": (
        exchange() + ["reset client", "await server", "ended server", "close server"],
        "client_closed_idle", "client_closed_idle",
    ),
    "unread-data": (
        UNANSWERED[:-1] + ["sleep 50", "close server", "await client", "ended client", "close client"],
        "stale_reuse", "idle_reset",
    ),
    "no-response": (UNANSWERED + close("server"), "no_response", "no_response"),
    "gave-up": (UNANSWERED + close("client"), "client_gave_up", "client_gave_up"),
    "cut-response": (
        carry("client", GET) + carry("server", LONG + BODY[:10]) + close("server"),
        "response_truncated", "response_truncated",
    ),
    "cut-request": (carry("client", GET[:20]) + close("client"), "request_truncated", "request_truncated"),
    "half-close": (
        carry("client", GET) + ["half client", "ended server"] + carry("server", OK)
        + ["close server", "ended client", "close client"],
        "half_closed", "half_closed",
    ),
    "late-request": (
        exchange() + [IDLE, "close server", "await client", "sleep 100", send("client", GET), "close client"],
        "stale_reuse", "server_closed_idle",
    ),
    "exit": (
        carry("client", GET) + ["fork server", "exit server", "ended client", "close client"],
        "no_response", "process_exit",
    ),
    "kill": (
        exchange() + ["fork client", "kill client", "ended server", "close server"],
        "process_exit", "client_closed_idle",
    ),
    "sendfile": (
        carry("client", GET) + carry("server", LONG) + carry("server", BODY, ("sendfile", 0)) + [IDLE]
        + close("client"),
        "client_closed_idle", "client_closed_idle",
    ),
    "sendfile-of-heads": (
        carry("client", GET, ("sendfile", 0)) + carry("server", OK) + close("client"), "unknown", None,
    ),
    "splice": (
        carry("client", GET) + carry("server", LONG) + carry("server", BODY, ("splice", 0), ("splice", 0)) + [IDLE]
        + close("client"),
        "client_closed_idle", "client_closed_idle",
    ),
    "truncate": (
        carry("client", GET) + carry("server", LONG) + carry("server", BODY, receiving=("truncate", 0)) + [IDLE]
        + close("client"),
        "client_closed_idle", "client_closed_idle",
    ),
    "opaque": (carry("client", bytes(range(128, 192))) + close("client"), "not_http", "not_http"),
}



# ---- TLS: the bytes of connections that real peers had, so that a guest needs no library for it --------------

WITH_H2 = {"1.2": ("client_gave_up",) * 2, "1.3": ("unknown",) * 2}


def play(calls, *carriers):
    return [act for end, data in calls for act in carry(end, data, *carriers)]


def of_tls(version):
    used, alerts = handshakes.polite(version)
    with_h2 = handshakes.calls_of(f"tls-{version}-polite")[: len(used)]
    request = next(data for end, data in reversed(used) if end == "client")
    return {
        "close-notify": (
            play(used) + [IDLE] + play(alerts) + close("client"), "client_closed_idle", "client_closed_idle",
        ),
        "in-pieces": (
            play(used, ("writev", 7), ("recv", 5)) + [IDLE] + play(alerts, ("send", 3), ("readv", 2))
            + close("client"),
            "client_closed_idle", "client_closed_idle",
        ),
        "server-fin": (play(used) + [IDLE] + close("server"), "server_closed_idle", "server_closed_idle"),
        "gave-up": (play(used) + carry("client", request) + close("client"), "client_gave_up", "client_gave_up"),
        "gave-up-h2": (
            play(with_h2) + carry("client", request) + close("client"), *WITH_H2[version],
        ),
        "late-request": (
            play(used)
            + [IDLE, "close server", "await client", "sleep 100", send("client", request), "close client"],
            "stale_reuse", "server_closed_idle",
        ),
        "unknown-ca": (
            play(handshakes.calls_of(f"tls-{version}-unknown-ca")) + close("client"),
            "tls_handshake_failed", "tls_handshake_failed",
        ),
    }


ENDINGS |= {f"tls-{version}-{name}": ending for version in WITH_H2 for name, ending in of_tls(version).items()}

# ---- HTTP/2 in clear --------------------------------------------------------------------------------------

BEGIN = carry("client", frames.BEGIN) + carry("server", frames.settings() + frames.SETTINGS_ACK)
STREAM = carry("client", frames.SETTINGS_ACK + frames.request(1)) + carry("server", frames.response(1))
WAITING = carry("client", frames.request(3) + frames.request(5))


def of_http2():
    calls = [("client", frames.BEGIN + frames.request(1, (b"connection", b"close"))),
             ("server", frames.settings() + frames.response(1, (b"x-long", b"y" * 100), end=False) + frames.frame(0, 1, 1, BODY[:99]))]
    return {
        "client-fin": (BEGIN + STREAM + [IDLE] + close("client"), "client_closed_idle", "client_closed_idle"),
        "in-bytes": (play(calls, ("write", 1), ("read", 1)) + [IDLE] + close("server"), "server_closed_idle", "server_closed_idle"),
        "in-pieces": (
            play(calls, ("writev", 7), ("readv", 5)) + [IDLE] + close("client"), "client_closed_idle", "client_closed_idle",
        ),
        "unused": (BEGIN + [IDLE] + close("client"), "unused", "unused"),
        "gave-up": (BEGIN + STREAM + WAITING + close("client"), "client_gave_up", "client_gave_up"),
        "no-response": (BEGIN + STREAM + WAITING + close("server"), "no_response", "no_response"),
        "truncated": (
            BEGIN + STREAM + WAITING + carry("server", frames.response(3, end=False) + frames.response(5, end=False))
            + close("server"),
            "response_truncated", "response_truncated",
        ),
        "goaway-drained": (
            BEGIN + STREAM + carry("server", frames.goaway(1)) + close("client"), "goaway_drained", "goaway_drained",
        ),
        "goaway-idle": (
            BEGIN + STREAM + [IDLE] + carry("server", frames.goaway(1)) + close("server"), "goaway_idle", "goaway_idle",
        ),
        "goaway-refused": (
            BEGIN + STREAM + WAITING + carry("server", frames.goaway(1)) + close("server"), "goaway_refused", "goaway_refused",
        ),
        "goaway-cut": (
            BEGIN + STREAM + WAITING + carry("server", frames.goaway(3)) + close("server"), "goaway_cut", "goaway_cut",
        ),
        "goaway-error": (
            BEGIN + STREAM + WAITING + carry("server", frames.goaway(5, frames.PROTOCOL_ERROR)) + close("server"),
            "goaway_error", "goaway_error",
        ),
        "too-many-pings": (
            BEGIN + STREAM + carry("client", frames.ping() * 3) + carry("server", frames.goaway(1, 11, b"too_many_pings"))
            + close("server"),
            "enhance_your_calm", "enhance_your_calm",
        ),
        "preface-failed": (carry("client", frames.BEGIN) + carry("server", OK) + close("server"), "preface_failed", "preface_failed"),
        "resets": (
            BEGIN + carry("client", b"".join(frames.request(number) + frames.reset(number, frames.CANCEL)
                                             for number in range(1, 601, 2)))
            + [IDLE] + close("client"),
            "client_closed_idle", "client_closed_idle",
        ),
    }


ENDINGS |= {f"h2-{name}": ending for name, ending in of_http2().items()}

# Before the observers are there: known from its next request on, as the one behind it shows.
PREEXISTING = (
    ["pair preexisting"] + exchange() + ["observe"] + exchange() + exchange() + [IDLE] + close("client"),
    "client_closed_idle", "client_closed_idle",
)
REFUSED = "connect_refused"
