# SPDX-License-Identifier: BSD-2-Clause
"""Streams to compare parsers on, made up by a seeded generator: sound ones, and the same with some damage."""

import random
from typing import NamedTuple


class Stream(NamedTuple):
    name: str
    kind: str  # requests or responses
    closed: bool  # it ends because the connection is closed
    methods: tuple  # of the requests that the responses answer
    data: bytes


METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND",
           "M-SEARCH"]
STATUSES = [200, 200, 200, 201, 204, 206, 301, 304, 400, 404, 407, 500, 503]
OPTIONS = ["close", "Close", "keep-alive", "Keep-Alive", "x-a", "X-Debug-Token", "close-notify", "te",
           "HTTP2-Settings"]
WORDS = ["a", "text/html; charset=utf-8", "\"65-5d\"", "a, b, c", "Connection: close", "5", "", "x" * 90]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, chance):
        return self.random.random() < chance

    def one(self, things):
        return self.random.choice(things)

    def case(self, name):
        return self.one([name, name, name.lower(), name.upper()])

    def space(self):
        return self.one([" ", " ", " ", "", "\t", "   "])

    def field(self, name, value):
        return f"{self.case(name)}:{self.space()}{value}{self.one(['', '', '', ' '])}\r\n"

    def connection(self):
        fields = ""
        for _ in range(self.one([0, 0, 1, 1, 2])):
            members = [self.one(OPTIONS) for _ in range(self.random.randint(1, 3))]
            fields += self.field("Connection", self.one([", ", ",", " ,\t", ", ,"]).join(members))
        return fields

    def others(self):
        names = ["Host", "X-A", "Accept", "Connections", "Content-Type", "Keep-Alive", "Cookie", "Date",
                 "Trailer"]
        return [self.field(self.one(names), self.one(WORDS)) for _ in range(self.random.randint(0, 4))]

    def content(self):
        size = self.one([0, 1, 2, 7, 63, 64, 65, 200])
        return "".join(self.one("ab0 \r\n:") for _ in range(size))

    def chunked(self, content):
        body = ""
        while content:
            size = self.random.randint(1, min(len(content), 70))
            digits = self.one(["%x", "%X", "0%x", "000%X"]) % size
            extension = self.one(["", "", "", ";a=b", ";a=\"b;c\"", ";a"])
            body += f"{digits}{extension}\r\n{content[:size]}\r\n"
            content = content[size:]
        trailer = self.one(["", "", "X-Sum: 1\r\n", "X-Sum: 1\r\nX-More: 2\r\n"])
        return f"{body}{self.one(['0', '0', '00', '0;last'])}\r\n{trailer}\r\n"

    def framed(self, may_be_open):
        """Framing fields and the body that goes with them. Returns them, and whether only the close ends it."""
        content = self.content()
        way = self.random.random()
        if way < 0.35:
            length = self.one([f"{len(content)}", f"{len(content)}", f"0{len(content)}"])
            return [self.field("Content-Length", length)], content, False
        if way < 0.75:
            coding = self.one(["chunked", "chunked", "Chunked", "gzip, chunked"])
            return [self.field("Transfer-Encoding", coding)], self.chunked(content), False
        if way < 0.80:
            return [self.field("Transfer-Encoding", "gzip") + self.field("Transfer-Encoding", "chunked")], \
                self.chunked(content), False
        return [], content if may_be_open else "", may_be_open

    def head(self, start, fields):
        self.random.shuffle(fields)
        return start + "\r\n" + "".join(fields) + "\r\n"

    def version(self):
        return self.one(["HTTP/1.1"] * 4 + ["HTTP/1.0"])

    def request(self):
        method, version = self.one(METHODS), self.version()
        targets = ["/", "/a/b?c=d", "http://example.test/", "*"]
        if method == "CONNECT":
            targets = ["example.test:443"]
        start = f"{method} {self.one(targets)} {version}"
        fields, body, _ = self.framed(False)
        if version == "HTTP/1.0" or method in ("CONNECT", "TRACE", "HEAD"):
            fields, body = [], ""
        return self.head(start, fields + self.others() + [self.connection()]) + body

    def response(self, method):
        """Returns the response, and whether the stream must end with it."""
        status, version = self.one(STATUSES), self.version()
        fields, body, is_open = self.framed(True)
        if version == "HTTP/1.0" and "hunked" in "".join(fields):
            fields, body, is_open = [], "", True
        ends = method == "CONNECT" and status // 100 == 2
        if method == "HEAD" or status in (204, 304) or ends:
            body, is_open = "", False
        interim = self.one([""] * 4 + ["HTTP/1.1 100 Continue\r\n\r\n",
                                       "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"])
        reason = self.one([" OK", " Some Reason", " "])
        head = self.head(f"{version} {status}{reason}", fields + self.others() + [self.connection()])
        return interim + head + body, is_open or ends

    def requests(self, name):
        count = self.random.randint(1, 5)
        lines = self.one(["", "", "", "\r\n"])
        requests = [lines + self.request() for _ in range(count)]
        tunnel = [number for number, request in enumerate(requests) if "CONNECT example.test:443" in request]
        text = "".join(requests[:tunnel[0] + 1 if tunnel else count])  # what comes behind CONNECT is the tunnel's
        return Stream(name, "requests", False, (), text.encode("latin-1"))

    def responses(self, name):
        methods = [self.one(METHODS) for _ in range(self.random.randint(1, 5))]
        text = ""
        for method in methods:
            response, ends = self.response(method)
            text += response
            if ends:
                break
        return Stream(name, "responses", True, tuple(methods), text.encode("latin-1"))

    def damage(self, stream):
        """Cuts the stream short, or changes a byte of it."""
        data = bytearray(stream.data)
        at = self.random.randrange(len(data))
        if self.some(0.5):
            del data[at:]
        else:
            data[at] = self.one(b" \t\r\n:,;x0\"")
        return stream._replace(name=stream.name + "-damaged", data=bytes(data))


def streams(seed, count):
    generator = Generator(seed)
    for number in range(count):
        make = generator.requests if number % 2 else generator.responses
        yield make(f"made-{number}")


def damaged_streams(seed, count):
    generator = Generator(seed)
    for stream in streams(seed, count):
        yield generator.damage(stream)
