# SPDX-License-Identifier: BSD-2-Clause
"""keepwatch as a child process: started, waited for, read line by line, stopped and checked."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from lib import deadlines, kernel, loss, record, wire

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / os.environ.get("KEEPWATCH_BUILD", "build")  # another build's programs may be tested
BINARY = BUILD / "keepwatch"
DEADLINE = 30.0
SANITIZED = "ASAN_OPTIONS" in os.environ
OBSERVING = "keepwatch: observing"
UNSEEN = "keepwatch: the kernel ran no program when "

held_in_session = set()  # every BPF object that an observer of this session was seen to hold


def port_options(ports):
    return ["--port", ",".join(str(port) for port in ports)] if ports else []


class Observer:
    """A running keepwatch. Threads collect the lines of its two outputs."""

    command = [BINARY]
    more = ()  # options of each observer, behind its own
    status = 0  # which it is expected to end with

    def __init__(self, *arguments, program=None, **options):
        self.arguments = [*(program or self.command), *arguments, *self.more]
        self.options = options
        self.process = None
        self.output = []
        self.errors = []
        self.held = set()
        self.losses = loss.Losses(self.held)
        self.changed = threading.Condition()
        self.readers = []

    def _start(self):
        self.process = subprocess.Popen(
            self.arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **self.options,
        )
        self.readers = [
            threading.Thread(target=self._gather, args=(self.process.stdout, self.output), daemon=True),
            threading.Thread(target=self._gather, args=(self.process.stderr, self.errors), daemon=True),
        ]
        for reader in self.readers:
            reader.start()

    def __enter__(self):
        """Starts it: only here, so that whoever has it running also ends it, however many are entered at once."""
        self._start()
        try:
            self.wait_until(
                lambda: OBSERVING in self.errors or self.process.poll() is not None, "the start", deadlines.START
            )
            assert OBSERVING in self.errors, f"it ended at once: {self.errors}"
            self._note_objects()
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self._kill()
        else:
            self.stop()

    def _gather(self, stream, lines):
        for line in stream:
            with self.changed:
                lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def _note_objects(self):
        if self.process.poll() is None:
            self.held |= kernel.held_by(self.process.pid)
            held_in_session.update(self.held)

    def _kill(self):
        self.losses.look()
        self.process.kill()
        self.process.wait()

    def comes_true(self, condition, deadline=DEADLINE):
        """Whether condition() holds in time; it is tried at every new line and ten times a second."""
        end = time.monotonic() + deadline
        with self.changed:
            while not condition():
                if time.monotonic() > end:
                    return False
                self.changed.wait(0.1)
        return True

    def wait_until(self, condition, what, deadline=DEADLINE):
        if not self.comes_true(condition, deadline):
            said = f"{len(self.output)} lines, the last {self.output[-2:]}, errors {self.errors}"
            raise AssertionError(f"waited in vain for {what}; {said}")

    def end(self):
        """Waits until it has ended by itself. Returns its exit status."""
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._kill()
            raise AssertionError(f"it does not end; errors {self.errors}") from None
        for reader in self.readers:
            reader.join(DEADLINE)
        return status

    def stop(self):
        """Ends it as an operator does, and checks that it ended well. May be called again."""
        if self.process.poll() is None:
            self._note_objects()
            self.losses.look()
            os.kill(self.process.pid, signal.SIGTERM)
        assert self.end() == self.status, self.errors


class Trace(Observer):
    """keepwatch trace --json of some ports. Every record is checked for its form as it is read."""

    allowed = re.compile(re.escape(UNSEEN))  # on standard error, besides the usual

    def __init__(self, ports, *options, **settings):
        super().__init__("trace", "--json", *port_options(ports), *options, **settings)
        self.seen = []
        self.selective = not {"--premature", "--reason"}.isdisjoint(options)  # the summary counts all

    def records(self, kind="connection", **fields):
        """The records so far of this type whose fields have these values. Those of an end with a Name are only
        the ones opened since it has it."""
        with self.changed:
            for line in self.output[len(self.seen) :]:
                self.seen.append(record.checked(line))
            seen = list(self.seen)
        wanted = {"type": kind} | fields
        since = max((value.since for value in fields.values() if isinstance(value, wire.Name)), default="")
        return [
            one
            for one in seen
            if wanted.items() <= {name: one.get(name) for name in wanted}.items()
            and (one.get("opened") or since) >= since
        ]

    def _known_of(self, fields):
        """Facts that may explain a missing record: all records of these ends, of any time, and the sockets."""
        ends = {str(value) for end, value in fields.items() if end in ("local", "remote")}
        records = [one for one in self.records() if ends <= {one["local"], one["remote"]}]
        sockets = subprocess.run(["ss", "-tanie"], capture_output=True, text=True).stdout.splitlines()
        return f"known: {records}, {[line for line in sockets if any(end in line for end in ends)]}"

    def wait_for(self, count, kind="connection", **fields):
        """The records of this type and with these values, once there are @count; more are an error."""
        enough = self.comes_true(lambda: len(self.records(kind, **fields)) >= count)
        records = self.records(kind, **fields)
        assert enough, f"{len(records)} of {count} with {fields}; {self._known_of(fields)}; errors {self.errors}"
        assert len(records) == count, records
        return records

    def both(self, pair, **mirrored):
        """The two records of a connection: of the socket that connected, and of the one that was accepted."""
        (client,) = self.wait_for(1, local=pair.client_name, remote=pair.server_name)
        (server,) = self.wait_for(1, local=pair.server_name, remote=pair.client_name)
        record.check_agreement(client, server, **mirrored)
        return client, server

    def ends(self, pair):
        """The same, which need not agree, as where a request came too late."""
        names = (pair.client_name, pair.server_name), (pair.server_name, pair.client_name)
        return [self.wait_for(1, local=local, remote=remote)[0] for local, remote in names]

    def stop(self):
        """Ends it; its summary. Nothing may have been told twice, said on standard error, or lost, but for what the
        kernel did not show it: a test that failed of that was played again."""
        super().stop()
        summary = json.loads(self.output[-1])
        assert summary["type"] == "summary", summary
        assert [*summary] == ["type", "connections", "lost_events", "tainted"]
        hidden = self.losses.known["recursion"]
        self.losses.note_unseen(summary["lost_events"] - hidden)
        assert self.losses.known == dict.fromkeys(loss.KINDS, 0) | {"recursion": hidden, "unseen": summary["lost_events"] - hidden}
        assert hidden <= summary["lost_events"]
        assert len(self.records("summary")) == 1
        assert [line for line in self.errors if not self.allowed.match(line)] == [OBSERVING]
        connections = self.records()
        assert self.selective or summary["connections"] == len(connections)
        identities = [one["id"] for one in connections]
        assert len(set(identities)) == len(identities), "a connection was reported twice"
        return summary
