/* SPDX-License-Identifier: BSD-2-Clause */
/* How numbers are distributed, in little memory: each is counted in a bin, of which there are 64 to a power of
 * two. Numbers below 64 have a bin of their own. A bin keeps its numbers' sum, so what is read from it is their
 * mean: off by less than 1/64 of the number, mostly by far less. Only bins that hold something take memory, 16
 * bytes each; of times in microseconds up to an hour there can be 1,700, and in practice there are a few. */
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
	uint64_t least; /* exact; of no meaning while count is 0 */
	uint64_t most;  /* likewise */
};

/* -ENOMEM, and nothing was added. */
int kw_sketch_add(struct kw_sketch *sketch, uint64_t value);

/* Adds all of @from. -ENOMEM, and a part may have been added. */
int kw_sketch_merge(struct kw_sketch *sketch, const struct kw_sketch *from);

/* Empties it; its memory is kept for the next numbers. */
void kw_sketch_clear(struct kw_sketch *sketch);

void kw_sketch_free(struct kw_sketch *sketch);

/* The number that @share of all (0 to 1) do not exceed; 0 if there are none. */
uint64_t kw_sketch_quantile(const struct kw_sketch *sketch, double share);

/* How many numbers are @least or more; one bin's are taken for their mean. */
uint64_t kw_sketch_count_from(const struct kw_sketch *sketch, uint64_t least);

/* The least number that is @least or more, as far as bins tell them apart; 0 if there is none. */
uint64_t kw_sketch_least_from(const struct kw_sketch *sketch, uint64_t least);

struct kw_cluster {
	uint64_t count;
	uint64_t mean;
};

/* The cluster that holds most: numbers of which the highest is above the lowest by 5% at most, or by @width if
 * that is more. Of two that hold as many, the lower. */
struct kw_cluster kw_sketch_cluster(const struct kw_sketch *sketch, uint64_t width);

#endif
