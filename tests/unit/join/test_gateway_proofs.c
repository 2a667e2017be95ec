/* SPDX-License-Identifier: BSD-2-Clause */
/* Causes are proven by the thread that woke the one which answers, and by failures that each cause an error; errors without a cause get none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway_story.h"

/* ---- the thread that woke the one which answers ---- */

#define FETCHER (THREAD + 1)
#define TAUGHT 8 /* pairs make a habit */

/* As of a cache that is asked once. */
static void the_only_failure_is_the_certain_cause_if_its_thread_woke_the_answering_one(void **state)
{
	for (unsigned int waker = FETCHER; waker <= FETCHER + 1; waker++) {
		lose(*state, FAILURE(.thread = FETCHER));
		answer_with(*state, ANSWER(.waker = (uint16_t)waker));
		expect(*state, 1, waker == FETCHER ? KW_CONFIDENCE_CERTAIN : KW_CONFIDENCE_INFERRED);
		close_gateway(state);
		open_gateway(state);
	}
}

static void the_thread_that_woke_the_answering_one_had_its_failure(void **state)
{
	for (unsigned int waker = FETCHER; waker <= FETCHER + 1; waker++) {
		teach(*state, TAUGHT, FAILURE(.thread = FETCHER), ANSWER(.waker = FETCHER));
		lose(*state, FAILURE(.cookie = 1, .thread = FETCHER, .learnt = SENT - 3 * KW_MS));
		lose(*state, FAILURE(.cookie = 2, .thread = FETCHER + 1));
		answer_with(*state, ANSWER(.waker = (uint16_t)waker));
		expect(*state, waker == FETCHER ? 1 : 2, KW_CONFIDENCE_CERTAIN);
		close_gateway(state);
		open_gateway(state);
	}
}

/* Both errors may be due to both failures, and of one it is not known who woke its thread. */
static void a_waker_proves_a_cause_that_others_may_have_had(void **state)
{
	teach(*state, TAUGHT, FAILURE(.thread = FETCHER), ANSWER(.waker = FETCHER));
	lose(*state, FAILURE(.cookie = 1, .thread = FETCHER, .learnt = SENT - 3 * KW_MS));
	lose(*state, FAILURE(.cookie = 2, .thread = FETCHER + 1));
	answer_with(*state, ANSWER(.cookie = 0xb, .waker = FETCHER));
	answer_with(*state, ANSWER(.cookie = 0xc));
	kw_gateway_end(*state);
	expect_of(*state, 0xb, 1, KW_CONFIDENCE_CERTAIN);
	expect_of(*state, 0xc, 2, KW_CONFIDENCE_CERTAIN); /* the only one that is left */
}

static void one_in_eight_may_have_been_woken_by_another(void **state)
{
	for (unsigned int others = 1; others <= 2; others++) {
		teach_until(*state, SENT - 60 * KW_S, TAUGHT + 2, FAILURE(.thread = FETCHER),
			    ANSWER(.waker = FETCHER));
		teach(*state, others, FAILURE(.thread = FETCHER), ANSWER(.waker = FETCHER + 7));
		lose(*state, FAILURE(.cookie = 1, .thread = FETCHER, .learnt = SENT - 3 * KW_MS));
		lose(*state, FAILURE(.cookie = 2, .thread = FETCHER + 1));
		answer_with(*state, ANSWER(.waker = FETCHER));
		expect(*state, others == 1 ? 1 : 2,
		       others == 1 ? KW_CONFIDENCE_CERTAIN : KW_CONFIDENCE_INFERRED);
		close_gateway(state);
		open_gateway(state);
	}
}

static void a_waker_proves_nothing_before_it_is_a_habit(void **state)
{
	teach(*state, TAUGHT - 1, FAILURE(.thread = FETCHER), ANSWER(.waker = FETCHER));
	lose(*state, FAILURE(.cookie = 1, .thread = FETCHER, .learnt = SENT - 3 * KW_MS));
	lose(*state, FAILURE(.cookie = 2, .thread = FETCHER + 1));
	answer_with(*state, ANSWER(.waker = FETCHER));
	expect(*state, 2, KW_CONFIDENCE_INFERRED);
}

static void a_waker_without_a_failure_of_that_time_excludes_none(void **state)
{
	teach(*state, TAUGHT, FAILURE(.thread = FETCHER), ANSWER(.waker = FETCHER));
	lose(*state, FAILURE(.cookie = 1, .thread = FETCHER));
	answer_with(*state, ANSWER(.waker = FETCHER + 7));
	expect(*state, 1, KW_CONFIDENCE_CERTAIN);
}

/* ---- each failure causes an error ---- */

#define REFUSED(...) FAILURE(.reason = KW_REASON_CONNECT_REFUSED, .lost = 0, .thread = FETCHER, __VA_ARGS__)

/* The first of three failures had begun when there was only one of the three requests; but the last one is nearest to its answer. */
static void expect_of_three(struct kw_gateway *gateway, uint64_t cause, enum kw_confidence confidence)
{
	lose(gateway, REFUSED(.cookie = 1, .began = SENT - 8 * KW_MS, .learnt = SENT - 4 * KW_MS));
	lose(gateway, REFUSED(.cookie = 2, .began = SENT - 6 * KW_MS, .learnt = SENT - 3 * KW_MS));
	lose(gateway, REFUSED(.cookie = 3, .began = SENT - 5 * KW_MS, .learnt = SENT - 2 * KW_MS));
	answer_with(gateway, ANSWER(.cookie = 0xa, .started = SENT - 9 * KW_MS, .sent = SENT - KW_MS));
	answer_with(gateway, ANSWER(.cookie = 0xb, .started = SENT - 7 * KW_MS, .sent = SENT));
	answer_with(gateway, ANSWER(.cookie = 0xc, .started = SENT - 7 * KW_MS, .sent = SENT));
	kw_gateway_end(gateway);
	expect_of(gateway, 0xa, cause, confidence);
}

static void a_failure_that_only_one_error_can_be_due_to_is_its_cause(void **state)
{
	teach(*state, 12, REFUSED(), ANSWER());
	expect_of_three(*state, 1, KW_CONFIDENCE_CERTAIN);
}

static void where_a_request_may_be_saved_a_failure_proves_no_error(void **state)
{
	teach_until(*state, SENT - 60 * KW_S, 10, REFUSED(), ANSWER());
	lose(*state, REFUSED(.cookie = 0xff, .began = SENT - 41 * KW_S, .learnt = SENT - 40 * KW_S));
	teach(*state, 3, REFUSED(), ANSWER());
	expect_of_three(*state, 3, KW_CONFIDENCE_INFERRED);
}

static void where_a_request_is_tried_again_a_failure_proves_no_error(void **state)
{
	uint64_t sent = SENT - 40 * KW_S;
	struct kw_gateway_error error;

	teach_until(*state, SENT - 60 * KW_S, 10, REFUSED(), ANSWER());
	lose(*state, REFUSED(.cookie = 0xfe, .began = sent - 9 * KW_MS, .learnt = sent - 8 * KW_MS));
	lose(*state, REFUSED(.cookie = 0xff, .began = sent - 7 * KW_MS, .learnt = sent - 6 * KW_MS));
	answer_with(*state, ANSWER(.started = sent - 10 * KW_MS, .sent = sent));
	pass(*state, sent + KW_GATEWAY_WAIT);
	assert_true(kw_gateway_next(*state, &error));
	assert_int_equal(error.try_count, 1);
	teach(*state, 3, REFUSED(), ANSWER());
	expect_of_three(*state, 3, KW_CONFIDENCE_INFERRED);
}

static void of_two_failures_that_can_be_no_other_errors_none_is_proven(void **state)
{
	teach(*state, 12, REFUSED(), ANSWER());
	lose(*state, REFUSED(.cookie = 1, .began = SENT - 8 * KW_MS, .learnt = SENT - 2 * KW_MS));
	lose(*state, REFUSED(.cookie = 2, .began = SENT - 6 * KW_MS, .learnt = SENT - 3 * KW_MS));
	answer(*state);
	expect(*state, 1, KW_CONFIDENCE_INFERRED);
}

/* ---- answers of its own ---- */

static void answer_by_itself(struct kw_gateway *gateway, uint64_t sent)
{
	struct kw_gateway_error error;

	answer_of(gateway, 0xe, PID, THREAD, sent - KW_MS, sent);
	pass(gateway, sent + KW_GATEWAY_WAIT);
	assert_true(kw_gateway_next(gateway, &error));
	assert_null(error.cause);
}

/* One of the two is the program's own, and nothing shows which one. */
static void where_a_program_answers_by_itself_errors_short_of_failures_get_no_cause(void **state)
{
	for (int by_itself = 0; by_itself <= 1; by_itself++) {
		teach(*state, 8, FAILURE(.thread = FETCHER), ANSWER());
		if (by_itself)
			answer_by_itself(*state, SENT - 5 * KW_S / 4);
		lose(*state, FAILURE(.cookie = 1, .thread = FETCHER));
		answer_with(*state, ANSWER(.cookie = 0xb, .started = SENT - 20 * KW_MS, .sent = SENT));
		answer_with(*state, ANSWER(.cookie = 0xc, .started = SENT - 30 * KW_MS, .sent = SENT + 1));
		kw_gateway_end(*state);
		expect_of(*state, 0xb, !by_itself, by_itself ? KW_CONFIDENCE_UNKNOWN : KW_CONFIDENCE_INFERRED);
		expect_of(*state, 0xc, 0, KW_CONFIDENCE_UNKNOWN);
		close_gateway(state);
		open_gateway(state);
	}
}

/* The earlier answer would have taken the only failure, had it chosen first. */
static void the_error_that_is_nearest_to_a_failure_chooses_first(void **state)
{
	lose(*state, FAILURE(.cookie = 1, .thread = FETCHER, .learnt = SENT - 3 * KW_MS, .last = SENT - KW_MS));
	answer_with(*state, ANSWER(.cookie = 0xb, .sent = SENT + 5 * KW_MS));
	answer_with(*state, ANSWER(.cookie = 0xc, .sent = SENT));
	kw_gateway_end(*state);
	expect_of(*state, 0xb, 0, KW_CONFIDENCE_UNKNOWN);
	expect_of(*state, 0xc, 1, KW_CONFIDENCE_INFERRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_only_failure_is_the_certain_cause_if_its_thread_woke_the_answering_one),
		TEST(the_thread_that_woke_the_answering_one_had_its_failure),
		TEST(a_waker_proves_a_cause_that_others_may_have_had),
		TEST(one_in_eight_may_have_been_woken_by_another),
		TEST(a_waker_proves_nothing_before_it_is_a_habit),
		TEST(a_waker_without_a_failure_of_that_time_excludes_none),
		TEST(a_failure_that_only_one_error_can_be_due_to_is_its_cause),
		TEST(where_a_request_may_be_saved_a_failure_proves_no_error),
		TEST(where_a_request_is_tried_again_a_failure_proves_no_error),
		TEST(of_two_failures_that_can_be_no_other_errors_none_is_proven),
		TEST(where_a_program_answers_by_itself_errors_short_of_failures_get_no_cause),
		TEST(the_error_that_is_nearest_to_a_failure_chooses_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
