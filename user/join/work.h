/* SPDX-License-Identifier: BSD-2-Clause */
/* The errors that are matched together, and what all steps of that work on. */
#ifndef KEEPWATCH_WORK_H
#define KEEPWATCH_WORK_H

#include "join/causes.h"

/* An error and its cause. */
struct kw_match {
	struct kw_event_gateway error;
	struct kw_causes candidates;
	bool narrowed;                /* by more than times and threads */
	bool ranked;                  /* its rank was asked for, and proved nothing */
	bool doubtful;                /* it, or one that it competes with, has no cause */
	struct kw_failure_key *cause; /* NULL if none was found */
	enum kw_confidence confidence;
};

/* Errors in the order in which they came, in a ring of @room. */
struct kw_matches {
	struct kw_match *ring;
	size_t room;
	uint64_t first; /* number of the first that is kept and may be looked at */
	uint64_t begin; /* those from here on are to be matched, */
	uint64_t end;   /* up to here */
	uint64_t last;  /* number behind the last that has come */
};

struct kw_work {
	const struct kw_matches *matches;
	const struct kw_failure_keys *failures;
	struct kw_habits *habits;
};

static inline struct kw_match *kw_match_at(const struct kw_work *work, uint64_t number)
{
	return &work->matches->ring[number % work->matches->room];
}

static inline struct kw_failure_key *kw_key_at(const struct kw_work *work, uint16_t index)
{
	return &work->failures->keys[index];
}

static inline struct kw_habit *kw_habit_at(const struct kw_work *work, const struct kw_event_gateway *error)
{
	return kw_habit_of(work->habits, error->identity.pid, error->header.time);
}

#endif
