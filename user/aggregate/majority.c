/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/majority.h"

#include <stddef.h>

#include "base/arithmetic.h"

static uint32_t hash_of(uint32_t number)
{
	return number * 0x9e3779b1U >> 26; /* 6 bits: below KW_MAJORITY_HASHES */
}

void kw_majority_add(struct kw_majority *majority, uint32_t number)
{
	majority->count++;
	majority->hashes[hash_of(number)]++;
	for (int bit = 0; bit < 32; bit++)
		majority->bits[bit] += number >> bit & 1;
}

void kw_majority_merge(struct kw_majority *to, const struct kw_majority *from)
{
	const uint64_t *parts = (const uint64_t *)from;
	uint64_t *sums = (uint64_t *)to;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*sums); i++)
		sums[i] += parts[i];
}

uint64_t kw_majority_find(const struct kw_majority *majority, uint32_t *ret_number)
{
	uint64_t most = majority->count;
	uint32_t number = 0;

	for (int bit = 0; bit < 32; bit++) {
		uint64_t set = majority->bits[bit], unset = majority->count - set;

		number |= (uint32_t)(set > unset) << bit;
		most = kw_least(most,
				kw_greatest(set, unset)); /* no more than these agree with the candidate */
	}
	most = kw_least(most, majority->hashes[hash_of(number)]);
	*ret_number = number;
	return 2 * most > majority->count ? most : 0;
}
