/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/settle.h"

#include "join/likely.h"

void kw_take(struct kw_match *match, struct kw_failure_key *key, enum kw_confidence confidence)
{
	key->left--;
	match->cause = key;
	match->confidence = confidence;
}

void kw_narrow_to(const struct kw_work *work, struct kw_match *match, const struct kw_failure_key *key)
{
	match->candidates = (struct kw_causes){.at = {(uint16_t)(key - work->failures->keys)}, .count = 1};
}

/* The one failure that is left to cause the error; NULL if there is none, or more than one. */
static struct kw_failure_key *only_one(const struct kw_work *work, const struct kw_match *match)
{
	struct kw_failure_key *found = NULL;

	for (size_t i = 0; i < match->candidates.count; i++) {
		struct kw_failure_key *key = kw_key_at(work, match->candidates.at[i]);

		if (key->left && found)
			return NULL;
		if (key->left)
			found = key;
	}
	return match->candidates.crowded ? NULL : found;
}

bool kw_is_left_to(const struct kw_work *work, const struct kw_match *match, const struct kw_failure_key *key)
{
	for (size_t i = 0; i < match->candidates.count; i++)
		if (kw_key_at(work, match->candidates.at[i]) == key)
			return true;
	return false;
}

size_t kw_claims(const struct kw_work *work, const struct kw_failure_key *key, bool only)
{
	size_t count = 0;

	for (uint64_t i = work->matches->begin; i < work->matches->end; i++) {
		const struct kw_match *match = kw_match_at(work, i);

		if (!match->cause)
			count += only ? only_one(work, match) == key : kw_is_left_to(work, match, key);
	}
	return count;
}

/* Whether an error has this failure for itself. It may also have no cause at all, so that all others have theirs proves
 * nothing, unless there never was another candidate, or the request's size, or the thread that woke the one which answered, speaks for this one. */
static bool is_its_own(const struct kw_work *work, const struct kw_match *match,
		       const struct kw_failure_key *key)
{
	const struct kw_habit *habit = kw_habit_at(work, &match->error);
	bool alone =
		match->candidates.count == 1 && !match->narrowed && !kw_is_of_another(work, key, &match->error);

	return kw_claims(work, key,
			 alone || kw_habit_fits_waker(habit, key, &match->error) ||
				 kw_habit_fits_size(habit, key, &match->error)) <= key->left;
}

/* Whether the thread speaks for this failure, or that which woke it, or threads are known to say nothing. */
static bool is_proven(const struct kw_work *work, const struct kw_failure_key *key,
		      const struct kw_event_gateway *error)
{
	return kw_is_same_thread(key, error) || kw_is_waker(key, error) ||
	       (kw_habit_changes_thread(kw_habit_at(work, error)) && !kw_is_stranger(work, key, error));
}

void kw_settle(const struct kw_work *work, bool learn)
{
	bool goes_on = true;

	while (goes_on) {
		goes_on = false;
		for (uint64_t i = work->matches->begin; i < work->matches->end; i++) {
			struct kw_match *match = kw_match_at(work, i);
			struct kw_failure_key *key = match->cause ? NULL : only_one(work, match);

			if (!key || !is_proven(work, key, &match->error) || !is_its_own(work, match, key))
				continue;
			kw_take(match, key, KW_CONFIDENCE_CERTAIN);
			if (learn)
				kw_habit_learn_tries(kw_habit_at(work, &match->error),
						     kw_is_sent_again(work->failures, key, &match->error));
			if (learn && match->candidates.count > 1)
				kw_habit_learn_growth(kw_habit_at(work, &match->error), key, &match->error);
			goes_on = true;
		}
	}
}
