/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/pairs.h"

#include <string.h>

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

static uint64_t mix_end(uint64_t hash, const uint8_t address[16], uint16_t port)
{
	uint64_t words[2];

	memcpy(words, address, sizeof(words));
	return mix(mix(mix(hash, words[0]), words[1]), port);
}

/* A hash that is the same for both ends, because the client's endpoint comes first. The lowest bit is free for the
 * role. */
static uint64_t hash_of(const struct kw_identity *identity)
{
	bool client = identity->role == KW_ROLE_CLIENT;
	uint64_t hash = 1;

	if (client)
		hash = mix_end(hash, identity->local, identity->local_port);
	hash = mix_end(hash, identity->remote, identity->remote_port);
	if (!client)
		hash = mix_end(hash, identity->local, identity->local_port);
	return hash << 1;
}

bool kw_pairs_meet(struct kw_pairs *pairs, const struct kw_identity *identity)
{
	uint64_t hash, *place;

	if (identity->role != KW_ROLE_CLIENT && identity->role != KW_ROLE_SERVER)
		return false;
	hash = hash_of(identity);
	place = &pairs->waiting[hash >> 32 & (KW_PAIRS - 1)];
	if (*place == (hash | (identity->role != KW_ROLE_CLIENT)) || (*place | 1) != (hash | 1)) {
		*place = hash | (identity->role != KW_ROLE_CLIENT);
		return false;
	}
	*place = 0;
	return true;
}
