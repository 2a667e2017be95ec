# SPDX-License-Identifier: BSD-2-Clause
"""TLS connections that real peers have had, as the calls that carried them: see tools/tls-records/main.c."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "fuzz" / "seeds" / "tls"
ENDS = ("client", "server")
ALERTS = 2  # the last calls of a polite connection: each end's close_notify, the client's first
H2, OTHER_PROTOCOL = b"\x02h2", b"\x02hx"  # as a ClientHello offers them; where it offers h2, TLS 1.3 leaves much open


def calls_of(name):
    """[(end, bytes)] of the connection of this name."""
    rest = (FOLDER / name).read_bytes()
    calls = []
    while rest:
        size = 3 + int.from_bytes(rest[1:3], "big")
        calls.append((ENDS[rest[0]], rest[3:size]))
        rest = rest[size:]
    return calls


def without_h2(calls):
    return [(end, data.replace(H2, OTHER_PROTOCOL)) for end, data in calls]


def polite(version):
    """The calls up to the last response, and those that end the session; h2 is not offered."""
    calls = without_h2(calls_of(f"tls-{version}-polite"))
    return calls[:-ALERTS], calls[-ALERTS:]
