/* SPDX-License-Identifier: BSD-2-Clause */
/* Drains: a reload, a deploy or a stop closes idle connections all at once, however long they have been idle, whereas
 * a timeout closes each after the same idle time. A single close does not show which it was. So closes by the server
 * wait here, grouped by the time of the close, until enough of their neighbours are known to settle it. */
#ifndef KEEPWATCH_DRAINS_H
#define KEEPWATCH_DRAINS_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/window_statistics.h"

#define KW_DRAIN_CELL (10 * KW_MS)
#define KW_DRAIN_CELLS 256 /* most cells that wait; when there are more, the oldest is settled */
#define KW_DRAINS 16       /* number of drains that are remembered, the latest ones */

/* One close by the server, or one request that it lost. */
struct kw_drain_close {
	uint64_t closed; /* monotonic ns */
	int64_t idle;    /* ns; idle time at the close; below 0: the connection was not idle */
	bool race;       /* a request met the closing or closed connection */
	bool inferred;   /* the race was within TLS */
	bool at_once;    /* the server closed right after its response, so not at a timeout */
	enum kw_reason reason;
	uint64_t uncovered; /* lost requests that only the finding lost_requests may cover */
	bool early;         /* before the advertised timeout */
	bool unannounced; /* closed right after an unannounced response; does not count towards a drain, but may be part of one */
	struct kw_lost_requests lost;
	struct kw_example example;
};

/* Closes within KW_DRAIN_CELL. */
struct kw_drain_cell {
	uint64_t index;  /* time / KW_DRAIN_CELL */
	bool drained;    /* part of a drain */
	uint64_t closed; /* idle connections */
	uint64_t lost;
	struct kw_not_drained pending; /* statistics to add if this was no drain */
	struct kw_example example;
};

struct kw_drain {
	uint64_t first; /* monotonic ns, to 10 ms */
	uint64_t last;
	uint64_t closed; /* idle connections */
	uint64_t lost;   /* requests */
	struct kw_example example;
};

/* Begins with all zeros. */
struct kw_drains {
	struct kw_drain_cell *cells; /* by index, ascending; owned */
	uint32_t used;
	uint32_t capacity;
	uint64_t count; /* drains settled so far */
	uint32_t remembered;
	struct kw_drain list[KW_DRAINS]; /* ascending */
};

/* Adds a close. When the table is full, its oldest cell is settled first, to *not_drained. -ENOMEM. */
int kw_drains_add(struct kw_drains *drains, const struct kw_drain_close *close,
		  struct kw_not_drained *not_drained);

/* Settles all that happened before @before: closes that were no part of a drain are added to *not_drained. -ENOMEM. */
int kw_drains_settle(struct kw_drains *drains, uint64_t before, struct kw_not_drained *not_drained);

void kw_drains_free(struct kw_drains *drains);

#endif
