/* SPDX-License-Identifier: BSD-2-Clause */
/* Rates: by how much the counters of each service have grown since the screen before, by the time between. */
#ifndef KEEPWATCH_TOP_RATES_H
#define KEEPWATCH_TOP_RATES_H

#include <stdint.h>

#include "event/service.h"
#include "include/units.h"

struct kw_rate; /* of one service */

/* Begins with all zeros. */
struct kw_rates {
	struct kw_rate *table; /* by service; owned */
	uint64_t round;        /* of kw_rates_begin() */
	uint64_t time;         /* monotonic ns; of this round */
	double seconds; /* between this round and the one before; 0: too little for a rate, so the last one stays */
};

#define KW_RATES_LEAST (KW_S / 2) /* ns from round to round */

/* Begins a round at @time (monotonic ns). The first one counts from @started on. */
void kw_rates_begin(struct kw_rates *rates, uint64_t started, uint64_t time);

/* Takes the present counters of a service, once a round, and returns by how much they grow in a second. */
struct kw_rates_result {
	double requests;
	double closes;
};
struct kw_rates_result kw_rates_take(struct kw_rates *rates, const struct kw_service *service,
				     uint64_t requests, uint64_t closes);

/* Ends the round: forgets services that it did not have. */
void kw_rates_end(struct kw_rates *rates);

void kw_rates_close(struct kw_rates *rates);

#endif
