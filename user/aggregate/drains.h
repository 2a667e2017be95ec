/* SPDX-License-Identifier: BSD-2-Clause */
/* Drains: a reload, a deploy or a stop closes idle connections all at once, whatever their idle age; a timeout
 * closes each at the same age. So closes by the server wait here, gathered by when they happened, until it is
 * settled which they were. */
#ifndef KEEPWATCH_DRAINS_H
#define KEEPWATCH_DRAINS_H

#include <stdbool.h>
#include <stdint.h>

#include "aggregate/window_statistics.h"

#define KW_DRAIN_CELL (10 * KW_MS)
#define KW_DRAIN_CELLS 256 /* that wait at most; then the oldest is settled */
#define KW_DRAINS 16       /* the latest that are remembered */

/* One close by the server, or one request that it lost. */
struct kw_drain_close {
	uint64_t closed; /* monotonic ns */
	int64_t idle;    /* ns; below 0: it was not closed as an idle one */
	bool race;       /* a request met it closing, or closed */
	bool at_once;    /* the server closed right after its response: no timeout */
	enum kw_reason reason;
	uint64_t uncovered; /* requests that it lost, and that no finding but lost_requests may cover */
	bool early;         /* before the advertised timeout */
	bool unannounced;   /* right after a response: does not make a drain, but is part of one */
	struct kw_lost_requests lost;
	struct kw_example example;
};

/* Closes within KW_DRAIN_CELL. */
struct kw_drain_cell {
	uint64_t index;  /* time / KW_DRAIN_CELL */
	bool drained;    /* part of a drain */
	uint64_t closed; /* idle connections */
	uint64_t lost;
	struct kw_not_drained pending; /* counts if this was no drain */
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
