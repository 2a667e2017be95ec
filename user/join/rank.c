/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/rank.h"

#include "join/settle.h"

#define RANKED 32

/* Errors and failures of one thread, where each may belong to several of the others. */
struct contest {
	struct kw_match *errors[RANKED];
	struct kw_failure_key *keys[RANKED];
	size_t error_count, key_count;
	bool crowded;
};

static bool add_key(struct contest *contest, struct kw_failure_key *key)
{
	for (size_t i = 0; i < contest->key_count; i++)
		if (contest->keys[i] == key)
			return false;
	contest->crowded |= contest->key_count == RANKED;
	if (contest->crowded)
		return false;
	contest->keys[contest->key_count++] = key;
	return true;
}

static bool add_error(struct contest *contest, struct kw_match *match)
{
	for (size_t i = 0; i < contest->error_count; i++)
		if (contest->errors[i] == match)
			return false;
	contest->crowded |= contest->error_count == RANKED;
	if (contest->crowded)
		return false;
	contest->errors[contest->error_count++] = match;
	return true;
}

static bool add_keys_of(const struct kw_work *work, struct contest *contest, const struct kw_match *match)
{
	bool grown = false;

	for (size_t i = 0; i < match->candidates.count; i++)
		if (kw_key_at(work, match->candidates.at[i])->left)
			grown |= add_key(contest, kw_key_at(work, match->candidates.at[i]));
	return grown;
}

static bool shares(const struct kw_work *work, const struct contest *contest, const struct kw_match *match)
{
	for (size_t i = 0; i < contest->key_count; i++)
		if (kw_is_left_to(work, match, contest->keys[i]))
			return true;
	return false;
}

/* All errors that compete with this one, and those that compete with them, and so on. */
static void gather(const struct kw_work *work, struct kw_match *match, struct contest *contest)
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

static size_t rank_of_error(const struct contest *contest, const struct kw_match *match, bool by_end)
{
	size_t rank = 0;

	for (size_t i = 0; i < contest->error_count; i++) {
		const struct kw_event_gateway *other = &contest->errors[i]->error;

		rank += by_end ? other->header.time < match->error.header.time
			       : other->started < match->error.started;
	}
	return rank;
}

static struct kw_failure_key *key_of_rank(const struct contest *contest, size_t rank, bool by_end)
{
	for (size_t i = 0; i < contest->key_count; i++) {
		struct kw_failure_key *key = contest->keys[i];
		size_t before = 0;

		for (size_t j = 0; j < contest->key_count; j++)
			before += by_end ? contest->keys[j]->learnt < key->learnt
					 : contest->keys[j]->began < key->began;
		if (before == rank)
			return key;
	}
	return NULL;
}

/* The failure with the same rank among the failures as the error has among the errors, both by their beginnings and by their
 * ends; NULL if these differ. */
static struct kw_failure_key *of_same_rank(const struct kw_work *work, const struct contest *contest,
					   const struct kw_match *match)
{
	struct kw_failure_key *first = key_of_rank(contest, rank_of_error(contest, match, false), false);
	const struct kw_failure_key *second = key_of_rank(contest, rank_of_error(contest, match, true), true);

	return first && first == second && first->left == 1 && kw_is_left_to(work, match, first) &&
			       kw_is_same_thread(first, &match->error) &&
			       match->error.thread == contest->errors[0]->error.thread
		       ? first
		       : NULL;
}

/* Fills in the failure of each error's rank. Returns false if one has none. */
static bool rank_all(const struct kw_work *work, const struct contest *contest,
		     struct kw_failure_key *ret_keys[RANKED])
{
	if (contest->crowded || contest->error_count != contest->key_count)
		return false;
	for (size_t i = 0; i < contest->error_count; i++) {
		ret_keys[i] = of_same_rank(work, contest, contest->errors[i]);
		if (!ret_keys[i] || contest->errors[i]->candidates.crowded)
			return false;
	}
	return true;
}

static void settle_by_rank(const struct kw_work *work, struct kw_match *match)
{
	struct contest contest = {0};
	struct kw_failure_key *keys[RANKED];
	bool proven;

	gather(work, match, &contest);
	proven = rank_all(work, &contest, keys);
	for (size_t i = 0; i < contest.error_count; i++) {
		contest.errors[i]->ranked = true;
		if (proven)
			kw_take(contest.errors[i], keys[i], KW_CONFIDENCE_CERTAIN);
	}
}

void kw_settle_ranks(const struct kw_work *work)
{
	for (uint64_t i = work->matches->begin; i < work->matches->end; i++) {
		struct kw_match *match = kw_match_at(work, i);

		if (!match->cause && !match->ranked && match->candidates.count)
			settle_by_rank(work, match);
	}
}
