/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/weight.h"

/* The importance of a period @age periods before @period. */
static struct kw_importance of(const struct kw_weight *weight, uint64_t period, uint64_t age)
{
	uint64_t at = weight->period + age - period; /* of importance[]; wraps around where there is none */

	return at < 2 && period >= age ? weight->importance[at] : (struct kw_importance){0};
}

void kw_weight_add(struct kw_weight *weight, uint64_t now, struct kw_importance importance)
{
	uint64_t period = now / KW_WEIGHT_PERIOD;

	if (period > weight->period)
		*weight = (struct kw_weight){.period = period, .importance = {{0}, of(weight, period, 1)}};
	weight->importance[0].lost += importance.lost;
	weight->importance[0].traffic += importance.traffic;
}

struct kw_importance kw_weight_at(const struct kw_weight *weight, uint64_t now)
{
	uint64_t period = now / KW_WEIGHT_PERIOD > weight->period ? now / KW_WEIGHT_PERIOD : weight->period;
	struct kw_importance present = of(weight, period, 0), before = of(weight, period, 1);

	return (struct kw_importance){present.lost + before.lost, present.traffic + before.traffic};
}

bool kw_importance_is_less(struct kw_importance a, struct kw_importance b)
{
	return a.lost != b.lost ? a.lost < b.lost : a.traffic < b.traffic;
}

bool kw_importance_displaces(struct kw_importance newcomer, struct kw_importance holder)
{
	if (newcomer.lost || holder.lost)
		return newcomer.lost > 2 * holder.lost;
	return newcomer.traffic > 2 * holder.traffic;
}
