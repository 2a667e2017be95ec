# SPDX-License-Identifier: BSD-2-Clause
"""Connections that the network ends, or never lets begin: each reason over a path that can be cut."""

import contextlib
import errno
import select
import socket
import struct
import subprocess
import time
from types import SimpleNamespace

import pytest

from lib import namespaces, observer, wire
from lib.reasons import both_say, each_says, proves, says, verdict

IP_RECVERR = 11
IPV6_RECVERR = 25
TOTAL_RETRANS = 100  # offset of tcpi_total_retrans in struct tcp_info

FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])


@contextlib.contextmanager
def laid_cable():
    """Two hosts and their cable, a listener of each family, and a port that nobody listens on; an observer is to be added."""
    with contextlib.ExitStack() as stack:
        cable = namespaces.Cable()
        stack.callback(cable.close)
        doors = {family: stack.enter_context(cable.listen(family)) for family in (4, 6)}
        with cable.server.inside():
            closed = stack.enter_context(socket.socket(socket.AF_INET6))
        closed.bind(("::", 0))
        ports = [*map(wire.port_of, doors.values()), wire.port_of(closed)]
        yield SimpleNamespace(path=cable, doors=doors, closed=wire.port_of(closed), ports=ports,
                              client=cable.client, server=cable.server)


@pytest.fixture(scope="module")
def cable(nothing_left):
    del nothing_left
    with laid_cable() as cable, observer.Trace(cable.ports) as cable.trace:
        yield cable


@pytest.fixture
def ends(cable, family):
    """A connection over the cable; the test has both ends."""
    with cable.path.pair(cable.doors[family]) as pair:
        yield pair


def gives_up_after(end, seconds):
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


def probes_after_a_second(end):
    end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT):
        end.setsockopt(socket.IPPROTO_TCP, option, 1)


def wait_for(end, event):
    poll = select.poll()
    poll.register(end, 0)
    deadline = time.monotonic() + wire.DEADLINE
    while time.monotonic() < deadline:
        if any(mask & event for _, mask in poll.poll(wire.DEADLINE * 1000)):
            return
        time.sleep(0.01)
    raise AssertionError("waited in vain for the socket's error or end")


def closed_with_error(end):
    """Waits for the error that ends a connection. Closes the socket then, so that the record comes at once."""
    wait_for(end, select.POLLERR)
    error = errno.errorcode[end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)]
    end.close()
    return error


def wait_for_retransmission(end):
    deadline = time.monotonic() + wire.DEADLINE
    while time.monotonic() < deadline:
        info = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        if struct.unpack_from("I", info, TOTAL_RETRANS)[0]:
            return
        time.sleep(0.01)
    raise AssertionError("nothing is sent again")


def address(cable, family, host=namespaces.SERVER):
    return host[family], wire.port_of(cable.doors[family])


def the_record_of(cable, pair, role):
    """The record of one end; the other end may not even have noticed."""
    names = {"client": pair.client_name, "server": pair.server_name}
    (record,) = cable.trace.wait_for(1, role=role, local=names.pop(role), remote=names.popitem()[1])
    return record


def failed_connect(cable, target, patience=wire.DEADLINE):
    """Waits for a connect() that fails. Returns its error and its record."""
    client, result = cable.path.connecting(target, patience)
    with client:
        assert result == errno.EINPROGRESS, errno.errorcode[result]
        local = wire.name_of(client.getsockname())
        wait_for(client, select.POLLHUP)  # POLLERR may tell of an ICMP error while the SYN is still tried
        error = errno.errorcode[client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)]
    (record,) = cable.trace.wait_for(1, local=local, remote=wire.name_of(target))
    assert record["role"] == "client" and record["protocol"] == "none"
    return error, record


# ---- connections that are never established ----------------------------------------------------------


@FAMILIES
@proves("connect_refused")
def test_a_reset_that_answers_the_syn_is_connect_refused(cable, family):
    error, record = failed_connect(cable, (namespaces.SERVER[family], cable.closed))
    assert error == "ECONNREFUSED"
    says(record, "connect_refused", "server", "refused", "connecting")


@FAMILIES
@proves("connect_refused")
def test_a_firewall_that_resets_the_syn_is_connect_refused(cable, family):
    with cable.path.rejecting(cable.server, "rst"):
        error, record = failed_connect(cable, address(cable, family))
    assert error == "ECONNREFUSED"
    says(record, "connect_refused", "server", "refused", "connecting")


@FAMILIES
@pytest.mark.parametrize("why, expected", [
    ("host-unreachable", "EHOSTUNREACH"),
    ("port-unreachable", "ECONNREFUSED"),  # what a firewall's plain "reject" says: no RST, so nobody refused
    ("admin-prohibited", None),  # EHOSTUNREACH in IPv4, EACCES in IPv6
])  # fmt: skip
@proves("connect_unreachable")
def test_an_icmp_error_that_answers_the_syn_is_connect_unreachable(cable, family, why, expected):
    with cable.path.rejecting(cable.server, why):
        error, record = failed_connect(cable, address(cable, family))
    assert expected in (error, None)
    says(record, "connect_unreachable", "network", "unreachable", "connecting")
    assert error in record["evidence"][0]


@FAMILIES
@proves("connect_unreachable")
def test_an_event_loop_that_is_told_at_once_closes_over_an_error_of_the_network(cable, family):
    """Where the firewall is on the same host the error comes while connect() runs: the SYN would be tried on."""
    target = address(cable, family)
    with cable.path.rejecting(cable.server, "port-unreachable"):
        client, _ = cable.path.connecting(target, wire.DEADLINE)
        local = wire.name_of(client.getsockname())
        assert closed_with_error(client) == "ECONNREFUSED"
    (record,) = cable.trace.wait_for(1, local=local, remote=wire.name_of(target))
    says(record, "connect_unreachable", "network", "unreachable", "connecting")


@FAMILIES
@proves("connect_timeout")
def test_a_syn_that_nobody_answers_is_connect_timeout(cable, family):
    target = address(cable, family)
    with cable.path.deaf(cable.server):
        error, record = failed_connect(cable, target, patience=0.5)
    assert error == "ETIMEDOUT"
    says(record, "connect_timeout", "network", "timeout", "connecting")


@FAMILIES
@proves("connect_aborted")
def test_a_connect_that_its_own_program_ends_is_connect_aborted(cable, family):
    target = address(cable, family)
    with cable.path.deaf(cable.server):
        client, result = cable.path.connecting(target, wire.DEADLINE)
        assert result == errno.EINPROGRESS
        local = wire.name_of(client.getsockname())
        client.close()
    (record,) = cable.trace.wait_for(1, local=local, remote=wire.name_of(target))
    says(record, "connect_aborted", "client", "fin", "connecting")


# ---- connections that the network ends ---------------------------------------------------------------


@FAMILIES
@proves("retransmit_timeout")
def test_a_request_that_nobody_acknowledges_is_retransmit_timeout(cable, ends):
    ends.exchange()
    gives_up_after(ends.client, 0.6)
    with cable.path.deaf(cable.server):
        ends.client.sendall(wire.GET)
        assert closed_with_error(ends.client) == "ETIMEDOUT"
        record = the_record_of(cable, ends, "client")
    says(record, "retransmit_timeout", "network", "timeout", "waiting", premature=True, lost=1)
    assert record["retransmits"] >= 1


@FAMILIES
@proves("retransmit_timeout")
def test_a_response_that_nobody_acknowledges_is_retransmit_timeout(cable, ends):
    ends.send_request()
    gives_up_after(ends.server, 0.6)
    with cable.path.deaf(cable.client):
        ends.server.sendall(wire.OK)
        assert closed_with_error(ends.server) == "ETIMEDOUT"
        record = the_record_of(cable, ends, "server")
    says(record, "retransmit_timeout", "network", "timeout", "waiting", premature=True, lost=1)


@FAMILIES
@pytest.mark.parametrize("why", ["host-unreachable", "port-unreachable", "admin-prohibited"])
@proves("retransmit_timeout")
def test_a_retransmit_timeout_may_show_as_the_error_that_a_firewall_sent(cable, ends, why):
    wire.wait_until_acknowledged(ends.server)  # what it would send again would make the client forget the error
    gives_up_after(ends.client, 0.6)
    with cable.path.rejecting(cable.server, why):
        ends.client.sendall(wire.GET)
        error = closed_with_error(ends.client)
        record = the_record_of(cable, ends, "client")
    assert error in ("EHOSTUNREACH", "ECONNREFUSED", "EACCES")
    says(record, "retransmit_timeout", "network", "timeout", "waiting", premature=True, lost=1)
    assert error in record["evidence"][0]


@FAMILIES
@pytest.mark.parametrize("role", ["client", "server"])
@proves("probe_timeout")
def test_keep_alive_probes_that_nobody_answers_are_probe_timeout(cable, ends, role):
    ends.exchange()
    end = getattr(ends, role)
    wire.wait_until_acknowledged(end)
    probes_after_a_second(end)
    with cable.path.deaf(getattr(cable, role)):
        assert closed_with_error(end) == "ETIMEDOUT"
        record = the_record_of(cable, ends, role)
    says(record, "probe_timeout", "network", "timeout", "idle")


@pytest.mark.parametrize("family", [4], ids=["IPv4"])
@proves("probe_timeout")
def test_a_request_that_waits_when_probes_fail_is_lost(cable, ends):
    ends.send_request()
    wire.wait_until_acknowledged(ends.client)
    probes_after_a_second(ends.client)
    with cable.path.deaf(cable.client):
        assert closed_with_error(ends.client) == "ETIMEDOUT"
        record = the_record_of(cable, ends, "client")
    says(record, "probe_timeout", "network", "timeout", "waiting", premature=True, lost=1)


@FAMILIES
@proves("network_error")
def test_an_error_from_the_network_that_ends_it_without_a_timeout_is_network_error(cable, ends, family):
    """A program that asked for such errors at once (IP_RECVERR), and drops the connection upon one."""
    ends.exchange()
    level, option = ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR))[family == 6]
    wire.wait_until_acknowledged(ends.server)
    ends.client.setsockopt(level, option, 1)
    with cable.path.rejecting(cable.server, "host-unreachable"):
        ends.client.sendall(wire.GET)
        wait_for(ends.client, select.POLLERR)
        wire.reset(ends.client)
        record = the_record_of(cable, ends, "client")
    says(record, "network_error", "network", "unreachable", "waiting", premature=True, lost=1)


@FAMILIES
@pytest.mark.parametrize("ending", [socket.socket.close, wire.reset], ids=["FIN", "RST"])
@proves("request_unacknowledged")
def test_a_client_that_gives_up_on_a_dead_path_is_not_blamed(cable, ends, ending):
    ends.exchange()
    gives_up_after(ends.client, 1)
    with cable.path.deaf(cable.server):
        ends.client.sendall(wire.GET)
        wait_for_retransmission(ends.client)
        ending(ends.client)
        record = the_record_of(cable, ends, "client")
    manner = "fin" if ending is socket.socket.close else "rst"
    says(record, "request_unacknowledged", "client", manner, "waiting", premature=True, lost=1)
    assert record["retransmits"] >= 1


UPLOADS = pytest.mark.parametrize("framing, piece", [
    ("Content-Length: 1000000", b"x" * 8000),
    ("Transfer-Encoding: chunked", b"1f40\r\n" + b"x" * 8000 + b"\r\n"),
], ids=["length", "chunked"])  # fmt: skip


def cut_upload(cable, ends, framing, piece):
    """The client sends a head and a part of the body, waits in vain, and closes."""
    gives_up_after(ends.client, 1)
    ends.client.sendall(wire.head("POST / HTTP/1.1", "Host: test", framing) + piece)
    wait_for_retransmission(ends.client)
    ends.client.close()
    return the_record_of(cable, ends, "client")


@FAMILIES
@UPLOADS
@pytest.mark.parametrize("used", [True, False], ids=["used", "fresh"])
@proves("request_unacknowledged")
def test_an_upload_on_a_dead_path_is_not_the_clients_fault_either(cable, ends, framing, piece, used):
    if used:
        ends.exchange()
    with cable.path.deaf(cable.server):
        record = cut_upload(cable, ends, framing, piece)
    says(record, "request_unacknowledged", "client", "fin", "request", premature=True, lost=1)


@FAMILIES
@UPLOADS
@proves("request_unacknowledged")
def test_a_path_that_loses_large_packets_is_a_dead_path(cable, ends, framing, piece):
    with cable.path.losing_large(cable.server):
        record = cut_upload(cable, ends, framing, piece)
    says(record, "request_unacknowledged", "client", "fin", "request", premature=True, lost=1)


@FAMILIES
def test_an_upload_that_its_client_cuts_on_a_good_path_is_truncated(cable, ends):
    ends.send_request(wire.head("POST / HTTP/1.1", "Host: test", "Content-Length: 1000") + b"x")
    ends.close(first=ends.client)
    both_say(cable.trace, ends, "request_truncated", "client", "fin", "request", premature=True, lost=1)


# ---- destroyed from outside ----------------------------------------------------------------------------


def destroy(cable, pair, role):
    """Does to one end what an operator does with ss -K. Then both are closed."""
    end, other = (pair.client, pair.server) if role == "client" else (pair.server, pair.client)
    local, remote = map(wire.name_of, (end.getsockname(), end.getpeername()))
    with getattr(cable, role).inside():
        killed = subprocess.run(["ss", "-K", "-t", "-n", "-H", "src", local, "dst", remote],
                                check=True, capture_output=True, text=True).stdout
    assert len(killed.splitlines()) == 1, f"ss -K: {killed!r}"
    assert closed_with_error(end) == "ECONNABORTED"
    wire.wait_for_end(other)
    other.close()


@FAMILIES
@pytest.mark.parametrize("role", ["client", "server"])
@proves("aborted_locally")
def test_a_socket_destroyed_from_outside_while_idle_is_no_harm(cable, ends, role):
    ends.exchange()
    wire.wait_until_acknowledged(ends.server)
    destroy(cable, ends, role)
    here = verdict("aborted_locally", role, "rst", "idle")
    if role == "client":
        each_says(cable.trace, ends, here, verdict("client_closed_idle", role, "rst", "idle"))
    else:
        each_says(cable.trace, ends, verdict("idle_reset", role, "rst", "idle"), here)


@FAMILIES
@pytest.mark.parametrize("role", ["client", "server"])
@proves("aborted_locally")
def test_a_socket_destroyed_from_outside_loses_the_request_that_waits(cable, ends, role):
    ends.send_request()
    destroy(cable, ends, role)
    here = verdict("aborted_locally", role, "rst", "waiting", True, 1)
    if role == "client":
        each_says(cable.trace, ends, here, verdict("client_gave_up", role, "rst", "waiting", True, 1))
    else:
        there = verdict("no_response", role, "rst", "waiting", True, 1)
        each_says(cable.trace, ends, there, here)


# ---- what crosses what -----------------------------------------------------------------------------------


@contextlib.contextmanager
def laid_wire():
    """Two hosts whose packets the test can hold back; an observer is to be added."""
    with contextlib.ExitStack() as stack:
        path = namespaces.Wire()
        stack.callback(path.close)
        doors = {family: stack.enter_context(path.listen(family)) for family in (4, 6)}
        yield SimpleNamespace(path=path, doors=doors, ports=[*map(wire.port_of, doors.values())])


@pytest.fixture(scope="module")
def wired(nothing_left):
    del nothing_left
    with laid_wire() as wired, observer.Trace(wired.ports) as wired.trace:
        yield wired


@pytest.fixture
def crossing(wired, family):
    with wired.path.pair(wired.doors[family]) as pair:
        yield pair


@FAMILIES
@proves("stale_reuse")
def test_a_request_that_crosses_the_servers_fin_is_stale_and_not_late(wired, crossing):
    crossing.exchange()
    with wired.path.held_back():
        crossing.client.sendall(wire.GET)
        crossing.server.close()
    with contextlib.suppress(ConnectionResetError):
        assert crossing.client.recv(1) == b""
    crossing.client.close()
    client, server = wired.trace.both(crossing, mirrored=False)
    says(client, "stale_reuse", "server", "fin", "waiting", premature=True, lost=1)
    assert client["late_by_s"] is None  # it was sent before the FIN arrived
    (amend,) = wired.trace.wait_for(1, "amend", id=server["id"])
    assert amend["lost_requests"] == 1


@FAMILIES
@pytest.mark.parametrize("first, reason", [("client", "client_closed_idle"), ("server", "unannounced_close")])
def test_of_fins_that_cross_the_first_counts_at_both_ends(wired, crossing, first, reason):
    crossing.exchange()
    ends = [crossing.client, crossing.server]
    with wired.path.held_back():
        for end in ends if first == "client" else reversed(ends):
            end.close()
    for record in both_say(wired.trace, crossing, reason, first, "fin", "idle"):
        said = f"both sides sent FIN at the same time; the {first}'s was first by the times of both ends"
        assert said in record["evidence"]


@FAMILIES
@proves("unused")
def test_crossing_fins_of_an_unused_connection(wired, crossing):
    with wired.path.held_back():
        crossing.client.close()
        crossing.server.close()
    both_say(wired.trace, crossing, "unused", "client", "fin", "unused")


@FAMILIES
@pytest.mark.parametrize("first, reason", [("client", "client_gave_up"), ("server", "no_response")])
def test_of_fins_that_cross_over_a_request_the_first_is_blamed(wired, crossing, first, reason):
    crossing.send_request()
    wire.wait_until_acknowledged(crossing.client)
    ends = [crossing.client, crossing.server]
    with wired.path.held_back():
        for end in ends if first == "client" else reversed(ends):
            end.close()
    both_say(wired.trace, crossing, reason, first, "fin", "waiting", premature=True, lost=1)
