# SPDX-License-Identifier: BSD-2-Clause
"""With --tls a report about connections over TLS says the same as one about clear text: the scenarios of suites that start observers of
their own are played over TLS, where the same assertions hold."""

import contextlib

import pytest

from lib import observer, reporter, sessions, tls, twins, wire
from lib.nginx import SecureNginx
import test_classic_drains
import test_classic_lost
import test_classic_timeouts
import test_classic_use
import test_odd_endings

SUITES = test_classic_drains, test_classic_lost, test_classic_timeouts, test_classic_use, test_odd_endings

NO_SESSION = "it never comes to a handshake"
RECORDS = "the library takes whole records, so that nothing need lie unread"
AGAIN = "its second connection is in clear text, because a session cannot be carried over to another connection"
NAMES = "the text marks a service that speaks TLS"
UNCLEAN = "its clients leave without a close_notify, which is a finding in TLS"

# Scenarios that have no twin, each with its reason.
ALONE = {
    "classic_lost.test_connects_that_are_refused_list_a_service_to_which_no_connection_ever_was": NO_SESSION,
    "classic_lost.test_a_full_accept_queue_is_named": NO_SESSION,
    "classic_lost.test_a_listener_that_goes_with_requests_in_its_queue_is_to_be_reloaded_gracefully": NO_SESSION,
    "classic_use.test_a_server_resets_over_an_unread_body": RECORDS,
    "classic_use.test_a_healthy_service_gives_no_finding": UNCLEAN,
    "classic_use.test_an_idle_host_is_told_in_one_line": NO_SESSION,
    "classic_use.test_the_page_reads_top_down": NAMES,
    "odd_endings.test_a_listener_that_goes_takes_along_what_nobody_accepted": NO_SESSION,
    "odd_endings.test_a_queue_that_overflows_leaves_no_connection_open": NO_SESSION,
    "odd_endings.test_a_socket_that_connects_again_is_two_connections": AGAIN,
    "odd_endings.test_a_body_does_not_outlive_its_connection": AGAIN,
}

ALL = [one for suite in SUITES for one in twins.scenarios_of(suite)]


class Scenery:
    """The things that a scenario asks for by the names of its fixtures, over one version of TLS."""

    def __init__(self, certificates, version, nginx, stack):
        self.certificates, self.version, self.nginx, self.stack = certificates, version, nginx, stack
        self.own_listener = self.listener = stack.enter_context(self.carried(wire.listen()))
        self.terms = sessions.Terms(certificates, version)
        self.nothing_left = None

    def carried(self, plain):
        return sessions.Door(plain, self.certificates, self.version)

    @property
    def trace(self):
        return self.stack.enter_context(observer.Trace([wire.port_of(self.listener)]))


@pytest.fixture(scope="module")
def servers(certificates, tmp_path_factory):
    """An nginx for each version of TLS."""
    with contextlib.ExitStack() as stack:
        made = {version: SecureNginx(tmp_path_factory.mktemp("nginx"), certificates, version) for version in tls.VERSIONS}
        yield {version: stack.enter_context(nginx) for version, nginx in made.items()}


def version_of(scenario):
    """They take turns, because each scenario starts observers of its own."""
    return tls.VERSIONS[ALL.index(scenario) % len(tls.VERSIONS)]


@pytest.fixture
def scenery(scenario, nothing_left, certificates, servers, monkeypatch):
    del nothing_left
    monkeypatch.setattr(observer.Observer, "more", ("--tls",))
    # Ends that leave without a close_notify are a finding that clear text does not have.
    monkeypatch.setattr(reporter.Conclusion, "besides", ("tls_unclean_closes",))
    with contextlib.ExitStack() as stack:
        version = version_of(scenario)
        yield Scenery(certificates, version, servers[version], stack)


@pytest.mark.parametrize("scenario", [one for one in ALL if one.name not in ALONE], ids=str)
def test_a_scenario_holds_over_tls(scenery, scenario):
    scenario.test(**{name: getattr(scenery, name) for name in scenario.wants}, **scenario.chosen)


def test_what_has_no_twin_is_named():
    assert {one.name for one in ALL} >= set(ALONE), "a scenario that is not there any more"
