/* SPDX-License-Identifier: BSD-2-Clause */
/* How many connections of a service have stayed half-closed for over KW_LEAK_AGE. Nothing is kept of a single
 * one: they are counted by when the peer's FIN came, which both the record that says so and the one that takes
 * it back know. */
#ifndef KEEPWATCH_LEAKS_H
#define KEEPWATCH_LEAKS_H

#include "aggregate/window_statistics.h"

#define KW_LEAK_TICK (4 * KW_S)
#define KW_LEAK_CELLS 16 /* one more than make up KW_LEAK_AGE */

struct kw_leak_cell {
	int64_t count;
	struct kw_example example; /* the latest; cookie 0: it is gone */
};

/* Begins with all zeros. */
struct kw_leaks {
	uint64_t now;                             /* in ticks */
	struct kw_leak_cell fresh[KW_LEAK_CELLS]; /* by tick of the FIN */
	int64_t old;
	struct kw_examples examples; /* of the old ones */
};

/* Lets time pass. */
void kw_leaks_advance(struct kw_leaks *leaks, uint64_t now);

/* One connection becomes half-closed, or is so no more; @peer_fin is when the FIN came. */
void kw_leaks_enter(struct kw_leaks *leaks, uint64_t peer_fin, struct kw_example example);
void kw_leaks_leave(struct kw_leaks *leaks, uint64_t peer_fin, struct kw_example example);

#endif
