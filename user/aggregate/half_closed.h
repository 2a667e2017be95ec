/* SPDX-License-Identifier: BSD-2-Clause */
/* How many connections of a service have stayed half-closed for over KW_HALF_CLOSED_AGE. It keeps nothing about a single
 * connection: it counts them by the time of the peer's FIN, which is in the record that reports the FIN and also in
 * the one that reports the end. */
#ifndef KEEPWATCH_HALF_CLOSED_H
#define KEEPWATCH_HALF_CLOSED_H

#include "aggregate/window_statistics.h"

#define KW_HALF_CLOSED_TICK (4 * KW_S)
#define KW_HALF_CLOSED_CELLS 16 /* the cells of KW_HALF_CLOSED_AGE, and one for the present tick */

struct kw_half_closed_cell {
	int64_t count;
	struct kw_example example; /* the latest connection; cookie 0: it has closed since */
};

/* Begins with all zeros. */
struct kw_half_closed {
	uint64_t now;                                           /* in ticks */
	struct kw_half_closed_cell fresh[KW_HALF_CLOSED_CELLS]; /* by tick of the FIN */
	int64_t old;
	struct kw_examples examples; /* connections half-closed for over KW_HALF_CLOSED_AGE */
};

/* Moves on to the time @now, monotonic ns. */
void kw_half_closed_advance(struct kw_half_closed *half_closed, uint64_t now);

/* Counts a connection that becomes half-closed, or that stops being so; @peer_fin is the time of the peer's FIN. */
void kw_half_closed_enter(struct kw_half_closed *half_closed, uint64_t peer_fin, struct kw_example example);
void kw_half_closed_leave(struct kw_half_closed *half_closed, uint64_t peer_fin, struct kw_example example);

/* Adds all of @from, as of @now. */
void kw_half_closed_merge(struct kw_half_closed *half_closed, struct kw_half_closed *from, uint64_t now);

#endif
