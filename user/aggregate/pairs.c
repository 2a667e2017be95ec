/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/pairs.h"

#include <stddef.h>

#include "join/pair_key.h"

struct kw_service_counters *kw_pairs_meet(struct kw_pairs *pairs, const struct kw_event_connection *event,
					  struct kw_service_counters *owner)
{
	uint64_t key = kw_pair_key(event);
	struct kw_waiting_end *place = &pairs->waiting[key >> 32 & (KW_PAIRS - 1)];

	if (!key)
		return NULL;
	if (place->key == key && place->role != event->identity.role) {
		place->key = 0;
		return place->owner;
	}
	*place = (struct kw_waiting_end){.key = key, .owner = owner, .role = event->identity.role};
	return NULL;
}

void kw_pairs_forget(struct kw_pairs *pairs, const struct kw_service_counters *owner)
{
	for (size_t i = 0; i < KW_PAIRS; i++)
		if (pairs->waiting[i].owner == owner)
			pairs->waiting[i] = (struct kw_waiting_end){0};
}
