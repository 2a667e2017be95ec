# SPDX-License-Identifier: BSD-2-Clause
"""With --tls a connection of a real server is told as its twin in clear text: the scenarios of the suites that start servers of their
own are played in clear text and over TLS, where the same assertions hold, and the same records come of it."""

import contextlib

import pytest

from lib import tls, twins
from lib.stage import SecureStage, Stage
import test_server_idle
import test_server_limits
import test_server_misleading

SUITES = test_server_idle, test_server_limits, test_server_misleading

UNUSED = "nothing has passed through the library, so it is told by the records of TLS"
ENDLESS = "a process that ends does not end its session, so nothing marks the end of its response"
FIRST_FIN = "its packets are asked for the first FIN, which the other end may send when it has read the closer's close_notify"

# Scenarios that have no twin, each with its reason.
ALONE = {
    "server_idle.test_haproxy_purges_its_pool_by_resets_that_do_no_harm": FIRST_FIN,
    "server_misleading.test_nginx_closes_an_unused_connection_and_nothing_is_lost": UNUSED,
    "server_misleading.test_a_body_that_its_process_ends_with_is_complete": ENDLESS,
    "server_misleading.test_lighttpds_413_closes_while_the_body_is_on_its_way": FIRST_FIN,
}

# How far a program that is not the test's had come when the other end left, and what it saw of that.
ITS_OWN = ("app_error", "body_bytes")

# Facts that may differ in some scenarios besides.
BESIDES = {
    # How long nothing had come depends on how much lay in the client's buffers.
    "server_misleading.test_a_client_that_stops_reading_a_large_response_left": ("evidence",),
    # Which of both closes first is a race.
    "server_misleading.test_nginx_asks_its_upstream_for_the_close_and_is_named": ("closer", "evidence"),
    # nginx may leave the server's close_notify unread: then the server's end decides for both.
    "server_misleading.test_node_delimits_its_body_to_nginx_by_the_close": ("evidence",),
    # curl may leave the server's close_notify unread: bytes that there are in TLS alone.
    "server_misleading.test_curl_that_sees_a_401_keeps_its_body_to_itself": ("unread_data", "evidence"),
}
PORTS = 8
ALL = [one for suite in SUITES for one in twins.scenarios_of(suite)]


class ClearStage(Stage, twins.Trace):
    pass


class TlsStage(SecureStage, twins.Trace):
    pass


@pytest.fixture(scope="module")
def stages(nothing_left, certificates, tmp_path_factory):
    """In clear text, and over TLS."""
    del nothing_left
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURL_CA_BUNDLE", str(certificates.issuer))
        patch.setenv("NODE_EXTRA_CA_CERTS", str(certificates.issuer))
        patch.setenv("SSLKEYLOGFILE", str(certificates.keys))
        made = {"clear": ClearStage(count=PORTS)}
        made |= {version: TlsStage(certificates, version, PORTS) for version in tls.VERSIONS}
        yield {name: twins.Carrier(stack.enter_context(stage), None, {
            "stage": lambda *_, stage=stage: stage,
            "tmp_path": lambda *_: tmp_path_factory.mktemp("scenario"),
        }) for name, stage in made.items()}


def version_of(scenario):
    """They take turns, because each scenario starts servers of its own. So each suite begins with 1.3, whose tickets come before a response."""
    return tls.VERSIONS[(ALL.index(scenario) + 1) % len(tls.VERSIONS)]


def check(scenario, version, read, clear):
    assert not isinstance(read, BaseException), f"over TLS {version}: {read}"
    besides = (*ITS_OWN, *BESIDES.get(scenario.name, ()))
    differences = [f"over TLS {version}: {one}" for one in twins.differences(read, clear, besides)]
    assert not differences, "\n".join(differences)
    assert all(one["tls"]["plaintext"] for one in read if one["type"] == "connection"), read


@pytest.mark.parametrize("scenario", [one for one in ALL if one.name not in ALONE], ids=str)
def test_a_scenario_over_tls_is_told_as_its_twin_in_clear_text(stages, scenario):
    version = version_of(scenario)
    clear, read = twins.play_all(scenario, [stages["clear"], stages[version]])
    if isinstance(clear, BaseException):
        raise clear
    check(scenario, version, read, clear)


def test_what_has_no_twin_is_named():
    named = set(ALONE) | set(BESIDES)
    assert {one.name for one in ALL} >= named, "a scenario that is not there any more"
