/* SPDX-License-Identifier: BSD-2-Clause */
#include "recording/recording.h"

#include <string.h>

#define LANES 4
#define PRIME 0x9e3779b97f4a7c15ULL /* any odd number with well-spread bits would do */

static uint64_t load(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* Computes four sums side by side, because a single one would have to wait for each multiplication. Each step maps
 * the sum one to one, so damage to a single word is always found; other damage is missed once in 2^64 cases. */
uint64_t kw_recording_checksum(const struct kw_frame_head *head, const void *payload)
{
	uint64_t lanes[LANES] = {head->size, head->type, PRIME, ~PRIME};
	const uint8_t *bytes = payload;
	size_t words = head->size / sizeof(uint64_t), at = 0;
	uint64_t sum = 0;

	for (; at + LANES <= words; at += LANES)
		for (int i = 0; i < LANES; i++) {
			lanes[i] = (lanes[i] ^ load(bytes + (at + (size_t)i) * 8)) * PRIME;
			lanes[i] ^= lanes[i] >> 32;
		}
	for (; at < words; at++) {
		lanes[at % LANES] = (lanes[at % LANES] ^ load(bytes + at * 8)) * PRIME;
		lanes[at % LANES] ^= lanes[at % LANES] >> 32;
	}
	for (int i = 0; i < LANES; i++) {
		sum = (sum ^ lanes[i]) * PRIME;
		sum ^= sum >> 29;
	}
	return sum;
}
