/* SPDX-License-Identifier: BSD-2-Clause */
/* The distribution of numbers, in little memory: each number is counted in a bin. There are 64 bins between a power
 * of two and the next, and numbers below 64 have a bin each. A bin keeps the sum of its numbers, so a number is read
 * back as the mean of its bin: off by less than 1/64, mostly by far less. Only bins in use take memory, 16 bytes
 * each. Times in microseconds up to an hour can use 1,700 bins, and in practice use a few; kw_sketch_limit() bounds them. */
#ifndef KEEPWATCH_SKETCH_H
#define KEEPWATCH_SKETCH_H

#include <stdint.h>

struct kw_sketch_bin {
	uint32_t index;
	uint32_t count;
	uint64_t sum;
};

/* Begins with all zeros. */
struct kw_sketch {
	struct kw_sketch_bin *bins; /* by index, ascending; owned */
	uint32_t used;
	uint32_t capacity;
	uint64_t count;
	uint64_t least; /* exact; undefined while count is 0 */
	uint64_t most;  /* exact; undefined while count is 0 */
};

/* Returns 0, or -ENOMEM after adding nothing. */
int kw_sketch_add(struct kw_sketch *sketch, uint64_t value);

/* Adds all of @from. Returns 0, or -ENOMEM, perhaps after adding a part. */
int kw_sketch_merge(struct kw_sketch *sketch, const struct kw_sketch *from);

/* Bounds the bins in use: once there are @most (2 or more), some are joined. Bins that lie close together and count little are joined
 * first, so a cluster stays as sharp as it was, and numbers far from it are read back less exactly. Counts stay exact. */
void kw_sketch_limit(struct kw_sketch *sketch, uint32_t most);

/* Empties the sketch, but keeps its memory for the next numbers. */
void kw_sketch_clear(struct kw_sketch *sketch);

void kw_sketch_free(struct kw_sketch *sketch);

/* The number that @share of all (0 to 1) do not exceed; 0 if there are none. */
uint64_t kw_sketch_quantile(const struct kw_sketch *sketch, double share);

/* How many numbers are @least or more; the numbers of a bin count as their mean. */
uint64_t kw_sketch_count_from(const struct kw_sketch *sketch, uint64_t least);

/* The smallest number that is @least or more, to the precision of the bins; 0 if there is none. */
uint64_t kw_sketch_least_from(const struct kw_sketch *sketch, uint64_t least);

struct kw_cluster {
	uint64_t count;
	uint64_t mean;
};

/* The largest cluster: a cluster's highest number is above its lowest by at most 5%, or by @width if that is more. Of
 * two that are equally large, the lower one. */
struct kw_cluster kw_sketch_cluster(const struct kw_sketch *sketch, uint64_t width);

#endif
