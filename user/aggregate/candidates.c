/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/candidates.h"

#include <string.h>

/* FNV-1a, over a struct without bytes that mean nothing. */
static uint32_t hash_of(const struct kw_service *service)
{
	const uint8_t *bytes = (const uint8_t *)service;
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < sizeof(*service); i++)
		hash = (hash ^ bytes[i]) * 16777619U;
	return hash;
}

/* Of two that matter the same, the older one goes. */
static struct kw_candidate *least_of(struct kw_candidates *candidates, uint64_t now)
{
	struct kw_candidate *least = &candidates->list[0];
	struct kw_importance lowest = kw_weight_at(&least->weight, now);

	for (uint32_t i = 1; i < candidates->count; i++) {
		struct kw_candidate *candidate = &candidates->list[i];
		struct kw_importance importance = kw_weight_at(&candidate->weight, now);

		if (kw_importance_is_less(lowest, importance) ||
		    (!kw_importance_is_less(importance, lowest) && candidate->number > least->number))
			continue;
		least = candidate;
		lowest = importance;
	}
	return least;
}

static struct kw_candidate *find(struct kw_candidates *candidates, const struct kw_service *service,
				 uint32_t hash)
{
	for (uint32_t at = 0; at < candidates->count; at++)
		if (candidates->hashes[at] == hash &&
		    memcmp(&candidates->list[at].service, service, sizeof(*service)) == 0)
			return &candidates->list[at];
	return NULL;
}

struct kw_candidate *kw_candidates_note(struct kw_candidates *candidates, const struct kw_service *service,
					uint64_t now)
{
	uint32_t hash = hash_of(service), at;
	struct kw_candidate *found = find(candidates, service, hash);

	if (found)
		return found;
	if (candidates->count == KW_CANDIDATES)
		kw_candidates_remove(candidates, least_of(candidates, now));
	at = candidates->count++;
	candidates->hashes[at] = hash;
	candidates->list[at] = (struct kw_candidate){.service = *service, .number = candidates->seen++};
	return &candidates->list[at];
}

struct kw_candidate *kw_candidates_best(struct kw_candidates *candidates, uint64_t now)
{
	struct kw_candidate *best = candidates->count ? &candidates->list[0] : NULL;

	for (uint32_t i = 1; i < candidates->count; i++)
		if (kw_importance_is_less(kw_weight_at(&best->weight, now),
					  kw_weight_at(&candidates->list[i].weight, now)))
			best = &candidates->list[i];
	return best;
}

void kw_candidates_forget(struct kw_candidates *candidates, const struct kw_service *service)
{
	struct kw_candidate *found = find(candidates, service, hash_of(service));

	if (found)
		kw_candidates_remove(candidates, found);
}

void kw_candidates_remove(struct kw_candidates *candidates, struct kw_candidate *candidate)
{
	uint32_t at = (uint32_t)(candidate - candidates->list), last = --candidates->count;

	candidates->list[at] = candidates->list[last];
	candidates->hashes[at] = candidates->hashes[last];
}
