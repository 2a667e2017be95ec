/* SPDX-License-Identifier: BSD-2-Clause */
/* The evidence: the sentences that a reader gets, word for word where they decide. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "judge/evidence.h"
#include "judge_rows_cut.h"
#include "judge_rows_idle.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct kw_evidence evidence_of(struct kw_event_connection event)
{
	struct kw_evidence evidence;
	struct kw_verdict verdict;

	memset(&evidence, 0xa5, sizeof(evidence));
	kw_judge(&event, &verdict);
	kw_evidence_write(&verdict, &evidence);
	return evidence;
}

static struct kw_evidence told(struct story story, enum kw_role role)
{
	return evidence_of(story_event(&story, role));
}

static bool says(const struct kw_evidence *evidence, const char *sentence)
{
	for (size_t i = 0; i < evidence->count; i++)
		if (!strcmp(evidence->sentences[i], sentence))
			return true;
	return false;
}

static void assert_says(const struct kw_evidence *evidence, const char *sentence)
{
	if (says(evidence, sentence))
		return;
	for (size_t i = 0; i < evidence->count; i++)
		print_error("  %s\n", evidence->sentences[i]);
	fail_msg("does not say: %s", sentence);
}

static void an_idle_timeout_is_told_by_its_act(void **state)
{
	struct story story = {.answered = 3, BY(SERVER, FIN), .idle = 5003 * MS, .timeout = 5};
	struct kw_evidence evidence = told(story, KW_ROLE_SERVER);

	(void)state;
	assert_int_equal(evidence.count, 2);
	assert_string_equal(evidence.sentences[0], "server sent FIN 5.003 s after its last response");
	assert_string_equal(evidence.sentences[1], "server advertised Keep-Alive: timeout=5");
}

static void an_interim_response_is_named(struct kw_event_connection *event, enum kw_role role)
{
	(void)role;
	event->http.interim = 103;
}

static void only_an_interim_response_is_no_silence(void **state)
{
	struct story story = {.pending = REQUEST, BY(SERVER, FIN), .more = an_interim_response_is_named};
	struct kw_evidence client = told(story, KW_ROLE_CLIENT), server = told(story, KW_ROLE_SERVER);

	(void)state;
	assert_says(&client, "only an interim response (103) was received");
	assert_says(&server, "only an interim response (103) was sent");
	assert_false(says(&client, "no response byte was received"));
}

static void a_cut_response_that_nobody_asked_for_says_so(void **state)
{
	struct story story = {BY(SERVER, FIN), .idle = S, .more = cut_unasked_response};
	struct kw_evidence evidence = told(story, KW_ROLE_CLIENT);

	(void)state;
	assert_says(&evidence, "no request was seen to which this response could belong");
}

static void a_refused_half_close_says_who_did_what(void **state)
{
	struct story story = {.pending = REQUEST, BY(SERVER, FIN), .more = half_close_met_by_fin};
	struct kw_evidence evidence = told(story, KW_ROLE_CLIENT);

	(void)state;
	assert_string_equal(
		evidence.sentences[0],
		"client sent FIN but went on reading; the server closed without sending a complete response");
}

static void a_race_is_told_by_how_late_the_request_was(void **state)
{
	struct story story = {.answered = 2,
			      .pending = AFTER,
			      BY(SERVER, FIN),
			      .idle = 5003 * MS,
			      .wait = 400 * US,
			      .timeout = 5};
	struct kw_evidence evidence = told(story, KW_ROLE_CLIENT);

	(void)state;
	assert_int_equal(evidence.count, 5);
	assert_string_equal(evidence.sentences[0],
			    "request 3 was sent 400 us after the server's FIN had arrived");
	assert_string_equal(evidence.sentences[1], "server sent FIN 5.003 s after its last response");
	assert_string_equal(evidence.sentences[2], "no response byte was received");
	assert_string_equal(evidence.sentences[3], "the connection had been idle for 5.003 s before request 3");
	assert_string_equal(evidence.sentences[4], "server advertised Keep-Alive: timeout=5");
}

static void the_other_two_races_are_told_apart(void **state)
{
	struct story crossed = {.pending = CROSSED, BY(SERVER, FIN), .idle = S};
	struct story reset = {.answered = 1,
			      .pending = REQUEST,
			      BY(SERVER, RST),
			      .idle = 4900 * MS,
			      .wait = 12 * US,
			      .timeout = 5};
	struct kw_evidence evidence;

	(void)state;
	evidence = told(crossed, KW_ROLE_CLIENT);
	assert_string_equal(
		evidence.sentences[0],
		"request 1 and the server's FIN crossed on the way: the FIN acknowledges no byte of the request");
	assert_string_equal(evidence.sentences[1], "server sent FIN 1 s after the connection was established");
	evidence = told(reset, KW_ROLE_CLIENT);
	assert_string_equal(evidence.sentences[0],
			    "request 2 was sent on a connection that had been idle for 4.9 s");
	assert_string_equal(evidence.sentences[1], "server sent RST 12 us after the last byte of request 2");
}

static void no_response_says_who_had_the_request(void **state)
{
	struct story story = {.pending = REQUEST, BY(SERVER, FIN), .wait = 100 * US - 1};
	struct kw_evidence evidence = told(story, KW_ROLE_CLIENT);

	(void)state;
	assert_string_equal(evidence.sentences[0], "server sent FIN 99 us after the last byte of request 1");
	assert_string_equal(evidence.sentences[1], "the server's FIN acknowledges the request: it had arrived");
	story.manner = KW_MANNER_RST;
	evidence = told(story, KW_ROLE_CLIENT);
	assert_string_equal(evidence.sentences[1],
			    "a RST does not show whether the server had received the request");
	evidence = told(story, KW_ROLE_SERVER);
	assert_string_equal(evidence.sentences[1], "no response byte was sent");
}

static void a_response_is_cut_by_the_close_or_ended_by_it(void **state)
{
	struct story story = {.answered = 1, .pending = PART_OF_RESPONSE, BY(SERVER, FIN)};

	(void)state;
	assert_string_equal(told(story, KW_ROLE_CLIENT).sentences[0],
			    "server sent FIN before response 2 was complete");
	story.delimited = true;
	assert_string_equal(told(story, KW_ROLE_SERVER).sentences[1], "server sent FIN, which ends response 2");
}

/* An end that did not see the end of the body says the same as the one that did. */
static void a_response_whose_end_the_other_end_saw_is_not_cut(void **state)
{
	struct story story = {.answered = 1, .pending = PART_OF_RESPONSE, BY(SERVER, FIN)};
	struct kw_event_connection event = story_event(&story, KW_ROLE_CLIENT);
	struct kw_evidence evidence;
	struct kw_verdict verdict;

	(void)state;
	kw_judge(&event, &verdict);
	verdict.far = KW_FAR_DECIDES;
	verdict.reason = KW_REASON_CLOSE_DELIMITED;
	kw_evidence_write(&verdict, &evidence);
	assert_string_equal(evidence.sentences[1], "server sent FIN, which ends response 2");
}

/* The sentence names the one that is known, where the other is not. */
static void a_cut_response_says_how_much_came_and_how_long_nothing_did(void **state)
{
	static const struct {
		uint64_t bytes, declared;
		uint32_t since_ms;
		const char *sentence;
	} rows[] = {
		{379, 1000, 60060, "379 of 1,000 bytes, then 60.06 s of silence"},
		{1234567, 12345678, 20, "1,234,567 of 12,345,678 bytes had come"},
		{1, KW_BODY_UNKNOWN, 2000, "1 byte of the body, then 2 s of silence"},
		{KW_BODY_UNKNOWN, KW_BODY_UNKNOWN, 2000, "2 s of silence before the close"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++) {
			struct story story = {.answered = 1, .pending = PART_OF_RESPONSE, BY(SERVER, RST)};
			struct kw_event_connection event = story_event(&story, role);
			struct kw_evidence evidence;

			event.bodies[HTTP1_RESPONSES].bytes = rows[i].bytes;
			event.bodies[HTTP1_RESPONSES].declared = rows[i].declared;
			event.ending.since_sent = rows[i].since_ms + 5;
			event.ending.since_received = rows[i].since_ms;
			evidence = evidence_of(event);
			assert_says(&evidence, rows[i].sentence);
		}
	}
}

static void a_lost_request_says_how_long_the_connection_had_been_idle(void **state)
{
	struct story reset = {
		.answered = 1, .pending = REQUEST, BY(SERVER, RST), .idle = 3500 * MS, .wait = MS};
	struct story first = {.pending = REQUEST, BY(SERVER, FIN), .wait = MS};
	struct kw_event_connection event = story_event(&first, KW_ROLE_CLIENT);
	struct kw_evidence evidence = told(reset, KW_ROLE_CLIENT);

	(void)state;
	assert_says(&evidence, "the connection had been idle for 3.5 s before request 2");
	event.established = event.http.first_request_started - 120 * KW_US;
	evidence = evidence_of(event);
	assert_says(&evidence, "request 1 began 120 us after the connection was established");
}

static void durations_are_cut_not_rounded(void **state)
{
	static const struct {
		int64_t idle;
		const char *sentence;
	} cases[] = {
		{0, "client sent FIN after the last response"},
		{999, "client sent FIN 999 ns after the last response"},
		{US, "client sent FIN 1 us after the last response"},
		{100 * US - 1, "client sent FIN 99 us after the last response"},
		{100 * US, "client sent FIN 100 us after the last response"},
		{134 * US + 999, "client sent FIN 134 us after the last response"},
		{5500 * US, "client sent FIN 5.5 ms after the last response"},
		{2010 * MS, "client sent FIN 2.01 s after the last response"},
		{60060 * MS, "client sent FIN 60.06 s after the last response"},
		{S - 1, "client sent FIN 999.9 ms after the last response"},
		{S, "client sent FIN 1 s after the last response"},
		{3600 * S - 1, "client sent FIN 59.9 min after the last response"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct story story = {.answered = 1, BY(CLIENT, FIN), .idle = cases[i].idle};

		assert_string_equal(told(story, KW_ROLE_SERVER).sentences[0], cases[i].sentence);
	}
}

static void a_late_request_is_told_at_the_server(void **state)
{
	struct story story = {.answered = 1, BY(SERVER, RST), .idle = S, .closer_unread = 100};
	struct kw_evidence evidence = told(story, KW_ROLE_SERVER);

	(void)state;
	assert_says(&evidence, "a request came too late: the server closed with 100 bytes unread");
	assert_says(&evidence, "1 request got no complete response");
	story = (struct story){.answered = 1, BY(SERVER, FIN), .idle = S, .more = read_after_fin};
	evidence = told(story, KW_ROLE_SERVER);
	assert_says(&evidence, "another request arrived after the server's FIN and was never answered");
}

static void a_loss_is_told_once(void **state)
{
	struct story one = {.pending = REQUEST, BY(CLIENT, FIN), .wait = S};
	struct story cut = {.pending = PART_OF_REQUEST, BY(SERVER, FIN)};
	struct story unseen = {
		.pending = PART_OF_RESPONSE, BY(NETWORK, TIMEOUT), .error = ETIMEDOUT, .outstanding = 1};
	const char *sentence = "1 request got no complete response";
	struct kw_evidence evidence = told(one, KW_ROLE_CLIENT);

	(void)state;
	assert_false(says(&evidence, sentence));
	assert_says(&evidence, "no response byte was received");
	evidence = told(cut, KW_ROLE_SERVER);
	assert_false(says(&evidence, sentence));
	assert_says(&evidence, "server sent FIN before request 1 was complete");
	evidence = told(unseen, KW_ROLE_CLIENT);
	assert_says(&evidence, sentence);
}

static void a_forwarded_keep_alive_is_named_as_such(void **state)
{
	struct story story = {.answered = 1, BY(SERVER, FIN), .idle = 2 * S, .timeout = 5};
	struct kw_event_connection event = story_event(&story, KW_ROLE_CLIENT);
	const char *sentence =
		"a Keep-Alive field is not listed in Connection: likely forwarded by an intermediary, such as a proxy";
	struct kw_evidence evidence = evidence_of(event);

	(void)state;
	assert_false(says(&evidence, sentence));
	event.http.errors = 1 << HTTP1_ERROR_KEEP_ALIVE_UNNAMED;
	evidence = evidence_of(event);
	assert_says(&evidence, sentence);
}

static void errors_have_their_names(void **state)
{
	struct story story = {.pending = REQUEST,
			      BY(NETWORK, TIMEOUT),
			      .error = ETIMEDOUT,
			      .outstanding = 100,
			      .retransmits = 7};
	struct kw_event_connection event = story_event(&story, KW_ROLE_CLIENT);
	struct kw_evidence evidence;

	(void)state;
	event.http.app_error = EPIPE;
	evidence = evidence_of(event);
	assert_string_equal(evidence.sentences[0],
			    "the kernel gave up with ETIMEDOUT: 100 bytes were sent and never acknowledged");
	assert_says(&evidence, "7 TCP segments were retransmitted");
	assert_says(&evidence, "the program got EPIPE from a send or receive");
	event.http.app_error = 4000;
	evidence = evidence_of(event);
	assert_says(&evidence, "the program got error 4000 from a send or receive");
}

static void the_unknown_says_what_was_not_seen(void **state)
{
	struct story story = {
		.answered = 1, BY(SERVER, FIN), .flags = KW_HTTP_REQUESTS_LOST, .preexisting = true};
	struct kw_evidence evidence = told(story, KW_ROLE_SERVER);

	(void)state;
	assert_string_equal(evidence.sentences[0], "the connection was open before keepwatch started");
	assert_string_equal(evidence.sentences[1],
			    "keepwatch lost track of the requests: one may have been under way");
	assert_string_equal(evidence.sentences[2], "server sent FIN");
}

static void a_silent_connection_says_how_its_idleness_is_known(void **state)
{
	struct story story = {BY(SERVER, FIN), .preexisting = true, .more = server_sent_last};
	struct kw_evidence evidence = told(story, KW_ROLE_CLIENT);

	(void)state;
	assert_int_equal(evidence.count, 2);
	assert_string_equal(evidence.sentences[0], "server sent FIN 5.003 s after the last data");
	assert_string_equal(evidence.sentences[1],
			    "the connection was open before keepwatch started: by TCP's times the server was "
			    "the last to send data, and the client had all of it");
}

static void assert_well_formed(const struct kw_evidence *evidence, const char *claim)
{
	if (!evidence->count || evidence->count > KW_EVIDENCE_SENTENCES)
		fail_msg("%zu sentences for: %s", evidence->count, claim);
	for (size_t i = 0; i < evidence->count; i++) {
		const char *sentence = evidence->sentences[i];
		size_t length = strnlen(sentence, KW_EVIDENCE_LENGTH);

		if (!length || length >= KW_EVIDENCE_LENGTH - 1)
			fail_msg("a sentence of %zu bytes for: %s", length, claim);
		for (size_t j = 0; j < length; j++)
			if (sentence[j] < ' ' || sentence[j] > '~')
				fail_msg("not plain ASCII: %s", sentence);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(sentence, evidence->sentences[j]))
				fail_msg("said twice: %s", sentence);
	}
}

/* Whatever else is known is said too: nothing may be said twice, cut short, or run over the end. */
static void crowd(struct kw_event_connection *event)
{
	event->http.errors = UINT16_MAX;
	event->http.has_timeout = event->http.has_max = 1;
	event->http.timeout = event->http.max = INT32_MAX;
	event->http.app_error = INT16_MAX;
	event->closing.retransmits = UINT32_MAX;
	event->closing.unread = UINT32_MAX;
	event->ending.simultaneous = 1;
	event->identity.preexisting = 1;
	event->http.flags |= KW_HTTP_REQUESTS_LOST | KW_HTTP_RESPONSES_LOST;
	memset(event->identity.comm, 0xff, sizeof(event->identity.comm));
}

static void every_verdict_has_evidence_that_is_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows_cut) + COUNT(rows_idle); i++) {
		const struct row *row = i < COUNT(rows_cut) ? &rows_cut[i] : &rows_idle[i - COUNT(rows_cut)];

		for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++) {
			struct kw_event_connection event = story_event(&row->story, role);
			struct kw_evidence evidence = evidence_of(event);

			assert_well_formed(&evidence, row->claim);
			crowd(&event);
			evidence = evidence_of(event);
			assert_well_formed(&evidence, row->claim);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_timeout_is_told_by_its_act),
		cmocka_unit_test(only_an_interim_response_is_no_silence),
		cmocka_unit_test(a_cut_response_that_nobody_asked_for_says_so),
		cmocka_unit_test(a_refused_half_close_says_who_did_what),
		cmocka_unit_test(a_race_is_told_by_how_late_the_request_was),
		cmocka_unit_test(the_other_two_races_are_told_apart),
		cmocka_unit_test(no_response_says_who_had_the_request),
		cmocka_unit_test(a_response_is_cut_by_the_close_or_ended_by_it),
		cmocka_unit_test(a_response_whose_end_the_other_end_saw_is_not_cut),
		cmocka_unit_test(a_cut_response_says_how_much_came_and_how_long_nothing_did),
		cmocka_unit_test(a_lost_request_says_how_long_the_connection_had_been_idle),
		cmocka_unit_test(durations_are_cut_not_rounded),
		cmocka_unit_test(a_late_request_is_told_at_the_server),
		cmocka_unit_test(a_loss_is_told_once),
		cmocka_unit_test(a_forwarded_keep_alive_is_named_as_such),
		cmocka_unit_test(errors_have_their_names),
		cmocka_unit_test(the_unknown_says_what_was_not_seen),
		cmocka_unit_test(a_silent_connection_says_how_its_idleness_is_known),
		cmocka_unit_test(every_verdict_has_evidence_that_is_well_formed),
	};

	return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
