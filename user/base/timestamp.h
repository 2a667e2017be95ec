/* SPDX-License-Identifier: BSD-2-Clause */
/* Monotonic times as text. */
#ifndef KEEPWATCH_TIMESTAMP_H
#define KEEPWATCH_TIMESTAMP_H

#include <stdint.h>

#include "base/clock.h"

#define KW_TIMESTAMP 40
#define KW_TIME_OF_DAY 32

/* Date and time in UTC with nanoseconds, as RFC 3339 writes them: "2026-01-01T14:03:22.123456789Z". */
void kw_timestamp(const struct kw_clock *clock, uint64_t monotonic, char ret_text[KW_TIMESTAMP]);

/* Local time of day, to the millisecond: "14:03:22.123". */
void kw_time_of_day(const struct kw_clock *clock, uint64_t monotonic, char ret_text[KW_TIME_OF_DAY]);

#endif
