/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections that are not used as they could be: when each finding is raised, when it is not quite, and its
 * numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/world.h"

/* ---- connections not used as they could be ---- */

static void unannounced_closes_are_raised_above_one_percent(void **state)
{
	struct kw_verdict at_once = verdict_of(KW_REASON_UNANNOUNCED_CLOSE, KW_CLOSER_SERVER, KW_PHASE_IDLE);

	(void)state;
	for (int count = 1; count <= 2; count++) {
		struct world world;

		open_world(&world);
		add(&world, 99, KW_S, requests(5), idle_close(60000));
		add(&world, count, KW_S, requests(5), at_once);
		conclude(&world);
		assert_int_equal(world.overview.finding_count, count - 1);
		if (count == 2)
			assert_number(first(&world, KW_FINDING_UNANNOUNCED_CLOSES, KW_SEVERITY_WARNING),
				      "share", 2.0 / 101);
		close_world(&world);
	}
}

static void a_timeout_that_is_not_kept_is_told(void **state)
{
	struct kw_event_connection event = requests(5);
	struct kw_verdict early = idle_close(2000);
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	event.http.has_timeout = 1;
	event.http.timeout = 10;
	early.reason = KW_REASON_CLOSED_BEFORE_TIMEOUT;
	add(&world, 6, KW_S, event, early);
	conclude(&world);
	finding = first(&world, KW_FINDING_TIMEOUT_NOT_HONOURED, KW_SEVERITY_WARNING);
	assert_number(finding, "closed_before_timeout", 6);
	assert_number(finding, "advertised_timeout_s", 10);
	assert_number(finding, "server_idle_timeout_s", 2);
	close_world(&world);
}

static void low_reuse_names_the_cause(void **state)
{
	static const struct {
		enum kw_reason reason;
		enum kw_closer closer;
		int count;
		uint32_t requests;
		const char *cause; /* NULL: not raised */
	} rows[] = {
		{KW_REASON_ANNOUNCED_BY_REQUEST, KW_CLOSER_SERVER, 50, 1, "client_sends_close"},
		{KW_REASON_ANNOUNCED_BY_RESPONSE, KW_CLOSER_SERVER, 50, 1, "server_sends_close"},
		{KW_REASON_HTTP10_DEFAULT, KW_CLOSER_SERVER, 50, 1, "http10"},
		{KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, 50, 1, "client_closes"},
		{KW_REASON_UNANNOUNCED_CLOSE, KW_CLOSER_SERVER, 50, 1, "server_closes_unannounced"},
		{KW_REASON_SERVER_CLOSED_IDLE, KW_CLOSER_SERVER, 50, 1, "idle_timeout"},
		{KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, 49, 1, NULL},
		{KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, 50, 2, NULL},
		{KW_REASON_UNUSED, KW_CLOSER_CLIENT, 60, 0, NULL}, /* they had nothing to reuse them for */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct kw_finding *finding;
		struct world world;

		open_world(&world);
		add(&world, rows[i].count, KW_S, requests(rows[i].requests),
		    verdict_of(rows[i].reason, rows[i].closer, KW_PHASE_IDLE));
		conclude(&world);
		finding = find(&world, KW_FINDING_LOW_REUSE);
		assert_int_equal(finding != NULL, rows[i].cause != NULL);
		if (finding) {
			assert_int_equal(finding->severity, KW_SEVERITY_WARNING);
			assert_string_equal(finding->numbers[2].text, rows[i].cause);
			assert_number(finding, "handshakes_per_s", 1);
			assert_number(finding, "requests_per_connection", 1);
		}
		close_world(&world);
	}
}

static void a_limit_of_requests_is_told_when_most_connections_meet_it(void **state)
{
	struct kw_verdict announced =
		verdict_of(KW_REASON_ANNOUNCED_BY_RESPONSE, KW_CLOSER_SERVER, KW_PHASE_IDLE);
	struct kw_verdict client = verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE);

	(void)state;
	for (int others = 10; others >= 9; others--) {
		struct world world;

		open_world(&world);
		add(&world, 8, KW_S, requests(1000), announced);
		add(&world, 2, KW_S, requests(100),
		    verdict_of(KW_REASON_MAX_REQUESTS, KW_CLOSER_SERVER, KW_PHASE_IDLE));
		add(&world, others, KW_S, requests(5), client);
		conclude(&world);
		assert_int_equal(world.overview.finding_count, 10 - others);
		if (others == 9) {
			const struct kw_finding *finding =
				first(&world, KW_FINDING_MAX_CHURN, KW_SEVERITY_INFO);

			assert_number(finding, "closed_at_limit", 10);
			assert_number(finding, "requests_limit", 1000);
			assert_advice_names(finding, "keepalive_requests");
		}
		close_world(&world);
	}
}

static void connections_without_a_request_are_probes_if_most_are_so(void **state)
{
	(void)state;
	for (int probes = 10; probes <= 11; probes++) {
		struct world world;

		open_world(&world);
		add(&world, 10, KW_S, requests(5), idle_close(60000));
		add(&world, probes, KW_S, requests(0),
		    verdict_of(KW_REASON_UNUSED, KW_CLOSER_CLIENT, KW_PHASE_UNUSED));
		conclude(&world);
		assert_int_equal(world.overview.finding_count, probes - 10);
		if (probes == 11)
			assert_number(first(&world, KW_FINDING_PROBE_ONLY, KW_SEVERITY_INFO), "unused", 11);
		close_world(&world);
	}
}

static void a_leak_is_told_after_a_minute(void **state)
{
	struct kw_event_history event = event_history();
	struct kw_service service = event_service(KW_ROLE_SERVER, "s");
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, START + 50 * KW_S}};
	struct kw_event decoded;
	struct world world;

	(void)state;
	open_world(&world);
	event.connection.report = KW_REPORT_PROGRESS;
	event.connection.half_closed = 1;
	event.connection.header.time = event.connection.peer_fin = START;
	assert_int_equal(kw_decode(&event, sizeof(event), &decoded), 0);
	assert_int_equal(kw_aggregate_connection(&world.aggregate, &service, &decoded, NULL), 0);
	for (int minute = 0; minute < 2; minute++) {
		assert_int_equal(kw_aggregate_totals(&world.aggregate, &totals), 0);
		conclude(&world);
		if (minute == 0)
			assert_int_equal(world.overview.finding_count, 0);
		else
			assert_number(first(&world, KW_FINDING_CLOSE_WAIT_LEAK, KW_SEVERITY_WARNING),
				      "half_closed", 1);
		kw_overview_free(&world.overview);
		totals.header.time += 20 * KW_S;
	}
	kw_aggregate_close(&world.aggregate);
}

/* It may be the very one whose closing record was lost. */
static void what_may_have_closed_unseen_is_no_leak(void **state)
{
	struct kw_event_history event = event_history();
	struct kw_service service = event_service(KW_ROLE_SERVER, "s");
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, START + 70 * KW_S}};
	struct kw_event decoded;
	struct world world;

	(void)state;
	open_world(&world);
	event.connection.report = KW_REPORT_PROGRESS;
	event.connection.half_closed = 1;
	event.connection.header.time = event.connection.peer_fin = START;
	assert_int_equal(kw_decode(&event, sizeof(event), &decoded), 0);
	for (uint64_t count = 1; count <= 2; count++) {
		assert_int_equal(kw_aggregate_connection(&world.aggregate, &service, &decoded, NULL), 0);
		totals.totals.dropped[KW_ROLE_SERVER].closed = 1;
		totals.totals.dropped_half_closed[KW_ROLE_SERVER] = 1;
		assert_int_equal(kw_aggregate_totals(&world.aggregate, &totals), 0);
		conclude(&world);
		if (count == 1)
			assert_int_equal(world.overview.finding_count, 0);
		else
			assert_number(first(&world, KW_FINDING_CLOSE_WAIT_LEAK, KW_SEVERITY_WARNING),
				      "half_closed", 1);
		kw_overview_free(&world.overview);
	}
	kw_aggregate_close(&world.aggregate);
}

static void obsolete_fields_are_told_by_kind(void **state)
{
	struct kw_event_connection proxy = requests(5), unnamed = requests(5);
	struct kw_event_history named = event_history();
	struct kw_service service = event_service(KW_ROLE_SERVER, "s");
	const struct kw_finding *finding;
	struct kw_event decoded;
	struct world world;

	(void)state;
	open_world(&world);
	proxy.http.flags |= KW_HTTP_PROXY_CONNECTION;
	unnamed.http.errors = 1 << HTTP1_ERROR_KEEP_ALIVE_UNNAMED;
	add(&world, 2, KW_S, proxy, idle_close(60000));
	add(&world, 3, KW_S, unnamed, idle_close(60000));
	named.connection.report = KW_REPORT_PROGRESS;
	strcpy(named.names[0].name, "content-length");
	named.names[0].count = 4;
	strcpy(named.names[1].name, "te"); /* as it should be */
	named.names[1].count = 9;
	assert_int_equal(kw_decode(&named, sizeof(named), &decoded), 0);
	assert_int_equal(kw_aggregate_connection(&world.aggregate, &service, &decoded, NULL), 0);
	conclude(&world);
	finding = first(&world, KW_FINDING_OBSOLETE_FIELDS, KW_SEVERITY_INFO);
	assert_number(finding, "proxy_connection", 2);
	assert_number(finding, "keep_alive_unnamed", 3);
	assert_number(finding, "end_to_end_named", 4);
	assert_int_equal(world.overview.finding_count, 1);
	close_world(&world);
}

static void forwarded_fields_are_named_with_the_setting_that_removes_them(void **state)
{
	struct kw_event_connection nginx = requests(5);
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	nginx.identity.role = KW_ROLE_CLIENT;
	add(&world, 10, KW_S, nginx, idle_close(60000));
	forward(&world, KW_ROLE_CLIENT, 2, "x-debug-token", 0);
	forward(&world, KW_ROLE_CLIENT, 1, "proxy-connection", 0);
	conclude(&world);
	finding = first(&world, KW_FINDING_FORWARDS_HOP_BY_HOP, KW_SEVERITY_WARNING);
	assert_number(finding, "connections", 3);
	assert_number(finding, "forwarded_timeout_s", NAN);
	assert_non_null(strstr(finding->summary, "requests carried"));
	assert_non_null(strstr(finding->summary, ": proxy-connection, x-debug-token."));
	assert_advice_names(finding, "proxy_set_header");
	assert_int_equal(finding->examples.count, 3);
	close_world(&world);
}

static void a_forwarded_promise_that_is_not_kept_is_critical_only_once_requests_met_the_close(void **state)
{
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	add(&world, 10, 10 * KW_S, requests(5), idle_close(5000));
	forward(&world, KW_ROLE_SERVER, 1, "keep-alive", 17);
	conclude(&world);
	finding = find(&world, KW_FINDING_FORWARDS_HOP_BY_HOP);
	assert_int_equal(finding->severity, KW_SEVERITY_WARNING);
	kw_overview_free(&world.overview);
	add(&world, 2, 10 * KW_S, requests(5),
	    lost(verdict_of(KW_REASON_STALE_REUSE, KW_CLOSER_SERVER, KW_PHASE_IDLE)));
	conclude(&world);
	finding = find(&world, KW_FINDING_FORWARDS_HOP_BY_HOP);
	assert_int_equal(finding->severity, KW_SEVERITY_CRITICAL);
	assert_number(finding, "forwarded_timeout_s", 17);
	assert_number(finding, "server_idle_timeout_s", 5);
	close_world(&world);
}

static void a_forwarded_promise_that_is_kept_is_a_warning(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	add(&world, 10, 10 * KW_S, requests(5), idle_close(17100));
	add(&world, 2, 10 * KW_S, requests(5),
	    lost(verdict_of(KW_REASON_STALE_REUSE, KW_CLOSER_SERVER, KW_PHASE_IDLE)));
	forward(&world, KW_ROLE_SERVER, 1, "keep-alive", 17);
	conclude(&world);
	assert_int_equal(find(&world, KW_FINDING_FORWARDS_HOP_BY_HOP)->severity, KW_SEVERITY_WARNING);
	close_world(&world);
}

/* ---- inference and order ---- */

static void a_timeout_is_inferred_from_five_closes_that_are_half_of_all(void **state)
{
	static const struct {
		int clustered, scattered;
		bool known;
	} rows[] = {{4, 0, false}, {5, 0, true}, {5, 5, true}, {5, 6, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kw_inferred inferred;
		struct world world;

		open_world(&world);
		add(&world, rows[i].clustered, KW_S, requests(5), idle_close(60000));
		for (int k = 0; k < rows[i].scattered; k++)
			add(&world, 1, KW_S, requests(5), idle_close(1000 + 3000 * (uint64_t)k));
		conclude(&world);
		inferred = world.overview.services[0].server_idle;
		assert_int_equal(inferred.known, rows[i].known);
		if (inferred.known) {
			assert_int_equal(inferred.count, rows[i].clustered);
			assert_true(fabs(inferred.share - 5.0 / (5 + rows[i].scattered)) < 1e-9);
			assert_true(fabs(inferred.seconds - 60) < 1e-6);
		}
		close_world(&world);
	}
}

static void findings_stand_by_severity_then_as_in_the_table(void **state)
{
	struct kw_event_connection proxy = requests(1);
	struct world world;

	(void)state;
	open_world(&world);
	proxy.http.flags |= KW_HTTP_PROXY_CONNECTION;
	add(&world, 60, KW_S, proxy, verdict_of(KW_REASON_UNANNOUNCED_CLOSE, KW_CLOSER_SERVER, KW_PHASE_IDLE));
	add(&world, 1, KW_S, requests(1),
	    lost(verdict_of(KW_REASON_NO_RESPONSE, KW_CLOSER_SERVER, KW_PHASE_WAITING)));
	add(&world, 1, KW_S, requests(1),
	    lost(verdict_of(KW_REASON_RESPONSE_TRUNCATED, KW_CLOSER_SERVER, KW_PHASE_RESPONSE)));
	conclude(&world);
	assert_int_equal(world.overview.finding_count, 5);
	assert_int_equal(world.overview.findings[0].finding->id, KW_FINDING_TRUNCATED_RESPONSES);
	assert_int_equal(world.overview.findings[1].finding->id, KW_FINDING_NO_RESPONSES);
	assert_int_equal(world.overview.findings[2].finding->id, KW_FINDING_UNANNOUNCED_CLOSES);
	assert_int_equal(world.overview.findings[3].finding->id, KW_FINDING_LOW_REUSE);
	assert_int_equal(world.overview.findings[4].finding->id, KW_FINDING_OBSOLETE_FIELDS);
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unannounced_closes_are_raised_above_one_percent),
		cmocka_unit_test(a_timeout_that_is_not_kept_is_told),
		cmocka_unit_test(low_reuse_names_the_cause),
		cmocka_unit_test(a_limit_of_requests_is_told_when_most_connections_meet_it),
		cmocka_unit_test(connections_without_a_request_are_probes_if_most_are_so),
		cmocka_unit_test(a_leak_is_told_after_a_minute),
		cmocka_unit_test(what_may_have_closed_unseen_is_no_leak),
		cmocka_unit_test(obsolete_fields_are_told_by_kind),
		cmocka_unit_test(forwarded_fields_are_named_with_the_setting_that_removes_them),
		cmocka_unit_test(
			a_forwarded_promise_that_is_not_kept_is_critical_only_once_requests_met_the_close),
		cmocka_unit_test(a_forwarded_promise_that_is_kept_is_a_warning),
		cmocka_unit_test(a_timeout_is_inferred_from_five_closes_that_are_half_of_all),
		cmocka_unit_test(findings_stand_by_severity_then_as_in_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
