/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections with both ends on this host show up twice, once from each end. Their ends are met within a second or two
 * of each other, so a table of the latest is enough to count such a connection once, however many there are. Pure. */
#ifndef KEEPWATCH_PAIRS_H
#define KEEPWATCH_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/event.h"

#define KW_PAIRS 8192 /* ends that may wait for the other one; of two for one place, the later waits */

/* Begins with all zeros. */
struct kw_pairs {
	uint64_t waiting[KW_PAIRS]; /* hashes of both endpoints and of the role that was met; 0: none */
};

/* Notes that one end was met. True if the other one was met before. */
bool kw_pairs_meet(struct kw_pairs *pairs, const struct kw_identity *identity);

#endif
