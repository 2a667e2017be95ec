/* SPDX-License-Identifier: BSD-2-Clause */
/* The number that more than half of many numbers are, exactly, in little memory and in whatever order they come. If there is such
 * a number, then each of its bits is the bit that more than half of the numbers have there, which makes the candidate. How many
 * numbers have the candidate's hash says how often it came: by chance, few others share it. */
#ifndef KEEPWATCH_MAJORITY_H
#define KEEPWATCH_MAJORITY_H

#include <stdint.h>

#define KW_MAJORITY_HASHES 64

/* Begins with all zeros. */
struct kw_majority {
	uint64_t count;    /* of all numbers */
	uint64_t bits[32]; /* numbers that have this bit */
	uint64_t hashes[KW_MAJORITY_HASHES];
};

void kw_majority_add(struct kw_majority *majority, uint32_t number);
void kw_majority_merge(struct kw_majority *to, const struct kw_majority *from);

/* The number that more than half are; returns how often it came, at the most. 0: there is none. */
uint64_t kw_majority_find(const struct kw_majority *majority, uint32_t *ret_number);

#endif
