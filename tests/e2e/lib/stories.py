# SPDX-License-Identifier: BSD-2-Clause
"""Conversations of each protocol, as the calls that carry them, [(end, bytes)]; ways to have them; and how alike two records of one
are."""

from lib import handshakes, wire
from lib.http2 import frames

BODY = b"b" * 700
QUESTION = wire.request("POST", "/", "Connection: keep-alive, x-marker", f"Content-Length: {len(BODY)}", body=BODY)
ANSWER = wire.response("200 OK", "Connection: keep-alive, x-marker", "Keep-Alive: timeout=7", body=BODY)
UPGRADE = wire.request("GET", "/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
SWITCH = wire.head("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: h2c")
# Times, places, and how long the kernel needs, which differ from connection to connection.
OF_ITS_OWN = {"id", "opened", "closed", "duration_s", "local", "remote", "flow", "evidence", "idle_at_close_s",
              "idle_max_s", "waited_s", "srtt_us", "retransmits", "handshake_s"}

EXCHANGES = 3
HTTP1 = [("client", QUESTION), ("server", ANSWER)] * EXCHANGES
TLS = sum(handshakes.polite("1.3"), [])


def data(stream, payload, end=True):
    return frames.frame(frames.DATA, end, stream, payload)


# Frames that stand alone in a call, several in one, and one that takes two; both sides have a say in most facts.
STREAMS = [
    ("server", frames.SETTINGS_ACK + frames.response(1, end=False)),
    ("server", data(1, BODY)),
    ("client", frames.SETTINGS_ACK + frames.request(3, (b"connection", b"close"), end=False) + data(3, BODY)[:300]),
    ("client", data(3, BODY)[300:] + frames.request(5) + frames.ping()),
    ("server", frames.ping(frames.ACK) + frames.response(3, (b"keep-alive", b"timeout=5"))),
    ("client", frames.reset(5, frames.CANCEL)),
    ("client", frames.request(7)),
    ("server", frames.goaway(7) + frames.response(7)),
]
LIMIT = frames.settings((3, 100))  # of concurrent streams
HTTP2 = [("client", frames.BEGIN + frames.request(1)), ("server", LIMIT), *STREAMS]
UPGRADED = [("client", UPGRADE), ("server", SWITCH + LIMIT), ("client", frames.BEGIN), *STREAMS]

ALL = {"http1": HTTP1, "http2": HTTP2, "upgraded": UPGRADED, "tls": TLS}


def likeness(value):
    """Of records, what is the same whatever carried them."""
    if isinstance(value, (list, tuple)):
        return [likeness(one) for one in value]
    if isinstance(value, dict):
        return {key: likeness(one) for key, one in value.items() if key not in OF_ITS_OWN}
    return value


class Plain:
    """Sends and receives over a socket, by system calls: see rings.Transfer."""

    def __init__(self, end):
        self.end = end

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def send(self, data):
        self.end.sendall(data)
        return len(data)

    def wait_for(self, count):
        pass

    def waits(self):
        return False

    def receive(self, count):
        return wire.read_exactly(self.end, count)


def pass_on(sender, receiver, end, data, early):
    if early:
        receiver.wait_for(len(data))
    assert sender.send(data) == len(data)
    if not receiver.waits():
        wire.wait_for_bytes(end, len(data))
    assert receiver.receive(len(data)) == data


def converse(pair, turns, sends, receives, early=False):
    """These turns; @sends and @receives make a transfer over a socket."""
    with sends(pair.client) as client_sends, sends(pair.server) as server_sends:
        with receives(pair.client) as client_receives, receives(pair.server) as server_receives:
            for end, data in turns:
                if end == "client":
                    pass_on(client_sends, server_receives, pair.server, data, early)
                else:
                    pass_on(server_sends, client_receives, pair.client, data, early)


def converse_whole(pair, turns, sends, receives, early=False):
    converse(pair, turns, sends, receives, early)
    pair.close(first=pair.client)
