# SPDX-License-Identifier: BSD-2-Clause
"""Every case, through the machine as the host compiles it: whole, byte by byte, in two pieces of any size."""

import json
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
CASES = sorted((ROOT / "tests" / "cases").glob("*/*.http"))
WAYS = {"whole": [], "bytes": ["--cut", "1"], "threes": ["--cut", "3"], "two pieces": ["--cut-all"]}


def parse(arguments, stream):
    command = [ROOT / "build" / "http1-parse", *arguments]
    done = subprocess.run(command, input=stream, capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr.decode()


def name(path):
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", CASES, ids=name)
def test_case(path, way):
    expected = json.loads(path.with_suffix(".json").read_text())
    options = expected["options"]
    arguments = [f"--{path.parent.name}", *WAYS[way]]
    if "methods" in options:
        arguments += ["--methods", options["methods"]]
    if options.get("eof"):
        arguments += ["--eof"]
    status, output, errors = parse(arguments, path.read_bytes())
    assert (status, errors) == (0, "")
    assert [json.loads(line) for line in output.splitlines()] == expected["messages"]


def test_cases_are_all_there():
    assert len(CASES) >= 150
    assert all(path.with_suffix(".json").exists() for path in CASES)
    assert len(list((ROOT / "tests" / "cases").glob("*/*.json"))) == len(CASES)
    options = [json.loads(path.with_suffix(".json").read_text())["options"] for path in CASES]
    assert set().union(*options) == {"methods", "eof"}


def test_keys_come_in_the_documented_order():
    stream = (b"HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Debug-Token\r\nKeep-Alive: timeout=5, max=100\r\n"
              b"Content-Length: 12\r\n\r\nhello world!")
    assert parse(["--responses"], stream)[1] == (
        b'{"kind":"response","version":"1.1","status":200,"method":null,'
        b'"connection":{"keep_alive":true,"close":false,"upgrade":false,"te":false,"names":["x-debug-token"]},'
        b'"keep_alive":{"timeout":5,"max":100},"persistent":true,"announced":null,'
        b'"framing":"length","body_bytes":12,"complete":true,"errors":[]}\n')


@pytest.mark.parametrize("arguments", [
    [], ["--requests", "--responses"], ["--responses", "--responses"], ["--requests", "--methods", "GET"],
    ["--responses", "--methods", ""], ["--responses", "--methods", "GET,,HEAD"],
    ["--responses", "--methods", "GET,"],
    ["--responses", "--methods", "GET / HTTP"], ["--responses", "--methods"], ["--requests", "--cut", "0"],
    ["--requests", "--cut", "-1"], ["--requests", "--cut", "1x"], ["--requests", "--cut", ""],
    ["--requests", "--cut"],
    ["--requests", "--cut", "99999999999999999999999"], ["--requests", "--cut", "1", "--cut-all"],
    ["--requests", "--what"], ["--requests", "file"],
], ids=" ".join)
def test_bad_usage_is_status_2_and_says_how(arguments):
    status, output, errors = parse(arguments, b"")
    assert (status, output) == (2, b"")
    assert "usage: http1-parse" in errors


def test_an_output_that_cannot_be_written_is_status_1():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([ROOT / "build" / "http1-parse", "--requests"], input=b"GET / HTTP/1.1\r\n\r\n",
                              stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1
    assert b"http1-parse: " in done.stderr


def test_a_megabyte_on_one_line_is_no_limit():
    stream = b"GET / HTTP/1.1\r\nX: " + b"x" * (1 << 20) + b"\r\nConnection: close\r\n\r\n"
    message = json.loads(parse(["--requests"], stream)[1])
    assert (message["complete"], message["connection"]["close"]) == (True, True)


def test_a_million_chunks_of_one_byte_are_a_million_bytes():
    stream = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1000000 + b"0\r\n\r\n"
    message = json.loads(parse(["--responses"], stream)[1])
    assert (message["complete"], message["body_bytes"]) == (True, 1000000)
