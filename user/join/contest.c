/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/contest.h"

#include "join/settle.h"

static bool add_key(struct kw_contest *contest, struct kw_failure_key *key)
{
	for (size_t i = 0; i < contest->key_count; i++)
		if (contest->keys[i] == key)
			return false;
	contest->crowded |= contest->key_count == KW_CONTEST;
	if (contest->crowded)
		return false;
	contest->keys[contest->key_count++] = key;
	return true;
}

static bool add_error(struct kw_contest *contest, struct kw_match *match)
{
	for (size_t i = 0; i < contest->error_count; i++)
		if (contest->errors[i] == match)
			return false;
	contest->crowded |= contest->error_count == KW_CONTEST;
	if (contest->crowded)
		return false;
	contest->errors[contest->error_count++] = match;
	return true;
}

static bool add_keys_of(const struct kw_work *work, struct kw_contest *contest, const struct kw_match *match)
{
	bool grown = false;

	for (size_t i = 0; i < match->candidates.count; i++)
		if (kw_key_at(work, match->candidates.at[i])->left)
			grown |= add_key(contest, kw_key_at(work, match->candidates.at[i]));
	return grown;
}

static bool shares(const struct kw_work *work, const struct kw_contest *contest, const struct kw_match *match)
{
	for (size_t i = 0; i < contest->key_count; i++)
		if (kw_is_left_to(work, match, contest->keys[i]))
			return true;
	return false;
}

void kw_contest_gather(const struct kw_work *work, struct kw_match *match, struct kw_contest *contest)
{
	bool grown = add_error(contest, match) && add_keys_of(work, contest, match);

	while (grown && !contest->crowded) {
		grown = false;
		for (uint64_t i = work->matches->begin; i < work->matches->end; i++) {
			struct kw_match *other = kw_match_at(work, i);

			if (!other->cause && shares(work, contest, other) && add_error(contest, other))
				grown |= add_keys_of(work, contest, other);
		}
	}
}
