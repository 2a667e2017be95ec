/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/choose.h"

#include "join/contest.h"
#include "join/likely.h"
#include "join/settle.h"

static bool is_short_of_failures(const struct kw_contest *contest)
{
	size_t left = 0;

	for (size_t i = 0; i < contest->key_count; i++)
		left += contest->keys[i]->left;
	return !contest->crowded && contest->error_count > left;
}

static bool is_doubtful(const struct kw_work *work, struct kw_match *match)
{
	struct kw_contest contest = {0};

	if (!match->candidates.count ||
	    !kw_habit_answers_by_itself(kw_habit_at(work, &match->error), &match->error))
		return false;
	kw_contest_gather(work, match, &contest);
	return is_short_of_failures(&contest);
}

/* The error whose likeliest failure is the nearest to it; NULL if none has a failure that is left. */
static struct kw_match *nearest(const struct kw_work *work, struct kw_failure_key **ret_key)
{
	struct kw_match *best = NULL;

	for (uint64_t i = work->matches->begin; i < work->matches->end; i++) {
		struct kw_match *match = kw_match_at(work, i);
		struct kw_failure_key *key = match->cause || match->doubtful ? NULL : kw_likeliest(work, match);

		if (!key || (best && kw_distance(*ret_key, &best->error) <= kw_distance(key, &match->error)))
			continue;
		best = match;
		*ret_key = key;
	}
	return best;
}

void kw_choose(const struct kw_work *work)
{
	struct kw_failure_key *key;
	struct kw_match *match;

	for (uint64_t i = work->matches->begin; i < work->matches->end; i++)
		if (!kw_match_at(work, i)->cause)
			kw_match_at(work, i)->doubtful = is_doubtful(work, kw_match_at(work, i));
	while ((match = nearest(work, &key)))
		kw_take(match, key, KW_CONFIDENCE_INFERRED);
}
