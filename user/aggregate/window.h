/* SPDX-License-Identifier: BSD-2-Clause */
/* A sliding window of statistics: a row of time spans. When a new span begins, the oldest is dropped. */
#ifndef KEEPWATCH_WINDOW_H
#define KEEPWATCH_WINDOW_H

#include "aggregate/window_statistics.h"

#define KW_SPANS 10

struct kw_span {
	uint64_t number;                         /* time / length */
	struct kw_window_statistics *statistics; /* owned; NULL until the first event in this place */
};

/* Begins with all zeros. A window of length 0 never slides: it is the whole observation. */
struct kw_window {
	struct kw_span spans[KW_SPANS];
	struct kw_traffic past; /* the traffic of all spans that are gone */
};

/* A count of recent events over the same window. Begins with all zeros. */
struct kw_recent {
	struct kw_recent_span {
		uint64_t number;
		uint64_t count;
	} spans[KW_SPANS];
};

void kw_recent_add(struct kw_recent *recent, uint64_t length, uint64_t now, uint64_t count);
uint64_t kw_recent_sum(const struct kw_recent *recent, uint64_t length, uint64_t now);

/* The statistics of the span that contains @now, to add to. NULL: out of memory. */
struct kw_window_statistics *kw_window_now(struct kw_window *window, uint64_t length, uint64_t now);

/* Adds up the spans that the window covers at @now. Returns 0 or -ENOMEM; free the result in either case. */
int kw_window_sum(const struct kw_window *window, uint64_t length, uint64_t now,
		  struct kw_window_statistics *ret_sum);

/* Adds up the traffic of the whole observation: that in the window, and that of all spans before. */
void kw_window_total(const struct kw_window *window, struct kw_traffic *ret_total);

/* The sum of one count over the whole observation, without adding up all the others. */
uint64_t kw_window_count(const struct kw_window *window, uint64_t (*count)(const struct kw_traffic *traffic));

/* Adds all of @from, each span to the same span, and empties @from. Returns 0, or -ENOMEM after adding a part. */
int kw_window_merge(struct kw_window *window, struct kw_window *from);

/* Empties the window. Its traffic stays in the total. */
void kw_window_forget(struct kw_window *window);

#endif
