/* SPDX-License-Identifier: BSD-2-Clause */
#include "finding/overview.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arithmetic.h"
#include "base/cleanup.h"

static double per_connection(const struct kw_traffic *traffic, uint64_t count)
{
	uint64_t connections = kw_traffic_seen(traffic) > kw_traffic_closed(traffic)
				       ? kw_traffic_seen(traffic)
				       : kw_traffic_closed(traffic);

	return connections ? (double)count / (double)connections : 0;
}

double kw_requests_per_connection(const struct kw_window_statistics *sum)
{
	return per_connection(&sum->traffic, kw_traffic_requests(&sum->traffic));
}

double kw_exchanges_per_connection(const struct kw_window_statistics *sum)
{
	return per_connection(&sum->traffic, kw_exchanges(sum));
}

uint64_t kw_exchanges(const struct kw_window_statistics *sum)
{
	return kw_traffic_requests(&sum->traffic) + sum->traffic.exchanges;
}

uint64_t kw_reused(const struct kw_window_statistics *sum)
{
	return sum->traffic.reused + sum->traffic.exchanges_reused;
}

bool kw_speaks_tls(const struct kw_window_statistics *sum)
{
	return sum->tls.handshakes || sum->traffic.exchanges;
}

bool kw_speaks_h2c(const struct kw_window_statistics *sum)
{
	return kw_window_http2(sum)->sums.records[0];
}

bool kw_speaks_h2(const struct kw_window_statistics *sum)
{
	return kw_window_http2(sum)->sums.records[1];
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
		overview->connections += kw_traffic_seen(&service->sum.traffic) -
					 kw_least(service->sum.paired, kw_traffic_seen(&service->sum.traffic));
		overview->paired += service->sum.paired;
		overview->failed += kw_traffic_failed(&service->sum.traffic);
		overview->has_http |= service->sum.http || kw_traffic_requests(&service->sum.traffic) ||
				      kw_speaks_tls(&service->sum) || kw_speaks_h2c(&service->sum) ||
				      kw_speaks_h2(&service->sum);
	}
	qsort(overview->services, overview->service_count, sizeof(*overview->services), compare_services);
	return 0;
}

/* ---- who is at the other end ---- */

static int compare_addresses(const void *a, const void *b)
{
	return ((uintptr_t)a > (uintptr_t)b) - ((uintptr_t)a < (uintptr_t)b);
}

static int compare_counters(const void *left, const void *right)
{
	const struct kw_assessment *const *a = left, *const *b = right;

	return compare_addresses((*a)->counters, (*b)->counters);
}

static int compare_ends(const void *left, const void *right)
{
	const struct kw_assessment *const *a = left, *const *b = right;
	int order = compare_addresses((*a)->server_end, (*b)->server_end);

	return order ? order : compare_addresses(*a, *b);
}

/* So that rows.c finds other ends without looking at all services: on a host with thousands that would take seconds. */
static int index_ends(struct kw_overview *overview)
{
	size_t count = overview->service_count;

	overview->by_counters = calloc(count + 1, sizeof(const struct kw_assessment *));
	overview->by_end = calloc(count + 1, sizeof(const struct kw_assessment *));
	if (!overview->by_counters || !overview->by_end)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		overview->by_counters[i] = &overview->services[i];
		if (overview->services[i].server_end)
			overview->by_end[overview->end_count++] = &overview->services[i];
	}
	qsort(overview->by_counters, count, sizeof(const struct kw_assessment *), compare_counters);
	qsort(overview->by_end, overview->end_count, sizeof(const struct kw_assessment *), compare_ends);
	return 0;
}

/* ---- findings ---- */

/* Whether both ends may show one and the same fault. A program that sends fields on, or does not close, is at one end of the
 * connection: another program at the other end that does so too is another fault. */
static bool is_of_both_ends(enum kw_finding_id id)
{
	return id != KW_FINDING_FORWARDS_HOP_BY_HOP && id != KW_FINDING_CLOSE_WAIT_LEAK;
}

/* Where both ends show the same, the clients' end has the better numbers of these, and the server's end of all others. But
 * only the server's end knows of its processes' exits, of connections that no process ever accepted, and of its own PINGs. */
static bool is_of_clients(enum kw_finding_id id, const struct kw_assessment *server)
{
	switch (id) {
	case KW_FINDING_TIMEOUT_RACE:
		return !server->sum.unaccepted;
	case KW_FINDING_NO_RESPONSES:
		return !server->sum.exited && !server->sum.killed;
	case KW_FINDING_LOW_REUSE:
	case KW_FINDING_PROBE_ONLY:
	case KW_FINDING_CLIENTS_GIVE_UP:
	case KW_FINDING_GOAWAY_LOSSES:
		return true;
	case KW_FINDING_DEAD_PATH:
		return !kw_window_http2(&server->sum)->sums.ping_timeouts_heard;
	default:
		return false;
	}
}

static struct kw_finding *finding_of(const struct kw_assessment *service, enum kw_finding_id id)
{
	for (size_t i = 0; i < service->finding_count; i++)
		if (service->findings[i].id == id)
			return &service->findings[i];
	return NULL;
}

/* How many clients' ends of a service show this. */
static size_t count_ends(const struct kw_overview *overview, const struct kw_assessment *service,
			 enum kw_finding_id id)
{
	const struct kw_assessment *end = NULL;
	size_t count = 0;

	while ((end = kw_overview_next_end(overview, service, end)))
		count += finding_of(end, id) != NULL;
	return count;
}

/* Which of the two ends' findings is shown: the graver one; else by its kind. A server's end speaks for several clients'. */
static bool is_clients_shown(const struct kw_overview *overview, const struct kw_assessment *server,
			     const struct kw_finding *of_server, const struct kw_finding *of_client)
{
	if (count_ends(overview, server, of_server->id) > 1)
		return false;
	if (of_server->severity != of_client->severity)
		return of_client->severity > of_server->severity;
	return is_of_clients(of_server->id, server);
}

/* The other end that shows the same fault as @service; NULL if none does. Only one of the two is shown. */
static const struct kw_assessment *same_at_other_end(const struct kw_overview *overview,
						     const struct kw_assessment *service, enum kw_finding_id id)
{
	const struct kw_assessment *end = kw_overview_server_end(overview, service);

	if (!is_of_both_ends(id))
		return NULL;
	if (end)
		return finding_of(end, id) ? end : NULL;
	while ((end = kw_overview_next_end(overview, service, end)))
		if (finding_of(end, id))
			return end;
	return NULL;
}

static bool is_shown(const struct kw_overview *overview, const struct kw_assessment *service,
		     const struct kw_assessment *other, enum kw_finding_id id)
{
	bool client = service->counters->service.role == KW_ROLE_CLIENT;
	const struct kw_assessment *server = client ? other : service;
	bool clients = is_clients_shown(overview, server, finding_of(server, id),
					finding_of(client ? service : other, id));

	return client == clients;
}

/* Whether a server's end counts too little: of requests that never came to it, its only clients' end knows. */
static bool is_better_known(const struct kw_overview *overview, const struct kw_assessment *service,
			    enum kw_finding_id id)
{
	const struct kw_assessment *end = kw_overview_next_end(overview, service, NULL);

	if (id != KW_FINDING_LOW_REUSE && id != KW_FINDING_PROBE_ONLY)
		return false;
	return end && !kw_overview_next_end(overview, service, end) && end->apart == 0 &&
	       kw_count_connections(end) >= kw_count_connections(service) && !finding_of(end, id);
}

/* Adds a finding, unless the other end of the same connections shows it, or knows better. */
static void add_finding(struct kw_overview *overview, const struct kw_assessment *service,
			const struct kw_finding *finding)
{
	const struct kw_assessment *other = same_at_other_end(overview, service, finding->id);

	if (other ? !is_shown(overview, service, other, finding->id)
		  : is_better_known(overview, service, finding->id))
		return;
	overview->findings[overview->finding_count++] = (struct kw_overview_finding){service, finding, other};
}

static int gather_findings(struct kw_overview *overview)
{
	size_t most = 1;

	for (size_t i = 0; i < overview->service_count; i++)
		most += overview->services[i].finding_count;
	overview->findings = calloc(most, sizeof(*overview->findings));
	if (!overview->findings)
		return -ENOMEM;
	for (size_t i = 0; i < overview->service_count; i++)
		for (size_t k = 0; k < overview->services[i].finding_count; k++)
			add_finding(overview, &overview->services[i], &overview->services[i].findings[k]);
	qsort(overview->findings, overview->finding_count, sizeof(*overview->findings), compare_findings);
	return 0;
}

/* Sums that need all services. */
static void sum_up(struct kw_overview *overview)
{
	for (size_t i = 0; i < overview->service_count; i++)
		overview->row_count += kw_overview_has_row(overview, &overview->services[i]);
	overview->premature = kw_overview_sum(overview, kw_count_premature);
	overview->requests = kw_overview_sum(overview, kw_count_requests);
	overview->exchanges = kw_overview_sum(overview, kw_count_exchanges);
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
		r = index_ends(&overview);
	if (r == 0)
		r = gather_findings(&overview);
	if (r < 0)
		return r;
	sum_up(&overview);
	overview.healthy = !overview.finding_count && !overview.premature && !overview.failed;
	*ret_overview = TAKE_STRUCT(overview);
	return 0;
}

void kw_overview_free(struct kw_overview *overview)
{
	for (size_t i = 0; i < overview->service_count; i++)
		kw_assessment_free(&overview->services[i]);
	free(overview->services);
	free(overview->by_counters);
	free(overview->by_end);
	free(overview->findings);
}
