# SPDX-License-Identifier: BSD-2-Clause
"""Bytes at a server's close that are no request: the rest of a body, and empty lines. None of them is lost."""

import http.server
import threading
import time

import pytest

from lib import reasons, wire

pytest_plugins = ["lib.stage"]
from lib.reasons import each_says, says, verdict

door, talk = reasons.door, reasons.talk  # fixtures

REFUSES = wire.response("413 Content Too Large", "Connection: close")
SIZE = 300_000


def upload_head(chunked):
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {SIZE}"
    return wire.head("POST /upload HTTP/1.1", "Host: test", framing)


def first_part(chunked):
    return b"10000\r\n" + b"x" * 1000 if chunked else b"x" * 1000


BODIES = pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])


def events_so_far(trace, door):
    """Every event up to now has been printed: a connection that came later has."""
    with wire.Pair(door) as later:
        later.exchange()
        later.close(first=later.client)
        trace.both(later)


def no_request_was_late(trace, door, server):
    events_so_far(trace, door)
    assert trace.records("amend", id=server["id"]) == []
    assert (server["late_request"], server["lost_requests"]) == (False, 0)


def refuse(talk, chunked):
    """The server has read the head and a part of the body, answers 413 and closes."""
    talk.send_request(upload_head(chunked) + first_part(chunked))
    talk.send_response(REFUSES)
    talk.server.close()


def server_record(trace, talk):
    (server,) = trace.wait_for(1, local=talk.server_name, remote=talk.client_name)
    return server


def sends_in_vain(end, data):
    try:
        for _ in range(5):
            end.sendall(data)
    except OSError:
        pass


@BODIES
def test_the_rest_of_a_refused_upload_is_no_late_request(trace, door, talk, chunked):
    refuse(talk, chunked)
    wire.wait_for_end(talk.client)
    server = server_record(trace, talk)
    sends_in_vain(talk.client, b"x" * 1000)
    talk.client.close()
    assert server["reason"] == "early_response"
    no_request_was_late(trace, door, server)


@BODIES
def test_the_rest_of_a_refused_upload_that_lies_unread_is_no_late_request(trace, door, talk, chunked):
    talk.send_request(upload_head(chunked) + first_part(chunked))
    talk.send_response(REFUSES)
    talk.client.sendall(b"x" * 1000)
    wire.wait_for_bytes(talk.server, 1000)
    talk.server.close()
    wire.wait_for_end(talk.client)
    talk.client.close()
    server = server_record(trace, talk)
    assert server["reason"] == "early_response" and not server["late_request"] and not server["lost_requests"]


def test_a_request_behind_the_whole_body_of_a_refused_upload_is_late(trace, talk):
    """The body ends as declared; the client did not know of the close and went on with its next request."""
    talk.send_request(upload_head(False) + b"x" * (SIZE - 1000))
    talk.send_response(wire.response("413 Content Too Large"))
    talk.server.close()
    wire.wait_for_end(talk.client)
    server = server_record(trace, talk)
    sends_in_vain(talk.client, b"x" * 1000 + wire.GET)
    talk.client.close()
    (amend,) = trace.wait_for(1, "amend", id=server["id"])
    assert (amend["late_request"], amend["lost_requests"]) == (True, 1)


@pytest.mark.parametrize("lines", [b"\r\n", b"\n", b"\r\n\r\n"], ids=["CRLF", "LF", "two"])
def test_empty_lines_behind_an_exchange_that_lie_unread_are_no_request(trace, talk, lines):
    talk.exchange()
    talk.client.sendall(lines)
    wire.wait_for_bytes(talk.server, len(lines))
    talk.server.close()
    wire.wait_for_end(talk.client)
    talk.client.close()
    server = server_record(trace, talk)
    assert (server["late_request"], server["lost_requests"], server["premature"]) == (False, 0, False)
    assert server["phase"] == "idle"


@pytest.mark.parametrize("lines", [b"\r\n", b"\n", b"\r\n\r\n"], ids=["CRLF", "LF", "two"])
def test_empty_lines_that_come_after_the_close_are_no_request(trace, door, talk, lines):
    talk.exchange()
    talk.server.close()
    wire.wait_for_end(talk.client)
    server = server_record(trace, talk)
    talk.client.sendall(lines)
    talk.client.close()
    no_request_was_late(trace, door, server)


def test_empty_lines_that_a_client_leaves_unread_hide_nothing(trace, talk):
    talk.exchange()
    talk.client.sendall(b"\r\n")
    wire.wait_for_bytes(talk.server, 2)
    talk.client.close()
    wire.wait_for_end(talk.server)
    talk.server.close()
    says(server_record(trace, talk), "client_closed_idle", "client", "fin", "idle")


@pytest.mark.parametrize("chunked, confidence", [(False, "certain"), (True, "inferred")], ids=["length", "chunked"])
def test_a_request_whose_body_lies_unread_at_the_close_had_arrived(trace, talk, chunked, confidence):
    body = b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n" if chunked else b"x" * 1000
    framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 1000"
    talk.send_request(wire.head("POST / HTTP/1.1", "Host: test", framing))
    talk.client.sendall(body)
    wire.wait_for_bytes(talk.server, len(body))
    talk.server.close()
    wire.wait_for_end(talk.client)
    talk.client.close()
    each_says(trace, talk,
              verdict("no_response", "server", "rst", "waiting", True, 1, confidence),
              verdict("no_response", "server", "rst", "waiting", True, 1, confidence))  # fmt: skip


class Refuser(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_a_refusal_by_the_standard_library_of_python_loses_no_request(trace, listener):
    server = http.server.HTTPServer(("127.0.0.1", 0), Refuser, bind_and_activate=False)
    server.socket.close()
    server.socket = listener.dup()
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    with wire.Client(listener.getsockname()) as client:
        client.client.sendall(upload_head(False))
        assert wire.read_response(client.client)[0] == 403
        (told,) = trace.wait_for(1, local=client.server_name, remote=client.client_name)
        sends_in_vain(client.client, b"x" * 1000)
        client.client.close()
        thread.join()
        server.socket.close()
        assert told["reason"] == "early_response"
        no_request_was_late(trace, listener, told)


def upload_in_pieces(client, chunked, pieces=SIZE // 1000 - 1):
    """Sends on whatever the server answers, as a client that reads the response only at the end."""
    piece = b"3e8\r\n" + b"x" * 1000 + b"\r\n" if chunked else b"x" * 1000
    try:
        for _ in range(pieces):
            client.sendall(piece)
            time.sleep(0.0005)
    except OSError:
        pass


@BODIES
def test_a_refusal_by_node_loses_no_request(stage, trace, door, chunked):
    with stage.node() as node, wire.Client(node.address) as one:
        one.client.sendall(upload_head(chunked).replace(b"/upload", b"/refuse"))
        upload_in_pieces(one.client, chunked)
        one.client.close()
        server = stage.server(one)
        assert server["last_status"] == 413
        assert (server["late_request"], server["lost_requests"]) == (False, 0)
        events_so_far_of(stage, node)
        assert stage.records("amend", id=server["id"]) == []


def events_so_far_of(stage, server):
    """Every event up to now has been printed: a connection that came later has."""
    with wire.Client(server.address) as later:
        assert later.get()[0] == 200
        later.client.close()
        stage.server(later)


@BODIES
def test_a_backend_that_refuses_an_unbuffered_upload_loses_no_request(stage, trace, listener, chunked):
    backend = listener.dup()
    backend.settimeout(wire.DEADLINE)
    with backend, stage.nginx(upstream=f"127.0.0.1:{wire.port_of(backend)}") as nginx, wire.Client(nginx.address) as one:
        one.client.sendall(upload_head(chunked).replace(b"/upload", b"/unbuffered/upload") + first_part(chunked)[:5])
        behind, peer = backend.accept()
        with behind:
            wire.read_head(behind)
            behind.sendall(REFUSES)
        upload_in_pieces(one.client, chunked)
        one.client.close()
        server = stage.server(one)
        (told,) = trace.wait_for(1, local=wire.name_of(backend.getsockname()), remote=wire.name_of(peer))
        no_request_was_late(trace, listener, told)
        events_so_far_of(stage, nginx)
        assert stage.records("amend", id=server["id"]) == []
        assert (server["late_request"], server["lost_requests"]) == (False, 0), server
