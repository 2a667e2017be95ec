/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/sole.h"

#include "join/likely.h"
#include "join/settle.h"

/* Whether another error may be due to this failure: one that waits, or one that was decided without proof. */
static bool has_rival(const struct kw_work *work, const struct kw_match *match,
		      const struct kw_failure_key *key)
{
	for (uint64_t i = work->matches->first; i < work->matches->last; i++) {
		const struct kw_match *other = kw_match_at(work, i);
		bool is_decided = i < work->matches->end && other->confidence == KW_CONFIDENCE_CERTAIN;

		if (other != match && !is_decided && kw_may_cause(key, &other->error))
			return true;
	}
	return false;
}

/* The one failure that must be this error's, because each causes an error and no other can be its. NULL if there is none, or
 * more than one that can be no other's, as the tries of one request are. */
static struct kw_failure_key *sole_of(const struct kw_work *work, const struct kw_match *match)
{
	const struct kw_habit *habit = kw_habit_at(work, &match->error);
	struct kw_failure_key *found = NULL;

	for (size_t i = 0; i < match->candidates.count; i++) {
		struct kw_failure_key *key = kw_key_at(work, match->candidates.at[i]);

		if (!key->left || has_rival(work, match, key))
			continue;
		if (found)
			return NULL;
		found = key;
	}
	return found && found->left == 1 && kw_habit_answers_each(habit, found) ? found : NULL;
}

void kw_settle_sole(const struct kw_work *work)
{
	bool goes_on = true;

	while (goes_on) {
		goes_on = false;
		for (uint64_t i = work->matches->begin; i < work->matches->end; i++) {
			struct kw_match *match = kw_match_at(work, i);
			struct kw_failure_key *key = match->cause ? NULL : sole_of(work, match);

			if (!key || kw_is_stranger(work, key, &match->error))
				continue;
			kw_take(match, key, KW_CONFIDENCE_CERTAIN);
			goes_on = true;
		}
	}
}
