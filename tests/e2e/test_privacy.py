# SPDX-License-Identifier: BSD-2-Clause
"""Secrets in every place where a message can hold one, cut wherever it hurts: none of them, and no piece of
one, is found in what any command says, in a recording, or in any map. Names that Connection lists are the only
free text that is kept, short and of few letters."""

import contextlib
import random
import re
import string

import pytest

from lib import metrics, observer, wire
from lib.maps import Maps
from lib.reporter import Report
from test_recording import Recorder, replay

SECRET = 24
PIECE = 8  # bytes of a secret that must not be found either
KEPT = "x-kept-by-keepwatch"  # shows that what is kept would be found
SMALL_RING = ["--ring-size", "64K"]

HEAD = b"GET / HTTP/1.1\r\nHost: test\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
OK_HEAD = b"HTTP/1.1 200 OK\r\n"
OK_CHUNKED = OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"


def posted(kind, body):
    length = len(body) + body.count(b"@") * (SECRET - 1)
    return b"POST / HTTP/1.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, length) + body


MULTIPART = (b"--limit\r\nContent-Disposition: form-data; name=\"@\"; filename=\"@\"\r\n"
             b"Content-Type: text/plain; x=@\r\nConnection: @\r\n\r\nGET /@ HTTP/1.1\r\n--limit--\r\n")

# (requests, responses); @ is the secret.
PLACES = {
    "a path": (b"GET /a/@ HTTP/1.1\r\n\r\n", wire.OK),
    "a query": (b"GET /?token=@&b=c HTTP/1.1\r\n\r\n", wire.OK),
    "an absolute target": (b"GET http://user:@.test/ HTTP/1.1\r\n\r\n", wire.OK),
    "a host": (b"GET / HTTP/1.1\r\nHost: @\r\n\r\n", wire.OK),
    "a cookie": (HEAD + b"Cookie: session=@; a=b\r\n\r\n", wire.OK),
    "basic credentials": (HEAD + b"Authorization: Basic @==\r\n\r\n", wire.OK),
    "a bearer token": (HEAD + b"Authorization: Bearer @\r\n\r\n", wire.OK),
    "credentials for a proxy": (HEAD + b"Proxy-Authorization: Basic @\r\n\r\n", wire.OK),
    "a field nobody knows": (HEAD + b"X-Api-Key: @\r\n\r\n", wire.OK),
    "a field much like a known one": (HEAD + b"Connection-Key: @\r\n\r\n", wire.OK),
    "a folded field": (HEAD + b"X: a\r\n  @\r\n\r\n", wire.OK),
    "a content type": (HEAD + b"Content-Type: text/@\r\n\r\n", wire.OK),
    "an upgrade": (HEAD + b"Upgrade: @\r\n\r\n", wire.OK),
    "TE": (HEAD + b"TE: @\r\n\r\n", wire.OK),
    "Proxy-Connection": (HEAD + b"Proxy-Connection: @\r\n\r\n", wire.OK),
    "HTTP2-Settings": (HEAD + b"HTTP2-Settings: @\r\n\r\n", wire.OK),
    "a parameter of Keep-Alive": (HEAD + b"Keep-Alive: x=@, timeout=5\r\n\r\n", wire.OK),
    "a timeout": (HEAD + b"Keep-Alive: timeout=@\r\n\r\n", wire.OK),
    "a quoted timeout": (HEAD + b"Keep-Alive: timeout=\"@\"\r\n\r\n", wire.OK),
    "a transfer coding's parameter": (b"POST / HTTP/1.1\r\nTransfer-Encoding: x;" + b"x" * 32
                                      + b"=@, chunked\r\n\r\n0\r\n\r\n", wire.OK),
    "a body": (posted(b"text/plain", b"@"), wire.OK),
    "a form": (posted(b"application/x-www-form-urlencoded", b"password=@&b=%20"), wire.OK),
    "a multipart body": (posted(b"multipart/form-data; boundary=limit", MULTIPART), wire.OK),
    "a chunk": (CHUNKED + b"18\r\n@\r\n0\r\n\r\n", wire.OK),
    "a chunk extension": (CHUNKED + b"3;@=@\r\nabc\r\n0;a=\"@\"\r\n\r\n", wire.OK),
    "a trailer": (CHUNKED + b"0\r\nX: @\r\nCookie-@: b\r\nConnection: @\r\n\r\n", wire.OK),
    "a malformed length": (b"POST / HTTP/1.1\r\nContent-Length: @\r\n\r\n", b""),
    "a line without a colon": (HEAD + b"x @\r\n\r\n", b""),
    "a version": (b"GET / HTTP/1.1@\r\n\r\n", b""),
    "behind a malformed message": (b"GET / HTTP/1.1\r\nx y: @\r\n\r\nConnection: @\r\n\r\n", b""),
    "a PROXY header": (b"PROXY UNKNOWN @\r\n" + wire.GET, wire.OK),
    "a binary PROXY header": (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x18@" + wire.GET, wire.OK),
    "a reason phrase": (wire.GET, b"HTTP/1.1 200 @\r\n" + EMPTY),
    "a set cookie": (wire.GET, OK_HEAD + b"Set-Cookie: a=@; HttpOnly\r\n" + EMPTY),
    "a location": (wire.GET, b"HTTP/1.1 302 Found\r\nLocation: /?@\r\n" + EMPTY),
    "a challenge": (wire.GET, b"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest nonce=\"@\"\r\n" + EMPTY),
    "a response's field nobody knows": (wire.GET, OK_HEAD + b"X-Key: @\r\n" + EMPTY),
    "a response's parameter of Keep-Alive": (wire.GET, OK_HEAD + b"Keep-Alive: timeout=5, x=@\r\n" + EMPTY),
    "a response's body": (wire.GET, OK_HEAD + b"Content-Length: 24\r\n\r\n@"),
    "a response's chunk": (wire.GET, OK_CHUNKED + b"18\r\n@\r\n0\r\n\r\n"),
    "a response's chunk extension": (wire.GET, OK_CHUNKED + b"0;x=@\r\n\r\n"),
    "a response's trailer": (wire.GET, OK_CHUNKED + b"0\r\nX-Signature: @\r\n\r\n"),
    "a body that the close ends": (wire.GET, OK_HEAD + b"\r\n@"),
    "an interim response": (wire.GET, b"HTTP/1.1 103 Early Hints\r\nLink: <@>\r\n\r\n" + wire.OK),
    "a tunnel": (b"CONNECT test:443 HTTP/1.1\r\n\r\n", OK_HEAD + b"\r\n@"),
    "an upgraded connection": (HEAD + b"Connection: upgrade\r\nUpgrade: a\r\n\r\n",
                               b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n@"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n@", b""),
    "TLS": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03@", b"\x16\x03\x03@"),
    "another protocol": (b"\x01\x02@", b""),
    "another protocol of text": (b"", b"220 @ ready\r\n"),
}

# Where a name stands, it may be one that counts: up to its end it is kept, and no longer.
NAMES = {
    "a method": (b"@ / HTTP/1.1\r\n\r\n", wire.OK),
    "a field's name": (HEAD + b"X-@: a\r\n\r\n", wire.OK),
    "a field's name that begins like a known one": (HEAD + b"Connection-@: a\r\n\r\n", wire.OK),
    "a field's name without a colon": (HEAD + b"k@\r\n\r\n", b""),
    "a transfer coding": (b"POST / HTTP/1.1\r\nTransfer-Encoding: @, chunked\r\n\r\n0\r\n\r\n", wire.OK),
    "the last transfer coding": (b"POST / HTTP/1.1\r\nTransfer-Encoding: @\r\n\r\n", b""),
    "a short transfer coding": (b"POST / HTTP/1.1\r\nTransfer-Encoding: x;y=@\r\n\r\n", b""),
    "a parameter's name": (HEAD + b"Keep-Alive: @=5\r\n\r\n", wire.OK),
    "a response's field's name": (wire.GET, OK_HEAD + b"Proxy-@: a\r\n" + EMPTY),
    "a response's parameter's name": (wire.GET, OK_HEAD + b"Keep-Alive: @\r\n" + EMPTY),
    "the first word of another protocol": (b"@-2.0\r\n", b""),
}



def filled(template):
    """How long it will be."""
    return len(template) + template.count(b"@") * (SECRET - 1)


def counted(size, template):
    return filled(template).to_bytes(size, "big") + template


def extension(number, template):
    return number.to_bytes(2, "big") + counted(2, template)


def hello(kind, suites, *extensions):
    body = b"\3\3" + b"@" + bytes(8) + counted(1, b"@") + suites + counted(2, b"".join(extensions))
    return b"\x16\3\1" + counted(2, bytes([kind]) + counted(3, body))


CLIENT_HELLO = hello(
    1,
    b"\0\2\x13\1\1\0",
    extension(0, counted(2, b"\0" + counted(2, b"@.test"))),
    extension(16, counted(2, counted(1, b"@") + counted(1, b"h2"))),
    extension(41, counted(2, counted(2, b"@@") + bytes(4))),
    extension(43, b"\2\3\4"),
)
SERVER_HELLO = hello(2, b"\x13\1\0", extension(43, b"\3\4"), extension(51, b"\0\x1d" + counted(2, b"@")))


def sealed(kind, template):
    return bytes([kind]) + b"\3\3" + counted(2, template)


# A handshake, an exchange and a ticket; what is encrypted is as secret as what is not.
PLACES["TLS"] = (
    CLIENT_HELLO + sealed(23, b"@" + bytes(29)) + sealed(23, b"GET /@"),
    SERVER_HELLO + sealed(23, b"@") + sealed(22, b"\x0b" + counted(3, b"@@")) + sealed(23, b"@@"),
)

# Before TLS 1.3 certificates of both sides and session tickets are in clear: the ticket in the hello, its like behind it.
CERTIFICATE = b"\x0b" + counted(3, counted(3, counted(3, b"\x30\x82\1\2@@@")))
PLACES["TLS 1.2"] = (
    hello(1, b"\0\2\xc0\x2f\1\0", extension(0, counted(2, b"\0" + counted(2, b"@.test"))), extension(35, b"@@"))
    + sealed(22, CERTIFICATE) + sealed(20, b"\1") + sealed(22, b"@" * 2) + sealed(23, b"GET /@"),
    hello(2, b"\xc0\x2f\0", extension(35, b"")) + sealed(22, CERTIFICATE) + sealed(22, b"\x0d" + counted(3, b"\0\0@"))
    + sealed(22, b"\4" + counted(3, b"\0\0\0\1" + counted(2, b"@@@"))) + sealed(20, b"\1") + sealed(22, b"@" * 2)
    + sealed(23, b"@@") + sealed(21, b"@"),
)
# A record that ends within the hello's random; and a certificate in the record of the hello.
PLACES["TLS in pieces"] = (
    CLIENT_HELLO[:5].replace(CLIENT_HELLO[3:5], (20).to_bytes(2, "big")) + CLIENT_HELLO[5:25],
    SERVER_HELLO[:3] + counted(2, SERVER_HELLO[5:] + CERTIFICATE),
)


# HTTP/2, whose frames and fields say how long they are.
def framed(kind, template, flags=4, stream=1):
    return counted(3, template)[:3] + bytes([kind, flags]) + stream.to_bytes(4, "big") + template


def valued(name, template):
    """A field that is not indexed; a name is the index of a known one."""
    return (bytes([name]) if isinstance(name, int) else b"\0" + counted(1, name)) + counted(1, template)


AUTHORITY, PATH = 1, 4
REQUEST = b"\x82\x86"  # GET, http
DATA, HEADERS, GOAWAY, CONTINUATION = 0, 1, 7, 9
BEGIN = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + framed(4, b"", 0, 0)
BEGIN_SERVER = framed(4, b"", 0, 0)
GET = BEGIN + framed(HEADERS, REQUEST + b"\x84", 5)
ANSWER = framed(HEADERS, b"\x88", 5)

PLACES |= {
    "HTTP/2's path, cookie and credentials": (
        BEGIN + framed(HEADERS, REQUEST + valued(PATH, b"/@") + valued(AUTHORITY, b"@") + valued(b"cookie", b"a=@")
                       + valued(b"authorization", b"Bearer @") + valued(b"connection", b"@") + valued(b"x-key", b"@"), 5),
        BEGIN_SERVER + framed(HEADERS, b"\x88" + valued(b"set-cookie", b"@") + valued(b"location", b"/?@")
                              + valued(b"grpc-message", b"@"), 5)),
    "HTTP/2's values that are indexed": (
        BEGIN + framed(HEADERS, REQUEST + b"\x44" + counted(1, b"/@") + b"\x40" + counted(1, b"cookie") + counted(1, b"@"), 5),
        BEGIN_SERVER + ANSWER),
    "HTTP/2's bodies": (BEGIN + framed(HEADERS, REQUEST + b"\x84") + framed(DATA, b"@@", 1),
                        BEGIN_SERVER + framed(HEADERS, b"\x88") + framed(DATA, b"@@", 1)),
    "HTTP/2's trailers": (GET, BEGIN_SERVER + framed(HEADERS, b"\x88") + framed(HEADERS, valued(b"x-sum", b"@"), 5)),
    "HTTP/2's continuations": (
        BEGIN + framed(HEADERS, REQUEST + b"\x84", 1) + framed(CONTINUATION, valued(b"cookie", b"@@"), 4),
        BEGIN_SERVER + ANSWER),
    "HTTP/2's unknown frames": (GET + framed(0xBE, b"@@"), BEGIN_SERVER + ANSWER),
}
NAMES |= {
    "HTTP/2's names of fields": (
        BEGIN + framed(HEADERS, REQUEST + b"\x84" + valued(b"@", b"a") + valued(b"connection-@", b"a"), 5), BEGIN_SERVER + ANSWER),
    "HTTP/2's values that count": (BEGIN + framed(HEADERS, REQUEST + b"\x84" + valued(b"te", b"@"), 5),
                                   BEGIN_SERVER + framed(HEADERS, valued(8, b"@"), 5)),
    "the text of a GOAWAY": (GET + framed(GOAWAY, bytes(8) + b"@", 0, 0), BEGIN_SERVER + ANSWER + framed(GOAWAY, bytes(8) + b"too_many_@", 0, 0)),
}


class Secrets:
    """The secrets that were sent and must not be found."""

    def __init__(self):
        self.pieces = {}  # to where they were sent

    def fill(self, template, place):
        """Returns the message with a different secret in each place, and those secrets."""
        mine = []

        def new(_):
            mine.append("".join(random.choices(string.ascii_lowercase + string.digits, k=SECRET)).encode())
            return mine[-1]

        message = re.sub(b"@", new, template)
        self.pieces |= {piece: place for secret in mine for piece in pieces_of(secret)}
        return message, mine

    def found_in(self, data):
        """The places of those secrets that these bytes contain a piece of."""
        data = data.lower()
        there = {data[at : at + PIECE] for at in range(len(data) - PIECE + 1)}
        return {self.pieces[piece] for piece in self.pieces.keys() & there}


def pieces_of(secret):
    return [secret[at : at + PIECE] for at in range(SECRET - PIECE + 1)]


def within(data, secrets):
    return [data.find(secret) + at for secret in secrets for at in (0, 1, SECRET // 2, SECRET - 1, SECRET)]


CUTS = {
    "whole": lambda data, secrets: [],
    "in bytes": lambda data, secrets: range(1, len(data)),
    "within secrets": within,
    "anywhere": lambda data, secrets: sorted(random.sample(range(len(data)), min(len(data), 9))),
}


def cut(data, spots):
    return [data[begin:end] for begin, end in zip([0, *spots], [*spots, len(data)]) if begin < end]


def send(sender, receiver, data):
    """Sends with one call, and receives with one."""
    sender.sendall(data)
    wire.wait_for_bytes(receiver, len(data))
    assert receiver.recv(len(data)) == data


class Watchers:
    """Every command that observes, on one port."""

    def __init__(self, port, path):
        options = observer.port_options([port])
        self.path = path
        self.trace = observer.Trace([port], "--exchanges", *SMALL_RING)
        self.daemon = metrics.Daemon([port], "--log-premature")
        self.all = [
            self.trace,
            self.daemon,
            observer.Observer("trace", "-v", "--exchanges", *options),
            observer.Observer("report", *options),
            Report([port]),
            Recorder(path, [port], "--exchanges"),
        ]
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            for one in self.all:
                stack.enter_context(one)
            self.maps = stack.enter_context(Maps(self.trace.process.pid))
            self.all_maps = [stack.enter_context(Maps(one.process.pid)) for one in self.all]
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *why):
        return self.stack.__exit__(*why)

    def check_maps(self, pair, secrets, what):
        """No piece of these secrets is in a map of one observer, now."""
        for name, data in self.maps.contents([pair.client, pair.server]).items():
            data = data.lower()
            assert not [secret for secret in secrets if any(piece in data for piece in pieces_of(secret))], (
                name, what)

    def contents(self, sockets=()):
        """All bytes of all maps of all observers."""
        return b"".join(data for maps in self.all_maps for data in maps.contents(sockets).values())

    def said(self):
        """The whole output of the observers, which are stopped first."""
        pages = [self.daemon.get(path)[2] for path in ("/metrics", "/", "/healthz")]
        for one in self.all:
            one.stop()
        replayed = [replay(self.path, *how) for how in ([], ["--as", "report"], ["--as", "metrics"])]
        return "\n".join([*pages, *replayed, *[line for one in self.all for line in one.output + one.errors]])


@pytest.fixture
def watchers(own_listener, tmp_path):
    with Watchers(wire.port_of(own_listener), tmp_path / "recording") as watchers:
        yield watchers


def converse(watchers, pair, conversation, secrets, place, way, name):
    """One connection's life. Between two calls no map holds what has passed; a name that is not complete is
    still needed."""
    for template, sender, receiver in zip(conversation, (pair.client, pair.server), (pair.server, pair.client)):
        data, mine = secrets.fill(template, place)
        for piece in cut(data, CUTS[way](data, mine)):
            send(sender, receiver, piece)
            if way == "within secrets" and not name:
                watchers.check_maps(pair, mine, place)
        watchers.check_maps(pair, mine, (place, way))
    pair.close(first=pair.client)
    watchers.check_maps(pair, mine, (place, way))


def test_no_secret_is_found(watchers, own_listener):
    secrets = Secrets()
    with wire.Pair(own_listener) as pair:
        pair.exchange(wire.request("GET", "/", f"Connection: {KEPT}"))
        assert KEPT.encode() in watchers.contents([pair.client, pair.server])
        pair.close(first=pair.client)
    for places, name in (PLACES, False), (NAMES, True):
        for place, conversation in places.items():
            for way in CUTS:
                with wire.Pair(own_listener) as pair:
                    converse(watchers, pair, conversation, secrets, place, way, name)
    count = 2 * (1 + len(CUTS) * (len(PLACES) + len(NAMES)))
    watchers.trace.wait_until(lambda: len(watchers.trace.records()) == count, "all records")
    held = watchers.contents()
    assert KEPT.encode() in held, "the rings were not read"
    assert secrets.found_in(held) == set()
    said = watchers.said()
    assert KEPT in said
    assert secrets.found_in(said.encode()) == set()
    recorded = watchers.path.read_bytes()
    assert KEPT.encode() in recorded
    assert secrets.found_in(recorded) == set()


HOSTILE = [
    b"\x1b]0;owned\x07\x1b[2J",
    b"\x00\x01\x7f\x80\xff",
    "übung\u202e".encode(),
    b'"},{"a":"\\',
    b"<script>alert(1)</script>",
    b"%s%n{{x}}",
    b"a b\tc",
    b"A" * 33 + b"-too-long",
    b"one-more",
    b"and-more",
]
AS_KEPT = ["?]0;owned??[2j", "?????", "??bung???", '"}', '{"a":"\\', "<script>alert(1)</script>", "%s%n{{x}}", "a?b?c"]


def test_hostile_names_in_connection_are_short_and_of_few_letters(watchers, own_listener):
    """At most 8 names of at most 32 printable letters of ASCII; and they are in the records alone."""
    with wire.Pair(own_listener) as pair:
        message = HEAD + b"".join(b"Connection: %s\r\n" % name for name in HOSTILE) + b"\r\n"
        pair.exchange(message, wire.OK.replace(b"\r\n", b"\r\nConnection: " + b"B" * 100 + b"\r\n", 1))
        pair.close(first=pair.client)
    for one in watchers.trace.wait_for(2):
        assert one["hop_by_hop"] == AS_KEPT
        assert one["reason"] == "client_closed_idle"
    with wire.Pair(own_listener) as pair:
        pair.exchange(HEAD + b"Connection: %s\r\n\r\n" % (b"A" * 33))
        pair.close(first=pair.client)
    records = watchers.trace.wait_for(4)
    assert [one["hop_by_hop"] for one in records[2:]] == [["a" * 32]] * 2
    scrape = watchers.daemon.scrape_until(
        lambda page: page.sum_of("keepwatch_hop_by_hop_fields_total") == 2 * (len(HOSTILE) + 1 + 2), "all names")
    assert scrape.sum_of("keepwatch_hop_by_hop_fields_total", field="other") == 2 * (len(HOSTILE) + 1 + 2)
    said = watchers.said()
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", said)
    others = [line for line in said.splitlines() if not line.startswith('{"type":"connection",')]
    assert len(others) > 100
    assert not [line for line in others if any(name in line for name in AS_KEPT if len(name) > 2)]


NAME = b"\x1b[2J<b>\"\\" + b"a" * 80
NAME_AS_KEPT = "?[2J<b>\"\\" + "a" * (64 - 9)


@pytest.mark.parametrize("asked", [False, True], ids=["not asked for", "asked for"])
def test_a_server_name_is_short_and_clean_and_in_the_record_alone(own_listener, asked):
    message = hello(1, b"\0\2\x13\1\1\0", extension(0, counted(2, b"\0" + counted(2, NAME)))).replace(b"@", b"x" * SECRET)
    options = ["--tls-server-names"] if asked else []
    with observer.Trace([wire.port_of(own_listener)], *options) as trace:
        with Maps(trace.process.pid) as maps, wire.Pair(own_listener) as pair:
            send(pair.client, pair.server, message)
            held = b"".join(maps.contents([pair.client, pair.server]).values())
            pair.close(first=pair.client)
        assert (b"a" * PIECE in held) == asked
        for one in trace.wait_for(2):
            assert one["tls"].get("server_name") == (NAME_AS_KEPT if asked else None)
