/* SPDX-License-Identifier: BSD-2-Clause */
/* The failures and answers of a gateway, as the tests of their join tell them. */
#ifndef KEEPWATCH_GATEWAY_STORY_H
#define KEEPWATCH_GATEWAY_STORY_H

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

static inline int open_gateway(void **state)
{
	static struct kw_gateway gateway;

	*state = &gateway;
	return kw_gateway_open(&gateway);
}

static inline int close_gateway(void **state)
{
	kw_gateway_close(*state);
	return 0;
}

static inline void take(struct kw_gateway *gateway, const void *data, size_t size,
			const struct kw_verdict *verdict)
{
	struct kw_event event;

	assert_int_equal(kw_decode(data, size, &event), 0);
	kw_gateway_take(gateway, &event, verdict);
}

static inline bool is_connect(enum kw_reason reason)
{
	return kw_reason_is_connect_failure(reason);
}

static inline uint64_t verdict_time(struct failure failure)
{
	return failure.known ? failure.known : failure.learnt;
}

/* Its record is made @record_time, which is when its socket goes. */
static inline void lose_at(struct kw_gateway *gateway, struct failure failure, uint64_t record_time)
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

static inline void lose(struct kw_gateway *gateway, struct failure failure)
{
	lose_at(gateway, failure, failure.learnt);
}

struct answer {
	uint64_t cookie;
	enum kw_role role; /* a client has received it */
	uint32_t pid, thread, bytes;
	uint16_t status, waker;
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

static inline void answer_with(struct kw_gateway *gateway, struct answer answer)
{
	struct kw_event_gateway event = {
		.header = {.type = KW_EVENT_GATEWAY, .size = sizeof(event), .time = answer.sent},
		.identity = {.cookie = answer.cookie, .pid = answer.pid, .comm = "nginx", .role = answer.role},
		.started = answer.started,
		.number = 3,
		.thread = answer.thread,
		.request_bytes = answer.bytes,
		.status = answer.status,
		.waker = answer.waker,
	};

	take(gateway, &event, sizeof(event), NULL);
}

static inline void answer_of(struct kw_gateway *gateway, uint64_t cookie, uint32_t pid, uint32_t thread,
			     uint64_t started, uint64_t sent)
{
	answer_with(gateway,
		    ANSWER(.cookie = cookie, .pid = pid, .thread = thread, .started = started, .sent = sent));
}

static inline void answer(struct kw_gateway *gateway)
{
	answer_of(gateway, 0xa, PID, THREAD, STARTED, SENT);
}

static inline void pass(struct kw_gateway *gateway, uint64_t time)
{
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, time}};

	take(gateway, &totals, sizeof(totals), NULL);
}

/* The next error that is decided is that of server socket @cookie; its cause is connection @cause, 0 for none. */
static inline struct kw_gateway_error expect_of(struct kw_gateway *gateway, uint64_t cookie, uint64_t cause,
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

static inline struct kw_gateway_error expect(struct kw_gateway *gateway, uint64_t cause,
					     enum kw_confidence confidence)
{
	struct kw_gateway_error error;

	kw_gateway_end(gateway);
	error = expect_of(gateway, 0xa, cause, confidence);
	assert_false(kw_gateway_next(gateway, &error));
	return error;
}

static inline void assert_waits(struct kw_gateway *gateway)
{
	struct kw_gateway_error error;

	assert_false(kw_gateway_next(gateway, &error));
}

/* Errors long before, each alone with its failure, from which the habits of the process show. */
static inline void teach_until(struct kw_gateway *gateway, uint64_t end, unsigned int pairs,
			       struct failure failure, struct answer answer)
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

static inline void teach(struct kw_gateway *gateway, unsigned int pairs, struct failure failure,
			 struct answer answer)
{
	teach_until(gateway, SENT, pairs, failure, answer);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_gateway, close_gateway)

#endif
