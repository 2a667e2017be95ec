# SPDX-License-Identifier: BSD-2-Clause
"""The form of the records that `trace --json` prints, and what the two ends of a connection must agree on."""

import json
import re

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
ADDRESS = re.compile(r"(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:]+\]):\d{1,5}")
FLOW = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}")

REASONS = """
    connect_refused connect_timeout connect_unreachable connect_aborted aborted_locally retransmit_timeout
    probe_timeout network_error unknown enhance_your_calm ping_timeout goaway_error process_exit tls_handshake_failed
    tls_handshake_timeout tls_handshake_abandoned preface_failed goaway_cut stream_after_goaway goaway_refused tunnel_ended not_http request_timeout unused early_response
    pipeline_cut request_unacknowledged request_truncated half_closed stale_reuse no_response response_truncated
    half_close_refused client_gave_up client_left goaway_idle goaway_drained close_delimited max_requests announced_by_request
    http10_default announced_by_response idle_reset closed_before_timeout server_idle_timeout
    unannounced_close server_closed_idle client_closed_idle
""".split()


def is_time(value):
    return isinstance(value, str) and TIME.fullmatch(value)


def is_address(value):
    return isinstance(value, str) and ADDRESS.fullmatch(value)


def is_flow(value):
    return isinstance(value, str) and FLOW.fullmatch(value)


def is_text(value):
    return isinstance(value, str) and value != ""


def is_bool(value):
    return isinstance(value, bool)


def is_count(value):
    return isinstance(value, int) and not is_bool(value) and value >= 0


def is_seconds(value):
    return isinstance(value, (int, float)) and not is_bool(value) and value >= 0


def is_texts(value):
    return isinstance(value, list) and all(is_text(item) for item in value)


def or_null(check):
    return lambda value: value is None or check(value)


def one_of(*values):
    return lambda value: value in values


def all_of(**checks):
    """An object with exactly these keys, in this order."""
    return lambda value: isinstance(value, dict) and [*value] == [*checks] and all(
        checks[key](value[key]) for key in checks
    )


ANNOUNCED = or_null(all_of(by=one_of("client", "server"), how=one_of("close", "http10", "delimited")))
DIRECTIVES = all_of(keep_alive=is_count, close=is_count, upgrade=is_count)

ALERT = all_of(by=one_of("client", "server"), code=or_null(is_count), name=or_null(is_text))
TLS = {
    "version": or_null(one_of("1.0", "1.1", "1.2", "1.3")),
    "alpn_offered": is_texts,
    "handshake": one_of("done", "failed", "incomplete"),
    "handshake_s": or_null(is_seconds),
    "alert": or_null(ALERT),
    "close_notify": all_of(client=is_bool, server=is_bool),
    "exchanges_inferred": or_null(is_count),
    "plaintext": one_of(None, "openssl", "gnutls", "go"),
}


def is_tls(value):
    """An object of TLS, in which the server's name comes last if it was asked for."""
    return all_of(**TLS)(value) or all_of(**TLS, server_name=is_text)(value)


GOAWAY = all_of(by=one_of("client", "server"), last_stream=is_count, code=is_text, count=is_count, graceful=is_bool,
                debug=one_of("none", "too_many_pings", "max_age", "max_idle", "other"))
HTTP2 = dict(
    streams=is_count,
    peak=is_count,
    answered=is_count,
    trailers_only=is_count,
    refused=is_count,
    cancelled=is_count,
    cut=is_count,
    retryable=is_count,
    max_concurrent=all_of(client=or_null(is_count), server=or_null(is_count)),
    goaway=or_null(GOAWAY),
    pings=all_of(client=is_count, server=is_count),
    unanswered_pings=is_count,
    forbidden_fields=is_texts,
)

CONNECTION = {
    "type": one_of("connection", "open"),
    "schema": one_of(1),
    "id": is_text,
    "opened": or_null(is_time),
    "closed": is_time,
    "duration_s": or_null(is_seconds),
    "role": one_of("client", "server", None),
    "local": is_address,
    "remote": is_address,
    "flow": or_null(is_flow),
    "netns": is_count,
    "pid": or_null(is_count),
    "comm": or_null(is_text),
    "cgroup": or_null(is_text),
    "container": or_null(is_text),
    "service": is_text,
    "protocol": one_of("http/1.1", "http/1.0", "h2c", "h2", "tls", "opaque", "none"),
    "preexisting": is_bool,
    "requests": or_null(is_count),
    "responses": or_null(is_count),
    "tx_bytes": is_count,
    "rx_bytes": is_count,
    "blind_bytes": is_count,
    "closer": one_of("client", "server", "network", "unknown"),
    "manner": one_of("fin", "rst", "timeout", "refused", "unreachable", None),
    "phase": one_of("connecting", "unused", "request", "waiting", "response", "idle", "tunnel", "opaque", "handshake",
                    None),
    "reason": one_of(*REASONS),
    "premature": or_null(is_bool),
    "lost_requests": or_null(is_count),
    "confidence": one_of("certain", "inferred", "unknown"),
    "evidence": is_texts,
    "idle_at_close_s": or_null(is_seconds),
    "idle_max_s": or_null(is_seconds),
    "waited_s": or_null(is_seconds),
    "stalled_s": or_null(is_seconds),
    "body_bytes": or_null(is_count),
    "body_declared": or_null(is_count),
    "late_by_s": or_null(is_seconds),
    "announced": ANNOUNCED,
    "advertised": or_null(all_of(timeout_s=or_null(is_count), max=or_null(is_count))),
    "overrun": is_bool,
    "close_ignored": is_bool,
    "late_request": is_bool,
    "unread_data": is_bool,
    "hop_by_hop": is_texts,
    "forwarded_hop_by_hop": is_texts,
    "directives": all_of(request=DIRECTIVES, response=DIRECTIVES),
    "last_status": or_null(is_count),
    "app_error": or_null(is_text),
    "retransmits": or_null(is_count),
    "srtt_us": or_null(is_count),
    "errors": is_texts,
    "tls": or_null(is_tls),
    "http2": or_null(all_of(**HTTP2)),
}

EXCHANGE = {
    "type": one_of("exchange"),
    "id": is_text,
    "n": is_count,
    "status": is_count,
    "http": one_of("1.0", "1.1"),
    "method": one_of("HEAD", "CONNECT", "safe", "idempotent", "other"),
    "wait_s": or_null(is_seconds),
    "duration_s": or_null(is_seconds),
    "idle_before_s": or_null(is_seconds),
    "request_bytes": is_count,
    "response_bytes": is_count,
    "announced": ANNOUNCED,
}

STREAM = {  # of HTTP/2
    "type": one_of("exchange"),
    "id": is_text,
    "n": is_count,
    "status": or_null(is_count),
    "http": one_of("2"),
    "stream": is_count,
    "wait_s": or_null(is_seconds),
    "duration_s": or_null(is_seconds),
    "reset": or_null(all_of(by=one_of("client", "server"), code=is_text)),
}

SUMMARY = {
    "type": one_of("summary"),
    "connections": is_count,
    "lost_events": is_count,
    "tainted": is_count,
}

LATE = {
    "type": one_of("amend"),
    "schema": one_of(1),
    "id": is_text,
    "late_request": one_of(True),
    "premature": one_of(True),
    "lost_requests": is_count,
}

FORWARDED = {
    "type": one_of("amend"),
    "schema": one_of(1),
    "id": is_text,
    "forwarded_hop_by_hop": is_texts,
}

FAILURE = all_of(
    connection=is_text,
    service=is_text,
    reason=one_of(*REASONS),
    closer=one_of("client", "server", "network", "unknown"),
    evidence=is_texts,
)

GATEWAY_ERROR = {
    "type": one_of("gateway_error"),
    "schema": one_of(1),
    "at": is_time,
    "status": one_of(502, 503, 504),
    "connection": is_text,
    "service": is_text,
    "pid": or_null(is_count),
    "comm": or_null(is_text),
    "exchange": is_count,
    "cause": or_null(FAILURE),
    "tries": lambda value: isinstance(value, list) and all(FAILURE(one) for one in value),
    "confidence": one_of("certain", "inferred", "unknown"),
}

FORMS = {
    "connection": CONNECTION,
    "exchange": EXCHANGE,
    "stream": STREAM,  # an exchange line too
    "summary": SUMMARY,
    "amend": LATE,
    "forwarded": FORWARDED,  # an amend line too
    "gateway_error": GATEWAY_ERROR,
}

# A connection that is still open has no end: these say so by null.
ENDINGS = "closed duration_s closer manner phase reason premature lost_requests confidence evidence".split()
OPEN = {key: one_of(None) if key in ENDINGS else CONNECTION[key] for key in CONNECTION}


# Keys that are there only where there is something to say, and the key that each follows.
OPTIONAL = {"pod": ("container", is_text)}


def with_optional(form, value):
    """The form with those optional keys that this record has."""
    found = {}
    for key, check in form.items():
        found[key] = check
        found |= {name: own for name, (after, own) in OPTIONAL.items() if after == key and name in value}
    return found


def form_of(value):
    if value["type"] == "amend" and "forwarded_hop_by_hop" in value:
        return FORMS["forwarded"]
    if value["type"] == "exchange" and value["http"] == "2":
        return FORMS["stream"]
    return OPEN if value["type"] == "open" else FORMS[value["type"]]


def checked(line):
    """The record in this line, which must be one JSON object of a known type with the right keys and values."""
    value = json.loads(line)
    form = with_optional(form_of(value), value)
    assert [*value] == [*form], f"keys of {line}"
    for key, check in form.items():
        assert check(value[key]), f"{key} of {line}"
    return value


def advertised(record):
    """The advertised timeout and max, each None if not advertised."""
    value = record["advertised"] or {}
    return value.get("timeout_s"), value.get("max")


AGREED = ("flow", "closer", "manner")
MIRRORED = """
    protocol requests responses reason premature phase lost_requests announced advertised directives
    hop_by_hop last_status errors overrun close_ignored
""".split()


def story(record, ends, bytes_of, keys):
    """The values of these keys in a record; addresses and bytes by the direction in which they went."""
    told = {key: record[key] for key in keys}
    told |= {end: record[key] for end, key in zip(("client", "server"), ends)}
    return told | {what: record[key] for what, key in zip(("bytes up", "bytes down"), bytes_of)}


def check_agreement(client, server, mirrored=True):
    """Asserts that the records of both sockets of a connection agree; if all bytes arrived, also on the counts. Over TLS not on those of
    bytes: a close_notify may be sent to an end that has closed."""
    assert (client["role"], server["role"]) == ("client", "server")
    keys = [*AGREED, *MIRRORED] if mirrored else AGREED
    counted = mirrored and not client["tls"]
    up, down = (("tx_bytes", "rx_bytes"), ("rx_bytes", "tx_bytes")) if counted else ((), ())
    assert story(client, ("local", "remote"), up, keys) == story(server, ("remote", "local"), down, keys)
