# SPDX-License-Identifier: BSD-2-Clause
"""Network namespaces that a test makes, the paths between them, and what happens to packets there."""

import contextlib
import ctypes
import fcntl
import itertools
import os
import select
import socket
import struct
import subprocess
import threading

from lib import wire

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000

# Private to the namespaces (RFC 2544, RFC 5180): nothing outside has these addresses.
CLIENT = {4: "198.18.0.1", 6: "2001:2::1"}
SERVER = {4: "198.18.0.2", 6: "2001:2::2"}
NOBODY = {4: "198.18.0.3", 6: "2001:2::3"}
OUTSIDE = {4: "192.0.2.1", 6: "2001:db8::1"}

CHAIN = """
table inet test {
    chain input {
        type filter hook input priority 0
    }
}
"""

TRANSLATION = """
table ip translation {{
    chain output {{
        type nat hook output priority -100
        ip daddr {called} tcp dport {port} dnat to {meant}
    }}
}}
"""

libc = ctypes.CDLL(None, use_errno=True)
numbers = itertools.count()


def run(*command, **options):
    subprocess.run(command, check=True, capture_output=True, text=True, **options)


class Enterable:
    """A network namespace that somebody else holds. Sockets made inside stay there, whoever uses them."""

    def __init__(self, path):
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.inode = os.fstat(self.descriptor).st_ino  # what records call it

    def close(self):
        os.close(self.descriptor)

    @contextlib.contextmanager
    def inside(self):
        """This thread is in the namespace; so is what it starts."""
        with open("/proc/thread-self/ns/net", "rb") as before:
            self._enter(self.descriptor)
            try:
                yield
            finally:
                self._enter(before.fileno())

    @staticmethod
    def _enter(descriptor):
        if libc.setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


class Namespace(Enterable):
    """A namespace with a name, which holds it."""

    def __init__(self):
        self.name = f"keepwatch-test-{os.getpid()}-{next(numbers)}"
        run("ip", "netns", "add", self.name)
        try:
            super().__init__(f"/run/netns/{self.name}")
            self.sysctl("ipv6/conf/default/accept_dad", "0")
        except BaseException:
            run("ip", "netns", "delete", self.name)
            raise

    def close(self):
        super().close()
        run("ip", "netns", "delete", self.name)

    def ip(self, *arguments):
        run("ip", "-n", self.name, *arguments)

    def join(self, device, addresses):
        """Gives a device its addresses, which count at once: nobody is there who could have them already."""
        self.ip("-4", "address", "add", addresses[4] + "/24", "dev", device)
        self.ip("-6", "address", "add", addresses[6] + "/64", "dev", device, "nodad")
        self.ip("link", "set", device, "up")
        self.ip("link", "set", "lo", "up")

    def sysctl(self, name, value):
        with self.inside(), open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
            file.write(value)

    def nft(self, text):
        with self.inside():
            run("nft", "-f", "-", input=text)


class Path:
    """Two namespaces: clients live in one, servers in the other."""

    def __init__(self):
        with contextlib.ExitStack() as stack:
            self.client = Namespace()
            stack.callback(self.client.close)
            self.server = Namespace()
            stack.callback(self.server.close)
            self._lay(stack)
            self.stack = stack.pop_all()

    def close(self):
        self.stack.close()

    def _lay(self, stack):
        raise NotImplementedError

    def listen(self, family=4):
        with self.server.inside():
            return wire.listen(SERVER[family])

    def pair(self, listener):
        """A connection through this cable; the test has both ends."""
        with self.client.inside():
            return wire.Pair(listener)

    def connecting(self, address, patience):
        """A client's socket whose connect() the kernel tries for @patience seconds, and connect_ex()'s result."""
        with self.client.inside():
            client = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(patience * 1000))
        client.setblocking(False)
        result = client.connect_ex(address)
        return client, result


class Cable(Path):
    """A veth pair; nftables rules at each end can drop or reject TCP packets."""

    def _lay(self, stack):
        peer = ("peer", "name", "cable", "netns", self.server.name)
        self.client.ip("link", "add", "cable", "type", "veth", *peer)
        for namespace, addresses in ((self.client, CLIENT), (self.server, SERVER)):
            namespace.join("cable", addresses)
            namespace.nft(CHAIN)

    @contextlib.contextmanager
    def _rule(self, end, verdict):
        end.nft(f"add rule inet test input meta l4proto tcp {verdict}")
        try:
            yield
        finally:
            end.nft("flush chain inet test input")

    def deaf(self, end):
        """No TCP packet reaches this end."""
        return self._rule(end, "drop")

    def losing_large(self, end):
        """Drops TCP packets of over 1,000 bytes at this end without an ICMP error: an MTU black hole."""
        return self._rule(end, "meta length > 1000 drop")

    def rejecting(self, end, why):
        """TCP packets that reach this end are answered by an ICMP error, or by a RST."""
        return self._rule(end, "reject with tcp reset" if why == "rst" else f"reject with icmpx {why}")


class Translated(Cable):
    """A cable on which clients call the server by an address that is translated."""

    def translate(self, port):
        """The address by which the server's port may be called."""
        self.client.nft(TRANSLATION.format(called=NOBODY[4], port=port, meant=SERVER[4]))
        return NOBODY[4], port

    def connect(self, address):
        with self.client.inside():
            return wire.connect(address)


class Wire(Path):
    """A path whose packets go through this process, which can hold them and so decide which packets cross."""

    def _lay(self, stack):
        self.devices = {}
        for namespace, addresses in ((self.client, CLIENT), (self.server, SERVER)):
            self.devices[namespace] = self._device(namespace, addresses)
            stack.callback(os.close, self.devices[namespace])
        self.lock = threading.Lock()
        self.held = None  # packets on their way, while they are held
        self.held_for = None  # the device that is to receive them, where those to the other one pass
        wake, self.wake = os.pipe()
        stack.callback(os.close, wake)
        carrier = threading.Thread(target=self._carry, args=(wake,), daemon=True)
        carrier.start()
        stack.callback(carrier.join)
        stack.callback(os.close, self.wake)

    @staticmethod
    def _device(namespace, addresses):
        with namespace.inside():
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"wire", IFF_TUN | IFF_NO_PI))
        namespace.join("wire", addresses)
        return device

    def _carry(self, stop):
        client, server = self.devices[self.client], self.devices[self.server]
        other = {client: server, server: client}
        while True:
            ready, _, _ = select.select([client, server, stop], [], [])
            if stop in ready:
                return
            for device in ready:
                self._pass_on(other[device], os.read(device, 65536))

    def _pass_on(self, device, packet):
        with self.lock:
            if self.held is None or self.held_for not in (None, device):
                os.write(device, packet)
            else:
                self.held.append((device, packet))

    @contextlib.contextmanager
    def held_back(self, to=None):
        """Packets that are sent meanwhile, to one namespace or to both, arrive afterwards, in their order."""
        with self.lock:
            self.held = []
            self.held_for = self.devices[to] if to else None
        try:
            yield
        finally:
            with self.lock:
                for device, packet in self.held:
                    os.write(device, packet)
                self.held = None
