/* SPDX-License-Identifier: BSD-2-Clause */
/* The counters of a service, as tests of the aggregate look at them. */
#ifndef KEEPWATCH_TEST_COUNTERS_OF_H
#define KEEPWATCH_TEST_COUNTERS_OF_H

#include <string.h>

#include "aggregate/aggregate.h"

/* NULL: the service has no place. */
static inline const struct kw_service_counters *counters_of(const struct kw_aggregate *aggregate,
							    const char *name)
{
	for (const struct kw_service_counters *counters = aggregate->services; counters;
	     counters = counters->hh.next)
		if (strcmp(counters->service.name, name) == 0)
			return counters;
	return NULL;
}

/* All that was ever counted; valid until the next call. */
static inline const struct kw_traffic *traffic_of(const struct kw_service_counters *counters)
{
	static struct kw_traffic total;

	kw_window_total(&counters->window, &total);
	return &total;
}

#endif
