/* SPDX-License-Identifier: BSD-2-Clause */
/* The habits that a process has shown narrow the choice of an error's cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway_story.h"

/* ---- habits ---- */

/* As a gateway does whose threads hand work to each other. */
static void in_a_process_that_changes_threads_the_only_candidate_is_the_certain_cause(void **state)
{
	teach(*state, 3, FAILURE(.thread = THREAD + 1), ANSWER());
	lose(*state, FAILURE(.thread = THREAD + 2));
	answer(*state);
	expect(*state, 1, KW_CONFIDENCE_CERTAIN);
}

static void in_a_process_that_changes_threads_the_same_thread_proves_nothing(void **state)
{
	teach(*state, 3, FAILURE(.thread = THREAD + 1), ANSWER());
	lose(*state, FAILURE(.cookie = 1));
	lose(*state, FAILURE(.cookie = 2, .thread = THREAD + 2));
	answer(*state);
	expect(*state, 1, KW_CONFIDENCE_INFERRED);
}

static void where_all_requests_grow_alike_their_sizes_tell_the_cause(void **state)
{
	for (unsigned int taught = 15; taught <= 16; taught++) {
		teach(*state, taught, FAILURE(.bytes = 150), ANSWER(.bytes = 100));
		lose(*state, FAILURE(.cookie = 1, .bytes = 130, .learnt = SENT - 3 * KW_MS));
		lose(*state, FAILURE(.cookie = 2, .bytes = 131));
		answer_with(*state, ANSWER(.bytes = 80));
		expect(*state, taught == 16 ? 1 : 2,
		       taught == 16 ? KW_CONFIDENCE_CERTAIN : KW_CONFIDENCE_INFERRED);
		close_gateway(state);
		open_gateway(state);
	}
}

/* As where a goroutine answers of its own accord while others fail. */
static void where_sizes_are_known_another_threads_failure_of_another_size_is_no_cause(void **state)
{
	for (uint32_t bytes = 130; bytes <= 131; bytes++) {
		teach(*state, 16, FAILURE(.thread = THREAD + 1, .bytes = 150), ANSWER(.bytes = 100));
		lose(*state, FAILURE(.thread = THREAD + 1, .bytes = bytes));
		answer_with(*state, ANSWER(.bytes = 80));
		expect(*state, bytes == 130, bytes == 130 ? KW_CONFIDENCE_CERTAIN : KW_CONFIDENCE_UNKNOWN);
		close_gateway(state);
		open_gateway(state);
	}
}

/* A new server behind the gateway has a longer name. */
static void what_is_new_becomes_a_habit_soon(void **state)
{
	teach_until(*state, SENT - 100 * KW_S, 300, FAILURE(.thread = THREAD + 1, .bytes = 150),
		    ANSWER(.bytes = 100));
	teach(*state, 3, FAILURE(.bytes = 160), ANSWER(.bytes = 100));
	lose(*state, FAILURE(.cookie = 1, .thread = THREAD + 1, .bytes = 140));
	answer_with(*state, ANSWER(.bytes = 80));
	expect(*state, 1, KW_CONFIDENCE_CERTAIN);
}

static void the_size_excludes_no_failure_whose_request_was_never_sent(void **state)
{
	teach(*state, 16, FAILURE(.bytes = 150), ANSWER(.bytes = 100));
	lose(*state, FAILURE(.cookie = 1, .bytes = 130, .learnt = SENT - 3 * KW_MS));
	lose(*state, FAILURE(.cookie = 2, .reason = KW_REASON_CONNECT_REFUSED, .lost = 0));
	answer_with(*state, ANSWER(.bytes = 80));
	expect(*state, 2, KW_CONFIDENCE_INFERRED);
}

static void of_two_requests_of_the_same_size_none_is_certain(void **state)
{
	teach(*state, 16, FAILURE(.bytes = 150), ANSWER(.bytes = 100));
	lose(*state, FAILURE(.cookie = 1, .bytes = 130, .began = SENT - 8 * KW_MS, .learnt = SENT - 3 * KW_MS));
	lose(*state, FAILURE(.cookie = 2, .bytes = 130));
	answer_with(*state, ANSWER(.bytes = 80));
	expect(*state, 2, KW_CONFIDENCE_INFERRED);
}

static void where_the_sizes_fit_the_last_try_is_the_certain_cause(void **state)
{
	teach(*state, 16, FAILURE(.bytes = 150), ANSWER(.bytes = 100));
	lose(*state,
	     FAILURE(.cookie = 1, .bytes = 130, .began = SENT - 20 * KW_MS, .learnt = SENT - 15 * KW_MS));
	lose(*state, FAILURE(.cookie = 2, .bytes = 130));
	answer_with(*state, ANSWER(.bytes = 80));
	assert_int_equal(expect(*state, 2, KW_CONFIDENCE_CERTAIN).try_count, 1);
}

/* As Squid does: 503 if a server is down, 502 if it fails later. Until both were seen, nothing is known. */
static void a_kind_of_failure_that_has_another_status_is_no_candidate(void **state)
{
	for (unsigned int taught = 7; taught <= 8; taught++) {
		teach_until(*state, SENT - 60 * KW_S, 8, FAILURE(), ANSWER());
		teach(*state, taught, FAILURE(.reason = KW_REASON_CONNECT_REFUSED, .lost = 0),
		      ANSWER(.status = 503));
		lose(*state, FAILURE(.cookie = 1, .learnt = SENT - 3 * KW_MS));
		lose(*state, FAILURE(.cookie = 2, .reason = KW_REASON_CONNECT_REFUSED, .lost = 0));
		answer(*state);
		expect(*state, taught == 8 ? 1 : 2,
		       taught == 8 ? KW_CONFIDENCE_CERTAIN : KW_CONFIDENCE_INFERRED);
		close_gateway(state);
		open_gateway(state);
	}
}

static void a_request_that_was_given_up_may_have_a_status_of_its_own(void **state)
{
	teach_until(*state, SENT - 60 * KW_S, 8, FAILURE(), ANSWER());
	teach(*state, 8, FAILURE(.reason = KW_REASON_CLIENT_GAVE_UP, .gives_up = true), ANSWER(.status = 504));
	lose(*state, FAILURE(.cookie = 1, .learnt = SENT - 3 * KW_MS));
	lose(*state, FAILURE(.cookie = 2, .reason = KW_REASON_CLIENT_GAVE_UP, .gives_up = true));
	answer(*state);
	expect(*state, 1, KW_CONFIDENCE_CERTAIN);
}

/* As of threads that give each request a number of their own, some shorter than others. */
static void where_each_thread_adds_always_the_same_its_errors_sizes_are_its_own(void **state)
{
	for (uint32_t odd = 0; odd <= 1; odd++) {
		teach_until(*state, SENT - 60 * KW_S, 10, FAILURE(.bytes = 150), ANSWER(.bytes = 100));
		teach_until(*state, SENT - 10 * KW_S, 10, FAILURE(.thread = THREAD + 1, .bytes = 151),
			    ANSWER(.thread = THREAD + 1, .bytes = 100));
		teach(*state, 1, FAILURE(.bytes = 150 + odd), ANSWER(.bytes = 100));
		lose(*state, FAILURE(.cookie = 1, .bytes = 130, .learnt = SENT - 3 * KW_MS));
		lose(*state, FAILURE(.cookie = 2, .bytes = 131));
		answer_with(*state, ANSWER(.bytes = 80));
		expect(*state, odd ? 2 : 1, odd ? KW_CONFIDENCE_INFERRED : KW_CONFIDENCE_CERTAIN);
		close_gateway(state);
		open_gateway(state);
	}
}

/* As Varnish does with one that the server had closed: the first was saved by a second try, or that failed for another client. */
static void what_its_thread_sent_again_at_once_is_no_cause(void **state)
{
	static const struct {
		uint32_t thread, bytes;
		uint64_t pause;
		bool is_again;
	} rows[] = {
		{THREAD + 1, 130, 500 * KW_US, true},
		{THREAD + 1, 130, 501 * KW_US, false},
		{THREAD + 1, 131, 500 * KW_US, false},
		{THREAD + 2, 130, 500 * KW_US, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t again = SENT - 6 * KW_MS + rows[i].pause;

		teach(*state, 12, FAILURE(.thread = THREAD + 1, .bytes = 150), ANSWER(.bytes = 100));
		lose(*state,
		     FAILURE(.cookie = 1, .thread = THREAD + 1, .bytes = 130, .learnt = SENT - 6 * KW_MS));
		lose(*state, FAILURE(.cookie = 2, .thread = THREAD + 3, .bytes = 130));
		lose(*state, FAILURE(.cookie = 3, .thread = rows[i].thread, .bytes = rows[i].bytes,
				     .began = again, .learnt = SENT + 20 * KW_MS));
		answer_with(*state, ANSWER(.bytes = 80));
		expect(*state, 2, rows[i].is_again ? KW_CONFIDENCE_CERTAIN : KW_CONFIDENCE_INFERRED);
		close_gateway(state);
		open_gateway(state);
	}
}

/* As in Go, where a thread goes on with whatever is ready. */
static void where_threads_go_on_with_other_requests_what_was_sent_next_proves_nothing(void **state)
{
	teach(*state, 12, FAILURE(.thread = THREAD + 1, .bytes = 150), ANSWER(.bytes = 100));
	for (uint64_t i = 1; i <= 2; i++) {
		uint64_t sent = SENT - i * KW_S;

		lose(*state, FAILURE(.cookie = 0xf0 + i, .thread = THREAD + 1, .bytes = 150,
				     .began = sent - 2 * KW_MS, .learnt = sent - KW_MS));
		lose(*state, FAILURE(.cookie = 0xe0 + i, .thread = THREAD + 1, .bytes = 150,
				     .began = sent - KW_MS + KW_US, .learnt = sent + 200 * KW_MS));
		answer_with(*state, ANSWER(.cookie = 0xd0 + i, .bytes = 100, .started = sent - 3 * KW_MS,
					   .sent = sent));
	}
	lose(*state, FAILURE(.cookie = 1, .thread = THREAD + 1, .bytes = 130, .learnt = SENT - 6 * KW_MS));
	lose(*state, FAILURE(.cookie = 2, .thread = THREAD + 3, .bytes = 130));
	lose(*state, FAILURE(.cookie = 3, .thread = THREAD + 1, .bytes = 130, .began = SENT - 5900 * KW_US,
			     .learnt = SENT + 20 * KW_MS));
	answer_with(*state, ANSWER(.bytes = 80));
	kw_gateway_end(*state);
	expect_of(*state, 0xd1, 0xf1, KW_CONFIDENCE_CERTAIN);
	expect_of(*state, 0xd2, 0xf2, KW_CONFIDENCE_CERTAIN);
	expect_of(*state, 0xa, 2, KW_CONFIDENCE_INFERRED);
}

/* The request of the first was answered by something else than an error. */
static void a_thread_that_answers_at_once_has_only_one_failure_in_hand(void **state)
{
	for (unsigned int taught = 7; taught <= 8; taught++) {
		teach(*state, taught, FAILURE(), ANSWER());
		lose(*state, FAILURE(.cookie = 1, .began = SENT - 60 * KW_MS, .learnt = SENT - 50 * KW_MS));
		lose(*state, FAILURE(.cookie = 3, .began = SENT - 65 * KW_MS, .learnt = SENT - 41 * KW_MS));
		answer_with(*state,
			    ANSWER(.cookie = 0xc, .started = SENT - 66 * KW_MS, .sent = SENT - 40 * KW_MS));
		lose(*state, FAILURE(.cookie = 2, .began = SENT - 55 * KW_MS));
		answer(*state);
		kw_gateway_end(*state);
		expect_of(*state, 0xc, 3, KW_CONFIDENCE_INFERRED);
		expect_of(*state, 0xa, 2, taught == 8 ? KW_CONFIDENCE_CERTAIN : KW_CONFIDENCE_INFERRED);
		close_gateway(state);
		open_gateway(state);
	}
}

static void what_is_closed_later_is_no_candidate_where_answers_always_come_last(void **state)
{
	teach(*state, 8, FAILURE(), ANSWER());
	lose(*state, FAILURE(.known = SENT - KW_MS, .answered = true, .learnt = SENT + KW_MS));
	answer(*state);
	expect(*state, 0, KW_CONFIDENCE_UNKNOWN);
}

/* Requests that time out in the order in which they came. */
static void a_thread_that_keeps_the_order_gives_each_error_the_failure_of_its_rank(void **state)
{
	for (uint64_t i = 1; i <= 3; i++)
		lose(*state, FAILURE(.cookie = i, .began = SENT - 9 * KW_MS + i, .learnt = SENT - KW_MS + i));
	for (uint64_t i = 1; i <= 3; i++)
		answer_with(*state, ANSWER(.cookie = 0xa + i, .started = STARTED + i, .sent = SENT + i));
	kw_gateway_end(*state);
	for (uint64_t i = 1; i <= 3; i++)
		expect_of(*state, 0xa + i, i, KW_CONFIDENCE_CERTAIN);
}

static void a_thread_that_changes_the_order_proves_no_ranks(void **state)
{
	for (uint64_t i = 1; i <= 3; i++)
		lose(*state, FAILURE(.cookie = i, .began = SENT - 9 * KW_MS + i, .learnt = SENT - KW_MS - i));
	for (uint64_t i = 1; i <= 3; i++)
		answer_with(*state, ANSWER(.cookie = 0xa + i, .started = STARTED + i, .sent = SENT + i));
	kw_gateway_end(*state);
	for (uint64_t i = 1; i <= 3; i++) {
		struct kw_gateway_error error;

		assert_true(kw_gateway_next(*state, &error));
		assert_int_equal(error.confidence, KW_CONFIDENCE_INFERRED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(in_a_process_that_changes_threads_the_only_candidate_is_the_certain_cause),
		TEST(in_a_process_that_changes_threads_the_same_thread_proves_nothing),
		TEST(where_all_requests_grow_alike_their_sizes_tell_the_cause),
		TEST(where_sizes_are_known_another_threads_failure_of_another_size_is_no_cause),
		TEST(what_is_new_becomes_a_habit_soon),
		TEST(the_size_excludes_no_failure_whose_request_was_never_sent),
		TEST(of_two_requests_of_the_same_size_none_is_certain),
		TEST(where_the_sizes_fit_the_last_try_is_the_certain_cause),
		TEST(a_kind_of_failure_that_has_another_status_is_no_candidate),
		TEST(a_request_that_was_given_up_may_have_a_status_of_its_own),
		TEST(where_each_thread_adds_always_the_same_its_errors_sizes_are_its_own),
		TEST(what_its_thread_sent_again_at_once_is_no_cause),
		TEST(where_threads_go_on_with_other_requests_what_was_sent_next_proves_nothing),
		TEST(a_thread_that_answers_at_once_has_only_one_failure_in_hand),
		TEST(what_is_closed_later_is_no_candidate_where_answers_always_come_last),
		TEST(a_thread_that_keeps_the_order_gives_each_error_the_failure_of_its_rank),
		TEST(a_thread_that_changes_the_order_proves_no_ranks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
