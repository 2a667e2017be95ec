/* SPDX-License-Identifier: BSD-2-Clause */
/* How much a service matters, when there are more services than places: first by the requests that it lost lately, then by the
 * traffic that it had. Lately means the present period and the one before, so the past is forgotten by itself. Pure. */
#ifndef KEEPWATCH_WEIGHT_H
#define KEEPWATCH_WEIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "include/units.h"

#define KW_WEIGHT_PERIOD (300 * KW_S)

struct kw_importance {
	uint64_t lost;    /* requests, or closes that were too soon */
	uint64_t traffic; /* connections that came about, and requests */
};

/* Begins with all zeros. */
struct kw_weight {
	uint64_t period; /* number of the period of the first below; the second is of the one before */
	struct kw_importance importance[2];
};

/* Adds what an event brought; @now: monotonic ns. */
void kw_weight_add(struct kw_weight *weight, uint64_t now, struct kw_importance importance);

/* The sum of both periods, as of @now. */
struct kw_importance kw_weight_at(const struct kw_weight *weight, uint64_t now);

/* Whether @a matters less than @b. */
bool kw_importance_is_less(struct kw_importance a, struct kw_importance b);

/* Whether @newcomer matters so much more than @holder that it gets its place: more than twice as much, so that two which matter
 * nearly the same do not take turns. */
bool kw_importance_displaces(struct kw_importance newcomer, struct kw_importance holder);

#endif
