/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t number_of(uint64_t length, uint64_t now)
{
	uint64_t span = length / KW_SPANS;

	return span ? now / span : 0;
}

static void retire(struct kw_window *window, struct kw_window_statistics *statistics)
{
	kw_traffic_merge(&window->past, &statistics->traffic);
	kw_window_statistics_clear(statistics);
}

struct kw_window_statistics *kw_window_now(struct kw_window *window, uint64_t length, uint64_t now)
{
	uint64_t number = number_of(length, now);
	struct kw_span *span = &window->spans[number % KW_SPANS];

	if (!span->statistics)
		span->statistics = calloc(1, sizeof(*span->statistics));
	else if (span->number != number)
		retire(window, span->statistics);
	else
		kw_window_statistics_limit(span->statistics);
	span->number = number;
	return span->statistics;
}

/* Adds the newest span first, so that its examples come first. */
int kw_window_sum(const struct kw_window *window, uint64_t length, uint64_t now,
		  struct kw_window_statistics *ret_sum)
{
	uint64_t number = number_of(length, now);
	int r = 0;

	memset(ret_sum, 0, sizeof(*ret_sum));
	for (uint64_t age = 0; age < KW_SPANS && age <= number && r == 0; age++) {
		const struct kw_span *span = &window->spans[(number - age) % KW_SPANS];

		if (span->statistics && span->number == number - age)
			r = kw_window_statistics_merge(ret_sum, span->statistics);
	}
	return r;
}

void kw_window_total(const struct kw_window *window, struct kw_traffic *ret_total)
{
	*ret_total = window->past;
	for (int i = 0; i < KW_SPANS; i++)
		if (window->spans[i].statistics)
			kw_traffic_merge(ret_total, &window->spans[i].statistics->traffic);
}

uint64_t kw_window_count(const struct kw_window *window, uint64_t (*count)(const struct kw_traffic *traffic))
{
	uint64_t sum = count(&window->past);

	for (int i = 0; i < KW_SPANS; i++)
		if (window->spans[i].statistics)
			sum += count(&window->spans[i].statistics->traffic);
	return sum;
}

/* Of two spans with one place the later one stays; the traffic of the other is past. */
static int merge_span(struct kw_window *window, struct kw_span *span, struct kw_span *from)
{
	struct kw_span older;

	if (span->statistics && span->number == from->number) {
		int r = kw_window_statistics_merge(span->statistics, from->statistics);

		kw_window_statistics_limit(span->statistics);
		return r;
	}
	if (!span->statistics || span->number < from->number) {
		older = *span;
		*span = *from;
		*from = older;
	}
	if (from->statistics)
		kw_traffic_merge(&window->past, &from->statistics->traffic);
	return 0;
}

int kw_window_merge(struct kw_window *window, struct kw_window *from)
{
	int r = 0;

	kw_traffic_merge(&window->past, &from->past);
	for (int i = 0; i < KW_SPANS && r == 0; i++)
		if (from->spans[i].statistics)
			r = merge_span(window, &window->spans[i], &from->spans[i]);
	kw_window_forget(from);
	from->past = (struct kw_traffic){0};
	return r;
}

void kw_window_forget(struct kw_window *window)
{
	for (int i = 0; i < KW_SPANS; i++) {
		struct kw_span *span = &window->spans[i];

		if (span->statistics)
			retire(window, span->statistics);
		free(span->statistics);
		span->statistics = NULL;
	}
}

void kw_recent_add(struct kw_recent *recent, uint64_t length, uint64_t now, uint64_t count)
{
	uint64_t number = number_of(length, now);
	struct kw_recent_span *span = &recent->spans[number % KW_SPANS];

	if (span->number != number)
		*span = (struct kw_recent_span){.number = number};
	span->count += count;
}

uint64_t kw_recent_sum(const struct kw_recent *recent, uint64_t length, uint64_t now)
{
	uint64_t number = number_of(length, now), sum = 0;

	for (uint64_t age = 0; age < KW_SPANS && age <= number; age++) {
		const struct kw_recent_span *span = &recent->spans[(number - age) % KW_SPANS];

		if (span->number == number - age)
			sum += span->count;
	}
	return sum;
}
