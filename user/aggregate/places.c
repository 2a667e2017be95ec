/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/absorb.h"
#include "base/arithmetic.h"

#define CHANGES_PERIOD (3600 * KW_S)

static void forget_ends(struct kw_aggregate *aggregate, const struct kw_service_counters *counters)
{
	kw_pairs_forget(&aggregate->pairs, counters);
	for (struct kw_service_counters *other = aggregate->services; other; other = other->hh.next)
		if (other->server_end == counters)
			other->server_end = NULL;
}

static void drop(struct kw_aggregate *aggregate, struct kw_service_counters *counters)
{
	forget_ends(aggregate, counters);
	HASH_DEL(aggregate->services, counters);
	kw_window_forget(&counters->window);
	kw_drains_free(&counters->drains);
	free(counters);
}

void kw_places_close(struct kw_aggregate *aggregate)
{
	struct kw_service_counters *counters, *next;

	HASH_ITER (hh, aggregate->services, counters, next)
		drop(aggregate, counters);
}

static bool is_other(const struct kw_service *service)
{
	return strcmp(service->name, KW_OTHER_SERVICE) == 0 && service->peer[0] == '\0';
}

/* Counts a service that got no place, once per name. The table of hashes is small, so with very many names some
 * collide and the count is too low, which is good enough for a warning. */
static void refuse(struct kw_aggregate *aggregate, const struct kw_service *service)
{
	uint32_t hash, bit;

	HASH_FUNCTION(service, sizeof(*service), hash);
	bit = hash % (sizeof(aggregate->refused) * 8);
	if (aggregate->refused[bit / 8] & 1 << bit % 8)
		return;
	aggregate->refused[bit / 8] |= (uint8_t)(1 << bit % 8);
	aggregate->dropped[KW_SERVICE_DROPPED_CEILING]++;
}

struct kw_service kw_places_other_name(uint32_t role)
{
	struct kw_service other = {.role = role};

	strcpy(other.name, KW_OTHER_SERVICE);
	return other;
}

struct kw_service_counters *kw_places_find(const struct kw_aggregate *aggregate,
					   const struct kw_service *service)
{
	struct kw_service_counters *counters;

	HASH_FIND(hh, aggregate->services, service, sizeof(*service), counters);
	return counters;
}

/* NULL: out of memory. */
static struct kw_service_counters *add(struct kw_aggregate *aggregate, const struct kw_service *service)
{
	struct kw_service_counters *counters = calloc(1, sizeof(*counters));

	if (!counters)
		return NULL;
	counters->service = *service;
	HASH_ADD(hh, aggregate->services, service, sizeof(counters->service), counters);
	aggregate->count += !is_other(service);
	return counters;
}

struct kw_service_counters *kw_places_other(struct kw_aggregate *aggregate, uint32_t role)
{
	struct kw_service other = kw_places_other_name(role);
	struct kw_service_counters *counters = kw_places_find(aggregate, &other);

	return counters ? counters : add(aggregate, &other);
}

/* ---- who has a place ---- */

/* In an hour as many places may change hands as there are, all at once or one by one: each such change costs Prometheus a
 * service's series, and lies about services are cheap. */
static bool may_change(struct kw_aggregate *aggregate)
{
	uint64_t cost = CHANGES_PERIOD / aggregate->ceiling;
	uint64_t taken_to = kw_greatest(aggregate->places_taken_to, aggregate->now);

	if (taken_to + cost > aggregate->now + CHANGES_PERIOD)
		return false;
	aggregate->places_taken_to = taken_to + cost;
	return true;
}

/* Of the services that have a place, the one that matters least; NULL if even that matters too much to be displaced. Looks at
 * all of them only if the least of the last look, since when they can only have grown, would be displaced. */
static struct kw_service_counters *displaceable(struct kw_aggregate *aggregate, struct kw_importance newcomer)
{
	struct kw_service_counters *least = NULL;
	struct kw_importance lowest = {0};

	if (aggregate->least.period == aggregate->now / KW_WEIGHT_PERIOD)
		lowest = kw_weight_at(&aggregate->least, aggregate->now);
	if (!kw_importance_displaces(newcomer, lowest))
		return NULL;
	for (struct kw_service_counters *at = aggregate->services; at; at = at->hh.next) {
		struct kw_importance importance = kw_weight_at(&at->weight, aggregate->now);

		if (is_other(&at->service) || (least && !kw_importance_is_less(importance, lowest)))
			continue;
		least = at;
		lowest = importance;
	}
	if (least)
		aggregate->least = least->weight;
	return least && kw_importance_displaces(newcomer, lowest) ? least : NULL;
}

/* Whether any connect to the service succeeded. A service that nobody reached gives way without using up a change, so that refused
 * connects do not use up those of the others. */
static bool is_reached(const struct kw_service_counters *counters)
{
	struct kw_traffic total;

	kw_window_total(&counters->window, &total);
	return kw_traffic_seen(&total) > 0;
}

static int displace(struct kw_aggregate *aggregate, struct kw_service_counters *counters)
{
	struct kw_service_counters *other = kw_places_other(aggregate, counters->service.role);
	int r = other ? kw_counters_absorb(other, counters, aggregate->window, aggregate->now) : -ENOMEM;

	if (r < 0)
		return r;
	kw_candidates_note(&aggregate->candidates, &counters->service, aggregate->now)->weight =
		counters->weight;
	drop(aggregate, counters);
	aggregate->count--;
	aggregate->dropped[KW_SERVICE_DROPPED_DISPLACED]++;
	return 0;
}

/* Gives the candidate a place if it matters enough; *ret_counters is NULL if not. Returns 0 or -ENOMEM. */
static int try_place(struct kw_aggregate *aggregate, struct kw_candidate *candidate,
		     struct kw_service_counters **ret_counters)
{
	struct kw_importance importance = kw_weight_at(&candidate->weight, aggregate->now);
	struct kw_service_counters *least = displaceable(aggregate, importance);
	struct kw_candidate placed = *candidate;
	int r;

	*ret_counters = NULL;
	if (!least || (is_reached(least) && !may_change(aggregate)))
		return 0;
	kw_candidates_remove(&aggregate->candidates, candidate);
	r = displace(aggregate, least);
	if (r < 0)
		return r;
	*ret_counters = add(aggregate, &placed.service);
	if (!*ret_counters)
		return -ENOMEM;
	(*ret_counters)->weight = placed.weight;
	return 0;
}

/* A service with a new event when all places are taken. Returns its counters if it gets a place, else those of "other". NULL:
 * out of memory. */
static struct kw_service_counters *compete(struct kw_aggregate *aggregate, const struct kw_service *service,
					   struct kw_importance importance)
{
	struct kw_service_counters *counters = NULL;
	struct kw_candidate *candidate;

	if (importance.lost || importance.traffic) {
		candidate = kw_candidates_note(&aggregate->candidates, service, aggregate->now);
		kw_weight_add(&candidate->weight, aggregate->now, importance);
		if (try_place(aggregate, candidate, &counters) < 0)
			return NULL;
	}
	if (counters)
		return counters;
	refuse(aggregate, service);
	return kw_places_other(aggregate, service->role);
}

struct kw_service_counters *kw_places_of(struct kw_aggregate *aggregate, const struct kw_service *service,
					 struct kw_importance importance)
{
	struct kw_service_counters *counters = kw_places_find(aggregate, service);

	if (!counters && !is_other(service) && aggregate->count >= aggregate->ceiling)
		return compete(aggregate, service, importance);
	if (!counters) {
		kw_candidates_forget(&aggregate->candidates, service);
		counters = add(aggregate, service);
	}
	if (counters)
		kw_weight_add(&counters->weight, aggregate->now, importance);
	return counters;
}

/* One that had no event since a place became cheaper, or that had to wait for its turn. */
static int place_best(struct kw_aggregate *aggregate)
{
	struct kw_candidate *best = kw_candidates_best(&aggregate->candidates, aggregate->now);
	struct kw_service_counters *counters;

	return best && aggregate->count >= aggregate->ceiling ? try_place(aggregate, best, &counters) : 0;
}

static void let_idle_go(struct kw_aggregate *aggregate, uint64_t now)
{
	struct kw_service_counters *counters, *next;

	HASH_ITER (hh, aggregate->services, counters, next) {
		if (counters->open > 0 || is_other(&counters->service) ||
		    now < counters->last_event + KW_SERVICE_IDLE)
			continue;
		drop(aggregate, counters);
		aggregate->count--;
		aggregate->dropped[KW_SERVICE_DROPPED_IDLE]++;
	}
}

int kw_places_settle(struct kw_aggregate *aggregate)
{
	let_idle_go(aggregate, aggregate->now);
	return place_best(aggregate);
}
