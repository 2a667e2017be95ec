/* SPDX-License-Identifier: BSD-2-Clause */
#include "statistics.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "fields.h"

#define AT_ONCE (100 * KW_MS)  /* a client that closes so soon closes each time, not at a timeout */
#define IDLE_BEFORE (1 * KW_S) /* from here on a connection was idle, not just slow */
#define CLUSTER_LEAST 5
#define CLUSTER_WIDTH 250000 /* us */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

struct kw_example kw_example_of(const struct kw_identity *identity)
{
	return (struct kw_example){.cookie = identity->cookie, .generation = identity->generation};
}

struct kw_lost_requests kw_statistics_lost(const struct kw_http *http, const struct kw_verdict *verdict)
{
	struct kw_lost_requests lost = {0};
	uint64_t rest = verdict->lost_requests;

	if (verdict->premature == KW_PREMATURE_UNKNOWN)
		return lost;
	lost.late = least(verdict->late_request, rest);
	rest -= lost.late;
	lost.retryable[KW_RETRYABLE_YES] = least(rest, (uint64_t)http->lost_safe + http->lost_idempotent);
	rest -= lost.retryable[KW_RETRYABLE_YES];
	lost.retryable[KW_RETRYABLE_NO] = least(rest, http->lost_other);
	lost.retryable[KW_RETRYABLE_UNKNOWN] = rest - lost.retryable[KW_RETRYABLE_NO];
	return lost;
}

uint64_t kw_statistics_reason(const struct kw_statistics *statistics, enum kw_reason reason)
{
	uint64_t sum = 0;

	for (int closer = 0; closer < KW_CLOSER_MAX; closer++)
		sum += statistics->reasons[reason][closer];
	return sum;
}

/* ---- what a living connection tells ---- */

/* Adds the samples since the last report; returns the longest of them, as far as it can be told. */
static uint64_t add_samples(uint64_t *buckets, enum kw_histogram which, const struct kw_event *event)
{
	const uint64_t *bounds = (const uint64_t *)kw_histogram_bounds[which];
	uint64_t longest = 0;

	if (!event->lived) {
		if (!event->connection->samples[which])
			return 0;
		buckets[kw_histogram_bucket(kw_histogram_bounds[which], event->connection->sample[which])]++;
		return event->connection->sample[which];
	}
	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++) {
		buckets[i] += event->lived->histograms[which][i];
		if (event->lived->histograms[which][i])
			longest = bounds[i];
	}
	return longest;
}

static void add_reuse(struct kw_statistics *statistics, const struct kw_event *event)
{
	const struct kw_http *http = &event->connection->http;
	uint64_t longest = add_samples(statistics->reuse_idle, KW_HISTOGRAM_IDLE, event);

	add_samples(statistics->wait, KW_HISTOGRAM_WAIT, event);
	/* The bucket's bound says how long at most; the connection's own maximum, which may be older, too. */
	statistics->reuse_idle_max = greater(statistics->reuse_idle_max, least(longest, http->idle_max));
	if (http->counts.reused && http->counts.requests_begun == http->counts.responses_ended)
		statistics->worked_idle_max = greater(statistics->worked_idle_max, http->idle_max);
}

static void add_names(struct kw_statistics *statistics, const struct kw_event_lived *lived)
{
	for (int i = 0; lived && i < KW_NAMES && lived->names[i].name[0]; i++) {
		if (!kw_field_is_end_to_end(kw_field_of(lived->names[i].name)))
			continue;
		statistics->end_to_end_named += lived->names[i].count;
		kw_examples_add(&statistics->examples[KW_FINDING_OBSOLETE_FIELDS],
				kw_example_of(&lived->connection.identity));
	}
}

/* ---- what a close tells ---- */

static void example(struct kw_statistics *statistics, enum kw_finding_id id,
		    const struct kw_event_connection *event)
{
	kw_examples_add(&statistics->examples[id], kw_example_of(&event->identity));
}

/* How long it was idle before its latest request; 0 if that is not known. */
static uint64_t idle_before(const struct kw_event_connection *event)
{
	const struct kw_http *http = &event->http;

	if (http->counts.requests_begun != 1)
		return http->idle_before_last;
	return http->first_request_started > event->established
		       ? http->first_request_started - event->established
		       : 0;
}

static void add_dead(struct kw_statistics *statistics, const struct kw_event_connection *event,
		     const struct kw_verdict *verdict)
{
	uint64_t idle = idle_before(event);

	if (verdict->reason != KW_REASON_REQUEST_UNACKNOWLEDGED &&
	    verdict->reason != KW_REASON_RETRANSMIT_TIMEOUT)
		return;
	if (event->http.idle_max > idle)
		statistics->worked_idle_max = greater(statistics->worked_idle_max, event->http.idle_max);
	if (idle < IDLE_BEFORE || !event->http.counts.requests_begun)
		return;
	if (!statistics->dead || idle < statistics->dead_idle_min)
		statistics->dead_idle_min = idle;
	statistics->dead++;
	statistics->dead_lost += verdict->lost_requests;
	example(statistics, KW_FINDING_DEAD_PATH, event);
}

/* A response that was complete counts as cut if the RST over unread data took it away again. */
static void add_truncated(struct kw_statistics *statistics, const struct kw_event_connection *event,
			  const struct kw_verdict *verdict)
{
	bool destroyed = verdict->reason == KW_REASON_EARLY_RESPONSE && verdict->premature == KW_PREMATURE_YES;

	if (verdict->reason != KW_REASON_RESPONSE_TRUNCATED && !destroyed)
		return;
	statistics->truncated++;
	statistics->truncated_by_reset += verdict->manner == KW_MANNER_RST;
	statistics->truncated_unread += verdict->unread_data;
	example(statistics, KW_FINDING_TRUNCATED_RESPONSES, event);
}

static void add_unanswered(struct kw_statistics *statistics, const struct kw_event_connection *event,
			   const struct kw_verdict *verdict)
{
	bool exit = verdict->reason == KW_REASON_PROCESS_EXIT && verdict->closer == KW_CLOSER_SERVER &&
		    verdict->lost_requests;

	if (verdict->reason != KW_REASON_NO_RESPONSE && !exit)
		return;
	statistics->exited += exit && !event->ending.signal;
	statistics->killed += exit && event->ending.signal;
	statistics->no_response_lost += verdict->lost_requests;
	example(statistics, KW_FINDING_NO_RESPONSES, event);
}

static void add_obsolete(struct kw_statistics *statistics, const struct kw_event_connection *event)
{
	bool proxy = event->http.flags & KW_HTTP_PROXY_CONNECTION;
	bool unnamed = event->http.errors & 1 << HTTP1_ERROR_KEEP_ALIVE_UNNAMED;

	statistics->proxy_connection += proxy;
	statistics->keep_alive_unnamed += unnamed;
	if (proxy || unnamed)
		example(statistics, KW_FINDING_OBSOLETE_FIELDS, event);
}

static void add_example_of_reason(struct kw_statistics *statistics, const struct kw_event_connection *event,
				  const struct kw_verdict *verdict)
{
	switch (verdict->reason) {
	case KW_REASON_STALE_REUSE:
		example(statistics, KW_FINDING_TIMEOUT_RACE, event);
		break;
	case KW_REASON_UNANNOUNCED_CLOSE:
		example(statistics, KW_FINDING_UNANNOUNCED_CLOSES, event);
		break;
	case KW_REASON_CLOSED_BEFORE_TIMEOUT:
		example(statistics, KW_FINDING_TIMEOUT_NOT_HONOURED, event);
		break;
	case KW_REASON_MAX_REQUESTS:
	case KW_REASON_ANNOUNCED_BY_RESPONSE:
		example(statistics, KW_FINDING_MAX_CHURN, event);
		break;
	case KW_REASON_UNUSED:
		example(statistics, KW_FINDING_PROBE_ONLY, event);
		break;
	case KW_REASON_CLIENT_GAVE_UP:
		example(statistics, KW_FINDING_CLIENTS_GIVE_UP, event);
		break;
	default:
		break;
	}
	if (verdict->late_request)
		example(statistics, KW_FINDING_TIMEOUT_RACE, event);
	if (event->http.counts.requests_begun == 1 && verdict->premature == KW_PREMATURE_NO)
		example(statistics, KW_FINDING_LOW_REUSE, event);
}

/* To the client a RST without a FIN does not tell whether the server had meant the request. */
static bool is_reset_reuse(const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	return verdict->reason == KW_REASON_NO_RESPONSE && verdict->manner == KW_MANNER_RST &&
	       event->identity.role == KW_ROLE_CLIENT && event->http.counts.reused;
}

static int add_times(struct kw_statistics *statistics, const struct kw_event_connection *event,
		     const struct kw_verdict *verdict)
{
	int r = 0;

	if (verdict->phase == KW_PHASE_IDLE && verdict->idle_at_close >= 0)
		r = kw_sketch_add(&statistics->close_idle, (uint64_t)verdict->idle_at_close / KW_US);
	if (r == 0 && verdict->reason == KW_REASON_CLIENT_CLOSED_IDLE &&
	    verdict->idle_at_close > (int64_t)AT_ONCE)
		r = kw_sketch_add(&statistics->client_idle, (uint64_t)verdict->idle_at_close / KW_US);
	if (r == 0 && verdict->reason == KW_REASON_CLIENT_GAVE_UP && verdict->waited >= 0)
		r = kw_sketch_add(&statistics->gave_up, (uint64_t)verdict->waited / KW_US);
	if (r == 0 && verdict->reason == KW_REASON_ANNOUNCED_BY_RESPONSE)
		r = kw_sketch_add(&statistics->announced, event->http.counts.requests);
	if (r == 0 && is_reset_reuse(event, verdict))
		r = kw_sketch_add(
			&statistics->reset_idle[!(event->http.lost_safe + event->http.lost_idempotent)],
			idle_before(event) / KW_US);
	return r;
}

static int add_close(struct kw_statistics *statistics, const struct kw_event_connection *event,
		     const struct kw_verdict *verdict)
{
	struct kw_lost_requests lost = kw_statistics_lost(&event->http, verdict);

	statistics->closed++;
	statistics->used += event->http.counts.requests_begun != 0;
	statistics->by_server += verdict->closer == KW_CLOSER_SERVER;
	statistics->premature += verdict->premature == KW_PREMATURE_YES;
	statistics->http += event->http.protocol == HTTP1_PROTOCOL_HTTP1;
	statistics->reasons[verdict->reason][verdict->closer]++;
	statistics->retryable += lost.retryable[KW_RETRYABLE_YES];
	for (int i = 0; i < KW_RETRYABLE_MAX; i++)
		statistics->lost += lost.retryable[i];
	statistics->lost += lost.late;
	if (event->peer_fin && event->closing.time > event->peer_fin + KW_LEAK_AGE &&
	    event->half_closed_before) {
		statistics->half_closed_long++;
		example(statistics, KW_FINDING_CLOSE_WAIT_LEAK, event);
	}
	add_dead(statistics, event, verdict);
	add_truncated(statistics, event, verdict);
	add_unanswered(statistics, event, verdict);
	add_obsolete(statistics, event);
	add_example_of_reason(statistics, event, verdict);
	return add_times(statistics, event, verdict);
}

int kw_statistics_add(struct kw_statistics *statistics, const struct kw_event *event,
		      const struct kw_verdict *verdict)
{
	const struct kw_event_connection *connection = event->connection;
	const struct kw_counts *now = &connection->http.counts;

	if (!connection->reported) {
		statistics->seen++;
		statistics->opened += !connection->identity.preexisting;
	}
	statistics->requests += now->requests - (event->lived ? event->lived->before.requests : 0);
	statistics->reused += now->reused - (event->lived ? event->lived->before.reused : 0);
	add_reuse(statistics, event);
	add_names(statistics, event->lived);
	return verdict ? add_close(statistics, connection, verdict) : 0;
}

/* ---- sums ---- */

static void add_examples(struct kw_examples *to, const struct kw_examples *from)
{
	for (uint32_t i = 0; i < from->count; i++)
		kw_examples_add(to, from->list[i]);
}

static void merge_extremes(struct kw_statistics *to, const struct kw_statistics *from)
{
	to->reuse_idle_max = greater(to->reuse_idle_max, from->reuse_idle_max);
	to->worked_idle_max = greater(to->worked_idle_max, from->worked_idle_max);
	if (from->dead && (!to->dead || from->dead_idle_min < to->dead_idle_min))
		to->dead_idle_min = from->dead_idle_min;
}

static void merge_counts(struct kw_statistics *to, const struct kw_statistics *from)
{
	static const size_t counts[] = {
#define COUNT(name) offsetof(struct kw_statistics, name)
		COUNT(seen),
		COUNT(opened),
		COUNT(closed),
		COUNT(used),
		COUNT(by_server),
		COUNT(premature),
		COUNT(requests),
		COUNT(reused),
		COUNT(http),
		COUNT(lost),
		COUNT(retryable),
		COUNT(dead),
		COUNT(dead_lost),
		COUNT(exited),
		COUNT(killed),
		COUNT(no_response_lost),
		COUNT(truncated),
		COUNT(truncated_by_reset),
		COUNT(truncated_unread),
		COUNT(half_closed_long),
		COUNT(proxy_connection),
		COUNT(keep_alive_unnamed),
		COUNT(end_to_end_named),
		COUNT(outside.races),
		COUNT(outside.early),
		COUNT(outside.unannounced),
#undef COUNT
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		*(uint64_t *)((char *)to + counts[i]) += *(const uint64_t *)((const char *)from + counts[i]);
	for (int i = 0; i < KW_REASON_MAX; i++)
		for (int closer = 0; closer < KW_CLOSER_MAX; closer++)
			to->reasons[i][closer] += from->reasons[i][closer];
	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++) {
		to->reuse_idle[i] += from->reuse_idle[i];
		to->wait[i] += from->wait[i];
	}
	for (int i = 0; i < KW_RETRYABLE_MAX; i++)
		to->outside.race_lost[i] += from->outside.race_lost[i];
}

int kw_statistics_merge(struct kw_statistics *to, const struct kw_statistics *from)
{
	int r = kw_sketch_merge(&to->close_idle, &from->close_idle);

	if (r == 0)
		r = kw_sketch_merge(&to->client_idle, &from->client_idle);
	if (r == 0)
		r = kw_sketch_merge(&to->gave_up, &from->gave_up);
	if (r == 0)
		r = kw_sketch_merge(&to->announced, &from->announced);
	if (r == 0)
		r = kw_sketch_merge(&to->outside.idle, &from->outside.idle);
	for (int i = 0; i < 2 && r == 0; i++)
		r = kw_sketch_merge(&to->reset_idle[i], &from->reset_idle[i]);
	if (r < 0)
		return r;
	merge_extremes(to, from);
	merge_counts(to, from);
	for (int i = 0; i < KW_FINDING_MAX; i++)
		add_examples(&to->examples[i], &from->examples[i]);
	return 0;
}

void kw_statistics_free(struct kw_statistics *statistics)
{
	kw_sketch_free(&statistics->close_idle);
	kw_sketch_free(&statistics->client_idle);
	kw_sketch_free(&statistics->gave_up);
	kw_sketch_free(&statistics->announced);
	kw_sketch_free(&statistics->outside.idle);
	for (int i = 0; i < 2; i++)
		kw_sketch_free(&statistics->reset_idle[i]);
}

void kw_statistics_clear(struct kw_statistics *statistics)
{
	kw_statistics_free(statistics);
	memset(statistics, 0, sizeof(*statistics));
}

struct kw_inferred kw_infer_timeout(const struct kw_sketch *idle)
{
	struct kw_cluster cluster = kw_sketch_cluster(idle, CLUSTER_WIDTH);

	if (cluster.count < CLUSTER_LEAST || cluster.count * 2 < idle->count)
		return (struct kw_inferred){0};
	return (struct kw_inferred){.known = true,
				    .count = cluster.count,
				    .share = (double)cluster.count / (double)idle->count,
				    .seconds = (double)cluster.mean / 1e6};
}
