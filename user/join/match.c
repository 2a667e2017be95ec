/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/match.h"

#include "join/choose.h"
#include "join/order.h"
#include "join/rank.h"
#include "join/settle.h"
#include "join/sole.h"

/* Keeps the candidates that fit, of each error. */
static void narrow(const struct kw_work *work, kw_fits_fn *fits)
{
	for (uint64_t i = work->matches->begin; i < work->matches->end; i++) {
		struct kw_match *match = kw_match_at(work, i);
		size_t before = match->candidates.count;

		if (match->cause)
			continue;
		kw_causes_narrow(&match->candidates, work->failures, kw_habit_at(work, &match->error),
				 &match->error, fits);
		match->narrowed |= match->candidates.count < before;
	}
}

static void learn_wakers(const struct kw_work *work)
{
	for (uint64_t i = work->matches->begin; i < work->matches->end; i++) {
		const struct kw_match *match = kw_match_at(work, i);

		if (match->cause)
			kw_habit_learn_waker(kw_habit_at(work, &match->error), match->cause, &match->error);
	}
}

static void begin(const struct kw_work *work)
{
	for (uint64_t i = work->matches->begin; i < work->matches->end; i++) {
		struct kw_match *match = kw_match_at(work, i);
		const struct kw_event_gateway *error = &match->error;

		match->cause = NULL;
		match->narrowed = match->ranked = match->doubtful = false;
		match->confidence = KW_CONFIDENCE_UNKNOWN;
		kw_causes_list(work->failures, error, kw_habit_at(work, error), &match->candidates);
	}
}

void kw_match(const struct kw_matches *matches, const struct kw_failure_keys *failures,
	      struct kw_habits *habits)
{
	const struct kw_work work = {matches, failures, habits};

	begin(&work);
	kw_settle(&work, true);
	narrow(&work, kw_habit_has_status);
	kw_settle(&work, false);
	narrow(&work, kw_habit_has_size);
	kw_settle(&work, false);
	learn_wakers(&work);
	narrow(&work, kw_habit_fits_waker);
	kw_settle(&work, false);
	kw_narrow_by_next_tries(&work);
	kw_settle(&work, false);
	kw_narrow_by_thread_order(&work);
	kw_settle(&work, false);
	kw_narrow_by_tries(&work);
	kw_settle(&work, false);
	kw_settle_sole(&work);
	kw_settle(&work, false);
	kw_settle_ranks(&work);
	kw_settle(&work, false);
	kw_choose(&work);
}
