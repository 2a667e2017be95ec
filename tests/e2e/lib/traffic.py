# SPDX-License-Identifier: BSD-2-Clause
"""A mixed load that goes on until it is stopped, and knows the facts of every connection it made."""

import collections
import itertools
import threading
import time

from lib import wire
from lib.kinds import WITH_BOTH_ENDS


class Traffic:
    """Connections of every kind, one after the other, between a listener of its own and this process. Whatever
    goes wrong with one of them is raised at the end: nobody who watches may disturb them."""

    def __init__(self, kinds=WITH_BOTH_ENDS, pause=0.002, server=None):
        """@server: what the kinds connect to, where it is not such a listener."""
        self.listener = wire.listen()
        self.port = wire.port_of(self.listener)
        self.kinds, self.pause, self.server = kinds, pause, server or self.listener
        self.truths = []
        self.failure = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._work)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def _work(self):
        try:
            for number, kind in zip(itertools.count(), itertools.cycle(self.kinds)):
                if self.over.is_set():
                    return
                self.truths.append(kind(self.server, number))
                time.sleep(self.pause)
        except BaseException as failure:
            self.failure = failure

    def stop(self):
        self.over.set()
        self.thread.join()
        self.listener.close()
        if self.failure:
            raise self.failure

    def goes_on(self, count=10):
        """Waits until this many more connections have been made."""
        end, wanted = time.monotonic() + wire.DEADLINE, len(self.truths) + count
        while len(self.truths) < wanted and not self.failure:
            assert time.monotonic() < end, "the load stands still"
            time.sleep(0.01)
        if self.failure:
            raise self.failure

    def counts(self):
        """The totals that a daemon must count at either end of the connections so far."""
        return {
            "connections_opened_total": len(self.truths),
            "connections_closed_total": len(self.truths),
            "requests_total": sum(truth.requests for truth in self.truths),
            "responses_total": sum(truth.responses for truth in self.truths),
        }

    def reasons(self):
        """How many connections were closed for each reason, without those that are left open."""
        return collections.Counter(truth.reason for truth in self.truths)
