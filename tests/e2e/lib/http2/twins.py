# SPDX-License-Identifier: BSD-2-Clause
"""The same connection in clear text and within TLS: what both records must say alike."""

SAME = (
    "role", "reason", "closer", "phase", "premature", "requests", "responses", "lost_requests", "late_request", "last_status", "tainted",
    "errors",
)  # fmt: skip
BY_CHANCE = ("manner", "confidence")  # whether a program that closes has read all decides these
STREAMS = ("streams", "answered", "refused", "cancelled", "cut", "retryable", "goaway", "forbidden_fields")


def facts(record, keys, http2):
    return {key: record[key] for key in keys if key in record} | {key: record["http2"][key] for key in http2}


def _compare(clear, within, keys, http2, library):
    assert clear["protocol"] == "h2c", clear
    assert within["protocol"] == "h2" and within["tls"]["plaintext"] == library, within
    assert facts(within, keys, http2) == facts(clear, keys, http2), (within["evidence"], clear["evidence"])


def compare(clear, within, library="openssl"):
    """Of one end of each; both ends were played."""
    _compare(clear, within, (*SAME, *BY_CHANCE), clear["http2"], library)


def compare_programs(clear, within, library="openssl"):
    """The same where one end was a program, or both."""
    _compare(clear, within, SAME, STREAMS, library)
