# SPDX-License-Identifier: BSD-2-Clause
"""The results of the machine's host build for a connection's two streams, in the form of a record."""

import functools
import json
import subprocess

from lib import observer
from lib.observer import ROOT

PARSE = observer.BUILD / "http1-parse"
FACTS = ROOT / "build" / "tests" / "differential" / "facts"

FATAL = {"start_line", "not_a_response", "framing_field", "content_length", "transfer_encoding", "chunk"}
METHODS = {"HEAD": "HEAD", "CONNECT": "CONNECT", "safe": "GET", "idempotent": "PUT", "other": "POST"}
HOW = {"directive": "close", "http10": "http10", "close_delimited": "delimited"}
NAMES = 8  # kept of a connection
PROXY2 = b"\r\n\r\n\0\r\nQUIT\n"


@functools.cache
def parse(kind, data, methods=()):
    """The messages of a stream that ends with its connection, as http1-parse prints them."""
    arguments = [PARSE, f"--{kind}", "--eof", *(["--methods", ",".join(methods)] if methods else [])]
    done = subprocess.run(arguments, input=data, capture_output=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@functools.cache
def ends(kind, data, methods=()):
    """The end offset of each message whose head is complete; None for a message that is cut."""
    line = f"{kind} closed {','.join(methods) or '-'} {data.hex() or '-'}\n"
    done = subprocess.run([FACTS, "machine"], input=line.encode(), capture_output=True, timeout=60, check=True)
    return [message["end"] for message in json.loads(done.stdout)["messages"]]


def first_byte(data, at):
    """The offset of the first byte of the message at @at: behind empty lines and a PROXY protocol header."""
    if not at and data.startswith(PROXY2):
        at = 16 + int.from_bytes(data[14:16], "big")
    elif not at and data.startswith((b"PROXY T", b"PROXY U")):
        at = data.index(b"\n") + 1
    while data[at : at + 1] in (b"\r", b"\n"):
        at += 1
    return at


def with_head(messages):
    return [message for message in messages if message.get("framing")]


def spans(kind, data, methods=()):
    """(message, first byte, offset behind the last or None) of the messages whose head is complete."""
    at, found = 0, []
    for message, end in zip(with_head(parse(kind, data, methods)), ends(kind, data, methods), strict=True):
        found.append((message, first_byte(data, at), end))
        at = end
    return found


def chunks(data, at, end):
    """Where the data of the chunks lies, in a chunked body that is well formed."""
    while at < end:
        line = data.index(b"\n", at) + 1
        size = int(data[at:line].split(b";")[0].split()[0], 16)
        if not size:
            return
        yield line, line + size
        at = data.index(b"\n", line + size) + 1


def bodies(kind, data, methods=()):
    """The ranges of bytes that need not be read, as [(from, to)]."""
    found = []
    for message, begin, end in spans(kind, data, methods):
        stop = len(data) if end is None else end
        if message["framing"] == "tunnel":
            found.append((stop, len(data)))
            break
        if message["framing"] in ("length", "close"):
            found.append((stop - message["body_bytes"], stop))
        elif message["framing"] == "chunked" and end:
            head = data.index(b"\n\r\n", begin) + 3
            found += chunks(data, head, end)
    return [(start, stop) for start, stop in found if start < stop]


def is_lost(messages):
    """Whether the framing is lost in these bytes, so that a later call may be taken for the start of a message."""
    return any(FATAL & set(message.get("errors", ())) for message in messages)


def methods_of(requests):
    """A method of its class for each request that waits for a response."""
    return tuple(METHODS[message["method"]] for message in with_head(requests))


def directives(messages):
    said = [message["connection"] for message in messages]
    return {name: sum(one[name] for one in said) for name in ("keep_alive", "close", "upgrade")}


def protocol(messages):
    """None if it is HTTP of unknown version, because no start line was understood."""
    foreign = [message["as"] for message in messages if message["kind"] == "not_http1"]
    if foreign:
        return foreign[0]
    counted = [message for message in with_head(messages) if message["kind"] != "interim"]
    versions = {message["version"] for message in counted or messages} - {None}
    if versions:
        return f"http/{max(versions)}"
    return None if is_lost(messages) else "none"


def announcement(message, by):
    """The announcement of a close in this message alone, in the form of a record."""
    if message["announced"]:
        return {"by": by, "how": HOW[message["announced"]]}
    return None if message["persistent"] else {"by": by, "how": "http10"}


class Connection:
    """The streams of a connection as the host sees them. All requests of a round precede its responses."""

    def __init__(self, rounds, methods=()):
        """@methods: where the requests are not sent, those that the responses are read by."""
        self.requests = b"".join(requests for requests, _ in rounds)
        self.responses = b"".join(responses for _, responses in rounds)
        self.asked = spans("requests", self.requests)
        methods = methods or methods_of(parse("requests", self.requests))
        self.answered = [span for span in spans("responses", self.responses, methods)
                         if span[0]["kind"] == "response"]
        self.messages = parse("requests", self.requests) + parse("responses", self.responses, methods)
        self.announced, self.announced_at = self._first_announcement(rounds)

    def _first_announcement(self, rounds):
        """The first in the order in which they were sent; all but the last round is as long on both sides."""
        asked, answered = list(enumerate(self.asked, 1)), list(enumerate(self.answered, 1))
        sent = 0, 0
        for requests, responses in rounds:
            sent = sent[0] + len(requests), sent[1] + len(responses)
            for spans_, limit, by in (asked, sent[0], "client"), (answered, sent[1], "server"):
                while spans_ and spans_[0][1][1] < limit:
                    number, (message, _, _) = spans_.pop(0)
                    if announced := announcement(message, by):
                        return announced, number
        return None, 0

    def names(self):
        met = [name for message in self.messages if "connection" in message
               for name in message["connection"]["names"]]
        return [*dict.fromkeys(met)][:NAMES]

    def errors(self):
        """The errors of messages whose head is complete or malformed; a message that is cut is not judged."""
        judged = [message["errors"] for message in self.messages
                  if message.get("framing") or (FATAL | {"surplus"}) & set(message.get("errors", ()))]
        found = {error for errors in judged for error in errors}
        ended = [message for message, _, end in self.answered if end is not None]
        if self.asked and len(ended) > len(self.asked) and not found & FATAL and ended[-1]["status"] != 408:
            found.add("surplus")  # a whole response that nobody had asked for
        return found

    def advertised(self):
        said = [message["keep_alive"] for message, _, _ in self.answered]
        values = [[one[name] for one in said if one[name] is not None] for name in ("timeout", "max")]
        return tuple(value[-1] if value else None for value in values)

    def record(self):
        """The expected records of both sockets."""
        ended = sum(end is not None for _, _, end in self.answered)
        spoken = protocol(self.messages)
        return {
            "protocol": spoken,
            "requests": None if spoken == "tls" else len(self.asked),
            "responses": None if spoken == "tls" else len(self.answered),
            "up": len(self.requests),
            "down": len(self.responses),
            "directives": {"request": directives(message for message, _, _ in self.asked),
                           "response": directives(message for message, _, _ in self.answered)},
            "hop_by_hop": self.names(),
            "advertised": self.advertised(),
            "errors": self.errors(),
            "last_status": self.answered[-1][0]["status"] if self.answered else None,
            "announced": self.announced,
            "close_ignored": bool(self.announced) and ended > self.announced_at,
        }

    def exchanges(self):
        """The expected records of the exchanges, in order."""
        asked = [(message["method"], (end or begin) - begin) for message, begin, end in self.asked]
        found = []
        for number, (message, begin, end) in enumerate(self.answered, 1):
            method, size = asked[number - 1] if number <= len(asked) else ("other", 0)
            if message["complete"]:
                found.append({
                    "n": number, "status": message["status"], "http": message["version"], "method": method,
                    "request_bytes": size,
                    "response_bytes": (len(self.responses) if end is None else end) - begin,
                    "announced": self.announced if self.announced_at == number else None,
                })
        return found
