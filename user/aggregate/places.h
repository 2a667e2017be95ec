/* SPDX-License-Identifier: BSD-2-Clause */
/* Which services have counters of their own. There are as many places as the ceiling says; whoever has none counts as "other".
 * A place goes to the service that matters most: first to those that lost requests lately, then to those with more traffic.
 * Services are named by what local users do, so names cost little: hence a newcomer must matter more than twice as much as
 * the one whose place it takes, and in an hour as many places change hands as there are. */
#ifndef KEEPWATCH_PLACES_H
#define KEEPWATCH_PLACES_H

#include "aggregate/counters.h"

/* The service that counts for all without a place. */
struct kw_service kw_places_other_name(uint32_t role);

/* Its counters, made if there are none. NULL: out of memory. */
struct kw_service_counters *kw_places_other(struct kw_aggregate *aggregate, uint32_t role);

/* The service's own counters, or NULL. */
struct kw_service_counters *kw_places_find(const struct kw_aggregate *aggregate,
					   const struct kw_service *service);

/* The counters for an event of this importance: those of the service, which may get a place by it, or else those of "other".
 * Other services' counters may be gone then. NULL: out of memory. */
struct kw_service_counters *kw_places_of(struct kw_aggregate *aggregate, const struct kw_service *service,
					 struct kw_importance importance);

/* To be called as time passes. Removes services that were idle for long; and lets the one without a place that matters most try
 * for one, because one may have become cheaper, or it may have had to wait for its turn. Returns 0 or -ENOMEM. */
int kw_places_settle(struct kw_aggregate *aggregate);

/* Removes all. */
void kw_places_close(struct kw_aggregate *aggregate);

#endif
