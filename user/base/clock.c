/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"

#include <time.h>

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * (int64_t)KW_S + now.tv_nsec;
}

void kw_clock_read(struct kw_clock *ret_clock)
{
	int64_t before = clock_ns(CLOCK_MONOTONIC);
	int64_t real = clock_ns(CLOCK_REALTIME);
	int64_t after = clock_ns(CLOCK_MONOTONIC);

	ret_clock->offset = real - (before + (after - before) / 2);
}

uint64_t kw_clock_monotonic(void)
{
	return (uint64_t)clock_ns(CLOCK_MONOTONIC);
}
