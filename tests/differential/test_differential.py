# SPDX-License-Identifier: BSD-2-Clause
"""Compares the machine with parsers that others wrote: libhttp-parser, and llhttp as it is built into node. It compares,
message by message, end, version, status, length of the body, and whether the connection is kept."""

import json
import pathlib
import re
import subprocess

import pytest

from accepted import ACCEPTED, HTTP_PARSER, LLHTTP_6, LLHTTP_9, REFUSED
from generate import Stream, damaged_streams, streams

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FACTS = ROOT / "build" / "tests" / "differential" / "facts"


def llhttp_name():
    version = subprocess.check_output(["node", "-p", "process.versions.llhttp"], text=True)
    return LLHTTP_6 if int(version.split(".")[0]) < 8 else LLHTTP_9


JUDGES = {
    HTTP_PARSER: [FACTS, "http_parser"],
    llhttp_name(): ["node", "--no-deprecation", HERE / "facts.js"],
}
COMMANDS = {"machine": [FACTS, "machine"], **JUDGES}
MADE = 3000


def cases():
    for path in sorted((ROOT / "tests" / "cases").glob("*/*.http")):
        options = json.loads(path.with_suffix(".json").read_text())["options"]
        methods = tuple(options["methods"].split(",")) if "methods" in options else ()
        yield Stream(path.stem, path.parent.name, options.get("eof", False), methods, path.read_bytes())


SOURCES = {
    "cases": list(cases()),
    "made": list(streams(1, MADE)),
    "damaged": list(damaged_streams(2, MADE)),
}


def facts(who, source):
    lines = "".join(f"{stream.kind} {'closed' if stream.closed else 'open'} {','.join(stream.methods) or '-'} "
                    f"{stream.data.hex() or '-'}\n" for stream in source)
    done = subprocess.run(COMMANDS[who], input=lines.encode(), capture_output=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, b"")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(source)
    return found


def parts_of(stream, mine, number):
    """Head and body of message @number, as far as there is one: what `accepted` looks at."""
    finals = [message for message in mine[:number] if not 100 <= message["status"] <= 199]
    method = stream.methods[len(finals)] if len(finals) < len(stream.methods) else ""
    start = mine[number - 1]["end"] if number else 0
    end = mine[number]["end"] if number < len(mine) else None
    text = stream.data[start or 0:end].decode("latin-1").lstrip("\r\n")
    head, body = (re.split(r"(?<=\n)\r?\n", text, maxsplit=1) + [""])[:2]
    return f"{method}|{head}", body


def judged(found):
    """The part of a result that is compared. How far a parser read before it refused a message does not count."""
    messages = found["messages"]
    if found["refused"] and messages and messages[-1]["end"] is None:
        messages = messages[:-1]
    return {"messages": messages, "refused": found["refused"]}


def differences(mine, theirs):
    """Yields the number of each message that differs, and in what. Stops after a message that ends at another place, because
    all that follows would differ too."""
    for number in range(max(len(mine["messages"]), len(theirs["messages"]))):
        ours, others = mine["messages"][number:number + 1], theirs["messages"][number:number + 1]
        if not ours or not others:
            yield number, frozenset({"refused"})
            return
        fields = frozenset(key for key in ours[0] if ours[0][key] != others[0][key])
        if fields:
            yield number, fields
        if fields - {"persistent"}:
            return
    if mine["refused"] != theirs["refused"]:
        yield len(mine["messages"]), frozenset({"refused"})


def compare(judge, source):
    """Returns the differences that nothing accepts, and the accepted entries that were met."""
    unexplained, met = [], set()
    for stream, mine, theirs in zip(source, facts("machine", source), facts(judge, source)):
        for number, fields in differences(judged(mine), judged(theirs)):
            head, body = parts_of(stream, mine["messages"], number)
            entries = [entry for entry in ACCEPTED if entry.covers(judge, stream.name, fields, head, body)]
            met.update((judge, entry) for entry in entries)
            if not entries:
                unexplained.append((stream.name, number, fields, head))
                break
    return unexplained, met


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("source", ["cases", "made"])
def test_no_difference_but_the_accepted_ones(judge, source):
    unexplained, _ = compare(judge, SOURCES[source])
    assert not unexplained, f"{len(unexplained)} differ, such as {unexplained[0]}"


@pytest.mark.parametrize("judge", JUDGES)
def test_damaged_streams_are_the_same_up_to_where_one_refuses(judge):
    """Each parser has its own policy of what it refuses; up to a refusal, and where none refuses, the results must be equal."""
    unexplained = [entry for entry in compare(judge, SOURCES["damaged"])[0] if entry[2] != REFUSED]
    assert not unexplained, f"{len(unexplained)} differ, such as {unexplained[0]}"


# Damage that only the machine may refuse, by the head it is in: a request line without a version, which is
# HTTP/0.9 to the others; two spaces in a start line; a CR that is not followed by LF; a folded line behind the start line;
# white space in a name; another major version; a status below 100; and in chunked bodies the ends of lines, which
# the older parsers hardly look at.
ONLY_HERE = (r"^\|\S+ [^ \n]+\n|^[^\n]*  |\r(?!\n)|^[^\n]*\n[ \t]|\n[^:\n]*[ \t][^:\n]*:"
             r"|^[^\n]*HTTP/[02-9]|HTTP/1\.\d (0|\d{0,2}\D)|\ntransfer-encoding:[^\n]*chunked")


def test_damage_is_refused_by_others_too():
    alone = []
    for stream, *found in zip(SOURCES["damaged"], *(facts(who, SOURCES["damaged"]) for who in COMMANDS)):
        mine, *others = found
        sound = judged(mine)["messages"]
        ends = [[message["end"] for message in each["messages"][:len(sound)]] for each in found]
        same = all(each == ends[0] for each in ends)
        if same and mine["refused"] and not any(each["refused"] for each in others):
            alone.append(parts_of(stream, sound, len(sound))[0])
    assert alone
    assert [head for head in alone if not re.search(ONLY_HERE, head, re.I)] == []


def test_each_accepted_difference_is_met():
    met = set()
    for judge in JUDGES:
        for source in SOURCES:
            met |= compare(judge, SOURCES[source])[1]
    assert {(judge, entry) for entry in ACCEPTED for judge in entry.judges if judge in JUDGES} == met


def test_the_comparison_is_over_many_messages():
    assert len(SOURCES["cases"]) >= 150
    found = facts("machine", SOURCES["made"])
    assert sum(len(each["messages"]) for each in found) > 2 * MADE
    assert sum(each["refused"] for each in found) < MADE / 100
