# SPDX-License-Identifier: BSD-2-Clause
"""The differences that are allowed between the machine and another parser, with their reasons. Everything else must be
equal, and each listed difference must occur in the tests."""

import re
from typing import NamedTuple

# llhttp up to node 18 ("llhttp-6") is still much like the library it came from; later ("llhttp-9") it is
# stricter where it may not be lenient, and more lenient where it may.
HTTP_PARSER, LLHTTP_6, LLHTTP_9 = "http_parser", "llhttp-6", "llhttp-9"
ALL = (HTTP_PARSER, LLHTTP_6, LLHTTP_9)
OLDER = (HTTP_PARSER, LLHTTP_6)
LLHTTP = (LLHTTP_6, LLHTTP_9)
PERSISTENT = frozenset({"persistent"})
REFUSED = frozenset({"refused"})
FRAMING = frozenset({"persistent", "body", "end", "refused"})


class Difference(NamedTuple):
    """In any stream: of a message whose head holds the pattern, and whose body the other one. The head is
    "METHOD|" of a response's request, then its bytes; the body includes its framing."""
    judges: tuple
    fields: frozenset
    pattern: str
    reason: str
    body: str = ""

    def covers(self, judge, name, fields, head, body):
        del name
        return (judge in self.judges and fields <= self.fields and re.search(self.pattern, head, re.S | re.I)
                and re.search(self.body, body, re.S | re.I))


class Case(NamedTuple):
    """In one of the cases only."""
    judges: tuple
    fields: frozenset
    name: str
    reason: str

    def covers(self, judge, name, fields, head, body):
        del head, body
        return judge in self.judges and fields <= self.fields and name == self.name


def cases(judges, fields, reason, *names):
    return [Case(judges, fields, name, reason) for name in names]


ACCEPTED = [
    # ---- what they say otherwise of a sound message
    Difference(ALL, PERSISTENT,
               r"HTTP/1\.0(?=.*\nconnection:[^\n]*\bclose\b(?!-))(?=.*\nconnection:[^\n]*\bkeep-alive\b)",
               "In HTTP/1.0 they let keep-alive win over close; RFC 9112 section 9.3 lets close win"),
    Difference((HTTP_PARSER,), PERSISTENT,
               r"\nconnection:(?=[^\n]*\b(close|keep-alive)\b)([^\n]*(,\s*,|\t)|\s*,)",
               "It misses the member of Connection behind a tab or an empty member"),
    Difference((HTTP_PARSER,), PERSISTENT, r"\nconnection:[^\n]*[,:]\s*[;:\"]",
               "It misses the members of Connection behind one that begins as no token does"),
    Difference(ALL, PERSISTENT, r"\nconnection:[^\n]*\n[ \t]", "They miss members of Connection on folded lines"),
    Difference(ALL, FRAMING, r"\ntransfer-encoding:(\s*,|[^\n]*,\s*(,|\n))",
               "They count empty members of Transfer-Encoding; RFC 9110 section 5.6.1 ignores them"),
    Difference(OLDER, FRAMING,
               r"HTTP/1\.[01] (1\d\d|204|304)(?=.*\n(content-length|transfer-encoding):)",
               "They leave it to their caller that 1xx, 204 and 304 have no body"),
    Difference(LLHTTP, PERSISTENT,
               r"^(HEAD\||CONNECT\|HTTP/1\.\d 2)",
               "It tells persistence before it is told of HEAD or CONNECT, as if a body followed"),
    # RFC 9112 section 2.2: a CR without LF is invalid, or a space.
    Difference(ALL, FRAMING, r"\r(?!\n)", "They take a CR without LF for an end of a line"),
    Difference(ALL, FRAMING, r"\ntransfer-encoding:",
               "They take a CR without LF for an end of a line, in chunked too",
               body=r"(^|\n)\r(?!\n)|(;|\nX-)[^\n]*\r(?!\n)"),
    Difference(ALL, FRAMING, r"\ntransfer-encoding:", "They want CRLF behind a chunk's size",
               body=r"(^|\n)[0-9a-f]+(;[^\n]*)?(?<!\r)\n"),
    Difference((LLHTTP_9,), FRAMING, r"HTTP/1\.[01]\n$",
               "Behind a request line that ends in a bare LF it goes on to fields, even past an empty line"),
    *cases(ALL, PERSISTENT, "They read Proxy-Connection as if it were Connection",
           "proxy-connection-never-changes-a-decision"),
    Difference(ALL, PERSISTENT, r"HTTP/1\.0(?=.*\nconnection:[^\n]*keep-alive)(?=.*\ntransfer-encoding:)",
               "They do not end a connection after Transfer-Encoding in HTTP/1.0 (RFC 9112 section 6.1)"),
    Difference(ALL, FRAMING, r"\ntransfer-encoding:[^\n]*chunked *\t", "They miss chunked before a tab"),
    *cases((HTTP_PARSER,), PERSISTENT, "It honours Connection in a trailer",
           "connection-in-a-trailer-is-not-honoured"),
    *cases((HTTP_PARSER,), REFUSED, "It takes Transfer-Encodings for Transfer-Encoding",
           "names-that-begin-alike-are-told-apart"),
    *cases(LLHTTP, FRAMING, "It misses chunked on a folded line", "chunked-on-a-folded-line"),

    # ---- what they refuse; an observer follows what some server may well accept
    *cases(ALL, REFUSED,
           "They know a list of methods, and only capital letters; RFC 9110 section 9.1 has tokens",
           "a-long-method-is-a-method-once-http-is-known", "a-longer-method-is-not-the-shorter-one",
           "a-shorter-method-is-not-the-longer-one", "methods-are-case-sensitive",
           "methods-are-tokens-not-a-list",
           "proxy-as-a-method-is-a-request", "pri-in-http-1.1-is-a-method"),
    *cases(ALL, REFUSED, "They do not know the PROXY protocol",
           "a-proxy-header-alone-is-no-request", "a-proxy-header-of-ipv6-is-skipped",
           "a-proxy-header-of-unknown-is-skipped", "a-proxy-header-that-is-cut-is-no-request",
           "a-proxy-header-version-1-is-skipped", "a-proxy-header-version-2-is-skipped",
           "a-proxy-header-version-2-may-hold-much", "a-proxy-header-version-2-of-local-has-no-addresses"),
    *cases(ALL, REFUSED, "They look into targets, which the machine skips", "a-short-odd-target-is-a-target"),
    *cases((LLHTTP_9,), REFUSED, "It looks into targets, which the machine skips",
           "a-target-may-hold-bytes-above-ascii"),
    *cases(ALL, REFUSED, "They refuse a length that is said twice; RFC 9110 section 8.6 lets it be one",
           "the-same-length-in-a-list-is-one-length", "the-same-length-on-two-lines-is-one-length",
           "the-same-length-with-leading-zeros-is-one-length"),
    *cases(ALL, REFUSED, "They refuse a bad Content-Length although Transfer-Encoding overrides it",
           "transfer-encoding-wins-over-a-bad-content-length"),
    *cases((HTTP_PARSER,), REFUSED,
           "It refuses Content-Length with Transfer-Encoding, as RFC 9112 section 6.1 lets it",
           "transfer-encoding-wins-in-any-order", "transfer-encoding-wins-over-content-length",
           "a-response-with-identity-coding-and-length-is-delimited-by-the-close"),
    *cases(ALL, REFUSED, "They refuse a tab behind a length; it is optional white space",
           "white-space-around-values-is-trimmed"),
    *cases(LLHTTP, REFUSED, "It refuses a fold behind a length; it is optional white space",
           "a-fold-behind-a-length-is-trimmed"),
    *cases(ALL, REFUSED, "They refuse white space behind the version, which RFC 9112 section 3 lets one ignore",
           "white-space-behind-the-version-is-ignored"),
    *cases(ALL, REFUSED, "They refuse a CR within a value, which RFC 9112 section 2.2 lets one read as a space",
           "a-cr-within-a-value-does-not-end-it"),
    *cases((HTTP_PARSER,), REFUSED, "It refuses control bytes in values, which the machine masks or skips",
           "a-nul-behind-close-is-not-close", "a-nul-in-a-value-is-skipped",
           "control-and-high-bytes-in-a-name-are-masked", "keep-alive-a-nul-within-a-name-makes-another-name"),
    *cases(OLDER, REFUSED, "They want CRLF at the end of a trailer", "trailer-lines-may-end-in-a-bare-lf"),
    *cases((LLHTTP_6,), REFUSED, "It refuses white space behind a chunk's size",
           "white-space-behind-a-chunk-size-is-skipped"),
    *cases((LLHTTP_6,), REFUSED, "It refuses a minor version that it does not know",
           "a-higher-minor-version-counts-as-1.1"),

    # ---- oddities that real servers and clients accept, so the machine does too, and counts them
    *cases(ALL, REFUSED, "They refuse names with odd characters; the machine skips such a field, as nginx, haproxy and node do",
           "a-bad-character-in-a-name-is-no-connection-field", "a-byte-above-ascii-in-a-name-is-skipped",
           "a-nul-in-another-name-is-skipped", "an-empty-name-is-skipped", "many-odd-names-are-skipped",
           "odd-names-are-skipped"),
    *cases(LLHTTP, REFUSED, "It refuses a blank within or behind a name; the machine skips such a field",
           "a-space-within-a-name-is-skipped", "keep-alive-with-a-space-before-its-colon-is-skipped"),
    *cases(ALL, REFUSED, "They refuse a tab behind a name", "a-tab-before-the-colon-of-another-field-is-skipped"),
    *cases(ALL, REFUSED, "They refuse a line without a colon", "a-line-of-words-without-a-colon-is-skipped"),
    *cases(ALL, REFUSED, "They refuse a minor version of several digits",
           "a-version-of-two-minor-digits-is-1.1", "a-minor-version-of-many-digits-is-1.1",
           "a-minor-version-of-two-digits-is-1.1"),
    *cases(LLHTTP, REFUSED, "It refuses a tab behind a target", "a-tab-ends-a-target"),
    *cases(ALL, REFUSED, "They refuse tabs in a start line",
           "tabs-and-spaces-around-the-target-are-one-space", "blanks-in-a-status-line-are-one-space"),
    Difference((HTTP_PARSER,), frozenset({"persistent", "version"}), r"^\|\w+ [^ \n]*\t[^\n]*\n",
               "It takes a tab for a part of the target, and the request for HTTP/0.9"),
    *cases(ALL, frozenset({"persistent", "version"}), "They take the version as it is written",
           "http2-as-a-version-later-on-is-1.1"),
    *cases(LLHTTP, REFUSED, "It refuses words behind a chunk's size", "words-behind-a-chunk-size-are-skipped"),
    *cases(ALL, REFUSED, "They read on behind CONNECT; the machine leaves what follows to the tunnel",
           "connect-with-a-length-has-no-body", "connect-with-a-coding-has-no-body"),
    *cases((HTTP_PARSER,), REFUSED, "It refuses Content-Length with Transfer-Encoding",
           "a-length-with-another-coding-ends-where-a-message-begins",
           "a-length-with-another-coding-may-not-be-the-end", "no-length-with-another-coding-and-a-next-message"),
    *cases(LLHTTP, FRAMING, "It waits for the close; the machine takes the length where a message begins at its end",
           "a-length-with-another-coding-ends-where-a-message-begins",
           "no-length-with-another-coding-and-a-next-message"),

    # ---- what only the machine refuses: fields that frame, damaged
    *cases(ALL, REFUSED, "They do not miss the field that a folded line continues",
           "a-folded-connection-behind-the-request-line-is-malformed"),
    *cases(ALL, REFUSED, "They skip white space before the colon; RFC 9112 section 5.1 has servers refuse it",
           "white-space-before-the-colon-of-connection-is-malformed",
           "connection-with-a-space-before-its-colon-is-malformed"),
    *cases(OLDER, REFUSED, "They take a space for a part of a name", "a-space-within-content-length-is-malformed"),

    # ---- what only the machine refuses
    *cases(ALL, REFUSED, "They take any digits for a version; another major version is not HTTP/1",
           "another-major-version-is-not-http1",
           "major-version-0-is-not-http1", "a-response-of-http-2-is-not-http1"),
    *cases((HTTP_PARSER, LLHTTP_9), REFUSED, "They take any digits for a version, and 3 is one",
           "major-version-3-is-not-http1"),
    *cases(LLHTTP, REFUSED, "It takes what is left of an HTTP/2 preface for HTTP",
           "pri-with-a-longer-target-is-not-the-preface", "pri-with-another-target-is-not-the-preface"),
    *cases(ALL, REFUSED, "They know HTTP/0.9",
           "no-version-is-not-http1", "no-version-later-on-is-malformed"),
    *cases(ALL, REFUSED, "They skip CR for ever; a connection that begins with nothing else is no HTTP",
           "a-long-run-of-cr-is-opaque"),
    *cases(ALL, REFUSED, "They count lengths up to 2^64; the machine's end at 2^63 - 1",
           "a-length-of-2-to-the-63-is-malformed", "a-chunk-size-of-2-to-the-63-is-malformed"),
    *cases(ALL, REFUSED, "They take CR for the end of the line where the head ends",
           "a-cr-without-lf-at-the-end-of-the-head-is-malformed"),
    *cases(ALL, REFUSED, "They take numbers below 100 for a status", "a-status-below-100-is-malformed"),
    *cases(OLDER, REFUSED, "They take two digits for a status", "a-status-of-two-digits-is-malformed"),
    *cases(LLHTTP, REFUSED, "Being lenient, it lets the close end a request of an unknown coding",
           "a-bad-coding-with-a-length-is-malformed-and-ambiguous",
           "a-request-with-an-empty-transfer-encoding-is-malformed",
           "chunked-behind-a-vertical-tab-is-not-chunked",
           "chunked-with-a-parameter-is-not-chunked", "xchunked-is-not-chunked"),
    *cases((LLHTTP_9,), REFUSED, "Being lenient, it lets the close end a request whose last coding is another",
           "a-request-whose-last-coding-is-another-is-malformed",
           "a-request-whose-last-line-is-another-coding-is-malformed"),
    *cases((LLHTTP_9,), REFUSED, "Being lenient, it does without the end of the line behind a chunk",
           "a-chunk-ended-by-cr-alone-is-malformed", "a-chunk-longer-than-its-size-is-malformed"),
    *cases(ALL, REFUSED, "They take CR for the end of the line behind a chunk's size",
           "a-bare-cr-behind-a-chunk-size-is-malformed"),
]
