# SPDX-License-Identifier: BSD-2-Clause
"""Messages that real peers accept although no RFC does, and bytes that are no message: both ends follow them, count the
oddity by its kind, and say no more than they know."""

import pytest

from lib import reasons, wire
from lib.reasons import says

door, talk = reasons.door, reasons.talk  # fixtures

CLOSES = wire.response("200 OK", "Connection: close")
CHUNKED = wire.head("HTTP/1.1 200 OK", "Connection: close", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n"
ANSWERS = pytest.mark.parametrize("response", [CLOSES, CHUNKED], ids=["length", "chunked"])
TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x46"
CLIENT_HELLO = b"\x16\x03\x01\x00\x05hello"


def exchange_and_close(trace, talk, request, response):
    talk.exchange(request, response)
    talk.close(first=talk.server)
    return trace.both(talk)


def check(records, requests, responses, errors, *verdict, **more):
    for record in records:
        says(record, *verdict, **more)
        assert (record["requests"], record["responses"], record["errors"]) == (requests, responses, errors)


@pytest.mark.parametrize("request_, error", [
    (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "blanks"),
    (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "blanks"),
    (b"GET /  \t HTTP/1.1\r\nHost: a\r\n\r\n", "blanks"),
    (b"GET / HTTP/1.32\r\nHost: a\r\n\r\n", "version"),
    (b"GET / HTTP/1.1\r\nX-Foo[1]: a\r\n\r\n", "field_name"),
    ("GET / HTTP/1.1\r\nÜber: a\r\n\r\n".encode(), "field_name"),
    (b"GET / HTTP/1.1\r\n: a\r\n\r\n", "field_name"),
    (b"GET / HTTP/1.1\r\nX-Foo : a\r\n\r\n", "space_before_colon"),
    (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", "no_colon"),
    (b"GET / HTTP/1.1\r\n folded: a\r\n\r\n", "fold"),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3 words\r\nabc\r\n0\r\n\r\n", "chunk_words"),
])  # fmt: skip
@ANSWERS
def test_a_request_that_peers_accept_is_one(trace, talk, request_, error, response):
    records = exchange_and_close(trace, talk, request_, response)
    check(records, 1, 1, [error], "announced_by_response", "server", "fin", "idle")


@pytest.mark.parametrize("start, error", [
    (b"HTTP/1.1  200 OK", "blanks"),
    (b"HTTP/1.1\t200\tOK", "blanks"),
    (b"HTTP/1.10 200 OK", "version"),
    (b"HTTP/1.1 200 OK\r\nX/Y: a", "field_name"),
    (b"HTTP/1.1 200 OK\r\nX Y: a", "field_name"),
    (b"HTTP/1.1 200 OK\r\nno colon", "no_colon"),
])  # fmt: skip
@ANSWERS
def test_a_response_that_peers_accept_is_one(trace, talk, start, error, response):
    response = response.replace(b"HTTP/1.1 200 OK", start)
    records = exchange_and_close(trace, talk, wire.GET, response)
    check(records, 1, 1, [error], "announced_by_response", "server", "fin", "idle")


def test_http2_as_a_version_on_a_connection_of_http1_is_1_1(trace, talk):
    talk.exchange()
    records = exchange_and_close(trace, talk, b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", CLOSES)
    check(records, 2, 2, ["version"], "announced_by_response", "server", "fin", "idle")


@pytest.mark.parametrize("name", ["Content-Length ", "Content- Length", "Transfer-Encoding\t", "Connection "])
def test_a_damaged_field_that_frames_makes_the_message_unknown(trace, talk, name):
    records = exchange_and_close(trace, talk, f"GET / HTTP/1.1\r\n{name}: 0\r\n\r\n".encode(), CLOSES)
    for record in records:
        assert record["reason"] == "unknown" and "framing_field" in record["errors"]


def test_where_a_lenient_peer_may_have_read_keep_alive_nothing_is_certain(trace, talk):
    request = b"GET / HTTP/1.1\r\nKeep-Alive : timeout=5\r\n\r\n"
    records = exchange_and_close(trace, talk, request, CLOSES)
    check(records, 1, 1, ["space_before_colon"], "announced_by_response", "server", "fin", "idle",
          confidence="inferred")  # fmt: skip


@pytest.mark.parametrize("request_, response, surplus", [
    (wire.GET, CLOSES.replace(b"Content-Length: 3", b"Content-Length: 1"), 2),
    (wire.request("HEAD"), CLOSES, 3),
    (wire.GET, wire.head("HTTP/1.1 204 No Content", "Connection: close") + b"hello", 5),
    (wire.GET, wire.head("HTTP/1.1 304 Not Modified", "Connection: close", "Content-Length: 5") + b"hello", 5),
    (wire.GET, CHUNKED + b"behind", 6),
    (wire.GET, CLOSES + wire.OK, len(wire.OK)),
    (wire.GET, CLOSES + b"HTTPS only", 10),
], ids=["short length", "HEAD", "204", "304", "chunked", "second response", "looks like one"])  # fmt: skip
def test_what_belongs_to_no_response_takes_nothing_back(trace, talk, request_, response, surplus):
    for record in exchange_and_close(trace, talk, request_, response):
        says(record, "announced_by_response", "server", "fin", "idle")
        assert record["errors"] == ["surplus"]
        assert f"the server sent {surplus} bytes that belong to no response" in record["evidence"]


def test_what_comes_in_a_call_of_its_own_is_surplus_too(trace, talk):
    talk.exchange()
    talk.send_response(b"more")
    talk.exchange()
    talk.close(first=talk.client)
    check(trace.both(talk), 2, 2, ["surplus"], "client_closed_idle", "client", "fin", "idle")


def test_more_surplus_behind_a_second_response_is_counted_in_bounds(trace, talk):
    extra = wire.OK + b"\r\n" * 20 + b"HX"
    for record in exchange_and_close(trace, talk, wire.GET, CLOSES + extra):
        (told,) = [sentence for sentence in record["evidence"] if "belong to no response" in sentence]
        assert record["errors"] == ["surplus"] and 0 < int(told.split()[3]) <= len(extra)


def test_a_head_that_is_cut_says_nothing_of_a_body(trace, talk):
    talk.exchange(wire.request("POST", "/", "Content-Length: 5", body=b"hello"))
    talk.send_request(b"POST / HTTP/1.1\r\nContent-Length: 7\r\n")
    talk.close(first=talk.client)
    for record in trace.both(talk):
        says(record, "request_truncated", "client", "fin", "request", True, 1)
        assert (record["body_bytes"], record["body_declared"]) == (0, None)


IDENTITY = wire.head("HTTP/1.1 200 OK", "Transfer-Encoding: identity", "Content-Length: 3") + b"abc"


def test_a_length_beside_another_coding_is_not_certain_to_be_the_end(trace, talk):
    records = exchange_and_close(trace, talk, wire.GET, IDENTITY)
    check(records, 1, 1, ["ambiguous_length"], "close_delimited", "server", "fin", "response", confidence="inferred")


@pytest.mark.parametrize("more", [b"def", b"x"])
def test_nor_where_the_body_goes_on_behind_it(trace, talk, more):
    records = exchange_and_close(trace, talk, wire.GET, IDENTITY + more)
    check(records, 1, 1, ["ambiguous_length"], "close_delimited", "server", "fin", "response", confidence="inferred")


def test_it_was_the_end_where_the_connection_was_used_again(trace, talk):
    talk.exchange(response=IDENTITY)
    records = exchange_and_close(trace, talk, wire.GET, CLOSES)
    check(records, 2, 2, ["ambiguous_length"], "announced_by_response", "server", "fin", "idle")


@pytest.mark.parametrize("request_", [b"GARBAGE\r\n\r\n", b"\x01\x02\x03\x04", b"GET /\r\n", CLIENT_HELLO],
                         ids=["words", "binary", "HTTP/0.9", "TLS"])  # fmt: skip
def test_what_the_server_answers_by_http_was_a_request(trace, talk, request_):
    bad = wire.response("400 Bad Request", "Connection: close")
    records = exchange_and_close(trace, talk, request_, bad)
    check(records, 1, 1, ["request_line"], "announced_by_response", "server", "fin", "idle")
    assert all(record["protocol"] == "http/1.1" for record in records)


def test_a_connection_goes_on_behind_such_a_request(trace, talk):
    talk.exchange(b"GARBAGE\r\n\r\n", wire.response("400 Bad Request"))
    talk.exchange()
    talk.close(first=talk.client)
    check(trace.both(talk), 2, 2, ["request_line"], "client_closed_idle", "client", "fin", "idle")


@pytest.mark.parametrize("answer, sentence", [
    (b"SSH-2.0-OpenSSH_9.2\r\n", "what the server sent is not HTTP"),
    (b"ICY 200 OK\r\n\r\n", "what the server sent is not HTTP"),
    (b"HELLO\r\n", "what the server sent is not HTTP"),
    (TLS_ALERT, "what the server sent is not HTTP; it looks like TLS: the port may expect https"),
], ids=["SSH", "ICY", "text", "TLS"])  # fmt: skip
def test_what_the_server_sends_instead_of_a_response_is_named(trace, talk, answer, sentence):
    for record in exchange_and_close(trace, talk, wire.GET, answer):
        assert (record["protocol"], record["errors"]) == ("http/1.1", ["not_a_response"])
        assert sentence in record["evidence"]
        assert record["confidence"] != "certain"


@pytest.mark.parametrize("field", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_what_stands_behind_connect_is_the_tunnels(trace, talk, field):
    talk.exchange(wire.head("CONNECT a:1 HTTP/1.1", field) + b"hello", wire.head("HTTP/1.1 200 OK"))
    talk.send_response(b"any bytes")
    talk.close(first=talk.client)
    check(trace.both(talk), 1, 1, [], "tunnel_ended", "client", "fin", "tunnel")


@pytest.mark.parametrize("behind", [b"", b"hello"], ids=["head alone", "with bytes behind it"])
def test_a_connect_that_is_refused_leaves_the_connection_as_it_was(trace, talk, behind):
    connect = wire.head("CONNECT a:1 HTTP/1.1", "Content-Length: 5") + behind
    talk.exchange(connect, wire.response("407 Authenticate"))
    records = exchange_and_close(trace, talk, wire.GET, CLOSES)
    check(records, 2, 2, [], "announced_by_response", "server", "fin", "idle")
