/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/order.h"

#include "join/settle.h"

/* Whether the thread of the error has answered another request with an error between these times. */
static bool answered_between(const struct kw_work *work, const struct kw_event_gateway *error, uint64_t since,
			     uint64_t until)
{
	for (uint64_t i = work->matches->first; i < work->matches->last; i++) {
		const struct kw_event_gateway *other = &kw_match_at(work, i)->error;

		if (other->thread == error->thread && other->header.time > since && other->header.time < until)
			return true;
	}
	return false;
}

/* The failure that the error's thread learnt of last before it answered, if it had answered another one after all before. A
 * thread that answers what it has learnt of before it goes on can have had only that one in hand. NULL if it is not so. */
static const struct kw_failure_key *in_hand(const struct kw_work *work, const struct kw_match *match)
{
	const struct kw_failure_key *latest = NULL;
	uint64_t before = 0;

	for (size_t i = 0; i < match->candidates.count; i++) {
		const struct kw_failure_key *key = kw_key_at(work, match->candidates.at[i]);

		if (!key->left)
			continue;
		if (!kw_is_same_thread(key, &match->error) || key->last > match->error.header.time)
			return NULL;
		if (latest && key->learnt < latest->learnt) {
			before = key->learnt > before ? key->learnt : before;
			continue;
		}
		before = latest ? latest->learnt : before;
		latest = key;
	}
	if (!latest || !before || !answered_between(work, &match->error, before, latest->learnt))
		return NULL;
	return latest;
}

void kw_narrow_by_thread_order(const struct kw_work *work)
{
	for (uint64_t i = work->matches->begin; i < work->matches->end; i++) {
		struct kw_match *match = kw_match_at(work, i);
		const struct kw_failure_key *key;

		if (match->cause || match->candidates.crowded ||
		    !kw_habit_answers_last(kw_habit_at(work, &match->error)))
			continue;
		key = in_hand(work, match);
		if (key)
			kw_narrow_to(work, match, key);
	}
}

/* The failure of the last try, if the gateway sent the request again after all others were over, and no other error may be due
 * to that. NULL if it is not so. */
static const struct kw_failure_key *last_try(const struct kw_work *work, const struct kw_match *match)
{
	const struct kw_failure_key *last = NULL;

	for (size_t i = 0; i < match->candidates.count; i++) {
		const struct kw_failure_key *key = kw_key_at(work, match->candidates.at[i]);

		if (key->left && (!last || key->began > last->began))
			last = key;
	}
	if (!last || kw_claims(work, last, false) > 1 ||
	    !kw_habit_fits_size(kw_habit_at(work, &match->error), last, &match->error))
		return NULL;
	for (size_t i = 0; i < match->candidates.count; i++) {
		const struct kw_failure_key *key = kw_key_at(work, match->candidates.at[i]);

		if (key->left && key != last && key->last > last->began)
			return NULL;
	}
	return last;
}

void kw_narrow_by_tries(const struct kw_work *work)
{
	for (uint64_t i = work->matches->begin; i < work->matches->end; i++) {
		struct kw_match *match = kw_match_at(work, i);
		const struct kw_failure_key *key =
			match->cause || match->candidates.crowded ? NULL : last_try(work, match);

		if (key)
			kw_narrow_to(work, match, key);
	}
}

static void keep_last_tries(const struct kw_work *work, struct kw_match *match)
{
	struct kw_causes kept = {0};

	for (size_t i = 0; i < match->candidates.count; i++) {
		const struct kw_failure_key *key = kw_key_at(work, match->candidates.at[i]);

		if (!kw_is_sent_again(work->failures, key, &match->error))
			kept.at[kept.count++] = match->candidates.at[i];
	}
	match->narrowed |= kept.count < match->candidates.count;
	match->candidates = kept;
}

void kw_narrow_by_next_tries(const struct kw_work *work)
{
	for (uint64_t i = work->matches->begin; i < work->matches->end; i++) {
		struct kw_match *match = kw_match_at(work, i);

		if (!match->cause && !match->candidates.crowded &&
		    kw_habit_tries_again(kw_habit_at(work, &match->error)))
			keep_last_tries(work, match);
	}
}
