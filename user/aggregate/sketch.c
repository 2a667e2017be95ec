/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/sketch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BITS 6 /* 64 bins to a power of two */
#define CLUSTER_PERCENT 5
#define LOOKED_AT 1024 /* bins by which kw_sketch_limit() finds what is little harm */

static uint32_t index_of(uint64_t value)
{
	uint32_t shift;

	if (value < 1U << BITS)
		return (uint32_t)value;
	shift = 63 - BITS - (uint32_t)__builtin_clzll(value);
	return ((shift + 1) << BITS) + (uint32_t)(value >> shift) - (1U << BITS);
}

/* Index of the first bin not below @index (where to insert it). */
static uint32_t lower_bound(const struct kw_sketch *sketch, uint32_t index)
{
	uint32_t low = 0, high = sketch->used;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (sketch->bins[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int add_bin(struct kw_sketch *sketch, const struct kw_sketch_bin *bin)
{
	uint32_t at = lower_bound(sketch, bin->index);

	if (at < sketch->used && sketch->bins[at].index == bin->index) {
		sketch->bins[at].count += bin->count;
		sketch->bins[at].sum += bin->sum;
		return 0;
	}
	if (sketch->used == sketch->capacity) {
		uint32_t capacity = sketch->capacity ? 2 * sketch->capacity : 4;
		struct kw_sketch_bin *grown = reallocarray(sketch->bins, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		sketch->bins = grown;
		sketch->capacity = capacity;
	}
	memmove(&sketch->bins[at + 1], &sketch->bins[at], (sketch->used - at) * sizeof(*bin));
	sketch->bins[at] = *bin;
	sketch->used++;
	return 0;
}

static void widen(struct kw_sketch *sketch, uint64_t least, uint64_t most)
{
	if (!sketch->count || least < sketch->least)
		sketch->least = least;
	if (!sketch->count || most > sketch->most)
		sketch->most = most;
}

int kw_sketch_add(struct kw_sketch *sketch, uint64_t value)
{
	const struct kw_sketch_bin bin = {.index = index_of(value), .count = 1, .sum = value};
	int r = add_bin(sketch, &bin);

	if (r < 0)
		return r;
	widen(sketch, value, value);
	sketch->count++;
	return 0;
}

int kw_sketch_merge(struct kw_sketch *sketch, const struct kw_sketch *from)
{
	int r = 0;

	if (!from->count)
		return 0;
	for (uint32_t i = 0; i < from->used && r == 0; i++)
		r = add_bin(sketch, &from->bins[i]);
	if (r < 0)
		return r;
	widen(sketch, from->least, from->most);
	sketch->count += from->count;
	return 0;
}

static uint64_t mean_of(const struct kw_sketch_bin *bin)
{
	return bin->sum / bin->count;
}

/* The harm of reading the numbers of two neighbouring bins back as one: how many are moved how far. */
static uint64_t harm_of(const struct kw_sketch_bin *bin, const struct kw_sketch_bin *next)
{
	int64_t distance = (int64_t)index_of(mean_of(next)) - index_of(mean_of(bin));
	uint32_t moved = bin->count < next->count ? bin->count : next->count;

	return distance > 0 ? (uint64_t)distance * moved : 0;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Joins pairs of neighbours where that does no more harm than this; each bin with one other at most. */
static void join(struct kw_sketch *sketch, uint64_t harm)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < sketch->used; i++, kept++) {
		struct kw_sketch_bin *bin = &sketch->bins[i], *next = bin + 1;

		if (i + 1 < sketch->used && harm_of(bin, next) <= harm) {
			next->count += bin->count;
			next->sum += bin->sum;
			i++;
		}
		sketch->bins[kept] = sketch->bins[i];
	}
	sketch->used = kept;
}

/* Joins where it does less harm than in three quarters of all places. */
void kw_sketch_limit(struct kw_sketch *sketch, uint32_t most)
{
	while (sketch->used >= most) {
		uint64_t harms[LOOKED_AT] = {0};
		uint32_t count = sketch->used - 1 < LOOKED_AT ? sketch->used - 1 : LOOKED_AT;

		for (uint32_t i = 0; i < count; i++)
			harms[i] = harm_of(&sketch->bins[i], &sketch->bins[i + 1]);
		qsort(harms, count, sizeof(harms[0]), compare);
		join(sketch, harms[count / 4]);
	}
}

void kw_sketch_clear(struct kw_sketch *sketch)
{
	sketch->used = 0;
	sketch->count = sketch->least = sketch->most = 0;
}

void kw_sketch_free(struct kw_sketch *sketch)
{
	free(sketch->bins);
	*sketch = (struct kw_sketch){0};
}

uint64_t kw_sketch_quantile(const struct kw_sketch *sketch, double share)
{
	double wanted = share * (double)sketch->count;
	uint64_t before = 0;

	for (uint32_t i = 0; i < sketch->used; i++) {
		before += sketch->bins[i].count;
		if ((double)before >= wanted)
			return mean_of(&sketch->bins[i]);
	}
	return sketch->most;
}

uint64_t kw_sketch_count_from(const struct kw_sketch *sketch, uint64_t least)
{
	uint64_t count = 0;

	for (uint32_t i = sketch->used; i > 0 && mean_of(&sketch->bins[i - 1]) >= least; i--)
		count += sketch->bins[i - 1].count;
	return count;
}

uint64_t kw_sketch_least_from(const struct kw_sketch *sketch, uint64_t least)
{
	for (uint32_t i = 0; i < sketch->used; i++)
		if (mean_of(&sketch->bins[i]) >= least)
			return mean_of(&sketch->bins[i]);
	return 0;
}

static uint64_t reach_of(uint64_t lowest, uint64_t width)
{
	uint64_t percent = lowest / 100 * CLUSTER_PERCENT;

	return lowest + (percent > width ? percent : width);
}

struct kw_cluster kw_sketch_cluster(const struct kw_sketch *sketch, uint64_t width)
{
	struct kw_cluster best = {0};
	uint64_t count = 0, sum = 0;
	uint32_t end = 0;

	for (uint32_t start = 0; start < sketch->used; start++) {
		const struct kw_sketch_bin *first = &sketch->bins[start];

		for (; end < sketch->used && mean_of(&sketch->bins[end]) <= reach_of(mean_of(first), width);
		     end++) {
			count += sketch->bins[end].count;
			sum += sketch->bins[end].sum;
		}
		if (count > best.count)
			best = (struct kw_cluster){.count = count, .mean = sum / count};
		count -= first->count;
		sum -= first->sum;
	}
	return best;
}
