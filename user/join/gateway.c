/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/gateway.h"

#include <errno.h>
#include <stdlib.h>

int kw_gateway_open(struct kw_gateway *gateway)
{
	*gateway = (struct kw_gateway){
		.failures = calloc(KW_GATEWAY_KEPT, sizeof(*gateway->failures)),
		.keys = calloc(KW_GATEWAY_KEPT, sizeof(*gateway->keys)),
		.errors = calloc(KW_GATEWAY_KEPT, sizeof(*gateway->errors)),
	};
	if (gateway->failures && gateway->keys && gateway->errors)
		return 0;
	kw_gateway_close(gateway);
	return -ENOMEM;
}

void kw_gateway_close(struct kw_gateway *gateway)
{
	free(gateway->failures);
	free(gateway->keys);
	free(gateway->errors);
	*gateway = (struct kw_gateway){0};
}

/* ---- taking ---- */

/* A malformed response is a failure too: the judge counts no request as lost then, but none was answered in full. */
static bool is_failure(const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	const struct kw_counts *counts = &event->http.counts;

	if (event->identity.role != KW_ROLE_CLIENT || !event->identity.pid)
		return false;
	if (verdict->reason == KW_REASON_UNKNOWN)
		return counts->requests_begun > counts->responses_ended;
	return verdict->lost_requests || kw_reason_is_connect_failure(verdict->reason);
}

static void add_failure(struct kw_gateway *gateway, const struct kw_event_connection *event,
			const struct kw_verdict *verdict)
{
	size_t at = gateway->failure_count++ % KW_GATEWAY_KEPT;
	struct kw_failure *failure = &gateway->failures[at];
	uint64_t learnt = event->notice.time ? event->notice.time : verdict->closed;
	bool connected = !kw_reason_is_connect_failure(verdict->reason);

	failure->connection = *event;
	failure->verdict = *verdict;
	failure->verdict.facts.event = &failure->connection;
	gateway->keys[at] = (struct kw_failure_key){
		.began = connected ? event->http.request_started : event->opened,
		.learnt = learnt,
		.last = event->notice.last > learnt ? event->notice.last : learnt,
		.failed = connected ? 0 : verdict->closed,
		.pid = event->identity.pid,
		.thread = event->notice.thread,
		.left = verdict->lost_requests ? verdict->lost_requests : 1,
	};
}

static const struct kw_event_gateway *waiting(const struct kw_gateway *gateway, uint64_t number)
{
	return &gateway->errors[number % KW_GATEWAY_KEPT];
}

/* A response whose length was in doubt is reported twice. */
static bool is_known(const struct kw_gateway *gateway, const struct kw_event_gateway *event)
{
	for (uint64_t i = gateway->decided; i < gateway->error_count; i++) {
		const struct kw_event_gateway *other = waiting(gateway, i);

		if (other->identity.cookie == event->identity.cookie && other->number == event->number &&
		    other->identity.generation == event->identity.generation)
			return true;
	}
	return false;
}

void kw_gateway_take(struct kw_gateway *gateway, const struct kw_event *event, const struct kw_verdict *verdict)
{
	if (event->time > gateway->now)
		gateway->now = event->time;
	if (verdict && is_failure(event->connection, verdict))
		add_failure(gateway, event->connection, verdict);
	else if (event->gateway && !is_known(gateway, event->gateway))
		gateway->errors[gateway->error_count++ % KW_GATEWAY_KEPT] = *event->gateway;
}

void kw_gateway_end(struct kw_gateway *gateway)
{
	gateway->now = UINT64_MAX;
}

/* ---- choosing the cause ---- */

static size_t kept(const struct kw_gateway *gateway)
{
	return gateway->failure_count < KW_GATEWAY_KEPT ? (size_t)gateway->failure_count : KW_GATEWAY_KEPT;
}

static uint64_t between(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* How long before or after a response the process had to do with a failure. Some learn of several failures at once, and then
 * deal with one after the other; some close a connection long after. */
static uint64_t distance(const struct kw_failure_key *key, const struct kw_event_gateway *error)
{
	uint64_t learnt = between(key->learnt, error->header.time),
		 last = between(key->last, error->header.time);

	return learnt < last ? learnt : last;
}

/* A failure that began before the gateway had the request, as that of a health check may, is not of that request; and neither
 * is one that began after the response. */
static bool may_cause(const struct kw_failure_key *key, const struct kw_event_gateway *error)
{
	uint64_t sent = error->header.time;

	return key->pid == error->identity.pid && key->last + KW_GATEWAY_BEFORE >= sent &&
	       key->learnt <= sent + KW_GATEWAY_AFTER && key->began <= sent &&
	       (!error->started || !key->began || key->began >= error->started);
}

static bool is_same_thread(const struct kw_failure_key *key, const struct kw_event_gateway *error)
{
	return key->thread && key->thread == error->thread;
}

/* Whether the process may have known of a failure when it answered. */
static bool is_known_before(const struct kw_failure_key *key, const struct kw_event_gateway *error)
{
	uint64_t sent = error->header.time;

	return key->learnt <= sent || (key->failed && key->failed <= sent);
}

/* Whether @a is a connect() that failed after all was over with @b, so that it may be the next try of the same request. */
static bool is_next_try(const struct kw_failure_key *a, const struct kw_failure_key *b)
{
	return a->failed && a->began >= b->last;
}

/* Whether @a is the likelier cause: the same thread goes first, then those that the process knew of before it answered, then
 * the nearest in time. A program that answers at once has met no other failure in between. */
static bool is_likelier(const struct kw_failure_key *a, const struct kw_failure_key *b,
			const struct kw_event_gateway *error)
{
	if (is_same_thread(a, error) != is_same_thread(b, error))
		return is_same_thread(a, error);
	if (is_known_before(a, error) != is_known_before(b, error))
		return is_known_before(a, error);
	if (is_known_before(a, error) && is_next_try(a, b) != is_next_try(b, a))
		return is_next_try(a, b);
	return distance(a, error) < distance(b, error);
}

/* Whether a failure that the process learnt of after this error is nearer to another one, which was sent after it. */
static bool is_of_another(const struct kw_gateway *gateway, const struct kw_failure_key *key,
			  const struct kw_event_gateway *error)
{
	if (key->learnt <= error->header.time)
		return false;
	for (uint64_t i = gateway->decided; i < gateway->error_count; i++) {
		const struct kw_event_gateway *other = waiting(gateway, i);

		if (other->header.time >= key->learnt && may_cause(key, other) &&
		    is_same_thread(key, other) == is_same_thread(key, error) &&
		    distance(key, other) < distance(key, error))
			return true;
	}
	return false;
}

/* Failures that caused other errors count for the confidence, because this error's may have been taken for one of those. */
static struct kw_failure_key *choose(struct kw_gateway *gateway, const struct kw_event_gateway *error,
				     enum kw_confidence *ret_confidence)
{
	struct kw_failure_key *best = NULL;
	size_t of_thread = 0;

	for (size_t i = 0; i < kept(gateway); i++) {
		struct kw_failure_key *key = &gateway->keys[i];

		if (!may_cause(key, error) || is_of_another(gateway, key, error))
			continue;
		of_thread += is_same_thread(key, error);
		if (key->left && (!best || is_likelier(key, best, error)))
			best = key;
	}
	*ret_confidence = KW_CONFIDENCE_UNKNOWN;
	if (best)
		*ret_confidence = is_same_thread(best, error) && of_thread == 1 ? KW_CONFIDENCE_CERTAIN
										: KW_CONFIDENCE_INFERRED;
	return best;
}

/* ---- the tries before it ---- */

/* Whether this may be a try of the same request before @next. */
static bool may_precede(const struct kw_failure_key *key, const struct kw_failure_key *next,
			const struct kw_event_gateway *error)
{
	return key != next && key->pid == next->pid &&
	       is_same_thread(key, error) == is_same_thread(next, error) && key->learnt <= next->began &&
	       key->learnt + KW_GATEWAY_PAUSE >= next->began && key->began >= error->started;
}

/* The latest failure that may be of the same request and was over before @next began; NULL if there is none. */
static struct kw_failure_key *try_before(struct kw_gateway *gateway, const struct kw_failure_key *next,
					 const struct kw_event_gateway *error)
{
	struct kw_failure_key *best = NULL;

	for (size_t i = 0; i < kept(gateway); i++) {
		struct kw_failure_key *key = &gateway->keys[i];

		if (key->left && may_precede(key, next, error) && (!best || key->learnt > best->learnt))
			best = key;
	}
	return best;
}

static const struct kw_failure *failure_of(const struct kw_gateway *gateway, const struct kw_failure_key *key)
{
	return &gateway->failures[key - gateway->keys];
}

/* A gateway tries one server after the other: each try was over before the next one began. */
static void list_tries(struct kw_gateway *gateway, const struct kw_failure_key *cause,
		       struct kw_gateway_error *error)
{
	const struct kw_failure *latest[KW_GATEWAY_TRIES];
	const struct kw_failure_key *next = cause;
	struct kw_failure_key *before;
	size_t count = 0;

	while (count < KW_GATEWAY_TRIES && (before = try_before(gateway, next, &error->event))) {
		before->left--;
		latest[count++] = failure_of(gateway, before);
		next = before;
	}
	for (size_t i = 0; i < count; i++)
		error->tries[i] = latest[count - 1 - i];
	error->try_count = count;
}

/* ---- deciding ---- */

/* Whether the next error must not wait any longer: its time is over, or the next event might take the place of another
 * error, or of a failure that is young enough to be its cause. */
static bool is_due(const struct kw_gateway *gateway)
{
	const struct kw_event_gateway *error = waiting(gateway, gateway->decided);
	const struct kw_failure_key *oldest = &gateway->keys[gateway->failure_count % KW_GATEWAY_KEPT];

	if (gateway->now >= error->header.time + KW_GATEWAY_WAIT)
		return true;
	if (gateway->error_count - gateway->decided == KW_GATEWAY_KEPT)
		return true;
	return gateway->failure_count >= KW_GATEWAY_KEPT &&
	       oldest->learnt + KW_GATEWAY_BEFORE >= error->header.time;
}

bool kw_gateway_next(struct kw_gateway *gateway, struct kw_gateway_error *ret_error)
{
	struct kw_gateway_error error = {0};
	struct kw_failure_key *cause;

	if (gateway->decided == gateway->error_count || !is_due(gateway))
		return false;
	error.event = *waiting(gateway, gateway->decided++);
	cause = choose(gateway, &error.event, &error.confidence);
	if (cause) {
		cause->left--;
		error.cause = failure_of(gateway, cause);
		list_tries(gateway, cause, &error);
	}
	*ret_error = error;
	return true;
}
