/* SPDX-License-Identifier: BSD-2-Clause */
/* The counts of a service that loses its place go on in another's, and no sum over all services changes. */
#ifndef KEEPWATCH_ABSORB_H
#define KEEPWATCH_ABSORB_H

#include "aggregate/counters.h"

/* Adds all counts of @from to @to, and leaves nothing in @from that is to be counted again. Statistics of the window go to the
 * same spans. @window: ns, its length; @now: monotonic ns. Returns 0, or -ENOMEM after adding a part. */
int kw_counters_absorb(struct kw_service_counters *to, struct kw_service_counters *from, uint64_t window,
		       uint64_t now);

#endif
