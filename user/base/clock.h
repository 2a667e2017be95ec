/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's monotonic clock, in which every event is timed, and how to get from it to the time of day. */
#ifndef KEEPWATCH_CLOCK_H
#define KEEPWATCH_CLOCK_H

#include <stdint.h>

#include "include/units.h"

/* Added to a monotonic time, @offset gives nanoseconds since 1970 UTC. It changes when the system's time is set. */
struct kw_clock {
	int64_t offset;
};

/* Reads both clocks, in the order that gives the least error. */
void kw_clock_read(struct kw_clock *ret_clock);

/* CLOCK_MONOTONIC now, ns. */
uint64_t kw_clock_monotonic(void);

#endif
