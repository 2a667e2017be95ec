/* SPDX-License-Identifier: BSD-2-Clause */
/* A histogram of the idle times where reuses and closes meet, because requests get lost there. Times far from that are summed up
 * in a row above and one below. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/duration.h"
#include "output/report/print.h"

#define BAR 30      /* columns of the longest bar, if no terminal asks for another width */
#define BAR_LEAST 8 /* the same for a narrow terminal */
#define BAR_MOST 60 /* and for a wide one */
#define NOT_BARS 36 /* columns of a row besides its two bars */
#define AROUND 3    /* rows that are shown beyond the two that meet, on either side */
#define GAP 2       /* most empty rows in succession; longer gaps become one line */

/* All counts, the rows of them that are shown one by one, and the highest counts of these. */
struct histogram {
	const uint64_t *reused;
	uint64_t closed[KW_HISTOGRAM_BUCKETS];
	int first, last;
	uint64_t most_reused, most_closed; /* 1 or more */
	int bar;                           /* columns */
};

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

static int bucket_of(uint64_t ns)
{
	return (int)kw_histogram_bucket(kw_histogram_bounds[KW_HISTOGRAM_IDLE], ns);
}

static bool is_empty(const struct histogram *histogram, int bucket)
{
	return !histogram->reused[bucket] && !histogram->closed[bucket];
}

/* Finds the rows around the longest idle time before a reuse and the server's timeout, or half of the closes if that is not
 * known. */
static void zoom(struct histogram *histogram, const struct kw_assessment *service)
{
	const struct kw_window_statistics *sum = &service->sum;
	int reuse = bucket_of(sum->reuse_idle_max), last = KW_HISTOGRAM_BUCKETS - 1;
	int close = bucket_of(service->server_idle.known ? (uint64_t)(service->server_idle.seconds * 1e9)
							 : kw_sketch_quantile(&sum->close_idle, 0.5) * KW_US);

	histogram->first = (reuse < close ? reuse : close) - AROUND;
	histogram->last = (reuse > close ? reuse : close) + AROUND;
	histogram->first = histogram->first > 0 ? histogram->first : 0;
	histogram->last = histogram->last < last ? histogram->last : last;
	while (histogram->first < histogram->last && is_empty(histogram, histogram->first))
		histogram->first++;
	while (histogram->last > histogram->first && is_empty(histogram, histogram->last))
		histogram->last--;
}

static void scale(struct histogram *histogram, int width)
{
	int bar = width ? (width - NOT_BARS) / 2 : BAR;

	bar = bar > BAR_LEAST ? bar : BAR_LEAST;
	histogram->bar = bar < BAR_MOST ? bar : BAR_MOST;
	histogram->most_reused = histogram->most_closed = 1;
	for (int i = histogram->first; i <= histogram->last; i++) {
		if (histogram->reused[i] > histogram->most_reused)
			histogram->most_reused = histogram->reused[i];
		if (histogram->closed[i] > histogram->most_closed)
			histogram->most_closed = histogram->closed[i];
	}
}

/* ---- rows ---- */

/* Draws a bar of at most @longest columns; any count above 0 gets at least one mark. */
static void bar(char ret_bar[BAR_MOST + 1], int longest, char mark, uint64_t count, uint64_t most)
{
	size_t length = (size_t)((double)count / (double)most * longest);

	length += count && !length;
	memset(ret_bar, mark, length);
	ret_bar[length] = '\0';
}

static void print_row(FILE *file, const struct histogram *histogram, const char *name, const char *left,
		      uint64_t reused, const char *right, uint64_t closed)
{
	fprintf(file, "  %10s |%-*s %9" PRIu64 " |%-*s %9" PRIu64 "\n", name, histogram->bar, left, reused,
		histogram->bar, right, closed);
}

static void print_bucket(FILE *file, const struct histogram *histogram, int bucket)
{
	uint64_t bound = kw_histogram_bounds[KW_HISTOGRAM_IDLE][bucket];
	uint64_t reused = histogram->reused[bucket], closed = histogram->closed[bucket];
	char left[BAR_MOST + 1], right[BAR_MOST + 1], upto[KW_DURATION_TEXT] = "more";

	if (bound != KW_NEVER)
		kw_duration_print(bound, upto);
	bar(left, histogram->bar, '#', reused, histogram->most_reused);
	bar(right, histogram->bar, 'x', closed, histogram->most_closed);
	print_row(file, histogram, upto, left, reused, right, closed);
}

/* Sums up the buckets from @from to the one before @end, without a bar; prints nothing if all are empty. */
static void print_rest(FILE *file, const struct histogram *histogram, int from, int end, const char *name)
{
	uint64_t reused = 0, closed = 0;

	for (int i = from; i < end; i++) {
		reused += histogram->reused[i];
		closed += histogram->closed[i];
	}
	if (reused || closed)
		print_row(file, histogram, name, "", reused, "", closed);
}

static void print_buckets(FILE *file, const struct histogram *histogram)
{
	int empty = 0;

	for (int i = histogram->first; i <= histogram->last; i++) {
		empty = is_empty(histogram, i) ? empty + 1 : 0;
		if (empty <= GAP)
			print_bucket(file, histogram, i);
		else if (empty == GAP + 1)
			fprintf(file, "  %10s |\n", "...");
	}
}

/* "longest reuse after 2.023 s, server closes after 2 s": what the rows show only roughly. */
static void print_exact(FILE *file, const struct kw_assessment *service)
{
	fprintf(file, "  longest idle before reuse %s", kw_duration(service->sum.reuse_idle_max).text);
	if (service->counters->has_advertised_timeout)
		fprintf(file, ", timeout advertised %s",
			kw_duration_about(service->counters->advertised_timeout).text);
	if (service->server_idle.known)
		fprintf(file, ", server closes after %s", kw_duration_about(service->server_idle.seconds).text);
	else if (service->client_idle.known)
		fprintf(file, ", client closes after %s", kw_duration_about(service->client_idle.seconds).text);
	if (service->has_margin)
		fprintf(file, ", safe margin %s%s", kw_duration_about(fabs(service->margin)).text,
			service->margin < 0 ? " below zero" : "");
	fputc('\n', file);
}

void kw_report_histogram(FILE *file, const struct kw_assessment *service, int width)
{
	struct histogram histogram = {.reused = service->sum.traffic.reuse_idle.buckets};

	closes_by_bucket(&service->sum.close_idle, histogram.closed);
	zoom(&histogram, service);
	scale(&histogram, width);
	print_exact(file, service);
	fprintf(file, "  %10s  %-*s  %s\n", "up to", histogram.bar + 10, "used again after (#)",
		"closed after (x)");
	print_rest(file, &histogram, 0, histogram.first, "less");
	print_buckets(file, &histogram);
	print_rest(file, &histogram, histogram.last + 1, KW_HISTOGRAM_BUCKETS, "more");
}
