/* SPDX-License-Identifier: BSD-2-Clause */
/* Which things of a model are shown, and in which order. Pure. */
#ifndef KEEPWATCH_TOP_ARRANGE_H
#define KEEPWATCH_TOP_ARRANGE_H

#include "output/top/model.h"

/* The columns of the table of services, by which it can be sorted. */
enum kw_top_column {
	KW_TOP_BY_WORST, /* no column: the order of the report */
	KW_TOP_BY_SERVICE,
	KW_TOP_BY_ROLE,
	KW_TOP_BY_PROTOCOL,
	KW_TOP_BY_OPEN,
	KW_TOP_BY_IDLE,
	KW_TOP_BY_STREAMS,
	KW_TOP_BY_REQUESTS,
	KW_TOP_BY_REUSE,
	KW_TOP_BY_CLOSES,
	KW_TOP_BY_LOST,
	KW_TOP_BY_TIMEOUT,
	KW_TOP_BY_MARGIN,
	KW_TOP_BY_REASON,
	KW_TOP_COLUMNS,
};

#define KW_TOP_FILTER 64

/* Which things are shown, and in which order. */
struct kw_top_choice {
	enum kw_top_column sort;
	bool reversed;
	uint32_t role;              /* enum kw_role; KW_ROLE_UNKNOWN: all */
	char filter[KW_TOP_FILTER]; /* a part of a name, in any case of letters; empty: all */
};

/* Fills in the lists of what is shown. Where the column leaves an order open, and for the column KW_TOP_BY_WORST, the order is that
 * of the report. */
void kw_top_arrange(struct kw_top_model *model, const struct kw_top_choice *choice);

#endif
