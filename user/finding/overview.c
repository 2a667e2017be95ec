/* SPDX-License-Identifier: BSD-2-Clause */
#include "finding/overview.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

double kw_requests_per_connection(const struct kw_statistics *sum)
{
	uint64_t connections = sum->seen > sum->closed ? sum->seen : sum->closed;

	return connections ? (double)sum->requests / (double)connections : 0;
}

double kw_digest_quantile(const uint64_t buckets[KW_HISTOGRAM_BUCKETS], enum kw_histogram which, double share,
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
	if (a->sum.seen != b->sum.seen)
		return a->sum.seen > b->sum.seen ? -1 : 1;
	order = strcmp(a->stats->service.name, b->stats->service.name);
	if (order == 0)
		order = strcmp(a->stats->service.peer, b->stats->service.peer);
	return order ? order : (int)a->stats->service.role - (int)b->stats->service.role;
}

static int compare_findings(const void *left, const void *right)
{
	const struct kw_digest_finding *a = left, *b = right;

	if (a->finding->severity != b->finding->severity)
		return a->finding->severity > b->finding->severity ? -1 : 1;
	if (a->finding->id != b->finding->id)
		return a->finding->id < b->finding->id ? -1 : 1;
	return a->service < b->service ? -1 : 1; /* in the order of their services */
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool is_of_interest(const struct kw_assessment *service)
{
	return service->sum.seen || service->sum.closed || kw_statistics_failed(&service->sum) ||
	       service->finding_count;
}

static int assess_all(const struct kw_aggregate *aggregate, struct kw_digest *digest)
{
	size_t room = HASH_COUNT(aggregate->services);

	digest->services = calloc(room ? room : 1, sizeof(*digest->services));
	if (!digest->services)
		return -ENOMEM;
	for (const struct kw_stats *stats = aggregate->services; stats; stats = stats->hh.next) {
		struct kw_assessment *service = &digest->services[digest->service_count];
		int r = kw_assess(aggregate, stats, service);

		if (r < 0)
			return r;
		if (!is_of_interest(service)) {
			kw_assessment_free(service);
			continue;
		}
		digest->service_count++;
		digest->finding_count += service->finding_count;
		digest->connections += service->sum.seen - least(service->sum.paired, service->sum.seen);
		digest->paired += service->sum.paired;
		digest->premature += service->sum.premature;
		digest->failed += kw_statistics_failed(&service->sum);
		digest->requests += service->sum.requests;
		digest->has_http |= service->sum.http || service->sum.requests;
	}
	qsort(digest->services, digest->service_count, sizeof(*digest->services), compare_services);
	return 0;
}

static int gather_findings(struct kw_digest *digest)
{
	size_t at = 0;

	digest->findings = calloc(digest->finding_count ? digest->finding_count : 1, sizeof(*digest->findings));
	if (!digest->findings)
		return -ENOMEM;
	for (size_t i = 0; i < digest->service_count; i++)
		for (size_t k = 0; k < digest->services[i].finding_count; k++)
			digest->findings[at++] = (struct kw_digest_finding){&digest->services[i],
									    &digest->services[i].findings[k]};
	qsort(digest->findings, digest->finding_count, sizeof(*digest->findings), compare_findings);
	return 0;
}

int kw_digest_make(const struct kw_aggregate *aggregate, struct kw_digest *ret_digest)
{
	struct kw_digest digest = {.observed = (double)(aggregate->now - aggregate->started) / 1e9};
	int r;

	digest.closing = aggregate->closing;
	digest.lost_events = kw_totals_lost(&aggregate->totals);
	r = assess_all(aggregate, &digest);
	if (r == 0)
		r = gather_findings(&digest);
	if (r < 0) {
		kw_digest_free(&digest);
		return r;
	}
	digest.healthy = !digest.finding_count && !digest.premature && !digest.failed;
	*ret_digest = digest;
	return 0;
}

size_t kw_digest_seen_before(const struct kw_digest *digest, size_t number)
{
	const struct kw_digest_finding *entry = &digest->findings[number];

	for (size_t i = 0; i < number; i++)
		if (digest->findings[i].finding->id == entry->finding->id &&
		    kw_are_two_ends(digest->findings[i].service->stats, entry->service->stats))
			return i;
	return number;
}

void kw_digest_free(struct kw_digest *digest)
{
	for (size_t i = 0; i < digest->service_count; i++)
		kw_assessment_free(&digest->services[i]);
	free(digest->services);
	free(digest->findings);
}
