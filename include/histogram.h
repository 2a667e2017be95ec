/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The time histograms that a connection gathers in the kernel: six buckets a decade (1, 1.5, 2.5, 3.5, 5, 7.5), so a
 * quantile read from them is off by a factor of at most 1.7. Kernel, user space and the Prometheus exposition use the
 * same bounds, so nothing is ever sorted into other buckets. */
#ifndef KEEPWATCH_HISTOGRAM_H
#define KEEPWATCH_HISTOGRAM_H

#include "types.h"
#include "units.h"

#define KW_HISTOGRAM_BUCKETS 44 /* the last one has no upper bound */
#define KW_HISTOGRAM_STEPS 6    /* buckets a decade */
#define KW_HISTOGRAM_LAST 42    /* number of bounds below the last full decade */
#define KW_HISTOGRAM_TABLE 48   /* whole decades, padded with KW_NEVER */

enum kw_histogram {
	KW_HISTOGRAM_IDLE, /* idle time before a connection was used again: 1 ms to 1 h */
	KW_HISTOGRAM_WAIT, /* last byte of a request to the first byte of its response: 10 us to 100 s */
	KW_HISTOGRAM_MAX,
};

#define KW_DECADE(unit) 10 * (unit), 15 * (unit), 25 * (unit), 35 * (unit), 50 * (unit), 75 * (unit)

/* Inclusive upper bounds in nanoseconds ("le" in Prometheus' words). */
static const __u64 kw_histogram_bounds[KW_HISTOGRAM_MAX][KW_HISTOGRAM_TABLE] = {
	[KW_HISTOGRAM_IDLE] = {KW_DECADE(KW_MS / 10), KW_DECADE(KW_MS), KW_DECADE(10 * KW_MS),
			       KW_DECADE(100 * KW_MS), KW_DECADE(KW_S), KW_DECADE(10 * KW_S), 1000 * KW_S,
			       1500 * KW_S, 2500 * KW_S, 3600 * KW_S,
			       [40 ... KW_HISTOGRAM_TABLE - 1] = KW_NEVER},
	[KW_HISTOGRAM_WAIT] = {KW_DECADE(KW_US), KW_DECADE(10 * KW_US), KW_DECADE(100 * KW_US),
			       KW_DECADE(KW_MS), KW_DECADE(10 * KW_MS), KW_DECADE(100 * KW_MS), KW_DECADE(KW_S),
			       100 * KW_S, [43 ... KW_HISTOGRAM_TABLE - 1] = KW_NEVER},
};

/* The bucket of a duration below 2^63, 0 to KW_HISTOGRAM_BUCKETS - 1: the number of smaller bounds. Without branches: first the
 * decade, then the place within it. A branch for each decade would have the verifier walk all that follows once for each. */
KW_INLINE __u32 kw_histogram_bucket(const __u64 *bounds, __u64 ns)
{
	__u32 at = 0, within = 0;

	for (__u32 i = KW_HISTOGRAM_STEPS - 1; i < KW_HISTOGRAM_LAST; i += KW_HISTOGRAM_STEPS)
		at += (bounds[i] - ns) >> 63;
	at *= KW_HISTOGRAM_STEPS;
	for (__u32 i = 0; i < KW_HISTOGRAM_STEPS - 1; i++)
		within += (bounds[at + i] - ns) >> 63;
	return at + within;
}

/* Four counts of 16 bits, each less its own in @told, which was told before; a count that has wrapped since is the smaller one. */
KW_INLINE __u64 kw_histogram_news(__u64 counts, __u64 told)
{
	const __u64 tops = 0x8000800080008000ULL; /* set meanwhile, so that none borrows from the next */

	return ((counts | tops) - (told & ~tops)) ^ ((counts ^ ~told) & tops);
}

#endif
