/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/top/rates.h"

#include <stdlib.h>
#include <uthash.h>

#include "base/arithmetic.h"

struct kw_rate {
	struct kw_service service; /* the key */
	uint64_t requests;
	uint64_t closes;
	struct kw_rates_result latest;
	uint64_t round; /* in which these were taken */
	UT_hash_handle hh;
};

void kw_rates_begin(struct kw_rates *rates, uint64_t started, uint64_t time)
{
	uint64_t passed = kw_less(time, rates->round ? rates->time : started);

	rates->round++;
	rates->seconds = passed < KW_RATES_LEAST ? 0 : (double)passed / 1e9;
	if (rates->seconds > 0 || rates->round == 1)
		rates->time = time;
}

static struct kw_rate *find_or_add(struct kw_rates *rates, const struct kw_service *service)
{
	struct kw_rate *rate;

	HASH_FIND(hh, rates->table, service, sizeof(*service), rate);
	if (rate)
		return rate;
	rate = calloc(1, sizeof(*rate));
	if (!rate)
		return NULL;
	rate->service = *service;
	HASH_ADD(hh, rates->table, service, sizeof(*service), rate);
	return rate;
}

static double per_second(const struct kw_rates *rates, uint64_t now, uint64_t before)
{
	return (double)kw_less(now, before) / rates->seconds;
}

/* Without memory for it a service has no rate. */
struct kw_rates_result kw_rates_take(struct kw_rates *rates, const struct kw_service *service,
				     uint64_t requests, uint64_t closes)
{
	struct kw_rate *rate = find_or_add(rates, service);

	if (!rate)
		return (struct kw_rates_result){0};
	rate->round = rates->round;
	if (rates->seconds > 0) {
		rate->latest = (struct kw_rates_result){.requests = per_second(rates, requests, rate->requests),
							.closes = per_second(rates, closes, rate->closes)};
		rate->requests = requests;
		rate->closes = closes;
	}
	return rate->latest;
}

void kw_rates_end(struct kw_rates *rates)
{
	struct kw_rate *rate, *next;

	HASH_ITER (hh, rates->table, rate, next) {
		if (rate->round == rates->round)
			continue;
		HASH_DEL(rates->table, rate);
		free(rate);
	}
}

void kw_rates_close(struct kw_rates *rates)
{
	rates->round++;
	kw_rates_end(rates);
}
