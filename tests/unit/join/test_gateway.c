/* SPDX-License-Identifier: BSD-2-Clause */
/* A gateway's error finds the connection that caused it, whichever of the two records comes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "join/gateway.h"
#include "tests/unit/events.h"

#define PID 812
#define THREAD 813
#define SENT (1000 * KW_S) /* when the gateway answered */
#define STARTED (SENT - 900 * KW_MS)

/* A connection to another server that failed its process: in the tests' cases it differs in some of these. */
struct failure {
	uint64_t cookie;
	enum kw_reason reason;
	uint32_t pid, thread, lost;
	uint32_t bytes; /* of the request */
	uint64_t began, learnt;
	uint64_t known; /* when the other side acted; 0: as it was learnt */
	uint64_t last;  /* 0 if nothing came after */
	bool answered;  /* a response was begun when the other side acted */
	bool gives_up;  /* its own process acted first */
};

#pragma GCC diagnostic ignored "-Woverride-init"
#define FAILURE(...)                                                                                           \
	((struct failure){.cookie = 1,                                                                         \
			  .reason = KW_REASON_STALE_REUSE,                                                     \
			  .pid = PID,                                                                          \
			  .thread = THREAD,                                                                    \
			  .lost = 1,                                                                           \
			  .began = SENT - 10 * KW_MS,                                                          \
			  .learnt = SENT - KW_MS,                                                              \
			  __VA_ARGS__})

static int open_gateway(void **state)
{
	static struct kw_gateway gateway;

	*state = &gateway;
	return kw_gateway_open(&gateway);
}

static int close_gateway(void **state)
{
	kw_gateway_close(*state);
	return 0;
}

static void take(struct kw_gateway *gateway, const void *data, size_t size, const struct kw_verdict *verdict)
{
	struct kw_event event;

	assert_int_equal(kw_decode(data, size, &event), 0);
	kw_gateway_take(gateway, &event, verdict);
}

static bool is_connect(enum kw_reason reason)
{
	return kw_reason_is_connect_failure(reason);
}

static uint64_t verdict_time(struct failure failure)
{
	return failure.known ? failure.known : failure.learnt;
}

/* Its record is made @record_time, which is when its socket goes. */
static void lose_at(struct kw_gateway *gateway, struct failure failure, uint64_t record_time)
{
	struct kw_event_connection event = event_connection();
	struct kw_verdict verdict = event_verdict();

	event.header.time = record_time;
	event.identity.role = KW_ROLE_CLIENT;
	event.identity.cookie = failure.cookie;
	event.identity.pid = failure.pid;
	event.opened = is_connect(failure.reason) ? failure.began : 1 * KW_S;
	event.http.request_started = is_connect(failure.reason) ? 0 : failure.began;
	event.http.response_started = failure.answered ? verdict_time(failure) : 0;
	event.http.counts.requests_begun = 4;
	event.http.request_begin = 1000;
	event.http.request_end = 1000 + failure.bytes;
	event.notice = (struct kw_notice){
		.time = failure.learnt,
		.last = failure.last ? failure.last : failure.learnt,
		.thread = failure.thread,
	};
	event.ending.act = failure.gives_up ? KW_ACT_LOCAL_FIN : KW_ACT_PEER_FIN;
	verdict.closed = verdict_time(failure);
	verdict.reason = failure.reason;
	verdict.lost_requests = failure.lost;
	take(gateway, &event, sizeof(event), &verdict);
}

static void lose(struct kw_gateway *gateway, struct failure failure)
{
	lose_at(gateway, failure, failure.learnt);
}

struct answer {
	uint64_t cookie;
	enum kw_role role; /* a client has received it */
	uint32_t pid, thread, bytes;
	uint16_t status;
	uint64_t started, sent;
};

#define ANSWER(...)                                                                                            \
	((struct answer){.cookie = 0xa,                                                                        \
			 .role = KW_ROLE_SERVER,                                                               \
			 .pid = PID,                                                                           \
			 .thread = THREAD,                                                                     \
			 .status = 502,                                                                        \
			 .started = STARTED,                                                                   \
			 .sent = SENT,                                                                         \
			 __VA_ARGS__})

static void answer_with(struct kw_gateway *gateway, struct answer answer)
{
	struct kw_event_gateway event = {
		.header = {.type = KW_EVENT_GATEWAY, .size = sizeof(event), .time = answer.sent},
		.identity = {.cookie = answer.cookie, .pid = answer.pid, .comm = "nginx", .role = answer.role},
		.started = answer.started,
		.number = 3,
		.thread = answer.thread,
		.request_bytes = answer.bytes,
		.status = answer.status,
	};

	take(gateway, &event, sizeof(event), NULL);
}

static void answer_of(struct kw_gateway *gateway, uint64_t cookie, uint32_t pid, uint32_t thread,
		      uint64_t started, uint64_t sent)
{
	answer_with(gateway,
		    ANSWER(.cookie = cookie, .pid = pid, .thread = thread, .started = started, .sent = sent));
}

static void answer(struct kw_gateway *gateway)
{
	answer_of(gateway, 0xa, PID, THREAD, STARTED, SENT);
}

static void pass(struct kw_gateway *gateway, uint64_t time)
{
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, time}};

	take(gateway, &totals, sizeof(totals), NULL);
}

/* The next error that is decided is that of server socket @cookie; its cause is connection @cause, 0 for none. */
static struct kw_gateway_error expect_of(struct kw_gateway *gateway, uint64_t cookie, uint64_t cause,
					 enum kw_confidence confidence)
{
	struct kw_gateway_error error;

	assert_true(kw_gateway_next(gateway, &error));
	assert_int_equal(error.event.identity.cookie, cookie);
	assert_int_equal(error.cause ? error.cause->connection.identity.cookie : 0, cause);
	assert_int_equal(error.confidence, confidence);
	if (error.cause)
		assert_ptr_equal(error.cause->verdict.facts.event, &error.cause->connection);
	return error;
}

static struct kw_gateway_error expect(struct kw_gateway *gateway, uint64_t cause, enum kw_confidence confidence)
{
	struct kw_gateway_error error;

	kw_gateway_end(gateway);
	error = expect_of(gateway, 0xa, cause, confidence);
	assert_false(kw_gateway_next(gateway, &error));
	return error;
}

static void assert_waits(struct kw_gateway *gateway)
{
	struct kw_gateway_error error;

	assert_false(kw_gateway_next(gateway, &error));
}

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

/* ---- habits ---- */

/* Errors long before, each alone with its failure, from which the habits of the process show. */
static void teach_until(struct kw_gateway *gateway, uint64_t end, unsigned int pairs, struct failure failure,
			struct answer answer)
{
	struct kw_gateway_error error;

	for (uint64_t i = 0; i < pairs; i++) {
		uint64_t sent = end - (pairs - i) * 5 * KW_S / 2;

		failure.cookie = 0x100 + i;
		failure.began = sent - 2 * KW_MS;
		failure.learnt = sent - KW_MS;
		lose(gateway, failure);
		answer.started = sent - 3 * KW_MS;
		answer.sent = sent;
		answer_with(gateway, answer);
		pass(gateway, sent + KW_GATEWAY_WAIT);
		assert_true(kw_gateway_next(gateway, &error));
		assert_int_equal(error.cause->connection.identity.cookie, 0x100 + i);
	}
}

static void teach(struct kw_gateway *gateway, unsigned int pairs, struct failure failure, struct answer answer)
{
	teach_until(gateway, SENT, pairs, failure, answer);
}

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

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_gateway, close_gateway)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		TEST(a_response_that_was_passed_on_has_no_cause),
		TEST(a_response_of_another_status_was_not_passed_on),
		TEST(a_response_that_was_received_is_no_error_of_the_receiver),
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
