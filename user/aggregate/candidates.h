/* SPDX-License-Identifier: BSD-2-Clause */
/* Services without a place of their own, and how much they matter. Of fixed size: when it is full, the one that matters least
 * makes room, so a flood of names drives out other names that were seen once, and not those that matter. Pure. */
#ifndef KEEPWATCH_CANDIDATES_H
#define KEEPWATCH_CANDIDATES_H

#include "aggregate/weight.h"
#include "event/service.h"

#define KW_CANDIDATES 512

/* Begins with all zeros. */
struct kw_candidates {
	uint32_t count;
	uint32_t hashes[KW_CANDIDATES]; /* of the services, so that most are passed over at a glance */
	struct kw_candidate {
		struct kw_service service;
		struct kw_weight weight;
		uint64_t number; /* the higher, the later it came */
	} list[KW_CANDIDATES];
	uint64_t seen; /* candidates so far */
};

/* Finds the service, or adds it. The result is valid until the next call. */
struct kw_candidate *kw_candidates_note(struct kw_candidates *candidates, const struct kw_service *service,
					uint64_t now);

/* The one that matters most at @now, or NULL if there is none. */
struct kw_candidate *kw_candidates_best(struct kw_candidates *candidates, uint64_t now);

/* Forgets the service, if it is there. */
void kw_candidates_forget(struct kw_candidates *candidates, const struct kw_service *service);

/* Forgets one of the list. */
void kw_candidates_remove(struct kw_candidates *candidates, struct kw_candidate *candidate);

#endif
