/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEEPWATCH_ARITHMETIC_H
#define KEEPWATCH_ARITHMETIC_H

#include <stdint.h>

static inline uint64_t kw_least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t kw_greatest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* @a less @b, and never below 0. */
static inline uint64_t kw_less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

#endif
