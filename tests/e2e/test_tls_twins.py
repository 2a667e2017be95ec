# SPDX-License-Identifier: BSD-2-Clause
"""With --tls a connection is told as its twin in clear text: the scenarios of the suites whose ends are both in the test are played in clear
text and over TLS, where the same assertions hold, and the same records come of it."""

import contextlib

import pytest

from lib import gnutls, go_tls, sessions, tls, twins, wire
from lib.nginx import Nginx, SecureNginx
import test_endings
import test_half_close
import test_messages
import test_odd_messages
import test_passing
import test_reasons_cut
import test_reasons_facts
import test_reasons_http2
import test_reasons_idle
import test_reasons_network
import test_refused_uploads

SUITES = (
    test_endings, test_half_close, test_messages, test_odd_messages, test_passing, test_reasons_cut, test_reasons_facts,
    test_reasons_http2, test_reasons_idle, test_reasons_network, test_refused_uploads,
)  # fmt: skip

UNUSED = "nothing has passed through the library, so it is told by the records of TLS"
NO_HTTP = "what is no HTTP is told by the records of TLS, which look alike"
NO_SESSION = "it never comes to a handshake"
BELOW = "its bytes go or come without the library"
UNREAD = "what nobody has read nobody has deciphered, and an empty line is as long as an alert"
LIBRARY = "the library does not try again after an error"
RECORDS = "the library takes whole records, so that nothing need lie unread"
MEMORY = "its program makes records that TCP never takes, so the records that went decide"
WITHOUT = "the observer is one without --tls, or one that is older"
ENDLESS = "a process that ends does not end its session, so nothing marks the end of its response"
BYTES = "it counts bytes of TCP"
SERVER = "its server is one of its own"

# Scenarios that have no twin, each with its reason.
ALONE = {
    "half_close.test_a_server_whose_response_draws_a_reset_knows_that_the_client_had_gone": MEMORY,
    "endings.test_a_connection_without_a_byte_is_unused": UNUSED,
    "endings.test_the_first_request_on_a_connection_opened_in_advance_can_be_stale": UNUSED,
    "endings.test_what_is_not_http1_is_told_apart_and_left_alone": NO_HTTP,
    "endings.test_a_client_that_resets_in_the_middle_of_a_response_left": RECORDS,
    "endings.test_a_refused_connect_is_told_once": NO_SESSION,
    "messages.test_a_single_request_is_one_request_on_both_sockets": BYTES,
    "messages.test_requests_that_share_a_connection_are_counted_on_one_record": BYTES,
    "messages.test_curl_and_nginx_with_100_continue_make_one_exchange": BYTES,
    "messages.test_a_file_sent_by_sendfile_is_counted_to_the_byte": BYTES,
    "messages.test_ipv4_on_an_ipv6_socket_prints_as_ipv4": BYTES,
    "passing.test_each_byte_of_what_is_no_http_counts": NO_HTTP,
    "passing.test_a_body_of_gibibytes_that_is_spliced_is_followed_to_its_end": BELOW,
    "passing.test_each_byte_of_a_tunnel_of_gibibytes_counts": BELOW,
    "passing.test_a_body_of_gibibytes_that_is_cut_within_the_splice_is_told_with_what_came": BELOW,
    "passing.test_a_body_may_be_longer_than_half_of_all_sequence_numbers": BELOW,
    "reasons_cut.test_a_process_that_exits_to_end_its_body_did_so_on_purpose": ENDLESS,
    "reasons_cut.test_a_kill_is_no_end_of_a_body_delimited_by_the_close": ENDLESS,
    "reasons_cut.test_a_process_that_is_killed_before_the_first_request": UNUSED,
    "reasons_facts.test_the_application_wrote_into_a_closed_connection": LIBRARY,
    "reasons_idle.test_a_connection_that_nobody_used_is_unused": UNUSED,
    "reasons_idle.test_a_connection_that_nobody_used_may_be_reset_too": UNUSED,
    "reasons_idle.test_what_a_server_says_to_a_client_that_has_gone_without_a_request_answers_nothing": UNUSED,
    "reasons_idle.test_what_is_no_http_and_said_to_a_client_that_had_gone_is_no_use": UNUSED,
    "reasons_idle.test_what_is_not_http_is_not_judged_as_such": NO_HTTP,
    "reasons_idle.test_a_head_that_could_not_be_read_leaves_that_end_without_a_verdict": BELOW,
    "reasons_idle.test_a_connection_older_than_the_observer_whose_request_may_be_waiting": WITHOUT,
    "refused_uploads.test_empty_lines_behind_an_exchange_that_lie_unread_are_no_request": UNREAD,
    "refused_uploads.test_a_request_behind_the_whole_body_of_a_refused_upload_is_late": UNREAD,
    "refused_uploads.test_a_refusal_by_the_standard_library_of_python_loses_no_request": SERVER,
    "refused_uploads.test_a_backend_that_refuses_an_unbuffered_upload_loses_no_request": SERVER,
    "refused_uploads.test_a_refusal_by_node_loses_no_request": SERVER,
    "reasons_network.test_a_reset_that_answers_the_syn_is_connect_refused": NO_SESSION,
    "reasons_network.test_a_firewall_that_resets_the_syn_is_connect_refused": NO_SESSION,
    "reasons_network.test_an_icmp_error_that_answers_the_syn_is_connect_unreachable": NO_SESSION,
    "reasons_network.test_an_event_loop_that_is_told_at_once_closes_over_an_error_of_the_network": NO_SESSION,
    "reasons_network.test_a_syn_that_nobody_answers_is_connect_timeout": NO_SESSION,
    "reasons_network.test_a_connect_that_its_own_program_ends_is_connect_aborted": NO_SESSION,
    "reasons_network.test_crossing_fins_of_an_unused_connection": UNUSED,
}
ALL = [one for suite in SUITES for one in twins.scenarios_of(suite)]
OF_DOORS = {"trace", "door", "listener", "talk", "pair"}
OF_NGINX = {"trace", "nginx", "tmp_path"}
OF_PATHS = {"cable", "ends", "wired", "crossing", "family"}


def scenarios(wants):
    return [one for one in ALL if one.name not in ALONE and set(one.wants) <= wants]


CARRIERS = {
    "clear": lambda plain, certificates: plain,
    "TLS 1.2": lambda plain, certificates: sessions.Door(plain, certificates, "1.2"),
    "TLS 1.3": lambda plain, certificates: sessions.Door(plain, certificates, "1.3"),
    "TLS in memory": lambda plain, certificates: sessions.Door(plain, certificates, "1.3", sessions.over_memory),
}


# Other libraries, and their names in records.
OTHERS = {"GnuTLS 1.2": "gnutls", "GnuTLS 1.3": "gnutls", "Go 1.2": "go", "Go 1.3": "go"}


# A FIN without close_notify ends a session of GnuTLS, for sending too: no half-closed one can be answered.
ENDED_BY_FIN = {
    "endings.test_a_half_close_that_is_answered_is_no_giving_up",
    "reasons_cut.test_a_half_close_before_the_response",
    "reasons_cut.test_a_half_close_while_the_response_comes",
}


# Their servers end the session as they close, because only so the close marks the end of a response. Their clients read that, and no end of
# the stream.
DELIMITED = {
    "endings.test_a_body_delimited_by_the_close_explains_it",
    "odd_messages.test_a_length_beside_another_coding_is_not_certain_to_be_the_end",
    "odd_messages.test_nor_where_the_body_goes_on_behind_it",
    "passing.test_a_body_up_to_the_close_is_complete_with_it",
    "reasons_idle.test_a_body_that_the_close_ends_explains_it",
    "reasons_facts.test_who_announced_a_close_first_and_how",
}


@pytest.fixture(scope="module")
def doors(nothing_left, certificates):
    """A carrier for each of CARRIERS."""
    del nothing_left
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(make(wire.listen(), certificates)) for make in CARRIERS.values()]
        trace = stack.enter_context(twins.Trace(map(wire.port_of, listeners), "--tls"))
        yield [twins.Carrier(trace, one) for one in listeners]


@pytest.fixture(scope="module")
def others(nothing_left, certificates, tmp_path_factory):
    """A carrier in clear text, and one for each of OTHERS, by their names."""
    del nothing_left
    with contextlib.ExitStack() as stack:
        holders = [stack.enter_context(go_tls.Holder(tmp_path_factory.mktemp("go"), certificates)) for _ in range(2)]
        doors = {"clear": wire.listen()}
        for version in tls.VERSIONS:
            doors[f"GnuTLS {version}"] = gnutls.Door(wire.listen(), certificates, version)
            doors[f"Go {version}"] = go_tls.Door(wire.listen(), holders, version)
        for door in doors.values():
            stack.enter_context(door)
        trace = stack.enter_context(twins.Trace(map(wire.port_of, doors.values()), "--tls"))
        yield {name: twins.Carrier(trace, door) for name, door in doors.items()}


def pair_on(laid):
    def make(scenario, stack):
        return stack.enter_context(laid.path.pair(laid.doors[scenario.parameters["family"]]))

    return make


@pytest.fixture(scope="module")
def paths(nothing_left, certificates):
    """The same, each with hosts and cables of its own."""
    del nothing_left
    with contextlib.ExitStack() as stack:
        all_laid = []
        for make in CARRIERS.values():
            for lay in test_reasons_network.laid_cable, test_reasons_network.laid_wire:
                laid = stack.enter_context(lay())
                laid.doors = {family: make(door, certificates) for family, door in laid.doors.items()}
                all_laid.append(laid)
        ports = [wire.port_of(door) for laid in all_laid for door in laid.doors.values()]
        trace = stack.enter_context(twins.Trace(ports, "--tls"))
        for laid in all_laid:
            laid.trace = trace
        yield [twins.Carrier(trace, None, {
            "cable": lambda *_, cable=cable: cable,
            "wired": lambda *_, wired=wired: wired,
            "family": lambda scenario, _: scenario.parameters["family"],
            "ends": pair_on(cable),
            "crossing": pair_on(wired),
        }) for cable, wired in zip(all_laid[::2], all_laid[1::2])]


@pytest.fixture(scope="module")
def servers(nothing_left, certificates, tmp_path_factory):
    """The same, each with an nginx of its own. An observer takes the ports of two of these."""
    del nothing_left
    folders = (tmp_path_factory.mktemp("nginx") for _ in CARRIERS)
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURL_CA_BUNDLE", str(certificates.issuer))
        running = [stack.enter_context(one) for one in (
            Nginx(next(folders)),
            SecureNginx(next(folders), certificates, "1.2"),
            SecureNginx(next(folders), certificates, "1.3"),
            SecureNginx(next(folders), certificates, "1.3", sessions.over_memory),
        )]
        carriers = []
        for two in running[:2], running[2:]:
            trace = stack.enter_context(twins.Trace([port for one in two for port in one.ports], "--tls"))
            for one in two:
                carriers.append(twins.Carrier(trace, None, {
                    "nginx": lambda *_, one=one: one,
                    "tmp_path": lambda *_: tmp_path_factory.mktemp("scenario"),
                }))
        yield carriers


# Of a program that is not the test's: how far it had come when the other end left, and what it saw of that.
ITS_OWN = ("app_error", "body_bytes")


def check(name, read, clear, besides):
    assert not isinstance(read, BaseException), f"over {name}: {read}"
    differences = [f"over {name}: {one}" for one in twins.differences(read, clear, besides)]
    assert not differences, "\n".join(differences)
    library = OTHERS.get(name, "openssl")
    assert all(one["tls"]["plaintext"] == library for one in read if one["type"] == "connection"), read


def play(scenario, carriers, besides=(), names=tuple(CARRIERS)):
    polite = scenario.name in DELIMITED
    besides = (*besides, "app_error") if polite else besides
    clear, *others = twins.play_all(scenario, carriers, polite)
    if isinstance(clear, BaseException):
        raise clear
    for name, read in zip(names[1:], others):
        check(name, read, clear, besides)


@pytest.mark.parametrize("scenario", scenarios(OF_DOORS), ids=str)
def test_a_scenario_over_tls_is_told_as_its_twin_in_clear_text(doors, scenario):
    play(scenario, doors)


@pytest.mark.parametrize("scenario", scenarios(OF_DOORS), ids=str)
def test_so_is_one_over_tls_of_another_library(others, scenario):
    names = ["clear", *(name for name, library in OTHERS.items() if library != "gnutls" or scenario.name not in ENDED_BY_FIN)]
    play(scenario, [others[name] for name in names], names=names)


@pytest.mark.parametrize("scenario", [one for one in scenarios(OF_NGINX) if "nginx" in one.wants], ids=str)
def test_so_is_one_with_a_server_that_many_have(servers, scenario):
    play(scenario, servers, ITS_OWN)


@pytest.mark.parametrize("scenario", scenarios(OF_PATHS), ids=str)
def test_so_is_one_over_a_path_that_can_be_cut(paths, scenario):
    play(scenario, paths)


def test_what_has_no_twin_is_named():
    assert {one.name for one in ALL} >= set(ALONE), "a scenario that is not there any more"
    played = {one.name for one in scenarios(OF_DOORS) + scenarios(OF_NGINX) + scenarios(OF_PATHS)}
    assert {one.name for one in ALL if one.name not in played | set(ALONE)} == set()
