/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge on connections of HTTP/2: the rows of its contract, each as both sockets see it, and the bounds of its rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http2_rows.h"
#include "judge/evidence.h"
#include "tests/unit/events.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void judged_as_expected(void **state)
{
	const struct http2_row *row = *state;

	for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++) {
		const struct expected *expected = &row->at[role];
		struct kw_event_http2 event = http2_story_event(&row->story, role);
		struct kw_verdict verdict;

		if (!expected->seen)
			continue;
		kw_judge(&event.history.connection, &verdict);
		if (verdict.reason != expected->reason)
			print_error("  at the %s's socket:\n", role == KW_ROLE_CLIENT ? "client" : "server");
		assert_string_equal(kw_reason_name(verdict.reason), kw_reason_name(expected->reason));
		assert_string_equal(kw_phase_name(verdict.phase), kw_phase_name(expected->phase));
		assert_string_equal(kw_closer_name(verdict.closer), kw_closer_name(row->closer));
		assert_string_equal(kw_manner_name(verdict.manner), kw_manner_name(row->story.manner));
		assert_string_equal(kw_confidence_name(verdict.confidence),
				    kw_confidence_name(expected->confidence));
		assert_int_equal(verdict.premature, expected->premature);
		assert_int_equal(verdict.lost_requests, expected->lost);
	}
}

/* Within TLS, where its plaintext is read, each end of each row is judged as in clear text. */
static void within_tls_all_is_judged_as_in_clear_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(http2_rows); i++)
		for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++) {
			struct kw_event_http2 event = http2_story_event(&http2_rows[i].story, role);
			struct kw_event_tls_http2 twin = event_within_tls(&event);
			struct kw_verdict clear, within;

			kw_judge(&event.history.connection, &clear);
			kw_judge(&twin.tls.history.connection, &within);
			if (within.reason != clear.reason)
				print_error("  %s\n", http2_rows[i].claim);
			assert_string_equal(kw_reason_name(within.reason), kw_reason_name(clear.reason));
			assert_string_equal(kw_closer_name(within.closer), kw_closer_name(clear.closer));
			assert_string_equal(kw_phase_name(within.phase), kw_phase_name(clear.phase));
			assert_int_equal(within.confidence, clear.confidence);
			assert_int_equal(within.premature, clear.premature);
			assert_int_equal(within.lost_requests, clear.lost_requests);
		}
}

/* A reason of HTTP/2 that no row yields would go unproven. */
static void every_reason_of_http2_has_a_row_for_each_end(void **state)
{
	bool has_row[KW_REASON_MAX][KW_ROLE_MAX] = {};
	static const enum kw_reason reasons[] = {
		KW_REASON_ENHANCE_YOUR_CALM, KW_REASON_PING_TIMEOUT, KW_REASON_GOAWAY_ERROR,
		KW_REASON_PREFACE_FAILED,    KW_REASON_GOAWAY_CUT,   KW_REASON_STREAM_AFTER_GOAWAY,
		KW_REASON_GOAWAY_REFUSED,    KW_REASON_GOAWAY_IDLE,  KW_REASON_GOAWAY_DRAINED,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(http2_rows); i++)
		for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++)
			if (http2_rows[i].at[role].seen)
				has_row[http2_rows[i].at[role].reason][role] = true;
	for (size_t i = 0; i < COUNT(reasons); i++)
		for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++)
			if (!has_row[reasons[i]][role])
				fail_msg("no row for %s", kw_reason_name(reasons[i]));
}

static struct kw_verdict judged(const struct http2_story *story, enum kw_role role)
{
	static struct kw_event_http2 event; /* the verdict's facts point into it */
	struct kw_verdict verdict;

	event = http2_story_event(story, role);
	kw_judge(&event.history.connection, &verdict);
	return verdict;
}

/* A PING has timed out when it had no answer for more than 0.2 s, and TCP's times, to a timer tick or two, show that nothing came. */
static void a_ping_times_out_after_its_bound(void **state)
{
	struct http2_story story = {.answered = 1,
				    ACT(CLIENT, FIN),
				    .pinger = HTTP2_CLIENT,
				    .ping_after = S,
				    .since = 200,
				    .closed_after = S + 200 * MS};

	(void)state;
	assert_int_equal(judged(&story, KW_ROLE_CLIENT).reason, KW_REASON_CLIENT_CLOSED_IDLE);
	story.closed_after++;
	assert_int_equal(judged(&story, KW_ROLE_CLIENT).reason, KW_REASON_PING_TIMEOUT);
	story.since = 181;
	assert_int_equal(judged(&story, KW_ROLE_CLIENT).reason, KW_REASON_PING_TIMEOUT);
	story.since = 179;
	assert_int_equal(judged(&story, KW_ROLE_CLIENT).reason, KW_REASON_CLIENT_CLOSED_IDLE);
}

static void the_idle_age_ends_with_the_goaway(void **state)
{
	struct http2_story story = {
		.answered = 1, SERVER_GOAWAY(75 * S, 1), ACT(CLIENT, FIN), .closed_after = 80 * S};

	(void)state;
	assert_int_equal(judged(&story, KW_ROLE_SERVER).idle_at_close, 75 * S);
	story.goaways[HTTP2_SERVER].after = 0;
	assert_int_equal(judged(&story, KW_ROLE_SERVER).idle_at_close, 80 * S);
}

/* With several streams nobody can say for which of them the client waited. */
static void waiting_is_timed_for_a_stream_that_is_alone(void **state)
{
	struct http2_story story = {.answered = 1, .unheaded = 1, ACT(CLIENT, RST), .closed_after = 5 * S};

	(void)state;
	assert_int_equal(judged(&story, KW_ROLE_CLIENT).waited, 5 * S);
	story.unheaded = 2;
	assert_true(judged(&story, KW_ROLE_CLIENT).waited == KW_DURATION_UNKNOWN);
}

/* The window of the streams that are known one by one has an end: those that began before it are open, and no more is known. */
static void a_stream_beyond_the_window_is_open(void **state)
{
	struct http2_story story = {
		.answered = 300, SERVER_GOAWAY(S, 301), ACT(SERVER, FIN), .closed_after = 2 * S};
	struct kw_event_http2 event = http2_story_event(&story, KW_ROLE_CLIENT);
	struct kw_verdict verdict;

	(void)state;
	event.http2.sides[HTTP2_SERVER].finished--;
	kw_judge(&event.history.connection, &verdict);
	assert_int_equal(verdict.reason, KW_REASON_GOAWAY_CUT);
	assert_int_equal(verdict.phase, KW_PHASE_RESPONSE);
	assert_int_equal(verdict.lost_requests, 1);
}

static void pings_without_an_answer_are_counted_by_side(void **state)
{
	struct http2_story story = {.pings = {5, 2}, .pongs = {3, 4}, ACT(CLIENT, FIN)};
	struct kw_verdict verdict = judged(&story, KW_ROLE_CLIENT);

	(void)state;
	assert_int_equal(verdict.facts.streams.unanswered[HTTP2_CLIENT], 1);
	assert_int_equal(verdict.facts.streams.unanswered[HTTP2_SERVER], 0);
}

/* ---- both ends ---- */

static struct kw_verdict settled(const struct http2_story *here, enum kw_role role,
				 const struct http2_story *there)
{
	enum kw_role other = role == KW_ROLE_CLIENT ? KW_ROLE_SERVER : KW_ROLE_CLIENT;
	struct kw_event_http2 far_event = http2_story_event(there, other);
	static struct kw_event_http2 event;
	struct kw_verdict far_verdict, verdict;
	struct kw_far_end far;

	event = http2_story_event(here, role);
	kw_judge(&far_event.history.connection, &far_verdict);
	far = kw_far_end_of(&far_verdict);
	kw_judge_both(&event.history.connection, &far, &verdict);
	return verdict;
}

static void an_end_that_could_not_follow_its_bytes_decides_nothing(void **state)
{
	struct http2_story story = {.answered = 3, .unheaded = 1, ACT(SERVER, RST), .closed_after = S};
	struct kw_event_http2 event = http2_story_event(&story, KW_ROLE_CLIENT);
	struct kw_far_end far = {.closer = KW_CLOSER_SERVER,
				 .manner = KW_MANNER_FIN,
				 .phase = KW_PHASE_OPAQUE,
				 .reason = KW_REASON_NOT_HTTP,
				 .certain = true};
	struct kw_verdict alone, verdict;

	(void)state;
	kw_judge(&event.history.connection, &alone);
	assert_int_equal(alone.confidence, KW_CONFIDENCE_INFERRED);
	kw_judge_both(&event.history.connection, &far, &verdict);
	assert_int_equal(verdict.reason, alone.reason);
	assert_int_equal(verdict.manner, alone.manner);
	assert_int_equal(verdict.confidence, KW_CONFIDENCE_INFERRED);
}

static void the_clients_end_knows_when_it_had_the_goaway(void **state)
{
	struct http2_story story = {.answered = 3,
				    .unheaded = 1,
				    SERVER_GOAWAY(-2 * MS, 3),
				    .late = 1,
				    ACT(SERVER, FIN),
				    .closed_after = S};
	struct http2_story unaware = story;
	struct kw_verdict verdict = settled(&story, KW_ROLE_SERVER, &story);

	(void)state;
	assert_int_equal(verdict.reason, KW_REASON_STREAM_AFTER_GOAWAY);
	assert_int_equal(verdict.confidence, KW_CONFIDENCE_CERTAIN);
	unaware.late = 0;
	verdict = settled(&story, KW_ROLE_SERVER, &unaware);
	assert_int_equal(verdict.reason, KW_REASON_GOAWAY_REFUSED);
	assert_int_equal(verdict.confidence, KW_CONFIDENCE_CERTAIN);
	assert_int_equal(verdict.far, KW_FAR_CONFIRMS);
}

static void streams_that_the_server_never_read_are_known_to_the_client(void **state)
{
	struct http2_story client = {
		.answered = 3, .unheaded = 2, SERVER_GOAWAY(MS, 3), ACT(SERVER, FIN), .closed_after = 2 * MS};
	struct http2_story server = client;
	struct kw_verdict verdict;

	(void)state;
	server.unheaded = 0;
	assert_int_equal(judged(&server, KW_ROLE_SERVER).reason, KW_REASON_GOAWAY_DRAINED);
	verdict = settled(&server, KW_ROLE_SERVER, &client);
	assert_int_equal(verdict.reason, KW_REASON_GOAWAY_REFUSED);
	assert_int_equal(verdict.premature, KW_PREMATURE_YES);
	assert_int_equal(settled(&client, KW_ROLE_CLIENT, &server).reason, KW_REASON_GOAWAY_REFUSED);
}

static void a_reset_of_a_server_that_had_none_of_it_is_stale_reuse(void **state)
{
	struct http2_story client = {.answered = 3, .unheaded = 1, ACT(SERVER, RST), .closed_after = 60 * S};
	struct http2_story server = client;

	(void)state;
	server.unheaded = 0;
	assert_int_equal(settled(&client, KW_ROLE_CLIENT, &server).reason, KW_REASON_STALE_REUSE);
	assert_int_equal(settled(&client, KW_ROLE_CLIENT, &client).reason, KW_REASON_NO_RESPONSE);
}

/* ---- evidence ---- */

static void assert_says(const struct http2_story *story, enum kw_role role, const char *sentence)
{
	struct kw_verdict verdict = judged(story, role);
	struct kw_evidence evidence;

	kw_evidence_write(&verdict, &evidence);
	for (size_t i = 0; i < evidence.count; i++)
		if (!strcmp(evidence.sentences[i], sentence))
			return;
	for (size_t i = 0; i < evidence.count; i++)
		print_error("  %s\n", evidence.sentences[i]);
	fail_msg("does not say: %s", sentence);
}

static void evidence_of_pings(void **state)
{
	struct http2_story calm = {.answered = 1,
				   .pings = {12},
				   .ping_gap = 10 * S,
				   ACT(SERVER, FIN),
				   SERVER_GOAWAY(S, 1, CALM, HTTP2_DEBUG_TOO_MANY_PINGS),
				   .closed_after = S + MS};
	struct http2_story dead = {.unheaded = 2,
				   ACT(CLIENT, FIN),
				   .ping_after = S,
				   .pinger = HTTP2_CLIENT,
				   .closed_after = 21 * S,
				   .since = 21000};

	(void)state;
	assert_says(
		&calm, KW_ROLE_CLIENT,
		"server sent GOAWAY (ENHANCE_YOUR_CALM, last stream 1, too_many_pings): it was sent more than it puts up with");
	assert_says(&calm, KW_ROLE_CLIENT, "the client had sent 12 PINGs, two of them within 10 s");
	assert_says(&calm, KW_ROLE_CLIENT, "server sent FIN 1 ms after the GOAWAY");
	assert_says(
		&dead, KW_ROLE_CLIENT,
		"a PING of the client had no answer for 20 s, and nothing else came from the server in that time");
	assert_says(&dead, KW_ROLE_CLIENT, "client sent FIN with 2 streams open; no response had begun");
}

static void evidence_of_errors(void **state)
{
	struct http2_story error = {
		.answered = 1, CLIENT_GOAWAY(S, 0, PROTOCOL_ERROR), ACT(CLIENT, FIN), .closed_after = S + MS};
	struct http2_story preface = {.unheaded = 1,
				      ACT(SERVER, FIN),
				      .closed_after = MS,
				      .errors[HTTP2_SERVER] = 1 << HTTP2_ERROR_PREFACE,
				      .lost = {false, true}};
	struct http2_story lost = {.answered = 1, ACT(SERVER, FIN), .lost = {true}};

	(void)state;
	assert_says(&error, KW_ROLE_SERVER, "client sent GOAWAY (PROTOCOL_ERROR)");
	assert_says(
		&preface, KW_ROLE_SERVER,
		"the client began with HTTP/2, and the server's first bytes are no SETTINGS frame: the port may expect HTTP/1 or TLS");
	assert_says(&lost, KW_ROLE_SERVER, "keepwatch could not follow the client's frames to the end");
}

static void evidence_of_promises(void **state)
{
	struct http2_story cut = {.answered = 3,
				  .headed = 1,
				  .unheaded = 2,
				  SERVER_GOAWAY(S, 5),
				  ACT(SERVER, FIN),
				  .closed_after = 4 * S};
	struct http2_story refused = {
		.answered = 3, .unheaded = 2, SERVER_GOAWAY(MS, 3), ACT(SERVER, FIN), .closed_after = S};
	struct http2_story after = {.answered = 3,
				    .unheaded = 1,
				    SERVER_GOAWAY(-2 * MS, 3),
				    .late = 1,
				    ACT(SERVER, FIN),
				    .closed_after = S};

	(void)state;
	assert_says(&cut, KW_ROLE_CLIENT, "server sent GOAWAY (NO_ERROR, last stream 9) 3 s before the close");
	assert_says(&cut, KW_ROLE_CLIENT, "2 streams that it had promised to answer were not finished");
	assert_says(&cut, KW_ROLE_CLIENT, "1 stream was above that number, safe to send again");
	assert_says(&refused, KW_ROLE_CLIENT, "server sent GOAWAY (NO_ERROR, last stream 5)");
	assert_says(
		&refused, KW_ROLE_CLIENT,
		"2 streams above that number were not answered: the server did nothing for them, so they are safe to send again");
	assert_says(
		&after, KW_ROLE_CLIENT,
		"server sent GOAWAY (NO_ERROR, last stream 5), and the latest stream began 2 ms after the client had read it");
}

static void evidence_of_orderly_ends(void **state)
{
	struct http2_story idle = {.answered = 1,
				   CLIENT_GOAWAY(30 * S, 0, 2, HTTP2_DEBUG_MAX_IDLE),
				   ACT(SERVER, FIN),
				   .closed_after = 31 * S};
	struct http2_story drained = {.answered = 2,
				      SERVER_GOAWAY(-5 * S, 2, 0, HTTP2_DEBUG_MAX_AGE),
				      ACT(CLIENT, FIN),
				      .closed_after = S};
	struct http2_story silent = {.answered = 2, ACT(SERVER, FIN), .closed_after = 75 * S};

	(void)state;
	assert_says(&idle, KW_ROLE_CLIENT,
		    "client sent GOAWAY (INTERNAL_ERROR, max_idle) 30 s after the last event of a stream");
	assert_says(&idle, KW_ROLE_CLIENT, "server sent FIN 1 s after the GOAWAY");
	assert_says(&drained, KW_ROLE_CLIENT,
		    "server sent GOAWAY (NO_ERROR, last stream 3, max_age) while the connection was in use");
	assert_says(&drained, KW_ROLE_CLIENT, "no stream was open at the close: 2 had begun");
	assert_says(&silent, KW_ROLE_CLIENT, "server sent FIN 75 s after the last event of a stream");
}

static void forbidden_by_both(struct kw_event_http2 *event, enum kw_role role)
{
	(void)role;
	event->http2.sides[HTTP2_CLIENT].fields = 1 << HTTP2_NAME_CONNECTION | 1 << HTTP2_NAME_TE;
	event->http2.sides[HTTP2_SERVER].fields = 1 << HTTP2_NAME_KEEP_ALIVE | 1 << HTTP2_NAME_STATUS;
}

static void evidence_of_what_else_happened(void **state)
{
	struct http2_story resets = {.answered = 1,
				     SERVER_RESETS(INTERNAL_ERROR, 2),
				     SERVER_RESETS(REFUSED_STREAM, 3),
				     ACT(CLIENT, FIN),
				     .closed_after = S,
				     .flags = KW_HTTP2_MIDWAY};
	struct http2_story fields = {
		.answered = 1, ACT(CLIENT, FIN), .closed_after = S, .more = forbidden_by_both};

	(void)state;
	assert_says(&resets, KW_ROLE_CLIENT,
		    "the server reset 2 streams before the response was complete (INTERNAL_ERROR)");
	assert_says(&resets, KW_ROLE_CLIENT,
		    "the server refused 3 streams (REFUSED_STREAM), safe to send again");
	assert_says(&resets, KW_ROLE_CLIENT,
		    "streams that began before keepwatch followed the connection are not counted");
	assert_says(&fields, KW_ROLE_CLIENT, "the client sent fields that HTTP/2 forbids: connection, te");
	assert_says(&fields, KW_ROLE_CLIENT, "the server sent fields that HTTP/2 forbids: keep-alive");
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(within_tls_all_is_judged_as_in_clear_text),
		cmocka_unit_test(every_reason_of_http2_has_a_row_for_each_end),
		cmocka_unit_test(a_ping_times_out_after_its_bound),
		cmocka_unit_test(the_idle_age_ends_with_the_goaway),
		cmocka_unit_test(waiting_is_timed_for_a_stream_that_is_alone),
		cmocka_unit_test(a_stream_beyond_the_window_is_open),
		cmocka_unit_test(pings_without_an_answer_are_counted_by_side),
		cmocka_unit_test(an_end_that_could_not_follow_its_bytes_decides_nothing),
		cmocka_unit_test(the_clients_end_knows_when_it_had_the_goaway),
		cmocka_unit_test(streams_that_the_server_never_read_are_known_to_the_client),
		cmocka_unit_test(a_reset_of_a_server_that_had_none_of_it_is_stale_reuse),
		cmocka_unit_test(evidence_of_pings),
		cmocka_unit_test(evidence_of_errors),
		cmocka_unit_test(evidence_of_promises),
		cmocka_unit_test(evidence_of_orderly_ends),
		cmocka_unit_test(evidence_of_what_else_happened),
	};
	struct CMUnitTest tests[COUNT(http2_rows)];

	for (size_t i = 0; i < COUNT(http2_rows); i++)
		tests[i] = (struct CMUnitTest){.name = http2_rows[i].claim,
					       .test_func = judged_as_expected,
					       .initial_state = (void *)&http2_rows[i]};
	int failed = cmocka_run_group_tests_name("http2, row by row", tests, NULL, NULL);

	return failed + cmocka_run_group_tests_name("http2", others, NULL, NULL);
}
