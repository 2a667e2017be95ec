/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections with both ends on this host show up twice, once from each end. Both ends are first reported within a
 * second or two, so a small table of recent ends is enough to count each connection once. Pure. */
#ifndef KEEPWATCH_PAIRS_H
#define KEEPWATCH_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/event.h"

#define KW_PAIRS 8192 /* ends that can wait; of two for the same place, the later replaces the earlier */

/* Begins with all zeros. */
struct kw_pairs {
	uint64_t waiting[KW_PAIRS]; /* hash of both endpoints and of the role that was seen; 0: empty */
};

/* Notes one end of a connection. Returns true if the other end was noted before. */
bool kw_pairs_meet(struct kw_pairs *pairs, const struct kw_identity *identity);

#endif
