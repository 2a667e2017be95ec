# SPDX-License-Identifier: BSD-2-Clause
"""A headless Chromium, told what to do over its debugging pipe, and all that it complains of or asks for."""

import base64
import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

from lib import deadlines

DEADLINE = 60.0
FLAGS = """
    --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-extensions --disable-default-apps --mute-audio
    --hide-scrollbars --remote-debugging-pipe
""".split()

# The browser reads commands from descriptor 3 and writes to 4.
LAUNCH = """
import fcntl, os, sys
reading, writing = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(reading, 3)
os.dup2(writing, 4)
os.closerange(5, 64)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One process with an empty profile of its own; as many pages as are asked for."""

    def __init__(self):
        self.numbers = itertools.count(1)
        self.results = {}
        self.pages = {}
        self.changed = threading.Condition()
        self.ended = False

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        profile = self.stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        theirs, self.commands = os.pipe()
        self.answers, theirs_too = os.pipe()
        command = ["chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(theirs), str(theirs_too), *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(theirs, theirs_too), env=os.environ | {"HOME": profile},
        )
        os.close(theirs)
        os.close(theirs_too)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            self.call("Browser.getVersion", deadline=deadlines.START)
        except BaseException:
            self.process.kill()
            self._end()
            raise
        return self

    def __exit__(self, *_):
        with contextlib.suppress(AssertionError, OSError):
            self.call("Browser.close")
        self._end()

    def _end(self):
        os.close(self.commands)
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(DEADLINE)
        os.close(self.answers)
        self.stack.close()

    def _read(self):
        rest = b""
        while piece := os.read(self.answers, 1 << 20):
            *messages, rest = (rest + piece).split(b"\0")
            with self.changed:
                for message in map(json.loads, messages):
                    self._take(message)
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def _take(self, message):
        if "id" in message:
            self.results[message["id"]] = message
        elif page := self.pages.get(message.get("sessionId")):
            page.events.append((message["method"], message["params"]))

    def call(self, method, session=None, deadline=DEADLINE, **parameters):
        """Sends a command; its result."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.commands, data) :]
        self.wait_until(lambda: number in self.results or self.ended, method, deadline)
        answer = self.results.pop(number, {"error": "the browser ended"})
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def wait_until(self, condition, what, deadline=DEADLINE):
        """Until condition(), which must not call the browser, holds; it is tried at every message."""
        with self.changed:
            assert self.changed.wait_for(condition, deadline), f"waited in vain for {what}"

    def open(self, **settings):
        return Page(self, **settings)


class Page:
    """A tab, for a with statement."""

    def __init__(self, browser, scheme="light", width=1200, height=900, scripts=True):
        self.browser = browser
        self.events = []
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)
        self.session = attached["sessionId"]
        browser.pages[self.session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def of(self, method):
        """The parameters of all events of this name so far."""
        return [parameters for name, parameters in list(self.events) if name == method]

    def go(self, url):
        loaded = len(self.of("Page.loadEventFired"))
        self.call("Page.navigate", url=url)
        self.browser.wait_until(lambda: len(self.of("Page.loadEventFired")) > loaded, url)

    def value(self, expression):
        """What a JavaScript expression comes to. Works, being the debugger's, without scripts too."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def comes_true(self, expression):
        end = time.monotonic() + DEADLINE
        while not self.value(expression):
            assert time.monotonic() < end, (expression, self.value("document.body.innerText"))
            time.sleep(0.05)

    def complaints(self):
        """What a console would show: errors and warnings, of scripts, of the policy, of the network."""
        logged = [entry["entry"]["text"] for entry in self.of("Log.entryAdded")]
        said = [json.dumps(one["args"]) for one in self.of("Runtime.consoleAPICalled")]
        thrown = [one["exceptionDetails"]["text"] for one in self.of("Runtime.exceptionThrown")]
        return logged + said + thrown

    def requested(self):
        """The addresses of all requests so far."""
        return [one["request"]["url"] for one in self.of("Network.requestWillBeSent")]

    def screenshot(self, path):
        """Of the whole page, however long."""
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        path.write_bytes(base64.b64decode(picture["data"]))
