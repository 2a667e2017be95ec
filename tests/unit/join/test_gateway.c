/* SPDX-License-Identifier: BSD-2-Clause */
/* A gateway's error finds the connection that caused it, whichever of the two records comes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway_story.h"
#include "tests/unit/tls_event.h"

/* ---- which connections are candidates ---- */

static void one_failure_of_the_thread_is_the_certain_cause(void **state)
{
	lose(*state, FAILURE());
	answer(*state);
	assert_int_equal(expect(*state, 1, KW_CONFIDENCE_CERTAIN).try_count, 0);
}

static void its_record_may_come_up_to_two_seconds_later(void **state)
{
	answer(*state);
	pass(*state, SENT + KW_GATEWAY_WAIT - 1);
	assert_waits(*state);
	lose_at(*state, FAILURE(), SENT + KW_GATEWAY_WAIT - 1);
	assert_waits(*state);
	pass(*state, SENT + KW_GATEWAY_WAIT);
	expect_of(*state, 0xa, 1, KW_CONFIDENCE_CERTAIN);
	assert_waits(*state);
}

static void after_two_seconds_an_error_waits_no_longer(void **state)
{
	answer(*state);
	pass(*state, SENT + KW_GATEWAY_WAIT);
	expect_of(*state, 0xa, 0, KW_CONFIDENCE_UNKNOWN);
	lose_at(*state, FAILURE(), SENT + KW_GATEWAY_WAIT);
	assert_waits(*state);
}

static void a_connect_that_failed_and_a_request_given_up_are_causes(void **state)
{
	static const enum kw_reason reasons[] = {KW_REASON_CONNECT_REFUSED, KW_REASON_CONNECT_TIMEOUT,
						 KW_REASON_CONNECT_ABORTED, KW_REASON_CLIENT_GAVE_UP,
						 KW_REASON_UNKNOWN};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		uint32_t lost = reasons[i] == KW_REASON_CLIENT_GAVE_UP;

		lose(*state, FAILURE(.reason = reasons[i], .lost = lost));
		answer(*state);
		expect(*state, 1, KW_CONFIDENCE_CERTAIN);
		close_gateway(state);
		open_gateway(state);
	}
}

static void a_connection_that_lost_nothing_is_no_cause(void **state)
{
	lose(*state, FAILURE(.reason = KW_REASON_CLIENT_CLOSED_IDLE, .lost = 0));
	answer(*state);
	expect(*state, 0, KW_CONFIDENCE_UNKNOWN);
}

static void a_connection_that_was_accepted_is_no_cause(void **state)
{
	struct kw_event_connection event = event_connection();
	struct kw_verdict verdict = event_verdict();

	event.header.time = SENT;
	event.notice = (struct kw_notice){.time = SENT, .thread = THREAD};
	verdict.reason = KW_REASON_CLIENT_GAVE_UP;
	verdict.lost_requests = 1;
	take(*state, &event, sizeof(event), &verdict);
	answer(*state);
	expect(*state, 0, KW_CONFIDENCE_UNKNOWN);
}

static void another_process_is_no_cause(void **state)
{
	lose(*state, FAILURE(.pid = PID + 1));
	answer(*state);
	expect(*state, 0, KW_CONFIDENCE_UNKNOWN);
}

static void the_time_is_from_a_second_before_to_a_tenth_after(void **state)
{
	static const struct {
		uint64_t learnt;
		bool is_cause;
	} rows[] = {{SENT - KW_GATEWAY_BEFORE - 1, false},
		    {SENT - KW_GATEWAY_BEFORE, true},
		    {SENT + KW_GATEWAY_AFTER, true},
		    {SENT + KW_GATEWAY_AFTER + 1, false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lose(*state, FAILURE(.learnt = rows[i].learnt, .known = SENT, .answered = true, .began = 0));
		answer(*state);
		expect(*state, rows[i].is_cause,
		       rows[i].is_cause ? KW_CONFIDENCE_CERTAIN : KW_CONFIDENCE_UNKNOWN);
		close_gateway(state);
		open_gateway(state);
	}
}

/* Health checks, too, connect to servers that refuse. */
static void what_began_before_the_request_came_is_no_cause(void **state)
{
	lose(*state, FAILURE(.reason = KW_REASON_CONNECT_REFUSED, .lost = 0, .began = STARTED - 1));
	answer(*state);
	expect(*state, 0, KW_CONFIDENCE_UNKNOWN);
}

static void what_began_after_the_response_is_no_cause(void **state)
{
	lose(*state, FAILURE(.began = SENT + 1, .learnt = SENT + KW_MS));
	answer(*state);
	expect(*state, 0, KW_CONFIDENCE_UNKNOWN);
}

static void a_request_whose_beginning_was_not_seen_may_be_as_old_as_any(void **state)
{
	lose(*state, FAILURE(.began = STARTED - KW_S));
	answer_of(*state, 0xa, PID, THREAD, 0, SENT);
	expect(*state, 1, KW_CONFIDENCE_CERTAIN);
}

static void without_a_notice_the_close_says_when(void **state)
{
	struct kw_event_connection event = event_connection();
	struct kw_verdict verdict = event_verdict();

	event.header.time = SENT;
	event.identity.role = KW_ROLE_CLIENT;
	verdict.reason = KW_REASON_NO_RESPONSE;
	verdict.lost_requests = 1;
	verdict.closed = SENT - KW_MS;
	take(*state, &event, sizeof(event), &verdict);
	answer(*state);
	expect(*state, 0x1a2b, KW_CONFIDENCE_INFERRED); /* and its thread is not known */
}

/* ---- responses that were passed on ---- */

#define RECEIVED(...) ANSWER(.cookie = 0xf, .role = KW_ROLE_CLIENT, .started = SENT - 3 * KW_MS, __VA_ARGS__)

static void a_response_that_was_passed_on_has_no_cause(void **state)
{
	struct kw_gateway_error error;

	answer_with(*state, RECEIVED(.sent = SENT - KW_MS));
	answer(*state);
	error = expect(*state, 0, KW_CONFIDENCE_UNKNOWN);
	assert_non_null(error.passed);
	assert_int_equal(error.passed->connection.identity.cookie, 0xf);
}

static void a_response_of_another_status_was_not_passed_on(void **state)
{
	answer_with(*state, RECEIVED(.sent = SENT - KW_MS, .status = 503));
	lose(*state, FAILURE());
	answer(*state);
	assert_null(expect(*state, 1, KW_CONFIDENCE_CERTAIN).passed);
}

static void a_response_that_was_received_is_no_error_of_the_receiver(void **state)
{
	answer_with(*state, RECEIVED(.sent = SENT));
	kw_gateway_end(*state);
	assert_waits(*state);
}

/* ---- tries ---- */

static void the_last_try_is_the_cause_and_those_before_are_listed(void **state)
{
	struct kw_gateway_error error;

	for (uint64_t i = 1; i <= 3; i++)
		lose(*state, FAILURE(.cookie = i, .reason = KW_REASON_CONNECT_REFUSED, .lost = 0,
				     .began = SENT - 40 * KW_MS + i * 10 * KW_MS,
				     .learnt = SENT - 40 * KW_MS + i * 10 * KW_MS + KW_MS));
	answer(*state);
	error = expect(*state, 3, KW_CONFIDENCE_INFERRED);
	assert_int_equal(error.try_count, 2);
	assert_int_equal(error.tries[0]->connection.identity.cookie, 1);
	assert_int_equal(error.tries[1]->connection.identity.cookie, 2);
}

/* HAProxy pauses for a second before it tries again. */
static void between_two_tries_there_may_be_a_pause(void **state)
{
	static const struct {
		uint64_t pause;
		size_t tries;
	} rows[] = {{KW_GATEWAY_PAUSE, 1}, {KW_GATEWAY_PAUSE + 1, 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t learnt = SENT - 10 * KW_MS - rows[i].pause;

		lose(*state, FAILURE(.cookie = 1, .began = learnt - KW_MS, .learnt = learnt));
		lose(*state, FAILURE(.cookie = 2));
		answer_of(*state, 0xa, PID, THREAD, SENT - 3 * KW_S, SENT);
		assert_int_equal(expect(*state, 2, KW_CONFIDENCE_CERTAIN).try_count, rows[i].tries);
		close_gateway(state);
		open_gateway(state);
	}
}

static void what_failed_before_the_request_came_is_no_try(void **state)
{
	lose(*state, FAILURE(.cookie = 1, .began = STARTED - 1, .learnt = STARTED + 1));
	lose(*state, FAILURE(.cookie = 2));
	answer(*state);
	assert_int_equal(expect(*state, 2, KW_CONFIDENCE_CERTAIN).try_count, 0);
}

static void failures_at_the_same_time_are_of_other_requests(void **state)
{
	lose(*state, FAILURE(.cookie = 1, .began = SENT - 10 * KW_MS, .learnt = SENT - 2 * KW_MS));
	lose(*state, FAILURE(.cookie = 2, .began = SENT - 9 * KW_MS, .learnt = SENT - KW_MS));
	lose(*state, FAILURE(.cookie = 3, .thread = THREAD + 1, .began = SENT - 30 * KW_MS,
			     .learnt = SENT - 20 * KW_MS));
	answer(*state);
	assert_int_equal(expect(*state, 2, KW_CONFIDENCE_INFERRED).try_count, 0);
}

static void a_try_is_not_the_cause_of_a_later_error(void **state)
{
	lose(*state, FAILURE(.cookie = 1, .began = SENT - 40 * KW_MS, .learnt = SENT - 30 * KW_MS));
	lose(*state, FAILURE(.cookie = 2));
	answer(*state);
	answer_of(*state, 0xb, PID, THREAD, STARTED, SENT + 2 * KW_GATEWAY_TOGETHER);
	pass(*state, SENT + KW_GATEWAY_WAIT);
	assert_int_equal(expect_of(*state, 0xa, 2, KW_CONFIDENCE_INFERRED).try_count, 1);
	kw_gateway_end(*state);
	expect_of(*state, 0xb, 0, KW_CONFIDENCE_UNKNOWN);
}

static void of_very_many_tries_the_latest_are_listed(void **state)
{
	struct kw_gateway_error error;

	for (uint64_t i = 1; i <= KW_GATEWAY_TRIES + 3; i++)
		lose(*state, FAILURE(.cookie = i, .began = SENT - 50 * KW_MS + i * KW_MS,
				     .learnt = SENT - 50 * KW_MS + i * KW_MS + KW_US));
	answer(*state);
	error = expect(*state, KW_GATEWAY_TRIES + 3, KW_CONFIDENCE_INFERRED);
	assert_int_equal(error.try_count, KW_GATEWAY_TRIES);
	assert_int_equal(error.tries[0]->connection.identity.cookie, 3);
	assert_int_equal(error.tries[KW_GATEWAY_TRIES - 1]->connection.identity.cookie, KW_GATEWAY_TRIES + 2);
}

/* ---- bounds ---- */

static void an_error_that_is_reported_twice_counts_once(void **state)
{
	answer(*state);
	answer(*state);
	expect(*state, 0, KW_CONFIDENCE_UNKNOWN);
}

static void errors_beyond_the_room_are_decided_at_once_and_none_is_lost(void **state)
{
	struct kw_gateway_error error;
	uint64_t decided = 0;

	for (uint64_t i = 1; i <= 3 * KW_GATEWAY_KEPT; i++) {
		answer_of(*state, i, PID, THREAD, STARTED, SENT + i);
		while (kw_gateway_next(*state, &error))
			assert_int_equal(error.event.identity.cookie, ++decided);
	}
	assert_int_equal(decided, 2 * KW_GATEWAY_KEPT + 1);
	kw_gateway_end(*state);
	while (kw_gateway_next(*state, &error))
		assert_int_equal(error.event.identity.cookie, ++decided);
	assert_int_equal(decided, 3 * KW_GATEWAY_KEPT);
}

/* The first failure is its cause, and would be gone before it is time. */
static void an_error_is_decided_before_its_cause_is_forgotten(void **state)
{
	struct kw_gateway_error error;
	uint64_t i = 1;

	lose(*state, FAILURE());
	answer(*state);
	while (i < KW_GATEWAY_KEPT) {
		assert_waits(*state);
		i++;
		lose(*state, FAILURE(.cookie = i, .pid = PID + 1, .learnt = SENT + i));
	}
	expect_of(*state, 0xa, 1, KW_CONFIDENCE_CERTAIN);
	lose(*state, FAILURE(.cookie = i + 1, .learnt = SENT + i));
	assert_false(kw_gateway_next(*state, &error));
}

static void the_evidence_of_a_failure_within_tls_outlives_its_event(void **state)
{
	struct kw_event_tls data = event_of_tls();
	uint64_t sent = data.history.connection.header.time;
	struct kw_gateway_error error;
	struct kw_verdict verdict;

	kw_judge(&data.history.connection, &verdict);
	take(*state, &data, sizeof(data), &verdict);
	answer_with(*state, ANSWER(.started = sent - 2 * KW_MS, .sent = sent));
	kw_gateway_end(*state);
	assert_true(kw_gateway_next(*state, &error));
	assert_non_null(error.cause);
	assert_outlives(&data, &verdict, &error.cause->verdict);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_evidence_of_a_failure_within_tls_outlives_its_event),
		TEST(one_failure_of_the_thread_is_the_certain_cause),
		TEST(its_record_may_come_up_to_two_seconds_later),
		TEST(after_two_seconds_an_error_waits_no_longer),
		TEST(a_connect_that_failed_and_a_request_given_up_are_causes),
		TEST(a_connection_that_lost_nothing_is_no_cause),
		TEST(a_connection_that_was_accepted_is_no_cause),
		TEST(another_process_is_no_cause),
		TEST(the_time_is_from_a_second_before_to_a_tenth_after),
		TEST(what_began_before_the_request_came_is_no_cause),
		TEST(what_began_after_the_response_is_no_cause),
		TEST(a_request_whose_beginning_was_not_seen_may_be_as_old_as_any),
		TEST(without_a_notice_the_close_says_when),
		TEST(a_response_that_was_passed_on_has_no_cause),
		TEST(a_response_of_another_status_was_not_passed_on),
		TEST(a_response_that_was_received_is_no_error_of_the_receiver),
		TEST(the_last_try_is_the_cause_and_those_before_are_listed),
		TEST(between_two_tries_there_may_be_a_pause),
		TEST(what_failed_before_the_request_came_is_no_try),
		TEST(failures_at_the_same_time_are_of_other_requests),
		TEST(a_try_is_not_the_cause_of_a_later_error),
		TEST(of_very_many_tries_the_latest_are_listed),
		TEST(an_error_that_is_reported_twice_counts_once),
		TEST(errors_beyond_the_room_are_decided_at_once_and_none_is_lost),
		TEST(an_error_is_decided_before_its_cause_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
