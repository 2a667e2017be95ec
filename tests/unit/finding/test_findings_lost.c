/* SPDX-License-Identifier: BSD-2-Clause */
/* "Healthy" only when nothing was lost; advice by how the close came; times at which something closes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/world.h"

#define WAITING(reason, closer) lost(verdict_of(reason, closer, KW_PHASE_WAITING))

static bool advises(const struct kw_finding *finding, const char *words)
{
	for (size_t i = 0; i < finding->advice_count; i++)
		if (strstr(finding->advice[i], words))
			return true;
	return false;
}

static void assert_summary(const struct kw_finding *finding, const char *words)
{
	if (!finding || !strstr(finding->summary, words))
		fail_msg("'%s' does not say '%s'", finding ? finding->summary : "no finding", words);
}

/* ---- healthy, lost_requests ---- */

static void every_premature_reason_belongs_to_a_finding(void **state)
{
	(void)state;
	for (enum kw_reason reason = KW_CONNECT_FAILURES; reason < KW_REASON_MAX; reason++) {
		for (enum kw_closer closer = KW_CLOSER_CLIENT; closer < KW_CLOSER_MAX; closer++) {
			struct world world;

			open_world(&world);
			add(&world, 150, KW_S, requests(20),
			    verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
			conclude(&world);
			assert_true(world.overview.healthy);
			kw_overview_free(&world.overview);
			add(&world, 1, KW_S, requests(20), WAITING(reason, closer));
			conclude(&world);
			assert_false(world.overview.healthy);
			if (!world.overview.finding_count)
				fail_msg("no finding covers %s", kw_reason_name(reason));
			assert_int_equal(world.overview.findings[0].finding->severity, KW_SEVERITY_CRITICAL);
			close_world(&world);
		}
	}
}

static void losses_that_nothing_else_covers_are_counted_by_reason(void **state)
{
	struct kw_verdict cut =
		lost(verdict_of(KW_REASON_REQUEST_TRUNCATED, KW_CLOSER_CLIENT, KW_PHASE_REQUEST));
	struct kw_verdict pipeline = lost(verdict_of(KW_REASON_PIPELINE_CUT, KW_CLOSER_SERVER, KW_PHASE_IDLE));
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	add(&world, 9, KW_S, requests(2), cut);
	pipeline.lost_requests = 3;
	add(&world, 1, KW_S, requests(2), pipeline);
	conclude(&world);
	finding = first(&world, KW_FINDING_LOST_REQUESTS, KW_SEVERITY_CRITICAL);
	assert_string_equal(finding->summary, "12 requests lost: request_truncated x 9, pipeline_cut x 3.");
	assert_number(finding, "lost_requests", 12);
	assert_number(finding, "request_truncated", 9);
	assert_number(finding, "pipeline_cut", 3);
	assert_int_equal(finding->examples.count, KW_EXAMPLES);
	assert_int_equal(world.overview.finding_count, 1);
	close_world(&world);
}

/* ---- connects_fail ---- */

static void failed_connects_are_told_by_kind_even_if_none_ever_succeeded(void **state)
{
	struct kw_verdict failed = verdict_of(KW_REASON_CONNECT_REFUSED, KW_CLOSER_SERVER, KW_PHASE_CONNECTING);
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	for (int full = 0; full < 2; full++) {
		open_world(&world);
		add(&world, 3, KW_S, event_connection(), failed);
		failed.reason = KW_REASON_CONNECT_TIMEOUT;
		add(&world, 2, KW_S, event_connection(), failed);
		failed.reason = KW_REASON_CONNECT_REFUSED;
		kw_aggregate_overflows(&world.aggregate, full ? 7 : 0);
		conclude(&world);
		finding = first(&world, KW_FINDING_CONNECTS_FAIL, KW_SEVERITY_CRITICAL);
		assert_summary(finding, "5 of 5 connection attempts failed: refused x 3, timed out x 2.");
		assert_number(finding, "refused", 3);
		assert_number(finding, "timed_out", 2);
		assert_number(finding, "unreachable", 0);
		assert_number(finding, "aborted", 0);
		assert_number(finding, "accept_queue_overflows", full ? 7 : 0);
		assert_int_equal(strstr(finding->summary, "ListenOverflows") != NULL, full);
		assert_int_equal(world.overview.service_count, 1);
		assert_false(world.overview.healthy);
		close_world(&world);
	}
}

static void one_failed_connect_in_a_hundred_is_a_warning(void **state)
{
	struct kw_verdict failed = verdict_of(KW_REASON_CONNECT_REFUSED, KW_CLOSER_SERVER, KW_PHASE_CONNECTING);

	(void)state;
	for (int more = 0; more < 2; more++) {
		struct world world;

		open_world(&world);
		add(&world, 99, KW_S, requests(20),
		    verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
		add(&world, 1 + more, KW_S, event_connection(), failed);
		conclude(&world);
		first(&world, KW_FINDING_CONNECTS_FAIL, more ? KW_SEVERITY_CRITICAL : KW_SEVERITY_WARNING);
		close_world(&world);
	}
}

/* ---- how the close came ---- */

static void a_close_right_after_a_response_is_not_mended_by_a_timeout(void **state)
{
	struct kw_verdict stale = WAITING(KW_REASON_STALE_REUSE, KW_CLOSER_SERVER);
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	for (int idle = 0; idle < 2; idle++) {
		open_world(&world);
		stale.idle_before = (int64_t)(idle ? 5 * KW_S : 3 * KW_MS);
		stale.late_by = (int64_t)KW_MS;
		add(&world, 4, KW_S, requests(5), stale);
		conclude(&world);
		finding = first(&world, KW_FINDING_TIMEOUT_RACE, KW_SEVERITY_CRITICAL);
		assert_number(finding, "closed_at_once", idle ? 0 : 4);
		assert_int_equal(advises(finding, "no timeout setting helps"), !idle);
		assert_int_equal(advises(finding, "close idle connections before the server does"), idle);
		assert_summary(finding, idle ? "closes idle connections" : "right after a response");
		close_world(&world);
	}
}

static void a_listener_that_goes_with_its_queue_is_to_be_reloaded_gracefully(void **state)
{
	struct kw_verdict unread = lost(verdict_of(KW_REASON_IDLE_RESET, KW_CLOSER_SERVER, KW_PHASE_IDLE));
	struct kw_verdict none = WAITING(KW_REASON_NO_RESPONSE, KW_CLOSER_SERVER);
	struct kw_event_connection queued = requests(0);
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	unread.late_request = true;
	unread.idle_at_close = KW_DURATION_UNKNOWN;
	unread.manner = none.manner = KW_MANNER_RST;
	add(&world, 6, KW_MS, queued, unread);
	conclude(&world);
	finding = first(&world, KW_FINDING_TIMEOUT_RACE, KW_SEVERITY_CRITICAL);
	assert_number(finding, "never_accepted", 6);
	assert_summary(finding, "a listener whose queue held connections");
	assert_advice_names(finding, "SO_REUSEPORT");
	assert_false(advises(finding, "close idle connections"));
	close_world(&world);
	open_world(&world); /* what its clients see */
	queued = requests(1);
	queued.identity.role = KW_ROLE_CLIENT;
	none.waited = 40 * (int64_t)KW_US;
	add(&world, 6, KW_MS, queued, none);
	conclude(&world);
	assert_advice_names(first(&world, KW_FINDING_NO_RESPONSES, KW_SEVERITY_CRITICAL), "SO_REUSEPORT");
	close_world(&world);
}

/* ---- resets ---- */

static struct kw_verdict reset_after(uint64_t waited_us)
{
	struct kw_verdict reset = WAITING(KW_REASON_NO_RESPONSE, KW_CLOSER_SERVER);

	reset.manner = KW_MANNER_RST;
	reset.waited = (int64_t)(waited_us * KW_US);
	return reset;
}

/* Near the timeout a race; sooner, or after it was thought about, a missing response; beyond all that worked, and
 * at once, a path that forgot. */
static void resets_are_told_apart_by_idle_age_and_haste(void **state)
{
	static const struct {
		uint64_t idle_ms, waited_us;
		enum kw_finding_id finding;
	} rows[] = {
		{9990, 40, KW_FINDING_TIMEOUT_RACE},    {10400, 40, KW_FINDING_TIMEOUT_RACE},
		{8900, 40, KW_FINDING_NO_RESPONSES},    {400000, 40, KW_FINDING_DEAD_PATH},
		{400000, 60, KW_FINDING_DEAD_PATH},     {400000, 2000, KW_FINDING_NO_RESPONSES},
		{30000, 2000, KW_FINDING_NO_RESPONSES},
	};
	static const enum kw_finding_id all[] = {KW_FINDING_TIMEOUT_RACE, KW_FINDING_NO_RESPONSES,
						 KW_FINDING_DEAD_PATH};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kw_event_connection event = reused(5000);
		struct world world;

		open_world(&world);
		event.identity.role = KW_ROLE_CLIENT;
		add(&world, 20, KW_S, event, idle_close(10000));
		event.http.idle_before_last = rows[i].idle_ms * KW_MS;
		event.http.counts.responses_ended = 2;
		add(&world, 2, KW_S, event, reset_after(rows[i].waited_us));
		conclude(&world);
		for (size_t k = 0; k < 3; k++)
			if ((find(&world, all[k]) != NULL) != (all[k] == rows[i].finding))
				fail_msg("row %zu: %s", i, kw_finding_name(all[k]));
		assert_number(find(&world, rows[i].finding), "lost_requests", 2);
		close_world(&world);
	}
}

static void a_forgotten_connection_is_advised_like_a_dead_path(void **state)
{
	struct kw_event_connection event = reused(5000);
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	event.identity.role = KW_ROLE_CLIENT;
	add(&world, 5, KW_S, event, verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
	event.http.idle_before_last = 400 * KW_S;
	event.http.counts.responses_ended = 2;
	add(&world, 2, KW_S, event, reset_after(40));
	conclude(&world);
	finding = find(&world, KW_FINDING_DEAD_PATH);
	assert_summary(finding, "the server, or something on the path");
	assert_summary(finding, "Connections that had been idle for up to 5 s still worked.");
	assert_true(advises(finding, "TCP keep-alive probes"));
	assert_number(finding, "reset_at_once", 2);
	close_world(&world);
}

/* ---- retryable ---- */

static void methods_that_are_not_known_are_said_to_be_unknown(void **state)
{
	struct kw_verdict late = lost(idle_close(5000));
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	late.late_request = true;
	add(&world, 10, KW_S, requests(3), late);
	conclude(&world);
	finding = first(&world, KW_FINDING_TIMEOUT_RACE, KW_SEVERITY_CRITICAL);
	assert_number(finding, "retryable", 0);
	assert_number(finding, "retryable_unknown", 10);
	assert_summary(finding, "the methods of 10 are not known");
	assert_null(strstr(finding->summary, "can be sent again"));
	close_world(&world);
}

/* ---- times at which something closes ---- */

static void a_common_silence_is_named_as_a_timeout(void **state)
{
	struct kw_verdict cut =
		lost(verdict_of(KW_REASON_RESPONSE_TRUNCATED, KW_CLOSER_SERVER, KW_PHASE_RESPONSE));
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	for (uint64_t i = 0; i < 6; i++) {
		cut.stalled = (int64_t)(i < 5 ? 60 * KW_S + i * KW_MS : 3 * KW_S);
		add(&world, 1, KW_S, event_connection(), cut);
	}
	conclude(&world);
	finding = first(&world, KW_FINDING_TRUNCATED_RESPONSES, KW_SEVERITY_CRITICAL);
	assert_number(finding, "stalled_s", 60.002);
	assert_summary(finding, "5 of them came after 60 s of silence: that is a timeout.");
	for (size_t i = 0; i < 4; i++)
		assert_advice_names(finding, (const char *[]){"proxy_read_timeout", "WriteTimeout",
							      "ReadTimeout", "Application Load Balancer"}[i]);
	close_world(&world);
}

static void a_common_waiting_time_of_missing_responses_is_named(void **state)
{
	struct kw_verdict none = WAITING(KW_REASON_NO_RESPONSE, KW_CLOSER_SERVER);
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	for (int slow = 0; slow < 2; slow++) {
		open_world(&world);
		none.waited = (int64_t)(slow ? 30 * KW_S : 20 * KW_US);
		add(&world, 4, KW_S, event_connection(), none);
		conclude(&world);
		finding = first(&world, KW_FINDING_NO_RESPONSES, KW_SEVERITY_CRITICAL);
		if (slow)
			assert_number(finding, "waited_s", 30);
		assert_int_equal(strstr(finding->summary, "timeout") != NULL, slow);
		assert_int_equal(advises(finding, "Envoy"), slow);
		close_world(&world);
	}
}

static void what_is_given_up_at_once_is_no_timeout(void **state)
{
	struct kw_verdict gave_up = WAITING(KW_REASON_CLIENT_GAVE_UP, KW_CLOSER_CLIENT);
	struct world world;

	(void)state;
	open_world(&world);
	gave_up.waited = 20 * (int64_t)KW_US;
	add(&world, 10, KW_S, requests(1), gave_up);
	conclude(&world);
	assert_null(strstr(find(&world, KW_FINDING_CLIENTS_GIVE_UP)->summary, "timeout"));
	assert_number(find(&world, KW_FINDING_CLIENTS_GIVE_UP), "client_timeout_s", NAN);
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_premature_reason_belongs_to_a_finding),
		cmocka_unit_test(losses_that_nothing_else_covers_are_counted_by_reason),
		cmocka_unit_test(failed_connects_are_told_by_kind_even_if_none_ever_succeeded),
		cmocka_unit_test(one_failed_connect_in_a_hundred_is_a_warning),
		cmocka_unit_test(a_close_right_after_a_response_is_not_mended_by_a_timeout),
		cmocka_unit_test(a_listener_that_goes_with_its_queue_is_to_be_reloaded_gracefully),
		cmocka_unit_test(resets_are_told_apart_by_idle_age_and_haste),
		cmocka_unit_test(a_forgotten_connection_is_advised_like_a_dead_path),
		cmocka_unit_test(methods_that_are_not_known_are_said_to_be_unknown),
		cmocka_unit_test(a_common_silence_is_named_as_a_timeout),
		cmocka_unit_test(a_common_waiting_time_of_missing_responses_is_named),
		cmocka_unit_test(what_is_given_up_at_once_is_no_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
