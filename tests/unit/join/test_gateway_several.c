/* SPDX-License-Identifier: BSD-2-Clause */
/* Of several failures, and several errors at once, each error finds its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway_story.h"

/* ---- one of several ---- */

static void the_same_thread_wins_over_a_nearer_time(void **state)
{
	lose(*state, FAILURE(.cookie = 1, .learnt = SENT - 9 * KW_MS));
	lose(*state, FAILURE(.cookie = 2, .thread = THREAD + 1));
	answer(*state);
	expect(*state, 1, KW_CONFIDENCE_CERTAIN);
}

static void another_threads_failure_is_an_inferred_cause(void **state)
{
	lose(*state, FAILURE(.thread = THREAD + 1));
	answer(*state);
	expect(*state, 1, KW_CONFIDENCE_INFERRED);
}

static void of_one_thread_the_nearest_in_time_is_the_inferred_cause(void **state)
{
	lose(*state, FAILURE(.cookie = 1, .learnt = SENT - 5 * KW_MS));
	lose(*state, FAILURE(.cookie = 2, .learnt = SENT - 1 * KW_MS));
	lose(*state, FAILURE(.cookie = 3, .learnt = SENT - 3 * KW_MS));
	answer(*state);
	expect(*state, 2, KW_CONFIDENCE_INFERRED);
}

static void a_failure_causes_one_error_for_each_request_that_it_lost(void **state)
{
	for (uint32_t lost = 1; lost <= 2; lost++) {
		lose(*state, FAILURE(.lost = lost));
		answer(*state);
		answer_of(*state, 0xb, PID, THREAD, STARTED, SENT);
		kw_gateway_end(*state);
		expect_of(*state, 0xa, 1, lost == 2 ? KW_CONFIDENCE_CERTAIN : KW_CONFIDENCE_INFERRED);
		expect_of(*state, 0xb, lost == 2, lost == 2 ? KW_CONFIDENCE_CERTAIN : KW_CONFIDENCE_UNKNOWN);
		close_gateway(state);
		open_gateway(state);
	}
}

static void what_was_learnt_before_the_answer_wins_over_what_came_nearer_behind_it(void **state)
{
	lose(*state, FAILURE(.cookie = 1, .learnt = SENT - 5 * KW_MS));
	lose(*state, FAILURE(.cookie = 2, .known = SENT - KW_US, .answered = true, .learnt = SENT + KW_US));
	answer(*state);
	expect(*state, 1, KW_CONFIDENCE_INFERRED);
}

/* A program learns of that by ways that are not seen, and may close the socket only after it has answered. */
static void a_connect_that_failed_before_the_answer_may_be_closed_after_it(void **state)
{
	lose(*state, FAILURE(.cookie = 1, .reason = KW_REASON_CONNECT_REFUSED, .learnt = SENT - 5 * KW_MS));
	lose(*state, FAILURE(.cookie = 2, .reason = KW_REASON_CONNECT_REFUSED, .began = SENT - 2 * KW_MS,
			     .known = SENT - KW_MS, .learnt = SENT + 9 * KW_MS));
	answer(*state);
	assert_int_equal(expect(*state, 2, KW_CONFIDENCE_INFERRED).try_count, 1);
}

/* HAProxy reads all sockets that are ready, then deals with one request after the other. */
static void of_failures_that_were_learnt_of_at_once_each_is_dealt_with_in_its_turn(void **state)
{
	for (uint64_t i = 1; i <= 3; i++)
		lose_at(*state,
			FAILURE(.cookie = i, .learnt = SENT + i * KW_US, .last = SENT + i * 100 * KW_US),
			SENT + KW_S);
	for (uint64_t i = 1; i <= 3; i++)
		answer_of(*state, 0xa + i, PID, THREAD, STARTED, SENT + i * 100 * KW_US + KW_US);
	kw_gateway_end(*state);
	for (uint64_t i = 1; i <= 3; i++)
		expect_of(*state, 0xa + i, i, KW_CONFIDENCE_INFERRED);
}

/* A program that answers first and closes then. */
static void what_is_closed_long_after_the_answer_was_learnt_of_before(void **state)
{
	lose_at(*state, FAILURE(.last = SENT + KW_S), SENT + KW_S);
	answer(*state);
	expect(*state, 1, KW_CONFIDENCE_CERTAIN);
}

/* A worker that serves many requests at once answers each soon after its failure. */
static void errors_of_one_thread_get_each_their_own_failure(void **state)
{
	for (uint64_t i = 1; i <= 3; i++) {
		lose(*state,
		     FAILURE(.cookie = i, .learnt = SENT + i * 20 * KW_MS - KW_MS, .began = STARTED + i));
		answer_of(*state, 0xa + i, PID, THREAD, STARTED, SENT + i * 20 * KW_MS);
	}
	kw_gateway_end(*state);
	expect_of(*state, 0xb, 1, KW_CONFIDENCE_CERTAIN);
	expect_of(*state, 0xc, 2, KW_CONFIDENCE_INFERRED);
	expect_of(*state, 0xd, 3, KW_CONFIDENCE_INFERRED);
}

static void a_programs_own_503_does_not_take_the_cause_of_the_next_error(void **state)
{
	answer_of(*state, 0xa, PID, THREAD, STARTED, SENT);
	lose(*state, FAILURE(.learnt = SENT + 50 * KW_MS, .began = SENT - KW_MS));
	answer_of(*state, 0xb, PID, THREAD, STARTED, SENT + 51 * KW_MS);
	kw_gateway_end(*state);
	expect_of(*state, 0xa, 0, KW_CONFIDENCE_UNKNOWN);
	expect_of(*state, 0xb, 1, KW_CONFIDENCE_CERTAIN);
}

/* ---- several errors at once ---- */

/* The outer of two exchanges may be due to either failure, the inner one only to its own. */
static void what_explains_another_error_for_certain_is_no_candidate(void **state)
{
	lose(*state, FAILURE(.cookie = 1, .began = SENT - 50 * KW_MS, .learnt = SENT - 2 * KW_MS));
	lose(*state, FAILURE(.cookie = 2, .began = SENT - 30 * KW_MS, .learnt = SENT - 20 * KW_MS));
	answer_with(*state, ANSWER(.cookie = 0xb, .started = SENT - 40 * KW_MS, .sent = SENT - 10 * KW_MS));
	answer(*state);
	kw_gateway_end(*state);
	expect_of(*state, 0xb, 2, KW_CONFIDENCE_CERTAIN);
	expect_of(*state, 0xa, 1, KW_CONFIDENCE_CERTAIN);
}

static void what_the_other_side_did_after_the_answer_is_no_cause(void **state)
{
	lose(*state, FAILURE(.known = SENT + 1, .learnt = SENT + 2));
	answer(*state);
	expect(*state, 0, KW_CONFIDENCE_UNKNOWN);
}

/* An answer of the program's own, while the server behind has closed the connection of another request. */
static void what_brought_no_byte_and_was_learnt_of_after_the_answer_is_no_cause(void **state)
{
	for (int answered = 0; answered <= 1; answered++) {
		lose(*state, FAILURE(.known = SENT - KW_MS, .answered = answered, .learnt = SENT + KW_US));
		answer(*state);
		expect(*state, answered, answered ? KW_CONFIDENCE_CERTAIN : KW_CONFIDENCE_UNKNOWN);
		close_gateway(state);
		open_gateway(state);
	}
}

/* The program gives up for that of a response which it has read, and closes later. */
static void what_was_given_up_for_its_response_is_no_cause_before_that_began(void **state)
{
	for (int answered = 0; answered <= 1; answered++) {
		lose(*state, FAILURE(.reason = KW_REASON_CLIENT_LEFT, .gives_up = true, .known = SENT + KW_US,
				     .answered = answered, .learnt = SENT + KW_MS));
		answer(*state);
		expect(*state, !answered, answered ? KW_CONFIDENCE_UNKNOWN : KW_CONFIDENCE_CERTAIN);
		close_gateway(state);
		open_gateway(state);
	}
}

static void what_the_process_gave_up_may_be_closed_after_the_answer(void **state)
{
	lose(*state, FAILURE(.reason = KW_REASON_CLIENT_GAVE_UP, .gives_up = true, .learnt = SENT + KW_MS));
	answer(*state);
	expect(*state, 1, KW_CONFIDENCE_CERTAIN);
}

/* An answer of the program's own came first, while the connection of another request was failing. */
static void what_is_closed_right_after_another_answer_is_of_that(void **state)
{
	lose(*state, FAILURE(.known = SENT - 2 * KW_MS, .answered = true, .learnt = SENT + 3 * KW_MS));
	answer(*state);
	answer_with(*state, ANSWER(.cookie = 0xb, .sent = SENT + 2 * KW_MS));
	kw_gateway_end(*state);
	expect_of(*state, 0xa, 0, KW_CONFIDENCE_UNKNOWN);
	expect_of(*state, 0xb, 1, KW_CONFIDENCE_INFERRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_same_thread_wins_over_a_nearer_time),
		TEST(another_threads_failure_is_an_inferred_cause),
		TEST(of_one_thread_the_nearest_in_time_is_the_inferred_cause),
		TEST(a_failure_causes_one_error_for_each_request_that_it_lost),
		TEST(what_was_learnt_before_the_answer_wins_over_what_came_nearer_behind_it),
		TEST(a_connect_that_failed_before_the_answer_may_be_closed_after_it),
		TEST(of_failures_that_were_learnt_of_at_once_each_is_dealt_with_in_its_turn),
		TEST(what_is_closed_long_after_the_answer_was_learnt_of_before),
		TEST(errors_of_one_thread_get_each_their_own_failure),
		TEST(a_programs_own_503_does_not_take_the_cause_of_the_next_error),
		TEST(what_explains_another_error_for_certain_is_no_candidate),
		TEST(what_the_other_side_did_after_the_answer_is_no_cause),
		TEST(what_brought_no_byte_and_was_learnt_of_after_the_answer_is_no_cause),
		TEST(what_was_given_up_for_its_response_is_no_cause_before_that_began),
		TEST(what_the_process_gave_up_may_be_closed_after_the_answer),
		TEST(what_is_closed_right_after_another_answer_is_of_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
