/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Units of time. Every time and duration, on both sides, is a number of nanoseconds. */
#ifndef KEEPWATCH_UNITS_H
#define KEEPWATCH_UNITS_H

#define KW_US (1000ULL)
#define KW_MS (1000ULL * KW_US)
#define KW_S (1000ULL * KW_MS)
#define KW_NEVER (~0ULL >> 1) /* later than any time, and still positive as a signed number */

#endif
