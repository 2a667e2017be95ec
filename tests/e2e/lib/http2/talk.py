# SPDX-License-Identifier: BSD-2-Clause
"""Clients of HTTP/2, in clear text or, gRPC's and Go's, within TLS, that do as a test says. Each is a process that reads one act a line, WORD COUNT PATH, and prints what
happens as JSON, one event a line:

    open COUNT PATH   that many requests at once; gives an event "head" for each response that begins, and a "result"; go's gives
                      "sent" too
    cancel            gives up what is under way, by RST_STREAM
    ping              gives a "pong"
    close             leaves as the library does when it is done
    destroy           leaves at once
    reset             leaves by a RST"""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from lib.http2 import go_program

HERE = Path(__file__).resolve().parent
DEADLINE = 15


def _go(address, options, certificates):
    issuer = ["-issuer", certificates.issuer] if certificates else []
    return [go_program.built(), *options, *issuer, "talk", address]


def _node(address, options, certificates):
    assert not certificates
    return ["node", HERE / "node.js", "talk", address, *options]


def _grpc(address, options, certificates):
    files = [certificates.issuer] if certificates else []
    return [sys.executable, HERE / "grpc_peer.py", "talk", address, json.dumps(dict(options)), *files]


KINDS = {"go": _go, "node": _node, "grpc": _grpc}


class Talk:
    """A client and its one connection, for a with statement. `options` are words for go, pairs of gRPC's options for grpc."""

    def __init__(self, kind, address, options=(), certificates=None):
        self.kind = kind
        self.command = [str(part) for part in KINDS[kind](address, options, certificates)]
        self.events = []
        self.errors = []
        self.changed = threading.Condition()

    def __enter__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(self.command, text=True, bufsize=1, **pipes)
        self.readers = [threading.Thread(target=self._read, daemon=True), threading.Thread(target=self._complain, daemon=True)]
        for reader in self.readers:
            reader.start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.events.append({"event": "left"})
            self.changed.notify_all()

    def _complain(self):
        self.errors += self.process.stderr

    @property
    def pid(self):
        return self.process.pid

    def of(self, event, **facts):
        with self.changed:
            return [one for one in self.events if one["event"] == event and facts.items() <= one.items()]

    def wait(self, event, count=1, **facts):
        """The events of this kind, once there are so many."""
        end = time.monotonic() + DEADLINE
        while True:
            with self.changed:
                found = [one for one in self.events if one["event"] == event and facts.items() <= one.items()]
                if len(found) >= count:
                    return found
                self.changed.wait(0.1)
            assert time.monotonic() < end, f"{self.command}: waited in vain for {count} {event} {facts}: {self.events[-5:]} {self.errors}"

    def do(self, word, count=1, path="/"):
        self.process.stdin.write(f"{word} {count} {path}\n")
        self.process.stdin.flush()

    def open(self, path, count=1):
        self.do("open", count, path)

    def ask(self, path="/", count=1):
        """Exchanges. Returns their results."""
        before = len(self.of("result", path=path))
        self.open(path, count)
        return self.wait("result", before + count, path=path)[before:]

    def results(self, path):
        """(answered, failed) of the requests that have a result."""
        found = self.of("result", path=path)
        failed = [one for one in found if "error" in one]
        return len(found) - len(failed), failed

    def close(self, word="close"):
        """Leaves, and waits for its end."""
        self.do(word)
        return self.ended()

    def ended(self):
        self.process.wait(DEADLINE)
        self.readers[0].join(DEADLINE)
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait(DEADLINE)
