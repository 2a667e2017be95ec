/* SPDX-License-Identifier: BSD-2-Clause */
/* Both ends of one connection, where both are on this host: the end that knows more decides for both. A closing record whose
 * verdict the other end may change waits for that end's record; all others pass at once. Stands between the judge and all that
 * shows or counts verdicts. Pure: waiting is measured by the times of events, so a replay joins as the live run did. */
#ifndef KEEPWATCH_BOTH_ENDS_H
#define KEEPWATCH_BOTH_ENDS_H

#include "judge/sink.h"

/* How long a record waits at most: the other end closes within a round trip, or it has not been told at all. */
#define KW_BOTH_ENDS_WAIT KW_S

#define KW_BOTH_ENDS_HELD 256 /* records that can wait; the oldest goes when another one comes */
#define KW_BOTH_ENDS_KEPT                                                                                      \
	2048 /* verdicts kept for an end that may follow; of two for one place the later stays */

struct kw_held_record;
struct kw_kept_end;

struct kw_both_ends {
	struct kw_sink next;         /* takes the events, and the verdicts on which both ends agree */
	struct kw_held_record *held; /* a ring of KW_BOTH_ENDS_HELD; owned, as the next */
	struct kw_kept_end *kept;    /* KW_BOTH_ENDS_KEPT places, found by the key of the pair */
	uint64_t
		held_count; /* records held since the ring was empty: the latest is at (held_count - 1) % KW_BOTH_ENDS_HELD */
	uint64_t passed; /* of these, from the oldest on, those that went on */
	uint64_t now;    /* the latest time of an event */
	bool over;       /* the next sink wants no more */
};

/* @next takes what comes out. Returns 0 or -ENOMEM, which has been logged. */
int kw_both_ends_open(struct kw_both_ends *both, struct kw_sink next);
void kw_both_ends_close(struct kw_both_ends *both);

/* @both must not move in memory while the sink is in use. Errors are those of the next sink. */
struct kw_sink kw_both_ends_sink(struct kw_both_ends *both);

/* No more events come: the records that wait go on as they are, unless the next sink has had enough. Returns 0, or -errno as
 * the next sink does. */
int kw_both_ends_end(struct kw_both_ends *both);

#endif
