/* SPDX-License-Identifier: BSD-2-Clause */
/* Events that are missing: how many, and what can be done about it. */
#ifndef KEEPWATCH_LOSSES_H
#define KEEPWATCH_LOSSES_H

#include "event/decode.h"

/* The latest counts. They only grow. */
struct kw_losses {
	uint64_t dropped; /* lost on the way to user space: kw_totals_lost() */
	uint64_t unseen;  /* openings and closes that the kernel showed to no program */
};

/* Openings and closes that the kernel showed to no program. Its hidden softirqs are not among them, because most of
 * them did nothing to a connection. */
uint64_t kw_unseen_lost(const struct kw_event_unseen *unseen);

/* Takes the counts that the event brings, if it brings any. */
void kw_losses_note(struct kw_losses *losses, const struct kw_event *event);

/* The number of events that were lost in all. */
uint64_t kw_losses_all(const struct kw_losses *losses);

/* The words that follow "3 events were lost: "; to be used only if there are any. */
const char *kw_losses_hint(const struct kw_losses *losses);

#endif
