# SPDX-License-Identifier: BSD-2-Clause
"""keepwatch report as a child process, and what its JSON says."""

import json
import re
from pathlib import Path

from lib import observer

FINDING = "id severity role service summary advice numbers examples".split()
SERVICE = """
    role service comm connections requests requests_per_connection reuse_ratio premature reasons lost_requests
    advertised_timeout_s inferred_idle_timeout_s inferred_support client_idle_timeout_s safe_margin_s drains
    idle_reuse_s idle_close_s wait_s
""".split()
REPORT = "type schema observed_s healthy lost_events closing findings services".split()
CLOSING = {"04", "05", "09", "0B"}  # FIN_WAIT1, FIN_WAIT2, LAST_ACK, CLOSING
SEVERITIES = ["info", "warning", "critical"]


class Conclusion:
    """One line of report --json, its form checked."""

    besides = ()  # identifiers of findings that a test is not about

    def __init__(self, line):
        self.value = json.loads(line)
        assert [*self.value] == REPORT
        assert (self.value["type"], self.value["schema"]) == ("report", 1)
        assert self.value["lost_events"] == 0
        self.findings, self.services = self.value["findings"], self.value["services"]
        assert self.value["healthy"] == (self.findings == [])
        assert all([*finding] == FINDING for finding in self.findings), self.findings
        assert all([*service] == SERVICE for service in self.services), self.services
        self.findings = [one for one in self.findings if one["id"] not in self.besides]
        ranks = [SEVERITIES.index(finding["severity"]) for finding in self.findings]
        assert ranks == sorted(ranks, reverse=True)

    def service(self, role, port):
        """The report's part about connections to this port, seen from the end of this role."""
        (found,) = [
            one for one in self.services if one["role"] == role and one["service"].endswith(f":{port}")
        ]
        return found

    def of(self, role, port):
        """The findings of that service."""
        return [
            one for one in self.findings if one["role"] == role and one["service"].endswith(f":{port}")
        ]

    def of_both(self, port):
        """The findings of the connections to this port, each once."""
        return [*self.of("client", port), *self.of("server", port)]

    def only(self, port, identity, severity):
        """The only finding of the connections to this port, both of whose ends are on this host."""
        (finding,) = self.of_both(port)
        assert (finding["id"], finding["severity"]) == (identity, severity), finding
        assert re.search(f"Seen from both ends: client \\S+ to .*:{port}, server .*:{port}\\.$", finding["summary"])
        return finding

    def first(self, role, port, identity, *severities):
        """The first finding of that service; no other finding there may be graver."""
        findings = self.of(role, port)
        assert findings and findings[0]["id"] == identity, self.value
        first = findings[0]
        assert first["severity"] in severities, first
        assert first["severity"] == self.findings[0]["severity"], self.findings
        assert first["summary"].endswith(".")
        return first


def closing(ports):
    """How many sockets of these ports their programs have closed and the kernel not yet: the peer's FIN or ACK is
    still to come."""
    tables = [Path(f"/proc/net/{table}").read_text().splitlines()[1:] for table in ("tcp", "tcp6")]
    names = {f"{port:04X}" for port in ports}
    sockets = [line.split() for table in tables for line in table]
    return sum(
        fields[3] in CLOSING and fields[9] == "0" and any(end[-4:] in names for end in fields[1:3])
        for fields in sockets
    )


class Report(observer.Observer):
    """keepwatch report --json of some ports."""

    def __init__(self, ports, *options):
        self.ports = ports
        super().__init__("report", "--json", *observer.port_options(ports), *options)

    def conclude(self):
        """Ends it, when all that was closed is; what it concluded."""
        self.wait_until(lambda: not closing(self.ports), "the end of connections that were closed")
        self.stop()
        assert self.errors == [observer.OBSERVING]
        (line,) = self.output
        return Conclusion(line)


def near(value, expected, share=0.05):
    return value is not None and abs(value - expected) <= share * expected


def advises(finding, *settings):
    """Each of these settings is named."""
    text = "\n".join(finding["advice"])
    return all(setting in text for setting in settings)
