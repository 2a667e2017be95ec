# SPDX-License-Identifier: BSD-2-Clause
"""A program on a terminal of its own: its screen as somebody would see it, and keys for it."""

import os
import time

import pexpect
import pyte

from lib import observer

DEADLINE = 30.0

# Of names without an "x": pyte knows their control sequences.
PLAIN = {"TERM": "linux", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class Terminal:
    """keepwatch on a terminal of @rows and @columns."""

    def __init__(self, *arguments, rows=24, columns=80, **variables):
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
        self.arguments = [str(argument) for argument in arguments]
        self.environment = kept | PLAIN | variables
        self.size = rows, columns
        self.sent = b""  # all that the program has sent to the terminal
        self.process = None

    def __enter__(self):
        self.screen = pyte.Screen(self.size[1], self.size[0])
        self.stream = pyte.ByteStream(self.screen)
        self.process = pexpect.spawn(
            str(observer.BINARY), self.arguments, env=self.environment, dimensions=self.size, echo=True
        )
        return self

    def __exit__(self, *_):
        self.process.close(force=True)

    def take(self):
        """Takes what the program has sent. False at its end."""
        try:
            data = self.process.read_nonblocking(1 << 16, 0.05)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.sent += data
        self.stream.feed(data)
        return True

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines())

    def wait_until(self, condition, what):
        end = time.monotonic() + DEADLINE
        while not condition():
            assert self.take() or condition(), f"it ended before {what}:\n{self.text()}"
            assert time.monotonic() < end, f"waited in vain for {what}:\n{self.text()}"

    def wait_for(self, *parts):
        self.wait_until(lambda: all(part in self.text() for part in parts), parts)

    def wait_without(self, part):
        self.wait_until(lambda: part not in self.text(), f"the end of {part}")

    def press(self, keys, *parts):
        """Presses keys and waits until the screen shows these parts."""
        self.process.send(keys)
        self.wait_for(*parts)

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        self.process.setwinsize(rows, columns)

    def selected(self):
        """The text of the line that is in reverse, or "" if none is."""
        for row in range(self.screen.lines):
            if self.screen.buffer[row][0].reverse:
                return self.lines()[row]
        return ""

    def end(self):
        """Waits for the end of the program. Returns its exit status, below 0 if a signal ended it."""
        end = time.monotonic() + DEADLINE
        while self.take():
            assert time.monotonic() < end, "it does not end"
        self.process.wait()
        return self.process.exitstatus if self.process.exitstatus is not None else -self.process.signalstatus
