/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/gateway_counts.h"

#include <string.h>

#define FIRST (KW_UPSTREAM_OTHER + 1) /* number of the first name */

uint32_t kw_upstream_number(struct kw_upstreams *upstreams, const char *name)
{
	uint32_t at = 0;

	while (at < upstreams->count && strcmp(upstreams->names[at], name) != 0)
		at++;
	if (at == KW_UPSTREAMS)
		return KW_UPSTREAM_OTHER;
	if (at == upstreams->count) {
		strncpy(upstreams->names[at], name, KW_SERVICE_NAME - 1);
		upstreams->count++;
	}
	return FIRST + at;
}

const char *kw_upstream_name(const struct kw_upstreams *upstreams, uint32_t number)
{
	if (number == KW_UPSTREAM_NONE)
		return "none";
	return number < FIRST + upstreams->count && number >= FIRST ? upstreams->names[number - FIRST]
								    : "other";
}

void kw_gateway_counts_add(struct kw_gateway_counts *counts, struct kw_gateway_row row)
{
	for (int i = 0; i < KW_GATEWAY_ROWS; i++) {
		struct kw_gateway_row *at = &counts->rows[i];

		if (!at->count) {
			*at = row;
			return;
		}
		if (at->status == row.status && at->upstream == row.upstream && at->reason == row.reason) {
			at->count += row.count;
			return;
		}
	}
	counts->more[(uint32_t)(row.status - KW_GATEWAY_STATUS) % KW_GATEWAY_STATUSES] += row.count;
}

void kw_gateway_counts_merge(struct kw_gateway_counts *to, const struct kw_gateway_counts *from)
{
	for (int i = 0; i < KW_GATEWAY_ROWS && from->rows[i].count; i++)
		kw_gateway_counts_add(to, from->rows[i]);
	for (int i = 0; i < KW_GATEWAY_STATUSES; i++)
		to->more[i] += from->more[i];
}

uint64_t kw_gateway_counts_sum(const struct kw_gateway_counts *counts, uint16_t status)
{
	uint64_t sum = 0;

	for (int i = 0; i < KW_GATEWAY_ROWS; i++)
		if (!status || counts->rows[i].status == status)
			sum += counts->rows[i].count;
	for (int i = 0; i < KW_GATEWAY_STATUSES; i++)
		if (!status || KW_GATEWAY_STATUS + i == status)
			sum += counts->more[i];
	return sum;
}
