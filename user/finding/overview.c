/* SPDX-License-Identifier: BSD-2-Clause */
#include "finding/overview.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arithmetic.h"
#include "base/cleanup.h"

double kw_requests_per_connection(const struct kw_window_statistics *sum)
{
	uint64_t connections = kw_traffic_seen(&sum->traffic) > kw_traffic_closed(&sum->traffic)
				       ? kw_traffic_seen(&sum->traffic)
				       : kw_traffic_closed(&sum->traffic);

	return connections ? (double)kw_traffic_requests(&sum->traffic) / (double)connections : 0;
}

double kw_overview_quantile(const uint64_t buckets[KW_HISTOGRAM_BUCKETS], enum kw_histogram which, double share,
			    uint64_t most)
{
	uint64_t all = 0, before = 0;
	double wanted;

	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
		all += buckets[i];
	wanted = share * (double)all;
	for (int i = 0; i < KW_HISTOGRAM_BUCKETS && all; i++) {
		uint64_t lower = i ? kw_histogram_bounds[which][i - 1] : 0,
			 upper = kw_histogram_bounds[which][i];
		double part;

		if (!buckets[i] || (double)(before + buckets[i]) < wanted) {
			before += buckets[i];
			continue;
		}
		if (upper == KW_NEVER)
			upper = most > lower ? most : lower;
		part = (wanted - (double)before) / (double)buckets[i];
		part = (double)lower + part * (double)(upper - lower);
		return (most && part > (double)most ? (double)most : part) / 1e9;
	}
	return 0;
}

/* Sorts by lost requests, then by connections, then by name, so that the same events always give the same order. */
static int compare_services(const void *left, const void *right)
{
	const struct kw_assessment *a = left, *b = right;
	int order;

	if (a->sum.premature != b->sum.premature)
		return a->sum.premature > b->sum.premature ? -1 : 1;
	if (kw_traffic_seen(&a->sum.traffic) != kw_traffic_seen(&b->sum.traffic))
		return kw_traffic_seen(&a->sum.traffic) > kw_traffic_seen(&b->sum.traffic) ? -1 : 1;
	order = strcmp(a->counters->service.name, b->counters->service.name);
	if (order == 0)
		order = strcmp(a->counters->service.peer, b->counters->service.peer);
	return order ? order : (int)a->counters->service.role - (int)b->counters->service.role;
}

static int compare_findings(const void *left, const void *right)
{
	const struct kw_overview_finding *a = left, *b = right;

	if (a->finding->severity != b->finding->severity)
		return a->finding->severity > b->finding->severity ? -1 : 1;
	if (a->finding->id != b->finding->id)
		return a->finding->id < b->finding->id ? -1 : 1;
	return a->service < b->service ? -1 : 1; /* in the order of their services */
}

static bool is_of_interest(const struct kw_assessment *service)
{
	return kw_traffic_seen(&service->sum.traffic) || kw_traffic_closed(&service->sum.traffic) ||
	       kw_traffic_failed(&service->sum.traffic) || service->finding_count;
}

static int assess_all(const struct kw_aggregate *aggregate, struct kw_overview *overview)
{
	size_t capacity = HASH_COUNT(aggregate->services);

	overview->services = calloc(capacity ? capacity : 1, sizeof(*overview->services));
	if (!overview->services)
		return -ENOMEM;
	for (const struct kw_service_counters *counters = aggregate->services; counters;
	     counters = counters->hh.next) {
		struct kw_assessment *service = &overview->services[overview->service_count];
		int r = kw_assess(aggregate, counters, service);

		if (r < 0)
			return r;
		if (!is_of_interest(service)) {
			kw_assessment_free(service);
			continue;
		}
		overview->service_count++;
		overview->finding_count += service->finding_count;
		overview->connections += kw_traffic_seen(&service->sum.traffic) -
					 kw_least(service->sum.paired, kw_traffic_seen(&service->sum.traffic));
		overview->paired += service->sum.paired;
		overview->premature += service->sum.premature;
		overview->failed += kw_traffic_failed(&service->sum.traffic);
		overview->requests += kw_traffic_requests(&service->sum.traffic);
		overview->has_http |= service->sum.http || kw_traffic_requests(&service->sum.traffic);
	}
	qsort(overview->services, overview->service_count, sizeof(*overview->services), compare_services);
	return 0;
}

static int gather_findings(struct kw_overview *overview)
{
	size_t at = 0;

	overview->findings =
		calloc(overview->finding_count ? overview->finding_count : 1, sizeof(*overview->findings));
	if (!overview->findings)
		return -ENOMEM;
	for (size_t i = 0; i < overview->service_count; i++)
		for (size_t k = 0; k < overview->services[i].finding_count; k++)
			overview->findings[at++] = (struct kw_overview_finding){
				&overview->services[i], &overview->services[i].findings[k]};
	qsort(overview->findings, overview->finding_count, sizeof(*overview->findings), compare_findings);
	return 0;
}

int kw_overview_make(const struct kw_aggregate *aggregate, struct kw_overview *ret_overview)
{
	_cleanup_(kw_overview_free) struct kw_overview overview = {
		.observed = (double)(aggregate->now - aggregate->started) / 1e9};
	int r;

	overview.closing = aggregate->closing;
	overview.losses = kw_aggregate_losses(aggregate);
	r = assess_all(aggregate, &overview);
	if (r == 0)
		r = gather_findings(&overview);
	if (r < 0)
		return r;
	overview.healthy = !overview.finding_count && !overview.premature && !overview.failed;
	*ret_overview = TAKE_STRUCT(overview);
	return 0;
}

size_t kw_overview_seen_before(const struct kw_overview *overview, size_t number)
{
	const struct kw_overview_finding *entry = &overview->findings[number];

	for (size_t i = 0; i < number; i++)
		if (overview->findings[i].finding->id == entry->finding->id &&
		    kw_are_two_ends(overview->findings[i].service->counters, entry->service->counters))
			return i;
	return number;
}

void kw_overview_free(struct kw_overview *overview)
{
	for (size_t i = 0; i < overview->service_count; i++)
		kw_assessment_free(&overview->services[i]);
	free(overview->services);
	free(overview->findings);
}
