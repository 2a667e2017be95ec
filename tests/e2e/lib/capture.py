# SPDX-License-Identifier: BSD-2-Clause
"""An independent observer: dumpcap writes down the packets, tshark says what they were. Nothing of keepwatch
is in here; what this module concludes is concluded from packets alone."""

import csv
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from lib import deadlines

DEADLINE = 30.0

FIELDS = """
    tcp.stream ip.src tcp.srcport ip.dst tcp.dstport tcp.flags.syn tcp.flags.ack tcp.flags.fin tcp.flags.reset
    tcp.seq tcp.seq_raw tcp.ack tcp.len http.request.method http.request.version http.response.code
    http.response.version http.connection tls.alert_message.desc
""".split()


def values(text):
    """The occurrences of a field within one frame."""
    return text.split("|") if text else []


@dataclass
class Stream:
    """One TCP connection, as its packets show it. `client` is the end that sent the SYN. An alert of TLS ends a connection as a FIN does,
    because it says that its sender has nothing more to say, and polite peers leave the first FIN to the other side."""

    client_name: str
    server_name: str
    established: bool = False  # the server answered the SYN by its own
    first_numbers: dict = field(default_factory=dict)  # the sequence number of each side's SYN
    requests: int = 0
    responses: int = 0  # final ones
    complete: int = None  # final ones whose bodies were complete too; see Capture.streams
    unheard: int = 0  # final responses that the server sent after the client's FIN or RST
    closer: str = None
    manner: str = None
    secure: bool = False  # it is of TLS
    alert_by: str = None  # who closed it by an alert
    ended: bool = False  # there was a FIN or a RST
    messages: list = field(default_factory=list)  # (who, what its Connection field says, version) in order
    request_begin: int = 1  # position of the latest request's first byte
    request_end: int = 1
    fin_position: int = None  # of the first FIN, or the last byte of the alert
    fin_acknowledges: int = None
    crossed: bool = False  # each side sent its FIN before it had the other's
    client_reset: bool = False  # first or afterwards

    def take(self, frame):
        source = f"{frame['ip.src']}:{frame['tcp.srcport']}"
        who = "client" if source == self.client_name else "server"
        if frame["tcp.flags.syn"] == "1":
            self.first_numbers[who] = int(frame["tcp.seq_raw"])
        self.established = "server" in self.first_numbers
        self._take_messages(who, frame)
        if frame["tls.alert_message.desc"]:
            self._take_alert(who, frame)
        if frame["tcp.flags.reset"] == "1" or frame["tcp.flags.fin"] == "1":
            self._take_end(who, frame)

    def _take_messages(self, who, frame):
        begin, length = int(frame["tcp.seq"]), int(frame["tcp.len"])
        requests = values(frame["http.request.method"])
        codes = [code for code in values(frame["http.response.code"]) if code == "101" or code[0] != "1"]
        if who == "server" and self.closer == "client":
            self.unheard += len(codes)
            return
        versions = values(frame["http.request.version"]) + values(frame["http.response.version"])
        fields = values(frame["http.connection"])
        said = fields[-1].lower() if fields else ""
        for _ in [*requests, *codes]:
            self.messages.append((who, said, versions[-1]))
        self.requests += len(requests)
        self.responses += len(codes)
        if who == "client" and (requests if self.secure else length):
            self.request_begin, self.request_end = begin, begin + length

    def _take_alert(self, who, frame):
        """Its last byte is the mark of the close."""
        if self.closer is None:
            self.alert_by = who
            self._close(who, "fin", frame, mark=-1)
        else:
            self._look_for_crossing(who, frame)

    def _take_end(self, who, frame):
        rst = frame["tcp.flags.reset"] == "1"
        manner = "rst" if rst else "fin"
        self.client_reset |= rst and who == "client"
        if self.closer is None:
            self._close(who, manner if self.established else "refused", frame)
        elif who == self.alert_by and not self.ended:
            self.manner = manner
        elif not rst:
            self._look_for_crossing(who, frame)
        self.ended = True

    def _close(self, who, manner, frame, mark=0):
        self.closer, self.manner = who, manner
        self.fin_position = int(frame["tcp.seq"]) + int(frame["tcp.len"]) + mark
        self.fin_acknowledges = int(frame["tcp.ack"] or 0)

    def _look_for_crossing(self, who, frame):
        """Does the other side's end not acknowledge the first one? They crossed, which counts as the client's by convention."""
        if who != self.closer and self.manner == "fin" and not self.crossed and int(frame["tcp.ack"]) <= self.fin_position:
            self.crossed, self.closer = True, "client"

    @property
    def alerts_crossed(self):
        return self.crossed and self.alert_by is not None

    @property
    def flow(self):
        """As records name it: unlike the addresses it is this connection's alone, because under load ports come again."""
        if not self.established:
            return None
        return f"{self.first_numbers['client']:08x}-{self.first_numbers['server']:08x}"

    @property
    def lost(self):
        return self.requests - (self.responses if self.complete is None else self.complete)

    @property
    def unsure(self):
        """Whether the last response was read at all: a client that resets may have left it in its queue, even if
        the server's FIN came first."""
        return self.client_reset and self.responses > 0

    def announced(self, who):
        """Whether the last message of this side announced the close."""
        said = [(field, version) for by, field, version in self.messages if by == who]
        if not said:
            return False
        field, version = said[-1]
        return "close" in field or (version == "HTTP/1.0" and "keep-alive" not in field)


class Capture:
    """dumpcap on the loopback device, on some ports, for as long as the context lasts. @certificates: of the servers, if they speak TLS.
    The packets are read by the keys of sessions that an end has noted, and by the server's own key as far as that opens them."""

    def __init__(self, ports, device="lo", snapshot=0, certificates=None):
        self.certificates = certificates
        self.kept = tempfile.NamedTemporaryFile(prefix="keepwatch-", suffix=".pcap")
        self.file = Path(self.kept.name)
        self.ports = list(ports)
        self.marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.marker.bind(("127.0.0.1", 0))
        marks = self.marker.getsockname()[1]
        wanted = " or ".join(f"tcp port {port}" for port in self.ports) + f" or udp port {marks}"
        self.arguments = ["-q", "-P", "-i", device, "-s", str(snapshot), "-B", "64", "-f", wanted, "-w", "-"]

    def __enter__(self):
        self.process = subprocess.Popen(
            ["dumpcap", *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=self.kept,
            stderr=subprocess.PIPE,
        )
        try:
            self._mark(deadlines.START)
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self._kill()
        else:
            self._stop()

    def _mark(self, deadline=DEADLINE):
        """Sends a datagram again and again, until it is in the file: what was sent before it is there too."""
        mark = secrets.token_hex(16).encode()
        end = time.monotonic() + deadline
        while mark not in self.file.read_bytes()[-65536:]:
            assert time.monotonic() < end and self.process.poll() is None, "dumpcap does not write"
            self.marker.sendto(mark, self.marker.getsockname())
            time.sleep(0.02)

    def _stop(self):
        if self.process.poll() is None:
            self._mark()
            self.process.send_signal(signal.SIGINT)
            _, said = self.process.communicate(timeout=DEADLINE)
            assert re.search(rb"received/dropped on interface .*: \d+/0 ", said), said
        self.marker.close()

    def _kill(self):
        self.process.kill()
        self.process.communicate()
        self.marker.close()

    def frames(self, whole=False):
        """The capture as tshark reads it, frame by frame, as {field: text}. It tells a message where its head ends or,
        if asked for whole ones, where its body does."""
        self._stop()
        decode = ["-o", "http.desegment_body:" + ("TRUE" if whole else "FALSE")]
        decode += [item for port in self.ports for told in self._decoding(port) for item in ("-d", told)]
        decode += self._keys() if self.certificates else []
        columns = [item for name in FIELDS for item in ("-e", name)]
        shown = ["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=|"]
        told = subprocess.run(
            ["tshark", "-n", "-r", self.file, *decode, "-Y", "tcp", *shown, *columns],
            check=True,
            capture_output=True,
            text=True,
        )
        lines = csv.reader(told.stdout.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
        return [dict(zip(FIELDS, line)) for line in lines]

    def _keys(self):
        noted = ["-o", f"tls.keylog_file:{self.certificates.keys}"]
        return [*noted, "-o", f'uat:rsa_keys:"{self.certificates.server_key}",""'] if self.certificates.static else noted

    def _decoding(self, port):
        return (f"tcp.port=={port},tls", f"tls.port=={port},http") if self.certificates else (f"tcp.port=={port},http",)

    def streams(self, complete=False):
        """The connections that began within the capture, by the order of their SYN. Complete responses are told
        from begun ones on demand: that is a second look."""
        streams = self._streams(whole=False)
        if complete:
            for number, stream in self._streams(whole=True).items():
                streams[number].complete = stream.responses
        return list(streams.values())

    def _streams(self, whole):
        streams = {}
        for frame in self.frames(whole):
            number = int(frame["tcp.stream"])
            if frame["tcp.flags.syn"] == "1" and frame["tcp.flags.ack"] == "0":
                client = f"{frame['ip.src']}:{frame['tcp.srcport']}"
                server = f"{frame['ip.dst']}:{frame['tcp.dstport']}"
                streams.setdefault(number, Stream(client, server, secure=bool(self.certificates)))
            if number in streams:
                streams[number].take(frame)
        return streams
