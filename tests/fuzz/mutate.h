/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes an event in place: its layout stays, and a number in it becomes one that is hard to get right. */
#ifndef KEEPWATCH_FUZZ_MUTATE_H
#define KEEPWATCH_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed);

static inline uint32_t mutate_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Overwrites a number of 1, 2, 4 or 8 bytes. */
static inline void mutate_number(uint8_t *at, size_t size, uint32_t *random)
{
	static const uint64_t numbers[] = {0, 1, 2, 3, 4, 16, 255, 1000000000, 60000000000, ~0ULL};
	size_t width = (size_t)1 << mutate_random(random) % 4, places = size / width;
	uint64_t number = numbers[mutate_random(random) % (sizeof(numbers) / sizeof(numbers[0]))];
	uint32_t how = mutate_random(random) % 4, shift = mutate_random(random) % 64;

	if (!places)
		return;
	if (how == 0)
		number = 1ULL << shift;
	else if (how == 1)
		number = (1ULL << shift) - 1;
	else if (how == 2)
		memcpy(&number, at + mutate_random(random) % places * width, width);
	memcpy(at + mutate_random(random) % places * width, &number, width);
}

/* Changes the @size bytes at @at, which stay as many. */
static inline void mutate_in_place(uint8_t *at, size_t size, uint32_t *random)
{
	if (size && mutate_random(random) % 3 == 0) {
		LLVMFuzzerMutate(at, size, size);
		return;
	}
	for (uint32_t i = 0; i <= mutate_random(random) % 4; i++)
		mutate_number(at, size, random);
}

#endif
