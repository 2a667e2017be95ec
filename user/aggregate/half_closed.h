/* SPDX-License-Identifier: BSD-2-Clause */
/* How many connections of a service have stayed half-closed for over KW_LEAK_AGE. It keeps nothing about a single
 * connection: it counts them by the time of the peer's FIN, which is in the record that reports the FIN and also in
 * the one that reports the end. */
#ifndef KEEPWATCH_LEAKS_H
#define KEEPWATCH_LEAKS_H

#include "aggregate/window_statistics.h"

#define KW_LEAK_TICK (4 * KW_S)
#define KW_LEAK_CELLS 16 /* the cells of KW_LEAK_AGE, and one for the present tick */

struct kw_leak_cell {
	int64_t count;
	struct kw_example example; /* the latest connection; cookie 0: it has closed since */
};

/* Begins with all zeros. */
struct kw_leaks {
	uint64_t now;                             /* in ticks */
	struct kw_leak_cell fresh[KW_LEAK_CELLS]; /* by tick of the FIN */
	int64_t old;
	struct kw_examples examples; /* connections half-closed for over KW_LEAK_AGE */
};

/* Moves on to the time @now, monotonic ns. */
void kw_leaks_advance(struct kw_leaks *leaks, uint64_t now);

/* Counts a connection that becomes half-closed, or that stops being so; @peer_fin is the time of the peer's FIN. */
void kw_leaks_enter(struct kw_leaks *leaks, uint64_t peer_fin, struct kw_example example);
void kw_leaks_leave(struct kw_leaks *leaks, uint64_t peer_fin, struct kw_example example);

#endif
