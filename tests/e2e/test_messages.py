# SPDX-License-Identifier: BSD-2-Clause
"""Requests and responses are counted right, whatever their version, method, framing and cutting."""

import os
import time

import pytest

from lib import curl, nginx as servers, record, wire


def check_idle_end(client, exchanges):
    """The client closed after that many complete exchanges."""
    assert (client["requests"], client["responses"]) == (exchanges, exchanges)
    assert (client["closer"], client["manner"], client["phase"]) == ("client", "fin", "idle")
    assert client["reason"] == "client_closed_idle"
    assert client["premature"] is False
    assert client["confidence"] == "certain"
    assert client["lost_requests"] == 0
    assert client["errors"] == []
    assert client["idle_at_close_s"] is not None


def test_a_single_request_is_one_request_on_both_sockets(trace, nginx):
    (transfer,) = curl.curl(urls=[nginx.url()])
    client, server = trace.both(transfer)
    check_idle_end(client, 1)
    assert (client["tx_bytes"], client["rx_bytes"]) == (transfer.sent, transfer.received)
    assert client["protocol"] == "http/1.1"
    assert client["last_status"] == 200
    assert (client["comm"], server["comm"]) == ("curl", "nginx")
    assert server["pid"] in nginx.workers()
    assert client["service"] == transfer.server_name
    assert server["service"] == f"nginx:{nginx.addresses['plain'][1]}"
    assert client["netns"] == server["netns"] == os.stat("/proc/self/ns/net").st_ino
    assert not client["preexisting"] and not server["preexisting"]
    assert client["announced"] is None
    assert record.advertised(client) == (None, None)


def test_requests_that_share_a_connection_are_counted_on_one_record(trace, nginx):
    transfers = curl.curl(urls=[nginx.url()] * 5)
    assert len(transfers) == 5
    assert len({transfer.client_name for transfer in transfers}) == 1
    client, _ = trace.both(transfers[0])
    check_idle_end(client, 5)
    assert client["tx_bytes"] == sum(transfer.sent for transfer in transfers)
    assert client["rx_bytes"] == sum(transfer.received for transfer in transfers)


def test_http10_closes_by_default_and_the_request_is_blamed(trace, nginx):
    with wire.Client(nginx.addresses["plain"]) as one:
        assert one.get(version="1.0") == (200, b"ok\n")
        one.close_after_server()
    client, _ = trace.both(one)
    assert (client["requests"], client["responses"]) == (1, 1)
    assert (client["closer"], client["manner"], client["phase"]) == ("server", "fin", "idle")
    assert client["reason"] == "http10_default"
    assert client["premature"] is False
    assert client["announced"] == {"by": "client", "how": "http10"}


def test_http10_with_keep_alive_is_reused(trace, nginx):
    with wire.Client(nginx.addresses["plain"]) as one:
        for _ in range(3):
            assert one.get("/", "Connection: keep-alive", version="1.0") == (200, b"ok\n")
    client, _ = trace.both(one)
    check_idle_end(client, 3)
    assert client["announced"] is None
    assert client["directives"]["request"] == {"keep_alive": 3, "close": 0, "upgrade": 0}
    assert client["directives"]["response"] == {"keep_alive": 3, "close": 0, "upgrade": 0}


def test_a_connection_with_nothing_but_http10_says_so(trace, pair):
    pair.exchange(wire.request(version="1.0"), wire.response(version="1.0"))
    pair.close(first=pair.server)
    client, _ = trace.both(pair)
    assert client["protocol"] == "http/1.0"
    assert client["reason"] == "http10_default"


@pytest.mark.parametrize("method, path, fields, status", [
    ("HEAD", "/file", [], 200),
    ("GET", "/204", [], 204),
    ("GET", "/file", ["If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT"], 304),
])  # fmt: skip
def test_a_response_without_a_body_ends_with_its_head(trace, nginx, method, path, fields, status):
    """Nginx sends Content-Length with its answer to HEAD, and a body that came along would be the next head."""
    with wire.Client(nginx.addresses["plain"]) as one:
        one.client.sendall(wire.request(method, path, *fields))
        assert wire.read_head(one.client).split()[1] == str(status).encode()
        assert one.get() == (200, b"ok\n")
    client, _ = trace.both(one)
    check_idle_end(client, 2)


def test_a_304_that_states_a_length_has_no_body(trace, pair):
    pair.exchange(wire.GET, wire.head("HTTP/1.1 304 Not Modified", "Content-Length: 5000"))
    pair.exchange()
    pair.close(first=pair.client)
    client, _ = trace.both(pair)
    check_idle_end(client, 2)


def test_a_chunked_response_of_nginx_ends_where_it_ends(trace, nginx):
    transfers = curl.curl(urls=[nginx.url("/chunked"), nginx.url()])
    client, _ = trace.both(transfers[0])
    check_idle_end(client, 2)
    assert client["rx_bytes"] > sum(transfer.received for transfer in transfers)  # the chunks' own lines


def test_chunks_with_extensions_and_trailers_end_exactly(trace, pair):
    head = wire.head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
    body = b"5;name=value\r\nhello\r\n00A\r\n0123456789\r\n0\r\nTrailer: x\r\nConnection: close\r\n\r\n"
    pair.exchange(wire.GET, head + body)
    pair.exchange()
    pair.close(first=pair.client)
    client, _ = trace.both(pair)
    check_idle_end(client, 2)
    assert client["announced"] is None  # a Connection field in a trailer is not honoured
    assert client["directives"]["response"]["close"] == 0


def test_a_chunked_request_is_followed_by_the_next(trace, nginx, tmp_path):
    upload = tmp_path / "upload"
    upload.write_bytes(b"u" * 100_000)
    urls = [nginx.url("/upload/first"), nginx.url("/upload/second")]
    transfers = curl.curl("-T", upload, "-T", upload, "-H", "Transfer-Encoding: chunked", urls=urls)
    assert transfers[0].client_name == transfers[1].client_name
    assert (nginx.folder / "www/upload/second").read_bytes() == upload.read_bytes()
    client, _ = trace.both(transfers[0])
    check_idle_end(client, 2)
    assert client["tx_bytes"] > 200_000


def test_a_request_body_of_known_length_is_no_request(trace, pair):
    body = wire.GET * 3
    pair.exchange(wire.request("POST", "/", f"Content-Length: {len(body)}", body=body))
    pair.exchange()
    pair.close(first=pair.client)
    client, _ = trace.both(pair)
    check_idle_end(client, 2)


def test_curl_and_nginx_with_100_continue_make_one_exchange(trace, nginx, tmp_path):
    upload = tmp_path / "upload"
    upload.write_bytes(b"u" * 50_000)
    options = ["-T", upload, "-H", "Expect: 100-continue", "--expect100-timeout", "30"]
    (transfer,) = curl.curl(*options, urls=[nginx.url("/upload/expect")])
    assert transfer.status == 201
    client, _ = trace.both(transfer)
    check_idle_end(client, 1)
    assert client["last_status"] == 201
    assert (client["tx_bytes"], client["rx_bytes"]) == (transfer.sent, transfer.received)


def test_interim_responses_do_not_count(trace, pair):
    pair.send_request(wire.request("PUT", "/", "Expect: 100-continue", "Content-Length: 5"))
    pair.send_response(wire.head("HTTP/1.1 100 Continue"))
    pair.send_response(wire.head("HTTP/1.1 103 Early Hints", "Link: </style.css>"))
    pair.send_request(b"12345")
    pair.send_response(wire.response("201 Created"))
    pair.close(first=pair.client)
    client, _ = trace.both(pair)
    check_idle_end(client, 1)
    assert client["last_status"] == 201


def test_pipelined_requests_are_paired_in_order(trace, nginx):
    methods = ["GET", "HEAD", "GET", "HEAD", "GET"]
    with wire.Client(nginx.addresses["plain"]) as one:
        one.client.sendall(b"".join(wire.request(method) for method in methods))
        for method in methods:
            wire.read_head(one.client)
            wire.read_exactly(one.client, 3 if method == "GET" else 0)
        assert one.get() == (200, b"ok\n")
    client, _ = trace.both(one)
    check_idle_end(client, 6)


def test_sixteen_pipelined_requests_answered_in_one_send(trace, pair):
    methods = ["HEAD" if number % 3 == 0 else "GET" for number in range(16)]
    answers = {"GET": wire.OK, "HEAD": wire.head("HTTP/1.1 200 OK", "Content-Length: 3")}
    pair.exchange(b"".join(map(wire.request, methods)), b"".join(answers[method] for method in methods))
    pair.exchange()
    pair.close(first=pair.client)
    client, _ = trace.both(pair)
    check_idle_end(client, 17)


def test_heads_cut_into_single_bytes_are_read_whole(trace, pair):
    fields = ["Connection: keep-alive, x-debug", "Keep-Alive: timeout=7, max=9"]
    for _ in range(2):
        for byte in wire.request("GET", "/path", *fields):
            pair.send_request(bytes([byte]))
        for byte in wire.response("200 OK", *fields):
            pair.send_response(bytes([byte]))
    pair.close(first=pair.client)
    client, _ = trace.both(pair)
    check_idle_end(client, 2)
    assert record.advertised(client) == (7, 9)
    assert client["hop_by_hop"] == ["x-debug"]
    assert client["directives"]["request"]["keep_alive"] == 2


def test_heads_that_nginx_gets_in_pieces_are_read_whole(trace, nginx):
    with wire.Client(nginx.addresses["plain"]) as one:
        for byte in wire.GET:
            one.client.sendall(bytes([byte]))
        assert wire.read_response(one.client) == (200, b"ok\n")
    client, _ = trace.both(one)
    check_idle_end(client, 1)


def test_a_head_of_64_kilobytes_is_read_whole(trace, pair):
    fields = [f"X-Field-{number}: {'v' * 100}" for number in range(500)] + [f"Cookie: {'c' * 10_000}"]
    request = wire.request("GET", "/" + "p" * 4000, *fields, "Connection: x-last")
    pair.exchange(request, wire.response("200 OK", *fields))
    pair.exchange()
    pair.close(first=pair.client)
    client, _ = trace.both(pair)
    check_idle_end(client, 2)
    assert client["hop_by_hop"] == ["x-last"]


def test_a_file_sent_by_sendfile_is_counted_to_the_byte(trace, nginx):
    transfers = curl.curl(urls=[nginx.url("/file"), nginx.url()])
    client, server = trace.both(transfers[0])
    check_idle_end(client, 2)
    assert server["tx_bytes"] == sum(transfer.received for transfer in transfers)
    assert server["tx_bytes"] > servers.FILE_SIZE
    assert (server["blind_bytes"], client["blind_bytes"]) == (0, 0)


def test_names_in_connection_are_told_as_hop_by_hop(trace, pair):
    pair.exchange(
        wire.request("GET", "/", "Connection: X-Debug-Token, keep-alive,, close-notify"),
        wire.response("200 OK", 'connection: "close" ,\tTE', "Connection: X-Debug-Token"),
    )
    pair.close(first=pair.client)
    client, _ = trace.both(pair)
    check_idle_end(client, 1)
    assert client["hop_by_hop"] == ["x-debug-token", "close-notify", '"close"']
    assert client["directives"]["request"] == {"keep_alive": 1, "close": 0, "upgrade": 0}
    assert client["directives"]["response"] == {"keep_alive": 0, "close": 0, "upgrade": 0}


def test_what_was_said_early_is_in_the_record_of_a_long_life(trace, pair):
    """Progress is reported once a second: what it told already belongs to the last record as well."""
    fields = ["Connection: keep-alive, x-early", "Keep-Alive: timeout=50, max=9"]
    pair.exchange(wire.request("GET", "/", *fields), wire.response("200 OK", *fields))
    time.sleep(2.5)  # two reports at least
    pair.exchange()
    pair.close(first=pair.client)
    client, _ = trace.both(pair)
    check_idle_end(client, 2)
    assert client["hop_by_hop"] == ["x-early"]
    assert client["directives"]["request"] == {"keep_alive": 1, "close": 0, "upgrade": 0}
    assert record.advertised(client) == (50, 9)
    assert client["idle_max_s"] >= 2.5
    assert client["duration_s"] >= 2.5


def test_an_ipv6_connection_is_like_any_other(trace, nginx):
    transfers = curl.curl(urls=[nginx.url(server="ipv6")] * 2)
    assert transfers[0].client_name.startswith("[::1]:")
    client, server = trace.both(transfers[0])
    check_idle_end(client, 2)
    assert client["service"] == transfers[0].server_name
    assert server["service"] == f"nginx:{nginx.addresses['ipv6'][1]}"


def test_ipv4_on_an_ipv6_socket_prints_as_ipv4(trace, dual_listener):
    with wire.Pair(dual_listener, ("127.0.0.1", wire.port_of(dual_listener))) as pair:
        pair.exchange()
        pair.close(first=pair.client)
    assert pair.server_name.startswith("127.0.0.1:")
    client, _ = trace.both(pair)
    check_idle_end(client, 1)
