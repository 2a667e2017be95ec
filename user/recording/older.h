/* SPDX-License-Identifier: BSD-2-Clause */
/* Events as earlier versions of keepwatch recorded them: without the fields that came since. */
#ifndef KEEPWATCH_OLDER_H
#define KEEPWATCH_OLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "include/event.h"

/* Room for an event of any kind that was shorter. */
union kw_older_event {
	struct kw_event_header header; /* of all kinds */
	struct kw_event_history history;
	struct kw_event_totals totals;
};

/* Whether a recording whose events of connections have these sizes can be read; 0: its header does not give them. */
bool kw_older_is_known(size_t connection_size, size_t history_size);

/* Brings an event of an earlier version into the present layout; the fields that it lacks are 0. Returns true if it was one:
 * then *ret_event holds the event, and its header says how much of that is in use. */
bool kw_older_renew(const void *data, size_t size, union kw_older_event *ret_event);

#endif
