#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the fuzzer's first inputs from the cases: make_corpus.py CASES CORPUS. fuzz_http1.c has the form."""

import pathlib
import struct
import sys

RESPONSES, CONVERSATION, MIDWAY = 1, 2, 4


def header(mode, seed):
    return struct.pack("<BI", mode, seed)


def call(direction, data):
    """The calls that carry @data: four times a count and one byte, so the last ones are single bytes."""
    calls = b""
    while data:
        count = min((len(data) - 1) // 4, 63)
        calls += bytes([direction << 7 | count]) + data[:count * 4 + 1]
        data = data[count * 4 + 1:]
    return calls


def blind(direction, count):
    return bytes([direction << 7 | 64 | count])


def conversations(request, response):
    pair = call(0, request) + call(1, response)
    return {
        "pair": pair * 2,
        "response-first": call(1, response) + call(0, request),
        "pipeline": call(0, request * 3) + call(1, response * 3),
        "blind-request": blind(0, 9) + pair * 2,
        "blind-response": call(0, request) + blind(1, 9) + pair * 2,
        "blind-within": call(0, request) + call(1, response[:-8]) + blind(1, 1) + call(1, response[-3:]) + pair,
    }


def main(cases, corpus):
    corpus.mkdir(parents=True, exist_ok=True)
    streams = {}
    for kind, mode in (("requests", 0), ("responses", RESPONSES)):
        for path in sorted((cases / kind).glob("*.http")):
            streams[kind, path.stem] = path.read_bytes()
            (corpus / f"{kind}-{path.stem}").write_bytes(header(mode, len(streams)) + path.read_bytes())
    heads = [b"GET / HTTP/1.1\r\n\r\n", b"HEAD / HTTP/1.1\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\n\r\n"]
    for (kind, name), stream in streams.items():
        if kind == "requests" or len(stream) > 400:
            continue
        for number, request in enumerate(heads):
            for way, data in conversations(request, stream).items():
                for mode in (CONVERSATION, CONVERSATION | MIDWAY):
                    (corpus / f"{way}-{mode}-{number}-{name}").write_bytes(header(mode, number) + data)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
