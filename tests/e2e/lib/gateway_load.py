# SPDX-License-Identifier: BSD-2-Clause
"""Ten clients of a gateway at once, whose requests fail in all ways. The backend's log says what became of each."""

import collections
import concurrent.futures
import contextlib
import http.client
import random
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from lib import stage, wire
from lib.backend import Backend, Full
from lib.servers.gateways import ADDRESSES, LONG, STATUSES, Gateway
from lib.servers.process import wait_until

FAST = ["/ok", "/race", "/race", "/race", "/close", "/cut", "/endless", "/garbage", "/passed", "/own", "/down/"]
SLOW = ["/slow", "/full/"]

Answer = collections.namedtuple("Answer", "path client exchange status asked")


class Client:
    """One that keeps its connection for as long as the gateway does, and asks for a server at an address of its own."""

    def __init__(self, gateway, address, answers):
        self.gateway, self.address, self.answers = gateway, address, answers
        self.connection = None

    def ask(self, path, mark):
        """One request; @mark is what its path has and no other's."""
        if path in ("/down/", "/full/"):
            path += f"{self.address}/"
        path = path if path == "/own" else f"{path}?{mark}"
        if not self.connection:
            since = datetime.now(timezone.utc)
            self.connection = http.client.HTTPConnection(*self.gateway.address, timeout=wire.DEADLINE)
            self.connection.connect()
            self.name, self.exchanges = wire.Name(self.connection.sock.getsockname(), since), 0
        self.exchanges += 1
        asked = datetime.now(timezone.utc)
        status = self._exchange(path)
        self.answers.append(Answer(path, self.name, self.exchanges, status, asked))

    def _exchange(self, path):
        """The status of the response; 0 if there was none that is complete."""
        try:
            self.connection.request(random.choice(["GET", "POST"]), self.gateway.target(path))
            response = self.connection.getresponse()
            response.read()
            status = response.status
        except (OSError, http.client.HTTPException):
            status = 0
        if not status or not self.connection.sock:
            self.close()
        return status

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class Scene:
    """A gateway of this kind with its servers, for a with statement; and what its clients were answered."""

    def __init__(self, kind):
        self.kind = kind
        self.answers = []
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with self.stack as stack:
            self.backend = stack.enter_context(Backend())
            self.full = stack.enter_context(Full())
            reserved = [stack.enter_context(stage.reserve()) for _ in range(3)]
            own, down, other = [wire.port_of(one) for one in reserved]
            self.down, others = f"127.0.0.1:{down}", f"127.0.0.1:{other}"
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keepwatch-")))
            self.gateway = stack.enter_context(
                Gateway(self.kind, folder, own, self.backend.name, self.down, others, self.full.name)
            )
            self.ports = [own, self.backend.port, down, other, wire.port_of(self.full.listener)]
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    def _ask_all(self, pool, clients, paths):
        def play(client, paths):
            for number, path in enumerate(paths):
                client.ask(path, f"{len(self.answers):05d}-{client.address[-2:]}-{number:03d}")

        for done in [pool.submit(play, client, random.sample(paths, len(paths))) for client in clients]:
            done.result()

    def play(self, rounds):
        """@rounds times all that fails fast, between them a backend that dies or reloads, then what fails slowly."""
        fast = [path for path in FAST if (self.kind, path) not in LONG]
        clients = [Client(self.gateway, address, self.answers) for address in ADDRESSES]
        with concurrent.futures.ThreadPoolExecutor(len(clients) + 1) as pool:
            for number in range(rounds):
                asked = pool.submit(self._ask_all, pool, clients, fast)
                busy = len(self.answers) + len(fast) * len(clients) // 2
                wait_until(lambda: len(self.answers) >= busy or asked.done(), "half of the answers")
                [self.backend.die, self.backend.reload][number % 2]()
                asked.result()
            for path in SLOW if self.kind != "lighttpd" else SLOW[:1]:
                self._ask_all(pool, clients, [path])
        for client in clients:
            client.close()

    def errors(self):
        return [one for one in self.answers if one.status in STATUSES]
