/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of an overview: services that have the two ends of the same connections on this host share one. */
#include "finding/overview.h"

const struct kw_assessment *kw_overview_server_end(const struct kw_overview *overview,
						   const struct kw_assessment *service)
{
	size_t first = 0, end = overview->service_count;

	while (service->server_end && first < end) {
		size_t middle = first + (end - first) / 2;
		const struct kw_assessment *found = overview->by_counters[middle];

		if (found->counters == service->server_end)
			return found;
		if ((uintptr_t)found->counters < (uintptr_t)service->server_end)
			first = middle + 1;
		else
			end = middle;
	}
	return NULL;
}

bool kw_overview_has_row(const struct kw_overview *overview, const struct kw_assessment *service)
{
	return !kw_overview_server_end(overview, service);
}

/* Whether @end comes in the order of by_end before those of @service that stand behind @after. */
static bool is_before(const struct kw_assessment *end, const struct kw_assessment *service,
		      const struct kw_assessment *after)
{
	if (end->server_end != service->counters)
		return (uintptr_t)end->server_end < (uintptr_t)service->counters;
	return after && end <= after;
}

const struct kw_assessment *kw_overview_next_end(const struct kw_overview *overview,
						 const struct kw_assessment *service,
						 const struct kw_assessment *after)
{
	size_t first = 0, end = overview->end_count;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (is_before(overview->by_end[middle], service, after))
			first = middle + 1;
		else
			end = middle;
	}
	if (first == overview->end_count || overview->by_end[first]->server_end != service->counters)
		return NULL;
	return overview->by_end[first];
}

const struct kw_assessment *kw_overview_idle_end(const struct kw_overview *overview,
						 const struct kw_assessment *service)
{
	const struct kw_assessment *longest = service, *end = NULL;

	while ((end = kw_overview_next_end(overview, service, end)))
		if (end->sum.reuse_idle_max > longest->sum.reuse_idle_max)
			longest = end;
	return longest;
}

uint64_t kw_count_connections(const struct kw_assessment *service)
{
	return kw_traffic_seen(&service->sum.traffic);
}

uint64_t kw_count_closed(const struct kw_assessment *service)
{
	return kw_traffic_closed(&service->sum.traffic);
}

uint64_t kw_count_requests(const struct kw_assessment *service)
{
	return kw_traffic_requests(&service->sum.traffic);
}

uint64_t kw_count_reused(const struct kw_assessment *service)
{
	return service->sum.traffic.reused;
}

uint64_t kw_count_exchanges(const struct kw_assessment *service)
{
	return service->sum.traffic.exchanges;
}

uint64_t kw_count_exchanges_reused(const struct kw_assessment *service)
{
	return service->sum.traffic.exchanges_reused;
}

uint64_t kw_count_premature(const struct kw_assessment *service)
{
	return service->sum.premature;
}

uint64_t kw_count_lost(const struct kw_assessment *service)
{
	return kw_traffic_lost(&service->sum.traffic);
}

uint64_t kw_overview_count(const struct kw_overview *overview, const struct kw_assessment *service,
			   kw_count_fn *count)
{
	uint64_t here = count(service), met = 0, apart = 0;
	const struct kw_assessment *end = NULL;

	while ((end = kw_overview_next_end(overview, service, end))) {
		uint64_t all = count(end), elsewhere = (uint64_t)((double)all * end->apart + 0.5);

		met += all - elsewhere;
		apart += elsewhere;
	}
	return (met > here ? met : here) + apart;
}

uint64_t kw_overview_sum(const struct kw_overview *overview, kw_count_fn *count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < overview->service_count; i++)
		if (kw_overview_has_row(overview, &overview->services[i]))
			sum += kw_overview_count(overview, &overview->services[i], count);
	return sum;
}
