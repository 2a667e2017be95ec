/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/pair_key.h"

#include <stdbool.h>
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

static bool is_loopback(const uint8_t address[16])
{
	static const uint8_t mapped[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};
	static const uint8_t v6[16] = {[15] = 1};

	return memcmp(address, mapped, sizeof(mapped)) == 0 || memcmp(address, v6, sizeof(v6)) == 0;
}

/* Each network namespace has these addresses. */
static uint64_t mix_namespace(uint64_t hash, const struct kw_identity *identity)
{
	bool same = memcmp(identity->local, identity->remote, sizeof(identity->local)) == 0;

	return same || is_loopback(identity->local) ? mix(hash, identity->netns) : hash;
}

uint64_t kw_pair_key(const struct kw_event_connection *event)
{
	const struct kw_identity *identity = &event->identity;
	bool client = identity->role == KW_ROLE_CLIENT;
	uint64_t hash = 1;

	if (!client && identity->role != KW_ROLE_SERVER)
		return 0;
	if (identity->flow == KW_FLOW_BY_ROLE)
		return mix(mix(hash, client ? identity->isn : event->peer_isn),
			   client ? event->peer_isn : identity->isn) |
		       1;
	if (client)
		hash = mix_end(hash, identity->local, identity->local_port);
	hash = mix_end(hash, identity->remote, identity->remote_port);
	if (!client)
		hash = mix_end(hash, identity->local, identity->local_port);
	return mix_namespace(hash, identity) | 1;
}
