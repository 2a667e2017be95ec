# SPDX-License-Identifier: BSD-2-Clause
"""Streams that are HTTP no more, over real sockets: what the machine's tests know and its fuzzer found, cut up,
mixed and damaged at random. Every connection is told once by each of its ends, both tell the same, and whoever
behaves beside them is told exactly."""

import os
import random

from lib import host, metrics, observer, wire

SEED = int(os.environ.get("KEEPWATCH_SEED", "1"))
CONNECTIONS = int(os.environ.get("KEEPWATCH_FUZZED", "300"))
CORPUS = [path.read_bytes() for pattern in ("cases/requests/*.http", "cases/responses/*.http", "fuzz/found/http1/*")
          for path in sorted((host.ROOT / "tests").glob(pattern))]
AT_ONCE = 50  # are checked, before their ports come back
LONGEST = 20_000
SPICE = [b"\r\n", b"\n", b"\r", b"\0", b":", b" ", b"\t ", b",", b";", b"0\r\n\r\n",
         b"HTTP/1.1 200 OK\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"Content-Length: 18446744073709551616\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n",
         b"Connection: " + b"x," * 40 + b"\r\n", b"Keep-Alive: timeout=-1\r\n", b"ffffffffffffffff\r\n",
         b"\xff" * 40,
         b"HEAD / HTTP/1.0\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"HTTP/1.1 101 x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\n"]


class Fuzz:
    """Reproducible, because the seed determines everything."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def spot(self, data):
        return self.random.randrange(len(data) + 1)

    def damage(self, data):
        at, other = sorted((self.spot(data), self.spot(data)))
        how = self.random.randrange(6)
        if how == 0:
            return data[:at] + self.random.choice(SPICE) + data[at:]
        if how == 1:
            return data[:at] + data[min(other, at + self.random.randrange(40)):]
        if how == 2:
            return data[:other] + data[at:other] + data[other:]
        if how == 3:
            return data[:at] + self.random.randbytes(self.random.randrange(1, 9)) + data[at + 1:]
        if how == 4:
            return data[:at] + self.random.choice(CORPUS)[self.spot(data):]
        return data[:at].swapcase() + data[at:]

    def stream(self):
        data = b"".join(self.random.choices(CORPUS, k=self.random.randrange(1, 4)))
        for _ in range(self.random.randrange(6)):
            data = self.damage(data)
        return data[:LONGEST]

    def pieces(self, data):
        """In few pieces or in many."""
        most = self.random.choice([3, 40, 400, LONGEST])
        while data:
            size = self.random.randrange(1, most + 1)
            yield data[:size]
            data = data[size:]


def converse(fuzz, pair):
    """Plays both streams interleaved: each call of one end is followed by one of the other."""
    waiting = [[pair.client, pair.server, fuzz.pieces(fuzz.stream())],
               [pair.server, pair.client, fuzz.pieces(fuzz.stream())]]
    while waiting:
        one = fuzz.random.choice(waiting)
        sender, receiver, pieces = one
        piece = next(pieces, None)
        if piece is None:
            waiting.remove(one)
            continue
        sender.sendall(piece)
        wire.wait_for_bytes(receiver, len(piece))
        assert receiver.recv(len(piece)) == piece
    pair.close(first=fuzz.random.choice([pair.client, pair.server]))


def test_streams_that_are_http_no_more(own_listener):
    fuzz = Fuzz(SEED)
    port = wire.port_of(own_listener)
    pairs = []
    assert len(CORPUS) > 150
    with (observer.Trace([port], "--exchanges") as trace, observer.Observer("trace", "--port", str(port)) as text,
          metrics.Daemon([port], "--log-premature") as daemon, wire.Pair(own_listener) as neighbour):
        for number in range(CONNECTIONS):
            with wire.Pair(own_listener) as pair:
                converse(fuzz, pair)
            pairs.append(pair)
            if number % 10 == 0:
                neighbour.exchange()
            if len(pairs) == AT_ONCE or number == CONNECTIONS - 1:
                trace.wait_for(2 * (number + 1))
                for pair in pairs:
                    trace.both(pair)  # which agree
                pairs.clear()
        neighbour.close(first=neighbour.client)
        for one in trace.both(neighbour):
            assert (one["requests"], one["reason"], one["confidence"]) == (
                (CONNECTIONS + 9) // 10, "client_closed_idle", "certain")
        scrape = daemon.scrape_until(
            lambda page: page.sum_of("keepwatch_connections_closed_total") == 2 * (CONNECTIONS + 1)
            and page.sum_of("keepwatch_parse_errors_total") > 0, "all closes, and what was wrong")
        assert scrape.sum_of("keepwatch_events_lost_total") == 0
        text.stop()
        assert text.errors == [observer.OBSERVING]
