/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/forwarded_counts.h"

#include <string.h>

static void add_other(struct kw_forwarded_counts *counts, const char name[HTTP1_WORD + 1])
{
	for (int i = 0; i < KW_FORWARDED_NAMES && name[0]; i++) {
		if (strcmp(counts->others[i], name) == 0)
			return;
		if (!counts->others[i][0]) {
			memcpy(counts->others[i], name, HTTP1_WORD + 1);
			return;
		}
	}
}

void kw_forwarded_counts_add(struct kw_forwarded_counts *counts, const struct kw_forwarded *forwarded)
{
	int direction = forwarded->identity.role == KW_ROLE_CLIENT ? HTTP1_REQUESTS : HTTP1_RESPONSES;

	counts->connections += forwarded->first;
	for (size_t i = 0; i < forwarded->count; i++) {
		int field = kw_field_of(forwarded->names[i]);

		counts->fields[direction][field]++;
		if (field == KW_FIELDS - 1)
			add_other(counts, forwarded->names[i]);
	}
	if (forwarded->timeout > counts->timeout)
		counts->timeout = forwarded->timeout;
}

void kw_forwarded_counts_merge(struct kw_forwarded_counts *to, const struct kw_forwarded_counts *from)
{
	to->connections += from->connections;
	for (int direction = 0; direction < 2; direction++)
		for (int i = 0; i < KW_FIELDS; i++)
			to->fields[direction][i] += from->fields[direction][i];
	for (int i = 0; i < KW_FORWARDED_NAMES; i++)
		add_other(to, from->others[i]);
	if (from->timeout > to->timeout)
		to->timeout = from->timeout;
}
