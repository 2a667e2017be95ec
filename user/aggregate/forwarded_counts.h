/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections on which a service sent on fields that were meant for one connection only. Of fixed size, and names that others
 * choose are bounded. Pure. */
#ifndef KEEPWATCH_FORWARDED_COUNTS_H
#define KEEPWATCH_FORWARDED_COUNTS_H

#include "event/field_names.h"
#include "join/audit.h"

#define KW_FORWARDED_NAMES 6 /* names that are not registered: the first so many are kept */

/* Begins with all zeros. Each connection counts once for each field. */
struct kw_forwarded_counts {
	uint64_t connections;
	uint64_t fields[2][KW_FIELDS];                   /* by enum http1_direction, and by kw_field_names */
	char others[KW_FORWARDED_NAMES][HTTP1_WORD + 1]; /* names among "other"; an empty one ends the list */
	uint32_t
		timeout; /* the longest that a Keep-Alive field among them promised, seconds; 0: there was none */
};

void kw_forwarded_counts_add(struct kw_forwarded_counts *counts, const struct kw_forwarded *forwarded);
void kw_forwarded_counts_merge(struct kw_forwarded_counts *to, const struct kw_forwarded_counts *from);

#endif
