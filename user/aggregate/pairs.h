/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections with both ends on this host show up twice, once from each end. Both ends are first reported within a
 * second or two, so a small table of recent ends is enough to find out which two are one connection. Pure. */
#ifndef KEEPWATCH_PAIRS_H
#define KEEPWATCH_PAIRS_H

#include <stdint.h>

#include "include/event.h"

#define KW_PAIRS 8192 /* ends that can wait; of two for the same place, the later replaces the earlier */

struct kw_service_counters;

/* Begins with all zeros. */
struct kw_pairs {
	struct kw_waiting_end {
		uint64_t key;                      /* of the pair; 0: empty */
		struct kw_service_counters *owner; /* that counts this end */
		uint8_t role;                      /* enum kw_role */
	} waiting[KW_PAIRS];
};

/* Notes one end of a connection, counted by @owner. Returns the owner of the other end if that was noted before, else NULL. */
struct kw_service_counters *kw_pairs_meet(struct kw_pairs *pairs, const struct kw_event_connection *event,
					  struct kw_service_counters *owner);

/* Forgets all ends of an owner that goes. */
void kw_pairs_forget(struct kw_pairs *pairs, const struct kw_service_counters *owner);

#endif
