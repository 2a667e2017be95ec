/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that are lost, or will be: when each finding is raised, when it is not quite, and its numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

/* ---- nothing ---- */

static void a_healthy_service_gives_no_finding(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	add(&world, 200, KW_S, reused(20000), idle_close(60000));
	add(&world, 200, KW_S, requests(20),
	    verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
	conclude(&world);
	assert_int_equal(world.digest.finding_count, 0);
	assert_true(world.digest.services[0].server_idle.known);
	assert_int_equal(world.digest.services[0].server_idle.count, 200);
	assert_true(fabs(world.digest.services[0].margin - 40) < 0.001);
	close_world(&world);
}

/* ---- timeout_race ---- */

static void a_lost_race_is_critical_and_names_the_settings_of_both(void **state)
{
	struct kw_event_connection event = reused(6010), server = event_connection();
	struct kw_verdict stale = lost(verdict_of(KW_REASON_STALE_REUSE, KW_CLOSER_SERVER, KW_PHASE_WAITING));
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	event.identity.role = KW_ROLE_CLIENT;
	event.http.has_timeout = 1;
	event.http.timeout = 5;
	strcpy(event.identity.comm, "haproxy");
	event_address(event.identity.remote, "10.0.0.5");
	event.identity.remote_port = 8080;
	strcpy(server.identity.comm, "node");
	add(&world, 80, KW_S, event, idle_close(6020));
	event.http.lost_safe = 1;
	add(&world, 3, KW_S, event, stale);
	event.http.lost_safe = 0;
	event.http.lost_other = 1;
	add(&world, 1, KW_S, event, stale);
	add(&world, 1, KW_S, server, verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
	conclude(&world);
	finding = first(&world, KW_FINDING_TIMEOUT_RACE, KW_SEVERITY_CRITICAL);
	assert_number(finding, "lost_requests", 4);
	assert_number(finding, "retryable", 3);
	assert_number(finding, "server_idle_timeout_s", 6.02);
	assert_number(finding, "advertised_timeout_s", 5);
	assert_number(finding, "client_idle_reuse_max_s", 6.01);
	assert_advice_names(finding, "pool-purge-delay");
	assert_advice_names(finding, "server.keepAliveTimeout");
	assert_advice_names(finding, "at most 4 s"); /* below what is advertised, not what is seen */
	assert_int_equal(finding->examples.count, KW_EXAMPLES);
	assert_int_equal(finding->examples.list[0].cookie, 81);
	assert_int_equal(world.digest.finding_count, 1);
	close_world(&world);
}

static void reuse_near_the_timeout_is_a_race_to_come(void **state)
{
	static const struct {
		uint64_t reuse_ms;
		bool raised;
	} rows[] = {{8990, false}, {9000, true}, {9900, true}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct kw_finding *finding;
		struct world world;

		open_world(&world);
		add(&world, 20, KW_S, reused(rows[i].reuse_ms), idle_close(10000));
		conclude(&world);
		finding = find(&world, KW_FINDING_TIMEOUT_RACE);
		assert_int_equal(finding != NULL, rows[i].raised);
		if (finding) {
			first(&world, KW_FINDING_TIMEOUT_RACE, KW_SEVERITY_WARNING);
			assert_number(finding, "lost_requests", 0);
			assert_number(finding, "advertised_timeout_s", NAN);
			assert_advice_names(finding, "keepalive_timeout");
			assert_advice_names(finding, "Application Load Balancer");
		}
		close_world(&world);
	}
}

static void a_late_request_is_a_race_whenever_it_is_learnt_of(void **state)
{
	struct kw_event_late late = {.header = {KW_EVENT_LATE, sizeof(late), 0, START + 30 * KW_S},
				     .closed = START + 20 * KW_S};
	struct kw_service service = event_service(KW_ROLE_SERVER, "s");
	const struct kw_finding *finding;
	struct kw_event event;
	struct world world;

	(void)state;
	open_world(&world);
	add(&world, 20, KW_S, reused(1000), idle_close(10000));
	assert_int_equal(kw_decode(&late, sizeof(late), &event), 0);
	assert_int_equal(kw_aggregate_late(&world.aggregate, &service, &event), 0);
	conclude(&world);
	finding = first(&world, KW_FINDING_TIMEOUT_RACE, KW_SEVERITY_CRITICAL);
	assert_number(finding, "lost_requests", 1);
	assert_number(finding, "retryable", 0);
	close_world(&world);
}

/* The server that closes over a request in its queue resets: its client cannot tell that from a refusal, but the
 * idle age can. */
static void a_reset_at_the_timeout_is_a_race_and_elsewhere_a_missing_response(void **state)
{
	struct kw_event_connection event = reused(9900);
	struct kw_verdict reset = lost(verdict_of(KW_REASON_NO_RESPONSE, KW_CLOSER_SERVER, KW_PHASE_WAITING));
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	event.identity.role = KW_ROLE_CLIENT;
	reset.manner = KW_MANNER_RST;
	add(&world, 20, KW_S, event, idle_close(10000));
	event.http.idle_before_last = 9950 * KW_MS;
	event.http.lost_safe = 1;
	add(&world, 2, KW_S, event, reset);
	event.http.lost_safe = 0;
	add(&world, 1, KW_S, event, reset);
	event.http.idle_before_last = 8900 * KW_MS;
	add(&world, 4, KW_S, event, reset);
	conclude(&world);
	finding = first(&world, KW_FINDING_TIMEOUT_RACE, KW_SEVERITY_CRITICAL);
	assert_number(finding, "lost_requests", 3);
	assert_number(finding, "retryable", 2);
	assert_int_equal(finding->examples.list[0].cookie, 21);
	finding = find(&world, KW_FINDING_NO_RESPONSES);
	assert_number(finding, "no_response", 4);
	assert_number(finding, "lost_requests", 4);
	close_world(&world);
}

/* ---- responses cut, responses missing ---- */

static void cut_responses_tell_resets_over_unread_data_apart(void **state)
{
	struct kw_verdict cut =
		lost(verdict_of(KW_REASON_RESPONSE_TRUNCATED, KW_CLOSER_SERVER, KW_PHASE_RESPONSE));
	struct kw_verdict destroyed =
		lost(verdict_of(KW_REASON_EARLY_RESPONSE, KW_CLOSER_SERVER, KW_PHASE_IDLE));
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	destroyed.manner = KW_MANNER_RST;
	destroyed.unread_data = true;
	add(&world, 2, KW_S, event_connection(), cut);
	add(&world, 3, KW_S, event_connection(), destroyed);
	destroyed.premature = KW_PREMATURE_NO; /* it arrived all the same */
	destroyed.lost_requests = 0;
	add(&world, 4, KW_S, event_connection(), destroyed);
	conclude(&world);
	finding = first(&world, KW_FINDING_TRUNCATED_RESPONSES, KW_SEVERITY_CRITICAL);
	assert_number(finding, "truncated", 5);
	assert_number(finding, "by_reset", 3);
	assert_number(finding, "over_unread_data", 3);
	close_world(&world);
}

static void missing_responses_tell_exits_and_kills_apart(void **state)
{
	struct kw_verdict none = lost(verdict_of(KW_REASON_NO_RESPONSE, KW_CLOSER_SERVER, KW_PHASE_WAITING));
	struct kw_verdict exit = lost(verdict_of(KW_REASON_PROCESS_EXIT, KW_CLOSER_SERVER, KW_PHASE_WAITING));
	struct kw_event_connection killed = event_connection();
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	killed.ending.signal = 9;
	add(&world, 2, KW_S, event_connection(), none);
	add(&world, 3, KW_S, event_connection(), exit);
	add(&world, 4, KW_S, killed, exit);
	conclude(&world);
	finding = first(&world, KW_FINDING_NO_RESPONSES, KW_SEVERITY_CRITICAL);
	assert_number(finding, "no_response", 2);
	assert_number(finding, "process_exits", 3);
	assert_number(finding, "process_kills", 4);
	assert_number(finding, "lost_requests", 9);
	close_world(&world);
}

/* ---- drain ---- */

static void a_drain_is_told_and_keeps_the_timeout_clear(void **state)
{
	struct kw_verdict early = idle_close(1000);
	struct kw_verdict busy = verdict_of(KW_REASON_UNANNOUNCED_CLOSE, KW_CLOSER_SERVER, KW_PHASE_IDLE);
	struct kw_verdict stale = lost(verdict_of(KW_REASON_STALE_REUSE, KW_CLOSER_SERVER, KW_PHASE_WAITING));

	(void)state;
	for (int lossy = 0; lossy < 2; lossy++) {
		const struct kw_finding *finding;
		struct world world;

		open_world(&world);
		early.reason = KW_REASON_CLOSED_BEFORE_TIMEOUT;
		add(&world, 10, KW_S, requests(5), idle_close(60000));
		for (uint64_t k = 0; k < 40; k++) {
			early.idle_at_close = (int64_t)(k * KW_S);
			add(&world, 1, k ? KW_MS : 500 * KW_MS, requests(5), early);
		}
		add(&world, 3, KW_MS, requests(5), busy); /* it had just answered on these */
		add(&world, lossy, KW_MS, requests(5), stale);
		conclude(&world);
		finding = first(&world, KW_FINDING_DRAIN, lossy ? KW_SEVERITY_CRITICAL : KW_SEVERITY_INFO);
		assert_number(finding, "drains", 1);
		assert_number(finding, "closed", 43);
		assert_number(finding, "lost_requests", lossy);
		assert_int_equal(world.digest.finding_count, 1); /* neither a race, nor a timeout not kept */
		assert_int_equal(world.digest.services[0].drain_count, 1);
		assert_true(fabs(world.digest.services[0].timeout - 60) < 0.001);
		close_world(&world);
	}
}

/* ---- clients and paths ---- */

static void clients_that_give_up_betray_their_timeout(void **state)
{
	struct kw_verdict gave_up =
		lost(verdict_of(KW_REASON_CLIENT_GAVE_UP, KW_CLOSER_CLIENT, KW_PHASE_WAITING));
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	for (int count = 1; count <= 60; count += 59) {
		open_world(&world);
		add(&world, 99, KW_S, requests(5), idle_close(60000));
		for (int i = 0; i < count; i++) {
			gave_up.waited = (int64_t)(100 * KW_MS + (uint64_t)i * 50 * KW_US);
			add(&world, 1, KW_S, requests(1), gave_up);
		}
		conclude(&world);
		if (count == 1) {
			finding = first(&world, KW_FINDING_LOST_REQUESTS, KW_SEVERITY_CRITICAL);
			assert_number(finding, "client_gave_up", 1);
			assert_int_equal(world.digest.finding_count, 1);
		} else {
			finding = first(&world, KW_FINDING_CLIENTS_GIVE_UP, KW_SEVERITY_WARNING);
			assert_number(finding, "gave_up", 60);
			assert_number(finding, "client_timeout_s", 0.101475);
			assert_null(find(&world, KW_FINDING_LOST_REQUESTS));
			assert_null(find(&world, KW_FINDING_LOW_REUSE));
		}
		close_world(&world);
	}
}

static void a_path_that_forgets_says_from_which_idle_age_on(void **state)
{
	struct kw_event_connection dead = reused(400000), quick = requests(3);
	struct kw_verdict verdict =
		lost(verdict_of(KW_REASON_REQUEST_UNACKNOWLEDGED, KW_CLOSER_CLIENT, KW_PHASE_WAITING));
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	quick.http.idle_before_last = 20 * KW_MS; /* it was not idle: the path broke meanwhile */
	add(&world, 5, KW_S, quick, verdict);
	conclude(&world);
	assert_null(find(&world, KW_FINDING_DEAD_PATH));
	kw_digest_free(&world.digest);
	add(&world, 5, KW_S, reused(120000),
	    verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
	dead.http.idle_before_last = 400 * KW_S;
	dead.http.counts.responses_ended = 2;
	add(&world, 2, KW_S, dead, verdict);
	dead.http.idle_before_last = dead.http.idle_max = 350 * KW_S;
	verdict.reason = KW_REASON_RETRANSMIT_TIMEOUT;
	add(&world, 1, KW_S, dead, verdict);
	conclude(&world);
	finding = find(&world, KW_FINDING_DEAD_PATH);
	assert_int_equal(finding->severity, KW_SEVERITY_WARNING);
	assert_number(finding, "connections", 3);
	assert_number(finding, "lost_requests", 3);
	assert_number(finding, "shortest_idle_failed_s", 350);
	assert_number(finding, "longest_idle_worked_s", 120);
	assert_advice_names(finding, "350 s");
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_service_gives_no_finding),
		cmocka_unit_test(a_lost_race_is_critical_and_names_the_settings_of_both),
		cmocka_unit_test(reuse_near_the_timeout_is_a_race_to_come),
		cmocka_unit_test(a_late_request_is_a_race_whenever_it_is_learnt_of),
		cmocka_unit_test(a_reset_at_the_timeout_is_a_race_and_elsewhere_a_missing_response),
		cmocka_unit_test(cut_responses_tell_resets_over_unread_data_apart),
		cmocka_unit_test(missing_responses_tell_exits_and_kills_apart),
		cmocka_unit_test(a_drain_is_told_and_keeps_the_timeout_clear),
		cmocka_unit_test(clients_that_give_up_betray_their_timeout),
		cmocka_unit_test(a_path_that_forgets_says_from_which_idle_age_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
