# SPDX-License-Identifier: BSD-2-Clause
"""The same connection in clear text and within TLS: what both records must say alike."""

SAME = (
    "role", "reason", "closer", "manner", "phase", "confidence", "premature", "requests", "responses", "lost_requests", "late_request",
    "last_status", "tainted", "errors",
)  # fmt: skip


def facts(record, *http2):
    """@http2: the keys of HTTP/2's part that are compared; none: all of them."""
    part = record["http2"]
    return {key: record[key] for key in SAME if key in record} | {key: part[key] for key in http2 or part}


def compare(clear, within, *http2):
    """Of one end of each."""
    assert clear["protocol"] == "h2c", clear
    assert within["protocol"] == "h2" and within["tls"]["plaintext"] == "openssl", within
    assert facts(within, *http2) == facts(clear, *http2), (within, clear)
