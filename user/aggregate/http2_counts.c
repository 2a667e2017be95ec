/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/http2_counts.h"

#include <stddef.h>

#include "base/arithmetic.h"

const uint32_t kw_peak_bounds[KW_PEAK_BUCKETS - 1] = {0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};

/* A number of a recording that somebody made may fall between two reports: then nothing is new. */
uint32_t kw_http2_new_resets(const struct kw_http2_facts *facts, enum http2_direction side,
			     enum http2_code code)
{
	return (uint32_t)kw_less(facts->sides[side].resets[code], facts->resets_before[side][code]);
}

uint16_t kw_http2_new_fields(const struct kw_http2_facts *facts, enum http2_direction side)
{
	return facts->sides[side].fields & ~facts->fields_before[side] & HTTP2_FORBIDDEN;
}

/* Codes that are not assigned are one, because they have one name. */
static enum http2_code counted(unsigned int code)
{
	return code <= HTTP2_CODE_HTTP_1_1_REQUIRED ? code : HTTP2_CODE_OTHER;
}

static void add_side(struct kw_http2_counts *counts, const struct kw_http2_facts *facts,
		     enum http2_direction by)
{
	const struct kw_http2_side *side = &facts->sides[by];
	uint16_t fields = kw_http2_new_fields(facts, by);

	for (enum http2_code code = 0; code < HTTP2_CODES; code++)
		counts->resets[by][counted(code)] += kw_http2_new_resets(facts, by, code);
	if (side->goaways && !facts->goaways_before[by])
		counts->goaways[by][counted(side->goaway_code)][!!side->graceful]++;
	for (int i = 0; i < KW_FORBIDDEN_FIELDS; i++)
		counts->fields[by][i] += fields >> (HTTP2_NAME_CONNECTION + i) & 1;
}

/* Of a client whose frames could not be followed to the end, the peak is not known. */
static void add_peak(struct kw_http2_counts *counts, const struct kw_http2_side *client)
{
	int i = 0;

	if (client->lost)
		return;
	while (i < KW_PEAK_BUCKETS - 1 && client->peak > kw_peak_bounds[i])
		i++;
	counts->peaks[i]++;
	counts->peaks_sum += client->peak;
}

void kw_http2_counts_add(struct kw_http2_counts *counts, const struct kw_http2_facts *facts, bool closed)
{
	add_side(counts, facts, HTTP2_CLIENT);
	add_side(counts, facts, HTTP2_SERVER);
	if (closed)
		add_peak(counts, &facts->sides[HTTP2_CLIENT]);
}

/* Every field is a count of 64 bits, so these add up as an array of them. */
void kw_http2_counts_merge(struct kw_http2_counts *to, const struct kw_http2_counts *from)
{
	const uint64_t *parts = (const uint64_t *)from;
	uint64_t *sums = (uint64_t *)to;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*sums); i++)
		sums[i] += parts[i];
}

/* As the kernel takes it: below 0 for a moment, where the end of a stream was seen before its beginning. */
static uint32_t open_now(const struct kw_http2_facts *facts)
{
	const struct kw_http2_side *client = &facts->sides[HTTP2_CLIENT], *server = &facts->sides[HTTP2_SERVER];
	int32_t open = (int32_t)(client->begun - client->finished - server->finished);

	return open > 0 ? (uint32_t)open : 0;
}

int64_t kw_http2_more_open(const struct kw_http2_facts *facts, bool closed)
{
	return (closed ? 0 : (int64_t)open_now(facts)) - (int64_t)facts->open_before;
}
