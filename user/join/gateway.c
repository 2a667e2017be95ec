/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/gateway.h"

#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"

int kw_gateway_open(struct kw_gateway *gateway)
{
	*gateway = (struct kw_gateway){
		.failures = kw_memory_of_ring(KW_GATEWAY_KEPT, sizeof(*gateway->failures)),
		.keys = kw_memory_of_ring(KW_GATEWAY_KEPT, sizeof(*gateway->keys)),
		.matches = kw_memory_of_ring(KW_GATEWAY_KEPT, sizeof(*gateway->matches)),
	};
	if (gateway->failures && gateway->keys && gateway->matches)
		return 0;
	kw_gateway_close(gateway);
	return -ENOMEM;
}

void kw_gateway_close(struct kw_gateway *gateway)
{
	free(gateway->failures);
	free(gateway->keys);
	free(gateway->matches);
	*gateway = (struct kw_gateway){0};
}

/* ---- taking ---- */

static const struct kw_event_gateway *waiting(const struct kw_gateway *gateway, uint64_t number)
{
	return &gateway->matches[number % KW_GATEWAY_KEPT].error;
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

static void take_response(struct kw_gateway *gateway, const struct kw_event_gateway *event)
{
	size_t at = gateway->failure_count % KW_GATEWAY_KEPT;

	if (event->identity.role == KW_ROLE_CLIENT) {
		kw_failure_of_response(event, &gateway->failures[at], &gateway->keys[at]);
		gateway->failure_count++;
	} else if (!is_known(gateway, event)) {
		gateway->matches[gateway->error_count++ % KW_GATEWAY_KEPT].error = *event;
	}
}

void kw_gateway_take(struct kw_gateway *gateway, const struct kw_event *event, const struct kw_verdict *verdict)
{
	size_t at = gateway->failure_count % KW_GATEWAY_KEPT;

	if (event->time > gateway->now)
		gateway->now = event->time;
	if (event->gateway) {
		take_response(gateway, event->gateway);
	} else if (verdict && kw_is_failure(event->connection, verdict)) {
		kw_failure_of_connection(event->connection, verdict, &gateway->failures[at],
					 &gateway->keys[at]);
		gateway->failure_count++;
	}
}

void kw_gateway_end(struct kw_gateway *gateway)
{
	gateway->now = UINT64_MAX;
}

/* ---- the tries before it ---- */

static size_t kept(const struct kw_gateway *gateway)
{
	return gateway->failure_count < KW_GATEWAY_KEPT ? (size_t)gateway->failure_count : KW_GATEWAY_KEPT;
}

/* Whether this may be a try of the same request before @next. */
static bool may_precede(const struct kw_failure_key *key, const struct kw_failure_key *next,
			const struct kw_event_gateway *error)
{
	return key != next && key->pid == next->pid &&
	       kw_is_same_thread(key, error) == kw_is_same_thread(next, error) && key->learnt <= next->began &&
	       key->learnt + KW_GATEWAY_PAUSE >= next->began && key->began >= error->started;
}

/* The latest failure that may be of the same request and was over before @next began; NULL if there is none. */
static struct kw_failure_key *try_before(struct kw_gateway *gateway, const struct kw_failure_key *next,
					 const struct kw_event_gateway *error)
{
	struct kw_failure_key *best = NULL;

	for (size_t i = 0; i < kept(gateway); i++) {
		struct kw_failure_key *key = &gateway->keys[i];

		if (key->left && !key->status && may_precede(key, next, error) &&
		    (!best || key->learnt > best->learnt))
			best = key;
	}
	return best;
}

static const struct kw_kept_close *failure_of(const struct kw_gateway *gateway,
					      const struct kw_failure_key *key)
{
	return &gateway->failures[key - gateway->keys];
}

/* A gateway tries one server after the other: each try was over before the next one began. */
static void list_tries(struct kw_gateway *gateway, const struct kw_failure_key *cause,
		       struct kw_gateway_error *error)
{
	const struct kw_kept_close *latest[KW_GATEWAY_TRIES];
	const struct kw_failure_key *next = cause;
	struct kw_failure_key *before;
	size_t count = 0;

	while (count < KW_GATEWAY_TRIES && (before = try_before(gateway, next, &error->event))) {
		before->left--;
		before->tried = true;
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

/* Learns from the failures that are too old to be the cause of the next error, or of one that follows. */
static void learn_ends(struct kw_gateway *gateway)
{
	uint64_t sent = waiting(gateway, gateway->decided)->header.time;

	for (size_t i = 0; i < kept(gateway); i++) {
		struct kw_failure_key *key = &gateway->keys[i];

		if (key->status || key->is_remembered || key->last + KW_GATEWAY_BEFORE >= sent)
			continue;
		kw_habit_learn_end(&gateway->habits, key);
		key->is_remembered = true;
	}
}

/* Matches the next error, and with it those whose time is nearly over, because each narrows the choice for the others. */
static void match(struct kw_gateway *gateway)
{
	struct kw_failure_keys failures = {gateway->keys, kept(gateway)};
	struct kw_matches matches = {
		.ring = gateway->matches,
		.room = KW_GATEWAY_KEPT,
		.begin = gateway->decided,
		.end = gateway->decided + 1,
		.last = gateway->error_count,
	};

	if (gateway->error_count > KW_GATEWAY_KEPT)
		matches.first = gateway->error_count - KW_GATEWAY_KEPT;
	while (matches.end < matches.last && matches.end - matches.begin < KW_GATEWAY_TOGETHER_MOST &&
	       waiting(gateway, matches.end)->header.time + KW_GATEWAY_WAIT - KW_GATEWAY_TOGETHER <=
		       gateway->now)
		matches.end++;
	learn_ends(gateway);
	kw_match(&matches, &failures, &gateway->habits);
	gateway->matched = matches.end;
}

bool kw_gateway_next(struct kw_gateway *gateway, struct kw_gateway_error *ret_error)
{
	struct kw_gateway_error error = {0};
	const struct kw_match *decided;

	if (gateway->decided == gateway->error_count)
		return false;
	if (gateway->decided == gateway->matched) {
		if (!is_due(gateway))
			return false;
		match(gateway);
	}
	decided = &gateway->matches[gateway->decided++ % KW_GATEWAY_KEPT];
	error.event = decided->error;
	if (decided->cause && !decided->cause->status) {
		error.confidence = decided->confidence;
		error.cause = failure_of(gateway, decided->cause);
		list_tries(gateway, decided->cause, &error);
	} else if (decided->cause) {
		error.passed = failure_of(gateway, decided->cause);
	}
	*ret_error = error;
	return true;
}
