/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/aggregate.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/places.h"
#include "base/arithmetic.h"
#include "event/http2_names.h"

const uint32_t kw_requests_bounds[KW_REQUESTS_BUCKETS - 1] = {0,  1,   2,   3,   5,    10,   20,
							      50, 100, 200, 500, 1000, 5000, 10000};

const char *const kw_protocol_names[KW_PROTOCOL_MAX] = {
	[KW_PROTOCOL_HTTP11] = "http/1.1", [KW_PROTOCOL_HTTP10] = "http/1.0", [KW_PROTOCOL_H2C] = "h2c",
	[KW_PROTOCOL_H2] = "h2",           [KW_PROTOCOL_TLS] = "tls",         [KW_PROTOCOL_OPAQUE] = "opaque",
	[KW_PROTOCOL_NONE] = "none",
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

void kw_aggregate_close(struct kw_aggregate *aggregate)
{
	kw_places_close(aggregate);
}

void kw_aggregate_set(struct kw_aggregate *aggregate, uint32_t ceiling, uint64_t window)
{
	bool differs = window != aggregate->window;

	aggregate->ceiling = ceiling;
	aggregate->window = window;
	for (struct kw_service_counters *counters = aggregate->services; counters && differs;
	     counters = counters->hh.next)
		kw_window_forget(&counters->window);
}

/* ---- one record ---- */

/* Connects that failed are of no importance, because anybody can have as many as they like, to services that do not exist. */
static struct kw_importance importance_of(const struct kw_event *event, const struct kw_verdict *verdict)
{
	const struct kw_event_connection *connection = event->connection;
	uint32_t before = event->history ? event->history->before.requests : 0;
	struct kw_importance importance = {.traffic = !connection->reported};

	if (verdict && kw_reason_is_connect_failure(verdict->reason))
		return (struct kw_importance){0};
	importance.traffic += connection->http.counts.requests - before;
	if (verdict && verdict->premature == KW_PREMATURE_YES)
		importance.lost = verdict->lost_requests ? verdict->lost_requests : 1;
	return importance;
}

static void add_directives(struct kw_directives_total *total, const struct kw_directives *now,
			   const struct kw_directives *before)
{
	total->keep_alive += now->keep_alive - before->keep_alive;
	total->close += now->close - before->close;
	total->upgrade += now->upgrade - before->upgrade;
	total->none += now->none - before->none;
}

/* Responses of HTTP/2 whose status is not known. */
static uint64_t without_code(const struct kw_counts *now, const struct kw_counts *before)
{
	uint64_t codes = 0;

	for (int i = 0; i < KW_CODES - 1; i++)
		codes += now->codes[i] - before->codes[i];
	return kw_less(now->responses - before->responses, codes);
}

static void add_http2(struct kw_service_counters *counters, const struct kw_event *event, bool closed)
{
	const struct kw_http2_facts *facts = kw_http2_facts_of(event->connection);

	if (!facts)
		return;
	kw_http2_counts_add(&counters->http2, facts, closed);
	counters->codes[KW_CODES - 1] += without_code(&event->connection->http.counts, &event->history->before);
}

static void add_counts(struct kw_service_counters *counters, const struct kw_counts *now,
		       const struct kw_counts *before)
{
	for (int i = 0; i < KW_CODES - 1; i++)
		counters->codes[i] += now->codes[i] - before->codes[i];
	add_directives(&counters->request, &now->request, &before->request);
	add_directives(&counters->response, &now->response, &before->response);
}

static void add_fields(struct kw_service_counters *counters, const struct kw_event_history *history)
{
	for (int i = 0; i < KW_NAMES && history->names[i].name[0]; i++)
		counters->fields[kw_field_of(history->names[i].name)] += history->names[i].count;
	counters->fields[KW_FIELDS - 1] += history->names_more;
}

static enum kw_protocol_label protocol_of(const struct kw_http *http)
{
	switch (http->protocol) {
	case HTTP1_PROTOCOL_HTTP1:
		return http->http10_only ? KW_PROTOCOL_HTTP10 : KW_PROTOCOL_HTTP11;
	case HTTP1_PROTOCOL_H2C:
		return http->flags & KW_HTTP_PLAINTEXT ? KW_PROTOCOL_H2 : KW_PROTOCOL_H2C;
	case HTTP1_PROTOCOL_TLS:
		return KW_PROTOCOL_TLS;
	case HTTP1_PROTOCOL_OPAQUE:
		return KW_PROTOCOL_OPAQUE;
	default:
		return KW_PROTOCOL_NONE;
	}
}

static void add_connection_requests(struct kw_service_counters *counters, uint32_t requests)
{
	int i = 0;

	while (i < KW_REQUESTS_BUCKETS - 1 && requests > kw_requests_bounds[i])
		i++;
	counters->connection_requests[i]++;
	counters->connection_requests_sum += requests;
}

static void add_close(struct kw_service_counters *counters, const struct kw_event_connection *event,
		      const struct kw_verdict *verdict)
{
	counters->protocols[protocol_of(&event->http)]++;
	counters->inferred += verdict->confidence == KW_CONFIDENCE_INFERRED;
	kw_tls_counts_add(&counters->tls, event, verdict);
	if (event->http.protocol != HTTP1_PROTOCOL_TLS) /* whose requests cannot be counted */
		add_connection_requests(counters, event->http.counts.requests);
	if (!event->identity.preexisting && verdict->closed >= event->opened)
		kw_times_add(&counters->duration, KW_HISTOGRAM_IDLE, verdict->closed - event->opened);
	if (verdict->phase == KW_PHASE_IDLE && verdict->idle_at_close >= 0)
		kw_times_add(&counters->close_idle[verdict->closer], KW_HISTOGRAM_IDLE,
			     (uint64_t)verdict->idle_at_close);
	if (verdict->late_by >= 0)
		kw_times_add(&counters->lateness, KW_HISTOGRAM_WAIT, (uint64_t)verdict->late_by);
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
	case KW_REASON_GOAWAY_IDLE:
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
	if (verdict->idle_before == KW_DURATION_UNKNOWN || verdict->late_by < 0)
		return verdict->idle_before;
	return verdict->idle_before - verdict->late_by;
}

/* Whether the server closed right after a response. A connection without any response was closed for another reason.
 */
static bool is_at_once(const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	return event->http.counts.responses_ended && kept(verdict) >= 0 && kept(verdict) < (int64_t)AT_ONCE;
}

/* Closes by the server wait until it is known whether they are part of a drain. */
static int add_to_drains(struct kw_service_counters *counters, struct kw_window_statistics *statistics,
			 const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	bool idle = kw_is_idle_close_by_server(verdict) && !kw_http2_is_aged(event);
	struct kw_drain_close close = {
		.closed = verdict->closed,
		.idle = idle ? verdict->idle_at_close : -1,
		.race = verdict->reason == KW_REASON_STALE_REUSE || verdict->late_request,
		.inferred = event->http.protocol == HTTP1_PROTOCOL_TLS,
		.at_once = is_at_once(event, verdict),
		.reason = verdict->reason,
		.uncovered = kw_window_statistics_uncovered(event, verdict),
		.early = verdict->reason == KW_REASON_CLOSED_BEFORE_TIMEOUT,
		.unannounced = verdict->reason == KW_REASON_UNANNOUNCED_CLOSE,
		.lost = kw_lost_requests_of(&event->http, verdict),
		.example = kw_example_of(&event->identity),
	};

	if (verdict->closer != KW_CLOSER_SERVER)
		statistics->not_drained.uncovered[verdict->reason] += close.uncovered;
	if (verdict->closer != KW_CLOSER_SERVER ||
	    (!idle && !close.unannounced && verdict->premature != KW_PREMATURE_YES))
		return 0;
	return kw_drains_add(&counters->drains, &close, &statistics->not_drained);
}

static void add_half_closed(struct kw_service_counters *counters, const struct kw_event_connection *event,
			    uint64_t now)
{
	struct kw_example example = kw_example_of(&event->identity);

	if (event->half_closed == event->half_closed_before)
		return;
	kw_half_closed_advance(&counters->half_closed_ages, now);
	if (event->half_closed)
		kw_half_closed_enter(&counters->half_closed_ages, event->peer_fin, example);
	else
		kw_half_closed_leave(&counters->half_closed_ages, event->peer_fin, example);
}

static void note_ends(struct kw_service_counters *counters, const struct kw_identity *identity)
{
	bool client = identity->role == KW_ROLE_CLIENT;

	if (identity->pid)
		memcpy(counters->comm, identity->comm, sizeof(counters->comm));
	memcpy(counters->address, client ? identity->remote : identity->local, sizeof(counters->address));
	counters->port = client ? identity->remote_port : identity->local_port;
}

/* Both ends of a connection have been met: they are one. */
static void note_pair(struct kw_service_counters *here, struct kw_service_counters *there)
{
	bool client = here->service.role == KW_ROLE_CLIENT;

	(client ? here : there)->server_end = client ? there : here;
	(client ? here : there)->met++;
	(client ? there : here)->has_local_clients = true;
}

static int add_statistics(struct kw_aggregate *aggregate, struct kw_service_counters *counters,
			  const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct kw_window_statistics *statistics =
		kw_window_now(&counters->window, aggregate->window, aggregate->now);
	struct kw_service_counters *other = NULL;
	int r;

	if (!statistics)
		return -ENOMEM;
	note_ends(counters, &event->connection->identity);
	add_half_closed(counters, event->connection, aggregate->now);
	if (!event->connection->reported) {
		counters->seen++;
		other = kw_pairs_meet(&aggregate->pairs, event->connection, counters);
	}
	if (other) {
		statistics->paired++;
		note_pair(counters, other);
	}
	r = kw_window_statistics_add(statistics, event, verdict);
	if (r == 0 && verdict)
		r = add_to_drains(counters, statistics, event->connection, verdict);
	return r;
}

int kw_aggregate_settle(struct kw_aggregate *aggregate, uint64_t before)
{
	int r = 0;

	for (struct kw_service_counters *counters = aggregate->services; counters && r == 0;
	     counters = counters->hh.next) {
		struct kw_window_statistics *statistics;

		if (!counters->drains.used)
			continue;
		statistics = kw_window_now(&counters->window, aggregate->window, aggregate->now);
		r = statistics ? kw_drains_settle(&counters->drains, before, &statistics->not_drained)
			       : -ENOMEM;
	}
	return r;
}

static int add_failed(struct kw_aggregate *aggregate, struct kw_service_counters *counters,
		      const struct kw_identity *identity, enum kw_reason reason)
{
	struct kw_window_statistics *statistics =
		kw_window_now(&counters->window, aggregate->window, aggregate->now);

	if (!statistics)
		return -ENOMEM;
	statistics->traffic.failed[reason]++;
	note_ends(counters, identity);
	kw_examples_add(&statistics->examples[KW_FINDING_CONNECTS_FAIL], kw_example_of(identity));
	return 0;
}

void kw_aggregate_overflows(struct kw_aggregate *aggregate, uint64_t count)
{
	kw_recent_add(&aggregate->overflows, aggregate->window, aggregate->now, count);
}

/* ---- one event ---- */

static void pass_time(struct kw_aggregate *aggregate, uint64_t time)
{
	if (time > aggregate->now)
		aggregate->now = time;
	if (!aggregate->started)
		aggregate->started = time;
}

/* The counters for an event at this time; see kw_places_of(). */
static struct kw_service_counters *begin(struct kw_aggregate *aggregate, const struct kw_service *service,
					 uint64_t time, struct kw_importance importance)
{
	struct kw_service_counters *counters;

	pass_time(aggregate, time);
	counters = kw_places_of(aggregate, service, importance);
	if (counters && time > counters->last_event)
		counters->last_event = time;
	return counters;
}

/* NULL: out of memory, as where @counters is NULL. */
static struct kw_window_statistics *statistics_now(const struct kw_aggregate *aggregate,
						   struct kw_service_counters *counters)
{
	return counters ? kw_window_now(&counters->window, aggregate->window, aggregate->now) : NULL;
}

/* Adds to a number of things that are open, which stands @at a place within counters. One that was counted under "other", because
 * its service had no place then, ends there too. So a service of its own never has less than none open. */
static void add_open(struct kw_aggregate *aggregate, struct kw_service_counters *counters, size_t at,
		     int64_t by)
{
	struct kw_service other_name = kw_places_other_name(counters->service.role);
	struct kw_service_counters *other = NULL;

	if (*(int64_t *)((char *)counters + at) + by < 0)
		other = kw_places_find(aggregate, &other_name);
	*(int64_t *)((char *)(other ? other : counters) + at) += by;
}

/* Whether a request was begun and not answered: how many more connections of that kind there are than before this record. */
static int64_t more_busy(const struct kw_event *event, const struct kw_http2_facts *http2, bool closed)
{
	const struct kw_counts *now = &event->connection->http.counts;
	const struct kw_counts *before = event->history ? &event->history->before : NULL;

	if (http2)
		return (!closed && http2->open_before + kw_http2_more_open(http2, closed) > 0) -
		       (http2->open_before > 0);
	return (!closed && now->requests_begun > now->responses_ended) -
	       (before && before->requests_begun > before->responses_ended);
}

static void count_open(struct kw_aggregate *aggregate, struct kw_service_counters *counters,
		       const struct kw_event *event, bool closed)
{
	const struct kw_event_connection *connection = event->connection;
	const struct kw_http2_facts *http2 = kw_http2_facts_of(connection);

	add_open(aggregate, counters, offsetof(struct kw_service_counters, open),
		 (int64_t)!connection->reported - closed);
	add_open(aggregate, counters, offsetof(struct kw_service_counters, half_closed),
		 (int64_t)connection->half_closed - connection->half_closed_before);
	add_open(aggregate, counters, offsetof(struct kw_service_counters, busy),
		 more_busy(event, http2, closed));
	if (http2)
		add_open(aggregate, counters, offsetof(struct kw_service_counters, streams),
			 kw_http2_more_open(http2, closed));
}

int kw_aggregate_connection(struct kw_aggregate *aggregate, const struct kw_service *service,
			    const struct kw_event *event, const struct kw_verdict *verdict)
{
	static const struct kw_counts nothing;
	const struct kw_event_connection *connection = event->connection;
	struct kw_service_counters *counters =
		begin(aggregate, service, event->time, importance_of(event, verdict));

	if (!counters)
		return -ENOMEM;
	if (verdict && kw_reason_is_connect_failure(verdict->reason))
		return add_failed(aggregate, counters, &connection->identity, verdict->reason);
	count_open(aggregate, counters, event, verdict);
	add_counts(counters, &connection->http.counts, event->history ? &event->history->before : &nothing);
	add_http2(counters, event, verdict);
	if (event->history)
		add_fields(counters, event->history);
	if (connection->http.has_timeout) {
		counters->advertised_timeout = connection->http.timeout;
		counters->has_advertised_timeout = true;
	}
	if (verdict)
		add_close(counters, connection, verdict);
	return add_statistics(aggregate, counters, event, verdict);
}

int kw_aggregate_late(struct kw_aggregate *aggregate, const struct kw_service *service,
		      const struct kw_event *event)
{
	struct kw_service_counters *counters =
		begin(aggregate, service, event->time, (struct kw_importance){.lost = 1});
	struct kw_drain_close close = {.closed = event->late->closed,
				       .idle = -1,
				       .race = true,
				       .lost = {.late = 1},
				       .example = kw_example_of(&event->late->identity)};
	struct kw_window_statistics *statistics = statistics_now(aggregate, counters);

	if (!statistics)
		return -ENOMEM;
	statistics->traffic.lost_requests[KW_REASON_LATE][KW_RETRYABLE_UNKNOWN]++;
	statistics->premature++;
	kw_examples_add(&statistics->examples[KW_FINDING_TIMEOUT_RACE], close.example);
	return kw_drains_add(&counters->drains, &close, &statistics->not_drained);
}

/* A service that has no place of its own has no label of its own either. */
static uint32_t upstream_of(struct kw_aggregate *aggregate, const struct kw_service *service)
{
	if (!service)
		return KW_UPSTREAM_NONE;
	return kw_places_find(aggregate, service) ? kw_upstream_number(&aggregate->upstreams, service->name)
						  : KW_UPSTREAM_OTHER;
}

int kw_aggregate_gateway(struct kw_aggregate *aggregate, const struct kw_service *service,
			 const struct kw_service *upstream, const struct kw_gateway_error *error)
{
	struct kw_service_counters *counters =
		begin(aggregate, service, error->event.header.time, (struct kw_importance){0});
	struct kw_window_statistics *statistics = statistics_now(aggregate, counters);

	if (!statistics)
		return -ENOMEM;
	kw_gateway_counts_add(&statistics->traffic.gateway_errors,
			      (struct kw_gateway_row){
				      .count = 1,
				      .status = error->event.status,
				      .upstream = (uint16_t)upstream_of(aggregate, upstream),
				      .reason = error->cause ? error->cause->verdict.reason : KW_REASON_NONE,
			      });
	if (error->cause)
		kw_examples_add(&statistics->examples[KW_FINDING_GATEWAY_ERRORS],
				kw_example_of(&error->event.identity));
	return 0;
}

int kw_aggregate_forwarded(struct kw_aggregate *aggregate, const struct kw_service *service,
			   const struct kw_forwarded *forwarded)
{
	struct kw_service_counters *counters =
		begin(aggregate, service, forwarded->time, (struct kw_importance){0});
	struct kw_window_statistics *statistics = statistics_now(aggregate, counters);

	if (!statistics)
		return -ENOMEM;
	kw_forwarded_counts_add(&statistics->traffic.forwarded, forwarded);
	kw_examples_add(&statistics->examples[KW_FINDING_FORWARDS_HOP_BY_HOP],
			kw_example_of(&forwarded->identity));
	return 0;
}

/* ---- totals ---- */

/* Counts closing records that were lost, as far as the kernel kept their numbers (without version and status). Their
 * services are unknown, so the service "other" counts the closes, and its number of open connections may fall below zero.
 * Their time is unknown too, so they count as past and not as part of the window. */
static int add_dropped(struct kw_aggregate *aggregate, uint32_t role, const struct kw_totals *totals,
		       uint64_t time)
{
	const struct kw_total *now = &totals->dropped[role];
	const struct kw_total *before = &aggregate->totals.dropped[role];
	uint64_t closed = now->closed - before->closed;
	struct kw_traffic *past;
	struct kw_service_counters *counters;

	if (closed == 0)
		return 0;
	counters = kw_places_other(aggregate, role);
	if (!counters)
		return -ENOMEM;
	counters->last_event = time;
	past = &counters->window.past;
	past->opened += now->opened - before->opened;
	past->preexisting += now->preexisting - before->preexisting;
	counters->open +=
		(int64_t)(now->opened - before->opened + now->preexisting - before->preexisting - closed);
	counters->half_closed -=
		(int64_t)(totals->dropped_half_closed[role] - aggregate->totals.dropped_half_closed[role]);
	counters->streams -= (int64_t)(totals->dropped_streams[role] - aggregate->totals.dropped_streams[role]);
	past->closed[KW_REASON_LOST][KW_CLOSER_UNKNOWN] += closed;
	past->requests[KW_VERSION_UNKNOWN] += now->requests - before->requests;
	counters->codes[KW_CODES - 1] += now->responses - before->responses;
	return 0;
}

/* The kernel's totals only grow. Those of a recording that somebody made may fall: such a number stands still, because
 * otherwise it could add up beyond all bounds. */
static struct kw_totals grown(const struct kw_totals *before, const struct kw_totals *after)
{
	const __u64 *numbers = (const __u64 *)after;
	struct kw_totals totals = *before;
	__u64 *sums = (__u64 *)&totals;

	for (size_t i = 0; i < sizeof(totals) / sizeof(*sums); i++)
		sums[i] = kw_greatest(sums[i], numbers[i]);
	return totals;
}

int kw_aggregate_totals(struct kw_aggregate *aggregate, const struct kw_event_totals *event)
{
	struct kw_totals totals = grown(&aggregate->totals, &event->totals);
	int r = 0;

	for (uint32_t role = 0; role < KW_ROLE_MAX && r == 0; role++)
		r = add_dropped(aggregate, role, &totals, event->header.time);
	if (r < 0)
		return r;
	aggregate->totals = totals;
	aggregate->closing = event->unfinished;
	pass_time(aggregate, event->header.time);
	r = kw_places_settle(aggregate);
	if (r < 0)
		return r;
	for (struct kw_service_counters *counters = aggregate->services; counters; counters = counters->hh.next)
		kw_half_closed_advance(&counters->half_closed_ages, aggregate->now);
	return aggregate->now > SETTLED_AFTER ? kw_aggregate_settle(aggregate, aggregate->now - SETTLED_AFTER)
					      : 0;
}

void kw_aggregate_unseen(struct kw_aggregate *aggregate, const struct kw_event_unseen *event)
{
	aggregate->unseen = *event;
	pass_time(aggregate, event->header.time);
}

struct kw_losses kw_aggregate_losses(const struct kw_aggregate *aggregate)
{
	return (struct kw_losses){.dropped = kw_totals_lost(&aggregate->totals),
				  .unseen = kw_unseen_lost(&aggregate->unseen)};
}
