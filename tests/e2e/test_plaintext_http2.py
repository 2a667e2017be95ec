# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/2 inside TLS, read where the libraries take and give it (--tls): each ending is played in clear text and over TLS, and both
records must say the same."""

import concurrent.futures
import contextlib
import socket

import pytest

from lib import gnutls, go_tls, metrics, observer, reasons, sessions, tls, wire
from lib.http2 import endings, frames, twins
from lib.maps import Maps
from lib.sessions import Session

@pytest.fixture(scope="module")
def doors(nothing_left, certificates, tmp_path_factory):
    """By the library and the version of TLS: listeners whose connections are sessions, and one in clear text; and an observer of all."""
    del nothing_left
    with contextlib.ExitStack() as stack:
        holders = [stack.enter_context(go_tls.Holder(tmp_path_factory.mktemp("go"), certificates)) for _ in range(2)]
        doors = {("clear", ""): wire.listen()}
        for version in tls.VERSIONS:
            doors["openssl", version] = sessions.Door(wire.listen(), certificates, version)
            doors["gnutls", version] = gnutls.Door(wire.listen(), certificates, version)
            doors["go", version] = go_tls.Door(wire.listen(), holders, version)
        for door in doors.values():
            stack.enter_context(door)
        yield doors, stack.enter_context(observer.Trace(map(wire.port_of, doors.values()), "--tls"))


def play_twins(watched, play):
    """Over all doors at once, because it waits most of the time."""
    doors, trace = watched

    def over(door):
        with wire.Pair(door) as pair:
            play(pair)
        return pair

    with concurrent.futures.ThreadPoolExecutor(len(doors)) as pool:
        clear, *others = [trace.ends(pair) for pair in pool.map(over, doors.values())]
    for (library, _), ends in list(zip(doors, [clear, *others]))[1:]:
        for one, other in zip(clear, ends):
            twins.compare(one, other, library)


@pytest.mark.parametrize("play", endings.OTHERS, ids=lambda play: play.__name__)
def test_an_ending_says_what_its_twin_in_clear_text_says(doors, play):
    """Those of endings.REASONS are played in test_tls_twins.py."""
    play_twins(doors, play)


@pytest.mark.parametrize("lie", endings.LIES)
def test_frames_that_lie_are_taken_as_in_clear_text(doors, lie):
    play_twins(doors, endings.lie(lie))


def test_a_goaway_was_before_the_fin_that_answers_it_although_its_call_returns_later(watched, certificates):
    """As on a busy machine. A read behind the FIN moves TCP's own clock on."""
    listener, trace = watched
    goaway = frames.goaway(0)
    with gnutls.Session(listener, certificates, "1.3") as session, concurrent.futures.ThreadPoolExecutor(1) as pool:

        def answer():
            assert wire.read_exactly(session.server, len(goaway)) == goaway
            session.server.sendall(frames.SETTINGS_ACK)
            session.server.shutdown(socket.SHUT_WR)

        def fin_has_come():
            wire.wait_for_end(session.client)
            assert session.client.plain.recv(1, socket.MSG_PEEK)

        endings.begun(session)
        session.client.return_late(fin_has_come)
        answered = pool.submit(answer)
        session.client.sendall(goaway)
        answered.result(wire.DEADLINE)
        assert wire.read_exactly(session.client, len(frames.SETTINGS_ACK)) == frames.SETTINGS_ACK
        session.close(first=session.server)
    for one in trace.ends(session):
        assert (one["protocol"], one["closer"], one["confidence"], one["lost_requests"]) == ("h2", "client", "certain", 0), one
        assert one["reason"] in ("goaway_drained", "goaway_idle"), one


@pytest.mark.parametrize("server_first", [True, False])
def test_a_server_may_discard_the_end_of_the_clients_session_behind_its_own_fin(watched, certificates, server_first):
    """The client's GOAWAY had come; its alert lies unread as the server closes, or comes behind the server's FIN."""
    listener, trace = watched
    with Session(listener, certificates, "1.3") as session:
        endings.begun(session)
        session.send_request(frames.goaway(0))
        if server_first:
            session.server.shutdown(socket.SHUT_WR)
            wire.wait_for_end(session.client)
        session.client.close_session()
        wire.wait_for_end(session.server)
        if not server_first:
            session.server.shutdown(socket.SHUT_WR)
        while session.server.recv(100, socket.MSG_TRUNC):
            pass
        session.server.close()
    for one in trace.ends(session):
        assert (one["protocol"], one["closer"], one["confidence"]) == ("h2", "client", "certain"), one
        assert one["reason"] in ("goaway_drained", "goaway_idle"), one


def test_a_server_may_discard_the_alert_that_answers_its_own(watched, certificates):
    """As lighttpd does: it receives so many bytes, and looks at none of them."""
    listener, trace = watched
    with Session(listener, certificates, "1.3") as session:
        endings.begun(session)
        endings.goaway(session, 1, frames.PROTOCOL_ERROR)
        tls.end_session(session.server)
        session.server.shutdown(socket.SHUT_WR)
        assert session.client.recv(1) == b""
        session.client.close_session()
        wire.wait_for_end(session.server)
        while session.server.recv(100, socket.MSG_TRUNC):
            pass
        session.server.close()
    for one in trace.ends(session):
        assert (one["protocol"], one["reason"], one["closer"], one["confidence"]) == ("h2", "goaway_error", "server", "certain"), one
        assert one["tls"]["close_notify"]["server"], one


# ---- single streams, and state ------------------------------------------------------------------------------

STATE = {"plaintexts", "plaintext_http2", "plaintext_strea", "randoms"}  # maps of connections; the kernel cuts names


def streams_of(trace, record):
    found = trace.records("exchange", id=record["id"])
    return [{key: one[key] for key in ("n", "status", "http", "stream", "reset")} for one in found]


def held_by(maps):
    contents = maps.contents()
    return [contents[name] for name in STATE]


def test_each_stream_is_reported_as_in_clear_text_and_nothing_stays(nothing_left, certificates):
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], "--tls", "--exchanges") as trace:
        with Maps(trace.process.pid) as maps:
            for play in endings.cancelled, endings.reset_by_server, endings.truncated, endings.many_streams:
                with wire.Pair(listener) as clear:
                    play(clear)
                with Session(listener, certificates, "1.3") as session:
                    play(session)
                for one, other in zip(trace.ends(clear), trace.ends(session)):
                    assert streams_of(trace, one) and streams_of(trace, one) == streams_of(trace, other)
            with Session(listener, certificates, "1.3") as session:
                endings.begun(session)
                assert all(held_by(maps))
                session.close(first=session.client)
            trace.wait_until(lambda: not any(held_by(maps)), "the end of all state")


# ---- connections that live ------------------------------------------------------------------------------


def test_what_happens_is_counted_while_the_connection_lives(nothing_left, certificates):
    """It is reported first before it has carried any data, when it may be of any protocol."""
    del nothing_left
    with wire.listen() as listener, metrics.Daemon([wire.port_of(listener)], "--tls") as daemon:

        def until(wanted, name, **labels):
            """Each event is counted at both ends."""
            daemon.scrape_until(lambda page: page.sum_of("keepwatch_" + name, **labels) == wanted, (name, labels, wanted))

        with Session(listener, certificates, "1.3") as session:
            until(2, "connections_opened_total")
            endings.begun(session)
            endings.ask(session, 3, 5)
            until(4, "streams_open")
            session.send_request(frames.reset(3, frames.CANCEL))
            until(2, "streams_reset_total", by="client", code="CANCEL")
            endings.goaway(session, 5)
            until(2, "goaways_total", by="server", code="NO_ERROR")
            until(2, "streams_open")
            session.send_response(frames.response(5))
            session.close(first=session.server)
        until(2, "protocol_connections_total", protocol="h2")
        until(0, "streams_open")
        until(6, "requests_total", version="2")
        page = daemon.scrape()
        assert page.sum_of("keepwatch_responses_total") == 4
        assert page.sum_of("keepwatch_tls_handshakes_total", result="done") == 2
        assert page.sum_of("keepwatch_connections_closed_total", reason="goaway_drained") == 2


class Overheard(wire.Pair):
    """A session whose ClientHello is known."""

    def __init__(self, listener, certificates, version):
        super().__init__(listener)
        self.client, self.server = sessions.begin(self.client, self.server, certificates, version, self._carried)

    def _carried(self, context, plain, **names):
        end = sessions.over_sockets(context, plain, **names)
        if "server_side" in names:
            shake = end.do_handshake
            end.do_handshake = lambda: self._overhear(end, shake)
        return end

    def _overhear(self, end, shake):
        self.hello = socket.socket.recv(end, 65536, socket.MSG_PEEK)
        shake()


def test_counts_do_not_go_back_where_the_plaintext_is_lost_later(nothing_left, certificates):
    """Somebody sends the same ClientHello once more: from then on nothing is said of the streams, but those that were counted stay so."""
    del nothing_left
    with wire.listen() as listener, metrics.Daemon([wire.port_of(listener)], "--tls") as daemon:
        with Overheard(listener, certificates, "1.3") as session, wire.Pair(listener) as copier:
            endings.begun(session)
            endings.ask(session, 3)
            daemon.scrape_until(lambda page: page.sum_of("keepwatch_streams_open") == 2, "an open stream at both ends")
            copier.exchange(session.hello, b"")
            session.send_response(frames.response(3))
            session.close(first=session.client)
        page = daemon.scrape_until(lambda page: page.sum_of("keepwatch_protocol_connections_total") == 4, "the end of all")
        assert page.sum_of("keepwatch_protocol_connections_total", protocol="h2") == 2
        assert page.sum_of("keepwatch_connections_closed_total", reason="unknown") == 2
        assert page.sum_of("keepwatch_requests_total") == page.sum_of("keepwatch_requests_total", version="2") == 4
        assert page.sum_of("keepwatch_responses_total") == 2
        assert page.sum_of("keepwatch_streams_open") == 0


# ---- what comes too fast, and what contradicts itself --------------------------------------------------------

MANY = 20_000


@pytest.mark.parametrize("library", ["openssl", "gnutls", "go"])
def test_a_rapid_reset_is_counted_exactly(doors, library):
    listeners, trace = doors
    with wire.Pair(listeners[library, "1.3"]) as session:
        endings.begin(session)
        for first in range(0, MANY, 1000):
            streams = range(2 * first + 1, 2 * first + 2001, 2)
            session.send_request(b"".join(frames.request(one) + frames.reset(one, frames.CANCEL) for one in streams))
        session.close(first=session.client)
    for one in trace.ends(session):
        reasons.says(one, "client_closed_idle", "client", "fin", "idle")
        assert one["http2"]["streams"] == one["http2"]["cancelled"] == MANY and one["http2"]["peak"] == 1
        assert not one["errors"] and not one.get("tainted")
