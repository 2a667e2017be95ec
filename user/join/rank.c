/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/rank.h"

#include "join/contest.h"
#include "join/settle.h"

static size_t rank_of_error(const struct kw_contest *contest, const struct kw_match *match, bool by_end)
{
	size_t rank = 0;

	for (size_t i = 0; i < contest->error_count; i++) {
		const struct kw_event_gateway *other = &contest->errors[i]->error;

		rank += by_end ? other->header.time < match->error.header.time
			       : other->started < match->error.started;
	}
	return rank;
}

static struct kw_failure_key *key_of_rank(const struct kw_contest *contest, size_t rank, bool by_end)
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
static struct kw_failure_key *of_same_rank(const struct kw_work *work, const struct kw_contest *contest,
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
static bool rank_all(const struct kw_work *work, const struct kw_contest *contest,
		     struct kw_failure_key *ret_keys[KW_CONTEST])
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
	struct kw_contest contest = {0};
	struct kw_failure_key *keys[KW_CONTEST];
	bool proven;

	kw_contest_gather(work, match, &contest);
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
