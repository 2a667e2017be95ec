/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/aggregate.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const uint32_t kw_requests_bounds[KW_REQUESTS_BUCKETS - 1] = {0,  1,   2,   3,   5,    10,   20,
							      50, 100, 200, 500, 1000, 5000, 10000};

const char *const kw_protocol_names[KW_PROTOCOL_MAX] = {
	[KW_PROTOCOL_HTTP11] = "http/1.1", [KW_PROTOCOL_HTTP10] = "http/1.0", [KW_PROTOCOL_H2C] = "h2c",
	[KW_PROTOCOL_TLS] = "tls",         [KW_PROTOCOL_OPAQUE] = "opaque",   [KW_PROTOCOL_NONE] = "none",
};

/* By now all processors have reported the closes of that time. */
#define SETTLED_AFTER (2 * KW_S)

#define AT_ONCE (100 * KW_MS) /* a server that closes sooner after its response has not waited for a timeout */

void kw_aggregate_open(struct kw_aggregate *aggregate, uint32_t ceiling, uint64_t window)
{
	memset(aggregate, 0, sizeof(*aggregate));
	aggregate->ceiling = ceiling;
	aggregate->window = window;
}

static void drop(struct kw_aggregate *aggregate, struct kw_stats *stats)
{
	HASH_DEL(aggregate->services, stats);
	kw_window_free(&stats->window);
	kw_drains_free(&stats->drains);
	free(stats);
}

void kw_aggregate_close(struct kw_aggregate *aggregate)
{
	struct kw_stats *stats, *next;

	HASH_ITER (hh, aggregate->services, stats, next)
		drop(aggregate, stats);
}

/* ---- finding the service ---- */

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

static struct kw_service other_service(uint32_t role)
{
	struct kw_service other = {.role = role};

	strcpy(other.name, KW_OTHER_SERVICE);
	return other;
}

void kw_aggregate_set(struct kw_aggregate *aggregate, uint32_t ceiling, uint64_t window)
{
	bool differs = window != aggregate->window;

	aggregate->ceiling = ceiling;
	aggregate->window = window;
	for (struct kw_stats *stats = aggregate->services; stats && differs; stats = stats->hh.next)
		kw_window_free(&stats->window);
}

/* Finds the service, or adds it; once the ceiling is reached, returns "other". NULL: out of memory. */
static struct kw_stats *place_of(struct kw_aggregate *aggregate, const struct kw_service *service)
{
	struct kw_stats *stats;

	HASH_FIND(hh, aggregate->services, service, sizeof(*service), stats);
	if (stats)
		return stats;
	if (!is_other(service) && aggregate->count >= aggregate->ceiling) {
		struct kw_service other = other_service(service->role);

		refuse(aggregate, service);
		return place_of(aggregate, &other);
	}
	stats = calloc(1, sizeof(*stats));
	if (!stats)
		return NULL;
	stats->service = *service;
	HASH_ADD(hh, aggregate->services, service, sizeof(stats->service), stats);
	aggregate->count += !is_other(service);
	return stats;
}

/* ---- one record ---- */

static void add_time(struct kw_times *times, enum kw_histogram bounds, uint64_t ns)
{
	times->buckets[kw_histogram_bucket(kw_histogram_bounds[bounds], ns)]++;
	times->sum += ns;
}

/* The samples that the kernel gathered since the last report. */
static void add_samples(struct kw_times *times, enum kw_histogram which, const struct kw_event *event)
{
	if (!event->lived) {
		if (event->connection->samples[which])
			add_time(times, which, event->connection->sample[which]);
		return;
	}
	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
		times->buckets[i] += event->lived->histograms[which][i];
	times->sum += event->lived->sums[which];
}

static void add_directives(struct kw_directives_total *total, const struct kw_directives *now,
			   const struct kw_directives *before)
{
	total->keep_alive += now->keep_alive - before->keep_alive;
	total->close += now->close - before->close;
	total->upgrade += now->upgrade - before->upgrade;
	total->none += now->none - before->none;
}

static void add_counts(struct kw_stats *stats, const struct kw_counts *now, const struct kw_counts *before)
{
	uint32_t requests = now->requests - before->requests;
	uint32_t http10 = now->requests_http10 - before->requests_http10;

	stats->requests[0] += http10;
	stats->requests[1] += requests - http10;
	stats->reused += now->reused - before->reused;
	for (int i = 0; i < KW_CODES - 1; i++)
		stats->codes[i] += now->codes[i] - before->codes[i];
	add_directives(&stats->request, &now->request, &before->request);
	add_directives(&stats->response, &now->response, &before->response);
}

static void add_fields(struct kw_stats *stats, const struct kw_event_lived *lived)
{
	for (int i = 0; i < KW_NAMES && lived->names[i].name[0]; i++)
		stats->fields[kw_field_of(lived->names[i].name)] += lived->names[i].count;
	stats->fields[KW_FIELDS - 1] += lived->names_more;
}

static enum kw_protocol_label protocol_of(const struct kw_http *http)
{
	switch (http->protocol) {
	case HTTP1_PROTOCOL_HTTP1:
		return http->http10_only ? KW_PROTOCOL_HTTP10 : KW_PROTOCOL_HTTP11;
	case HTTP1_PROTOCOL_H2C:
		return KW_PROTOCOL_H2C;
	case HTTP1_PROTOCOL_TLS:
		return KW_PROTOCOL_TLS;
	case HTTP1_PROTOCOL_OPAQUE:
		return KW_PROTOCOL_OPAQUE;
	default:
		return KW_PROTOCOL_NONE;
	}
}

/* A request that met a closing server counts as late, not under the reason for which the server closed. */
static void add_lost(struct kw_stats *stats, enum kw_reason reason, const struct kw_lost_requests *lost)
{
	for (int i = 0; i < KW_RETRYABLE_MAX; i++)
		stats->lost_requests[reason][i] += lost->retryable[i];
	stats->lost_requests[KW_REASON_LATE][KW_RETRYABLE_UNKNOWN] += lost->late;
}

static void add_connection_requests(struct kw_stats *stats, uint32_t requests)
{
	int i = 0;

	while (i < KW_REQUESTS_BUCKETS - 1 && requests > kw_requests_bounds[i])
		i++;
	stats->connection_requests[i]++;
	stats->connection_requests_sum += requests;
}

static void add_close(struct kw_stats *stats, const struct kw_event_connection *event,
		      const struct kw_verdict *verdict)
{
	struct kw_lost_requests lost = kw_statistics_lost(&event->http, verdict);

	stats->open--;
	stats->closed[verdict->reason][verdict->closer]++;
	stats->protocols[protocol_of(&event->http)]++;
	add_lost(stats, verdict->reason, &lost);
	add_connection_requests(stats, event->http.counts.requests);
	if (!event->identity.preexisting && verdict->closed >= event->opened)
		add_time(&stats->duration, KW_HISTOGRAM_IDLE, verdict->closed - event->opened);
	if (verdict->phase == KW_PHASE_IDLE && verdict->idle_at_close >= 0)
		add_time(&stats->close_idle[verdict->closer], KW_HISTOGRAM_IDLE,
			 (uint64_t)verdict->idle_at_close);
	if (verdict->late_by >= 0)
		add_time(&stats->lateness, KW_HISTOGRAM_WAIT, (uint64_t)verdict->late_by);
}

/* ---- what findings rest on ---- */

bool kw_is_idle_close_by_server(const struct kw_verdict *verdict)
{
	if (verdict->phase != KW_PHASE_IDLE || verdict->closer != KW_CLOSER_SERVER ||
	    verdict->idle_at_close < 0)
		return false;
	switch (verdict->reason) {
	case KW_REASON_SERVER_IDLE_TIMEOUT:
	case KW_REASON_CLOSED_BEFORE_TIMEOUT:
	case KW_REASON_SERVER_CLOSED_IDLE:
	case KW_REASON_IDLE_RESET:
	case KW_REASON_PROCESS_EXIT:
		return true;
	default:
		return false;
	}
}

/* How long the connection had been idle when the server closed it and lost a request; below 0 if that is not known.
 */
static int64_t kept(const struct kw_verdict *verdict)
{
	if (verdict->phase == KW_PHASE_IDLE)
		return verdict->idle_at_close;
	return verdict->idle_before - (verdict->late_by > 0 ? verdict->late_by : 0);
}

/* Whether the server closed right after a response. A connection without any response was closed for another reason.
 */
static bool is_at_once(const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	return event->http.counts.responses_ended && kept(verdict) >= 0 && kept(verdict) < (int64_t)AT_ONCE;
}

/* Closes by the server wait until it is known whether they are part of a drain. */
static int add_to_drains(struct kw_stats *stats, struct kw_statistics *statistics,
			 const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	bool idle = kw_is_idle_close_by_server(verdict);
	struct kw_drain_close close = {
		.closed = verdict->closed,
		.idle = idle ? verdict->idle_at_close : -1,
		.race = verdict->reason == KW_REASON_STALE_REUSE || verdict->late_request,
		.at_once = is_at_once(event, verdict),
		.reason = verdict->reason,
		.uncovered = kw_statistics_uncovered(event, verdict),
		.early = verdict->reason == KW_REASON_CLOSED_BEFORE_TIMEOUT,
		.unannounced = verdict->reason == KW_REASON_UNANNOUNCED_CLOSE,
		.lost = kw_statistics_lost(&event->http, verdict),
		.example = kw_example_of(&event->identity),
	};

	if (verdict->closer != KW_CLOSER_SERVER)
		statistics->outside.uncovered[verdict->reason] += close.uncovered;
	if (verdict->closer != KW_CLOSER_SERVER ||
	    (!idle && !close.unannounced && verdict->premature != KW_PREMATURE_YES))
		return 0;
	return kw_drains_add(&stats->drains, &close, &statistics->outside);
}

static void add_half_closed(struct kw_stats *stats, const struct kw_event_connection *event, uint64_t now)
{
	struct kw_example example = kw_example_of(&event->identity);

	if (event->half_closed == event->half_closed_before)
		return;
	kw_leaks_advance(&stats->leaks, now);
	if (event->half_closed)
		kw_leaks_enter(&stats->leaks, event->peer_fin, example);
	else
		kw_leaks_leave(&stats->leaks, event->peer_fin, example);
}

static void note_ends(struct kw_stats *stats, const struct kw_identity *identity)
{
	bool client = identity->role == KW_ROLE_CLIENT;

	if (identity->pid)
		memcpy(stats->comm, identity->comm, sizeof(stats->comm));
	memcpy(stats->address, client ? identity->remote : identity->local, sizeof(stats->address));
	stats->port = client ? identity->remote_port : identity->local_port;
}

static int add_statistics(struct kw_aggregate *aggregate, struct kw_stats *stats, const struct kw_event *event,
			  const struct kw_verdict *verdict)
{
	struct kw_statistics *statistics = kw_window_now(&stats->window, aggregate->window, aggregate->now);
	int r;

	if (!statistics)
		return -ENOMEM;
	note_ends(stats, &event->connection->identity);
	add_half_closed(stats, event->connection, aggregate->now);
	if (!event->connection->reported)
		statistics->paired += kw_pairs_meet(&aggregate->pairs, &event->connection->identity);
	r = kw_statistics_add(statistics, event, verdict);
	if (r == 0 && verdict)
		r = add_to_drains(stats, statistics, event->connection, verdict);
	return r;
}

int kw_aggregate_settle(struct kw_aggregate *aggregate, uint64_t before)
{
	int r = 0;

	for (struct kw_stats *stats = aggregate->services; stats && r == 0; stats = stats->hh.next) {
		struct kw_statistics *statistics;

		if (!stats->drains.used)
			continue;
		statistics = kw_window_now(&stats->window, aggregate->window, aggregate->now);
		r = statistics ? kw_drains_settle(&stats->drains, before, &statistics->outside) : -ENOMEM;
	}
	return r;
}

static int add_failed(struct kw_aggregate *aggregate, struct kw_stats *stats,
		      const struct kw_identity *identity, enum kw_reason reason)
{
	struct kw_statistics *statistics = kw_window_now(&stats->window, aggregate->window, aggregate->now);

	if (!statistics)
		return -ENOMEM;
	stats->connect_failures[reason]++;
	statistics->failed[reason]++;
	note_ends(stats, identity);
	kw_examples_add(&statistics->examples[KW_FINDING_CONNECTS_FAIL], kw_example_of(identity));
	return 0;
}

void kw_aggregate_overflows(struct kw_aggregate *aggregate, uint64_t count)
{
	kw_recent_add(&aggregate->overflows, aggregate->window, aggregate->now, count);
}

/* ---- one event ---- */

static void pass_time(struct kw_aggregate *aggregate, struct kw_stats *stats, uint64_t time)
{
	if (time > aggregate->now)
		aggregate->now = time;
	if (!aggregate->started)
		aggregate->started = time;
	if (stats && time > stats->last_event)
		stats->last_event = time;
}

int kw_aggregate_connection(struct kw_aggregate *aggregate, const struct kw_service *service,
			    const struct kw_event *event, const struct kw_verdict *verdict)
{
	static const struct kw_counts nothing;
	const struct kw_event_connection *connection = event->connection;
	struct kw_stats *stats = place_of(aggregate, service);

	if (!stats)
		return -ENOMEM;
	pass_time(aggregate, stats, event->time);
	if (verdict && kw_reason_is_connect_failure(verdict->reason))
		return add_failed(aggregate, stats, &connection->identity, verdict->reason);
	if (!connection->reported) {
		stats->opened += !connection->identity.preexisting;
		stats->preexisting += connection->identity.preexisting;
		stats->open++;
	}
	stats->half_closed += connection->half_closed - connection->half_closed_before;
	add_counts(stats, &connection->http.counts, event->lived ? &event->lived->before : &nothing);
	add_samples(&stats->reuse_idle, KW_HISTOGRAM_IDLE, event);
	add_samples(&stats->wait, KW_HISTOGRAM_WAIT, event);
	if (event->lived)
		add_fields(stats, event->lived);
	if (connection->http.has_timeout) {
		stats->advertised_timeout = connection->http.timeout;
		stats->has_advertised_timeout = true;
	}
	if (verdict)
		add_close(stats, connection, verdict);
	return add_statistics(aggregate, stats, event, verdict);
}

int kw_aggregate_late(struct kw_aggregate *aggregate, const struct kw_service *service,
		      const struct kw_event *event)
{
	struct kw_stats *stats = place_of(aggregate, service);
	struct kw_drain_close close = {.closed = event->late->closed,
				       .idle = -1,
				       .race = true,
				       .lost = {.late = 1},
				       .example = kw_example_of(&event->late->identity)};
	struct kw_statistics *statistics;

	if (!stats)
		return -ENOMEM;
	pass_time(aggregate, stats, event->time);
	stats->lost_requests[KW_REASON_LATE][KW_RETRYABLE_UNKNOWN]++;
	statistics = kw_window_now(&stats->window, aggregate->window, aggregate->now);
	if (!statistics)
		return -ENOMEM;
	statistics->lost++;
	statistics->premature++;
	kw_examples_add(&statistics->examples[KW_FINDING_TIMEOUT_RACE], close.example);
	return kw_drains_add(&stats->drains, &close, &statistics->outside);
}

/* ---- totals ---- */

/* Counts closing records that were lost, as far as the kernel kept their numbers (without version and status). Their
 * services are unknown, so the service "other" counts the closes, and its number of open connections may fall below
 * zero. */
static int add_dropped(struct kw_aggregate *aggregate, uint32_t role, const struct kw_event_totals *event)
{
	const struct kw_total *now = &event->totals.dropped[role];
	const struct kw_total *before = &aggregate->totals.dropped[role];
	struct kw_service other = other_service(role);
	uint64_t closed = now->closed - before->closed;
	struct kw_stats *stats;

	if (closed == 0)
		return 0;
	stats = place_of(aggregate, &other);
	if (!stats)
		return -ENOMEM;
	stats->last_event = event->header.time;
	stats->opened += now->opened - before->opened;
	stats->preexisting += now->preexisting - before->preexisting;
	stats->open +=
		(int64_t)(now->opened - before->opened + now->preexisting - before->preexisting - closed);
	stats->half_closed -= (int64_t)(event->totals.dropped_half_closed[role] -
					aggregate->totals.dropped_half_closed[role]);
	stats->closed[KW_REASON_LOST][KW_CLOSER_UNKNOWN] += closed;
	stats->requests[KW_VERSIONS - 1] += now->requests - before->requests;
	stats->codes[KW_CODES - 1] += now->responses - before->responses;
	return 0;
}

static void let_idle_go(struct kw_aggregate *aggregate, uint64_t now)
{
	struct kw_stats *stats, *next;

	HASH_ITER (hh, aggregate->services, stats, next) {
		if (stats->open > 0 || is_other(&stats->service) || now < stats->last_event + KW_SERVICE_IDLE)
			continue;
		drop(aggregate, stats);
		aggregate->count--;
		aggregate->dropped[KW_SERVICE_DROPPED_IDLE]++;
	}
}

int kw_aggregate_totals(struct kw_aggregate *aggregate, const struct kw_event_totals *event)
{
	for (uint32_t role = 0; role < KW_ROLE_MAX; role++) {
		int r = add_dropped(aggregate, role, event);

		if (r < 0)
			return r;
	}
	aggregate->totals = event->totals;
	aggregate->closing = event->unfinished;
	pass_time(aggregate, NULL, event->header.time);
	let_idle_go(aggregate, aggregate->now);
	for (struct kw_stats *stats = aggregate->services; stats; stats = stats->hh.next)
		kw_leaks_advance(&stats->leaks, aggregate->now);
	return aggregate->now > SETTLED_AFTER ? kw_aggregate_settle(aggregate, aggregate->now - SETTLED_AFTER)
					      : 0;
}
