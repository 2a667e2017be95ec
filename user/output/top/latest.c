/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/top/latest.h"

#include <uthash.h>

static uint32_t hash_of(const struct kw_service *service)
{
	uint32_t hash;

	HASH_JEN(service, sizeof(*service), hash);
	return hash;
}

/* The oldest close of this owner if it has its share of the places, else the oldest of all. */
static size_t place_for(const struct kw_latest *latest, uint32_t owner)
{
	size_t oldest = 0, own = 0, count = 0;

	for (size_t i = 0; i < KW_LATEST_CLOSES; i++) {
		if (latest->numbers[i] < latest->numbers[oldest])
			oldest = i;
		if (!latest->numbers[i] || latest->owners[i] != owner)
			continue;
		if (!count || latest->numbers[i] < latest->numbers[own])
			own = i;
		count++;
	}
	return count >= KW_LATEST_SHARE ? own : oldest;
}

bool kw_latest_wants(const struct kw_event *event, const struct kw_verdict *verdict)
{
	return verdict || event->late;
}

void kw_latest_note(struct kw_latest *latest, const struct kw_event *event, const struct kw_verdict *verdict,
		    const struct kw_service *service, const char *cgroup)
{
	uint32_t owner = hash_of(service);
	size_t place;

	if (!kw_latest_wants(event, verdict))
		return;
	place = place_for(latest, owner);
	kw_premature_fill(event, verdict, service, cgroup, &latest->closes[place]);
	latest->numbers[place] = ++latest->close_count;
	latest->owners[place] = owner;
}

/* Of a response that was passed on, only the identity of its connection is known. */
static void keep_cause(const struct kw_gateway_error *error, struct kw_latest_gateway *gateway)
{
	if (error->cause)
		kw_keep_close(&error->cause->connection, &error->cause->verdict, &gateway->cause);
	else if (error->passed)
		gateway->cause.connection.identity = error->passed->connection.identity;
}

void kw_latest_note_gateway(struct kw_latest *latest, const struct kw_gateway_error *error,
			    const struct kw_service *service, const struct kw_service *upstream)
{
	struct kw_latest_gateway *gateway = &latest->gateways[latest->gateway_count++ % KW_LATEST_GATEWAYS];

	*gateway = (struct kw_latest_gateway){.service = *service,
					      .event = error->event,
					      .has_cause = error->cause,
					      .is_passed = error->passed,
					      .confidence = error->confidence};
	if (upstream)
		gateway->upstream = *upstream;
	keep_cause(error, gateway);
}

void kw_latest_copy_gateway(const struct kw_latest_gateway *gateway, struct kw_latest_gateway *ret_copy)
{
	*ret_copy = *gateway;
	if (gateway->has_cause)
		kw_keep_close(&gateway->cause.connection, &gateway->cause.verdict, &ret_copy->cause);
}
