# SPDX-License-Identifier: BSD-2-Clause
"""A client's and a server's network namespace with a router between them, which translates addresses, and can be made to reset,
forget or forge: as a firewall does. A plugin: `pytest_plugins = ["lib.routed"]` gives its fixtures."""

import contextlib
import socket
import struct

import pytest

from lib import wire
from lib.namespaces import Namespace

CLIENT, CLIENT_SIDE = "198.18.1.2", "198.18.1.1"
SERVER, SERVER_SIDE = "198.18.2.2", "198.18.2.1"
OUTER = "198.18.1.80"  # the address by which clients call the server

RULES = f"""
table ip path {{
    chain fate {{
        type filter hook prerouting priority -150
    }}
    chain prerouting {{
        type nat hook prerouting priority -100
        ip daddr {OUTER} meta l4proto tcp dnat to {SERVER}
    }}
    chain postrouting {{
        type nat hook postrouting priority 100
        oifname "inside" ip saddr {CLIENT} snat to {SERVER_SIDE}
    }}
}}
"""


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def segment(source, target, sequence, acknowledged, flags):
    """An IPv4 packet that carries a TCP segment without data; the kernel fills in the checksum of IP."""
    ends = socket.inet_aton(source[0]), socket.inet_aton(target[0])
    head = struct.pack("!HHIIBBHHH", source[1], target[1], sequence, acknowledged, 5 << 4, flags, 512, 0, 0)
    summed = checksum(ends[0] + ends[1] + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(head)) + head)
    head = head[:16] + struct.pack("!H", summed) + head[18:]
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(head), 0, 0, 64, socket.IPPROTO_TCP, 0, *ends) + head


FIN, RST, ACK = 1, 4, 16


class Pair(wire.Pair):
    """A connection whose server sees another address than the client has. Nobody else can call it."""

    def __init__(self, listener, address):
        wire.Client.__init__(self, address)  # pylint: disable=super-init-not-called,non-parent-init-called
        self.server, _ = listener.accept()
        self.server.settimeout(wire.DEADLINE)
        self.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Routed(contextlib.ExitStack):
    """The three namespaces. Rules in the chain "fate" of the router see every packet before it is translated. The router takes
    up no connection midway, so it has forgotten one for good when its entry is gone."""

    def __init__(self):
        super().__init__()
        with contextlib.ExitStack() as stack:
            self.client, self.router, self.server = (self._namespace(stack) for _ in range(3))
            self._lay(self.client, CLIENT, "outside", CLIENT_SIDE)
            self._lay(self.server, SERVER, "inside", SERVER_SIDE)
            self.router.ip("address", "add", OUTER + "/32", "dev", "outside")
            self.router.sysctl("ipv4/ip_forward", "1")
            self.router.nft(RULES)
            self.router.sysctl("netfilter/nf_conntrack_tcp_loose", "0")
            self.push(stack.pop_all().__exit__)

    @staticmethod
    def _namespace(stack):
        namespace = Namespace()
        stack.callback(namespace.close)
        return namespace

    def _lay(self, end, address, device, router_address):
        end.ip("link", "add", "cable", "type", "veth", "peer", "name", device, "netns", self.router.name)
        end.ip("address", "add", address + "/24", "dev", "cable")
        self.router.ip("address", "add", router_address + "/24", "dev", device)
        for namespace, name in ((end, "cable"), (end, "lo"), (self.router, device)):
            namespace.ip("link", "set", name, "up")
        end.ip("route", "add", "default", "via", router_address)

    def listen(self):
        with self.server.inside():
            return wire.listen(SERVER)

    def pair(self, listener, called=OUTER):
        with self.client.inside():
            return Pair(listener, (called, wire.port_of(listener)))

    @contextlib.contextmanager
    def rule(self, text):
        """A rule of the router, for TCP packets that cross it."""
        self.router.nft(f"add rule ip path fate meta l4proto tcp {text}")
        try:
            yield
        finally:
            self.router.nft("flush chain ip path fate")

    def forgets_after(self, seconds):
        """How long the router remembers an established connection without packets, from its next packet on."""
        self.router.sysctl("netfilter/nf_conntrack_tcp_timeout_established", str(seconds))

    def remembered(self):
        """The connections that the router remembers as established, one a line."""
        with self.router.inside(), open("/proc/thread-self/net/nf_conntrack", encoding="ascii") as table:
            return [line for line in table if "ESTABLISHED" in line]

    def forge(self, source, target, numbers, flags):
        """Sends a segment in the name of @source, with the numbers (sequence, acknowledgement) that @target expects."""
        with self.router.inside(), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            raw.sendto(segment(source, target, *numbers, flags), (target[0], 0))



@pytest.fixture(scope="module")
def path():
    with Routed() as made:
        yield made


@pytest.fixture
def door(path):
    with path.listen() as listener:
        yield listener
