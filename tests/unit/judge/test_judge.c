/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge, row by row of its contract: each row is a connection as it truly went, judged from what the
 * client's socket saw and from what the server's saw. Closer and manner must be the same from both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judge_rows_cut.h"
#include "judge_rows_idle.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROWS (COUNT(rows_cut) + COUNT(rows_idle))

static const struct row *row_at(size_t i)
{
	return i < COUNT(rows_cut) ? &rows_cut[i] : &rows_idle[i - COUNT(rows_cut)];
}

static void judged_as_expected(void **state)
{
	const struct row *row = *state;

	for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++) {
		const struct expected *expected = &row->at[role];
		struct kw_event_connection event = story_event(&row->story, role);
		struct kw_verdict verdict;

		if (!expected->seen)
			continue;
		kw_judge(&event, &verdict);
		if (verdict.reason != expected->reason)
			print_error("  at the %s's socket:\n", role == KW_ROLE_CLIENT ? "client" : "server");
		assert_string_equal(kw_reason_name(verdict.reason), kw_reason_name(expected->reason));
		assert_string_equal(kw_phase_name(verdict.phase), kw_phase_name(expected->phase));
		assert_string_equal(kw_closer_name(verdict.closer), kw_closer_name(row->story.closer));
		assert_string_equal(kw_manner_name(verdict.manner), kw_manner_name(row->story.manner));
		assert_string_equal(kw_confidence_name(verdict.confidence),
				    kw_confidence_name(expected->confidence));
		assert_int_equal(verdict.premature, expected->premature);
		assert_int_equal(verdict.lost_requests, expected->lost);
	}
}

/* Their rows are in test_tls.c and test_http2.c. */
static bool is_of_tls_or_http2(enum kw_reason reason)
{
	return (reason >= KW_REASON_ENHANCE_YOUR_CALM && reason <= KW_REASON_GOAWAY_ERROR) ||
	       (reason >= KW_REASON_TLS_HANDSHAKE_FAILED && reason <= KW_REASON_GOAWAY_REFUSED) ||
	       reason == KW_REASON_GOAWAY_IDLE || reason == KW_REASON_GOAWAY_DRAINED;
}

/* A reason that no row yields would go unproven; so would an end that can see it and has no row. */
static void every_reason_has_a_row_for_each_end_that_sees_it(void **state)
{
	bool has_row[KW_REASON_MAX][KW_ROLE_MAX] = {};

	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++)
			if (row_at(i)->at[role].seen)
				has_row[row_at(i)->at[role].reason][role] = true;
	for (enum kw_reason reason = 0; reason < KW_REASON_MAX; reason++) {
		bool client_only = kw_reason_is_connect_failure(reason) || reason == KW_REASON_STALE_REUSE ||
				   reason == KW_REASON_REQUEST_UNACKNOWLEDGED ||
				   reason == KW_REASON_HALF_CLOSE_REFUSED;

		if (is_of_tls_or_http2(reason))
			continue;
		if (!has_row[reason][KW_ROLE_CLIENT])
			fail_msg("no row for %s at the client", kw_reason_name(reason));
		if (!client_only && !has_row[reason][KW_ROLE_SERVER])
			fail_msg("no row for %s at the server", kw_reason_name(reason));
	}
}

static struct kw_verdict judged(struct story story, enum kw_role role)
{
	struct kw_event_connection event = story_event(&story, role);
	struct kw_verdict verdict;

	kw_judge(&event, &verdict);
	return verdict;
}

static void role_decides_whether_anything_is_known(void **state)
{
	struct story story = {.answered = 1, BY(SERVER, FIN), .idle = S, .more = role_unknown};
	struct kw_verdict verdict = judged(story, KW_ROLE_CLIENT);

	(void)state;
	assert_int_equal(verdict.closer, KW_CLOSER_UNKNOWN);
	assert_int_equal(verdict.manner, KW_MANNER_FIN);
	assert_int_equal(verdict.reason, KW_REASON_UNKNOWN);
	assert_int_equal(verdict.premature, KW_PREMATURE_UNKNOWN);
	story.flags = KW_HTTP_TUNNEL;
	assert_int_equal(judged(story, KW_ROLE_CLIENT).reason, KW_REASON_TUNNEL_ENDED);
}

static void nobody_seen_to_close_is_unknown(void **state)
{
	struct story story = {.answered = 1, .idle = S, .more = no_act};
	struct kw_verdict verdict = judged(story, KW_ROLE_SERVER);

	(void)state;
	assert_int_equal(verdict.closer, KW_CLOSER_UNKNOWN);
	assert_int_equal(verdict.manner, KW_MANNER_UNKNOWN);
	assert_int_equal(verdict.phase, KW_PHASE_IDLE);
	assert_int_equal(verdict.reason, KW_REASON_UNKNOWN);
	assert_int_equal(verdict.premature, KW_PREMATURE_UNKNOWN);
	assert_true(verdict.closed > ESTABLISHED); /* the socket's own end stands in */
}

static void times_are_given_where_they_mean_something(void **state)
{
	struct story idle = {.answered = 2, BY(SERVER, FIN), .idle = 5003 * MS};
	struct story waiting = {.answered = 2, .pending = REQUEST, BY(CLIENT, FIN), .idle = S, .wait = 30 * S};
	struct story after = {
		.answered = 2, .pending = AFTER, BY(SERVER, FIN), .idle = 5 * S, .wait = 400 * US};
	struct story crossed = {.answered = 2, .pending = CROSSED, BY(SERVER, FIN), .idle = 5 * S};
	struct kw_verdict verdict;

	(void)state;
	verdict = judged(idle, KW_ROLE_CLIENT);
	assert_int_equal(verdict.closed, ESTABLISHED + 20 * KW_MS + 5003 * KW_MS);
	assert_int_equal(verdict.idle_at_close, 5003 * MS);
	assert_true(verdict.waited == KW_DURATION_UNKNOWN);
	assert_true(verdict.late_by == KW_DURATION_UNKNOWN);
	verdict = judged(waiting, KW_ROLE_SERVER);
	assert_int_equal(verdict.waited, 30 * S);
	assert_true(verdict.idle_at_close == KW_DURATION_UNKNOWN);
	waiting.more = request_read_late;
	assert_true(judged(waiting, KW_ROLE_SERVER).waited == KW_DURATION_UNKNOWN);
	verdict = judged(after, KW_ROLE_CLIENT);
	assert_int_equal(verdict.late_by, 400 * US);
	assert_true(verdict.waited == KW_DURATION_UNKNOWN);
	assert_true(verdict.idle_at_close == KW_DURATION_UNKNOWN);
	assert_true(judged(crossed, KW_ROLE_CLIENT).late_by == KW_DURATION_UNKNOWN);
	idle.more = lagging_reader;
	assert_int_equal(judged(idle, KW_ROLE_CLIENT).idle_at_close, 0);
}

static void the_age_of_a_silent_connection_is_that_of_the_servers_last_data(void **state)
{
	struct story story = {BY(CLIENT, FIN), .preexisting = true, .more = server_sent_last};

	(void)state;
	for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++)
		assert_int_equal(judged(story, role).idle_at_close, 5003 * MS);
	story.more = client_sent_last;
	assert_true(judged(story, KW_ROLE_SERVER).idle_at_close == KW_DURATION_UNKNOWN);
}

static void late_and_unread_are_told(void **state)
{
	struct story late = {.answered = 1, BY(SERVER, RST), .idle = S, .closer_unread = 100};
	struct story upload = {.pending = PART_OF_REQUEST, BY(SERVER, RST), .closer_unread = 100};
	struct story half = {.pending = TAKEN, BY(CLIENT, FIN), .closer_unread = RESPONSE_BYTES};
	struct story tls = {BY(SERVER, RST), .protocol = HTTP1_PROTOCOL_TLS, .closer_unread = 100};
	struct story clean = {.answered = 1, BY(SERVER, FIN), .idle = S};

	(void)state;
	assert_true(judged(late, KW_ROLE_SERVER).late_request);
	assert_true(judged(late, KW_ROLE_SERVER).unread_data);
	assert_false(judged(late, KW_ROLE_CLIENT).late_request);
	assert_false(judged(late, KW_ROLE_CLIENT).unread_data);
	assert_false(judged(upload, KW_ROLE_SERVER).late_request);
	assert_true(judged(upload, KW_ROLE_SERVER).unread_data);
	assert_false(judged(half, KW_ROLE_CLIENT).unread_data);
	assert_false(judged(tls, KW_ROLE_SERVER).late_request);
	assert_int_equal(judged(tls, KW_ROLE_SERVER).lost_requests, 0);
	assert_false(judged(clean, KW_ROLE_SERVER).late_request);
	assert_false(judged(clean, KW_ROLE_SERVER).unread_data);
}

static void names_lead_to_their_reasons(void **state)
{
	(void)state;
	for (enum kw_reason reason = 0; reason < KW_REASON_MAX; reason++) {
		assert_non_null(kw_reason_name(reason));
		assert_int_equal(kw_reason_by_name(kw_reason_name(reason)), reason);
		assert_int_equal(kw_reason_is_connect_failure(reason),
				 !strncmp(kw_reason_name(reason), "connect_", 8));
	}
	assert_int_equal(kw_reason_by_name("stale"), KW_REASON_MAX);
	assert_int_equal(kw_reason_by_name(""), KW_REASON_MAX);
	assert_string_equal(kw_reason_name(KW_REASON_MAX), "unknown");
	assert_string_equal(kw_phase_name(KW_PHASE_MAX), "unknown");
	assert_string_equal(kw_closer_name(KW_CLOSER_NETWORK), "network");
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(every_reason_has_a_row_for_each_end_that_sees_it),
		cmocka_unit_test(role_decides_whether_anything_is_known),
		cmocka_unit_test(nobody_seen_to_close_is_unknown),
		cmocka_unit_test(times_are_given_where_they_mean_something),
		cmocka_unit_test(the_age_of_a_silent_connection_is_that_of_the_servers_last_data),
		cmocka_unit_test(late_and_unread_are_told),
		cmocka_unit_test(names_lead_to_their_reasons),
	};
	struct CMUnitTest tests[ROWS];

	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){row_at(i)->claim, judged_as_expected, NULL, NULL,
					       (void *)row_at(i)};
	int failed = cmocka_run_group_tests_name("judge, row by row", tests, NULL, NULL);

	return failed + cmocka_run_group_tests_name("judge", others, NULL, NULL);
}
