/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include "base/duration.h"
#include "output/report/print.h"

#define BAR 30
#define GAP 2 /* most empty rows in succession; longer gaps become one line */

/* Sorts closes into the wider buckets of reuses. A whole bin goes to the bucket of its mean. */
static void closes_by_bucket(const struct kw_sketch *close, uint64_t ret_buckets[KW_HISTOGRAM_BUCKETS])
{
	memset(ret_buckets, 0, KW_HISTOGRAM_BUCKETS * sizeof(*ret_buckets));
	for (uint32_t i = 0; i < close->used; i++) {
		uint64_t ns = close->bins[i].sum / close->bins[i].count * KW_US;

		ret_buckets[kw_histogram_bucket(kw_histogram_bounds[KW_HISTOGRAM_IDLE], ns)] +=
			close->bins[i].count;
	}
}

static uint64_t highest(const uint64_t buckets[KW_HISTOGRAM_BUCKETS])
{
	uint64_t most = 1;

	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
		if (buckets[i] > most)
			most = buckets[i];
	return most;
}

/* Draws a bar; any count above 0 gets at least one mark. */
static void bar(char ret_bar[BAR + 1], char mark, uint64_t count, uint64_t most)
{
	size_t length = (size_t)(count * BAR / most) + (count && count * BAR < most);

	memset(ret_bar, mark, length);
	ret_bar[length] = '\0';
}

static void row(FILE *file, int bucket, const uint64_t *reused, const uint64_t *closed)
{
	uint64_t bound = kw_histogram_bounds[KW_HISTOGRAM_IDLE][bucket];
	char left[BAR + 1], right[BAR + 1], upto[KW_DURATION_TEXT] = "more";

	if (bound != KW_NEVER)
		kw_duration_print(bound, upto);
	bar(left, '#', reused[bucket], highest(reused));
	bar(right, 'x', closed[bucket], highest(closed));
	fprintf(file, "  %10s |%-*s %9" PRIu64 " |%-*s %9" PRIu64 "\n", upto, BAR, left, reused[bucket], BAR,
		right, closed[bucket]);
}

void kw_report_histogram(FILE *file, const struct kw_assessment *service)
{
	const uint64_t *reused = service->sum.traffic.reuse_idle.buckets;
	uint64_t closed[KW_HISTOGRAM_BUCKETS];
	int first = 0, last = KW_HISTOGRAM_BUCKETS - 1, empty = 0;

	closes_by_bucket(&service->sum.close_idle, closed);
	while (first < last && !reused[first] && !closed[first])
		first++;
	while (last > first && !reused[last] && !closed[last])
		last--;
	fprintf(file, "  %10s  %-*s %9s  %-*s %9s\n", "up to", BAR, "used again after (#)", "", BAR,
		"closed after (x)", "");
	for (int i = first; i <= last; i++) {
		if (reused[i] || closed[i] || empty < GAP)
			row(file, i, reused, closed);
		else if (empty == GAP)
			fprintf(file, "  %10s |\n", "...");
		empty = reused[i] || closed[i] ? 0 : empty + 1;
	}
}
