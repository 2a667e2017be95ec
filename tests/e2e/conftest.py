# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures that the end-to-end tests share: one nginx, a few listeners, and one keepwatch that traces them all.

Tests find their own records by the client's ephemeral port, so one observer serves a whole session; tests of
options start their own, always restricted to their own ports. Several sessions can run side by side."""

import os
import shutil
import socket
import tempfile

import pytest

from lib import again, go_tls, kernel, loss, observer, sessions, tls, wire
from lib.http2 import go_program, libraries
from lib.nginx import Nginx
from lib.witness import Witness


def pytest_configure(config):
    config.pluginmanager.register(again)


def pytest_collection_finish(session):
    """From here on to the end of this process."""
    if session.items and os.geteuid() == 0:
        loss.observed.append(Witness())


@pytest.fixture(scope="session", autouse=True)
def nothing_left():
    """After the session nothing that an observer held is in the kernel any more."""
    assert os.geteuid() == 0, "these tests observe the kernel: run them as root"
    yield
    assert kernel.left_of(observer.held_in_session) == set()


@pytest.fixture(scope="session")
def nginx(tmp_path_factory):
    with Nginx(tmp_path_factory.mktemp("nginx")) as server:
        yield server


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return tls.Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def h2_libraries(certificates, tmp_path_factory):
    """By their names: libraries whose ends of sessions speak HTTP/2."""
    with go_tls.Holder(tmp_path_factory.mktemp("go"), certificates) as holder:
        yield libraries.all_by_name(certificates, holder)


@pytest.fixture(scope="session")
def listener():
    """A listener for connections with both ends in the test, over IPv4."""
    with wire.listen() as listener:
        yield listener


@pytest.fixture(scope="session")
def listener6():
    with wire.listen("::1") as listener:
        yield listener


@pytest.fixture(scope="session")
def dual_listener():
    """An IPv6 socket that takes IPv4 connections too."""
    with wire.listen("::") as listener:
        yield listener


def reserved_port():
    """A port that nobody listens on, kept from everybody else."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield wire.port_of(reserved)


@pytest.fixture(scope="session")
def closed_port():
    yield from reserved_port()


@pytest.fixture(scope="session")
def trace(nothing_left, nginx, listener, listener6, dual_listener, closed_port):
    """The observer of the session. It is stopped, and what it said as a whole is checked, at its end."""
    listeners = [listener, listener6, dual_listener]
    with observer.Trace([*nginx.ports, *map(wire.port_of, listeners), closed_port]) as trace:
        yield trace


@pytest.fixture(scope="module")
def watched(nothing_left):
    """A listener, and an observer of it that reads plaintext."""
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], "--tls") as trace:
        yield listener, trace


@pytest.fixture(scope="module")
def h2_watched(nothing_left, h2_libraries):
    """The same for those libraries and Go's client: it knows them from the beginning."""
    del nothing_left, h2_libraries
    with wire.listen() as listener, go_program.present(), observer.Trace([wire.port_of(listener)], "--tls") as trace:
        yield listener, trace


@pytest.fixture
def carried():
    """Makes of a listener one whose connections are what the test is about: those in clear text are as they come."""
    return lambda listener: listener


@pytest.fixture
def terms():
    """How servers and clients that the test starts speak to each other, unless the test is played over TLS."""
    return sessions.Terms()


@pytest.fixture
def own_listener():
    """For tests that start an observer of their own."""
    with wire.listen() as listener:
        yield listener


@pytest.fixture(scope="module")
def own_closed_port():
    """The same over IPv6."""
    yield from reserved_port()


@pytest.fixture
def pair(trace, listener):
    """A connection of both ends, observed from its first packet on."""
    with wire.Pair(listener) as pair:
        yield pair


@pytest.fixture(scope="module")
def program():
    """keepwatch where everybody can run it."""
    folder = tempfile.mkdtemp()
    os.chmod(folder, 0o755)
    yield shutil.copy(observer.BINARY, folder)
    shutil.rmtree(folder)
