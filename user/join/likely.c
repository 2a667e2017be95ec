/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/likely.h"

static uint64_t between(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Some learn of several failures at once, and then deal with one after the other; some close a connection long after. */
uint64_t kw_distance(const struct kw_failure_key *key, const struct kw_event_gateway *error)
{
	uint64_t learnt = between(key->learnt, error->header.time),
		 last = between(key->last, error->header.time);

	return learnt < last ? learnt : last;
}

bool kw_is_of_another(const struct kw_work *work, const struct kw_failure_key *key,
		      const struct kw_event_gateway *error)
{
	if (key->learnt <= error->header.time)
		return false;
	for (uint64_t i = work->matches->begin; i < work->matches->last; i++) {
		const struct kw_event_gateway *other = &kw_match_at(work, i)->error;

		if (other->header.time > error->header.time && kw_may_cause(key, other) &&
		    kw_is_same_thread(key, other) == kw_is_same_thread(key, error) &&
		    kw_distance(key, other) < kw_distance(key, error))
			return true;
	}
	return false;
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

/* Whether @a is the likelier cause: one that the process knew of before it answered, then the later of two tries, then the nearest
 * in time. A program that answers at once has met no other failure in between. */
static bool is_likelier(const struct kw_failure_key *a, const struct kw_failure_key *b,
			const struct kw_event_gateway *error)
{
	if (is_known_before(a, error) != is_known_before(b, error))
		return is_known_before(a, error);
	if (is_known_before(a, error) && is_next_try(a, b) != is_next_try(b, a))
		return is_next_try(a, b);
	return kw_distance(a, error) < kw_distance(b, error);
}

bool kw_is_stranger(const struct kw_work *work, const struct kw_failure_key *key,
		    const struct kw_event_gateway *error)
{
	return !kw_is_same_thread(key, error) && !kw_habit_has_size(kw_habit_at(work, error), key, error);
}

struct kw_failure_key *kw_likeliest(const struct kw_work *work, const struct kw_match *match)
{
	struct kw_failure_key *best = NULL;

	for (size_t i = 0; i < match->candidates.count; i++) {
		struct kw_failure_key *key = kw_key_at(work, match->candidates.at[i]);

		if (key->left && !kw_is_of_another(work, key, &match->error) &&
		    !kw_is_stranger(work, key, &match->error) &&
		    (!best || is_likelier(key, best, &match->error)))
			best = key;
	}
	return best;
}
