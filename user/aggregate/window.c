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

struct kw_statistics *kw_window_now(struct kw_window *window, uint64_t length, uint64_t now)
{
	uint64_t number = number_of(length, now);
	struct kw_span *span = &window->spans[number % KW_SPANS];

	if (!span->statistics)
		span->statistics = calloc(1, sizeof(*span->statistics));
	else if (span->number != number)
		kw_statistics_clear(span->statistics);
	span->number = number;
	return span->statistics;
}

/* Adds the newest span first, so that its examples come first. */
int kw_window_sum(const struct kw_window *window, uint64_t length, uint64_t now, struct kw_statistics *ret_sum)
{
	uint64_t number = number_of(length, now);
	int r = 0;

	memset(ret_sum, 0, sizeof(*ret_sum));
	for (uint64_t age = 0; age < KW_SPANS && age <= number && r == 0; age++) {
		const struct kw_span *span = &window->spans[(number - age) % KW_SPANS];

		if (span->statistics && span->number == number - age)
			r = kw_statistics_merge(ret_sum, span->statistics);
	}
	return r;
}

void kw_window_free(struct kw_window *window)
{
	for (int i = 0; i < KW_SPANS; i++) {
		if (window->spans[i].statistics)
			kw_statistics_free(window->spans[i].statistics);
		free(window->spans[i].statistics);
		window->spans[i].statistics = NULL;
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
