/* SPDX-License-Identifier: BSD-2-Clause */
/* How many connections of a service have stayed half-closed for over KW_HALF_CLOSED_AGE. Nothing is kept of a single
 * one: they are counted by when the peer's FIN came, which both the record that says so and the one that takes
 * it back know. */
#ifndef KEEPWATCH_HALF_CLOSED_H
#define KEEPWATCH_HALF_CLOSED_H

#include "aggregate/window_statistics.h"

#define KW_HALF_CLOSED_TICK (4 * KW_S)
#define KW_HALF_CLOSED_CELLS 16 /* one more than make up KW_HALF_CLOSED_AGE */

struct kw_half_closed_cell {
	int64_t count;
	struct kw_example example; /* the latest; cookie 0: it is gone */
};

/* Begins with all zeros. */
struct kw_half_closed {
	uint64_t now;                                           /* in ticks */
	struct kw_half_closed_cell fresh[KW_HALF_CLOSED_CELLS]; /* by tick of the FIN */
	int64_t old;
	struct kw_examples examples; /* of the old ones */
};

/* Lets time pass. */
void kw_half_closed_advance(struct kw_half_closed *half_closed, uint64_t now);

/* One connection becomes half-closed, or is so no more; @peer_fin is when the FIN came. */
void kw_half_closed_enter(struct kw_half_closed *half_closed, uint64_t peer_fin, struct kw_example example);
void kw_half_closed_leave(struct kw_half_closed *half_closed, uint64_t peer_fin, struct kw_example example);

#endif
