/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/window_statistics.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/arithmetic.h"
#include "event/field_names.h"
#include "event/http2_names.h"

#define AT_ONCE (100 * KW_MS)  /* a client that closes sooner does so after every response, not at a timeout */
#define IDLE_BEFORE (1 * KW_S) /* a connection without traffic for this long was idle, not just slow */
#define CLUSTER_LEAST 5
#define CLUSTER_WIDTH 250000 /* us */

/* ---- what a living connection tells ---- */

/* The longest of the samples since the last report, as far as it is known: of several, the bound of their bucket. */
static uint64_t longest_sample(enum kw_histogram which, const struct kw_event *event)
{
	if (!event->history)
		return event->connection->samples[which] ? event->connection->sample[which] : 0;
	for (int i = KW_HISTOGRAM_BUCKETS - 1; i >= 0; i--)
		if (event->history->histograms[which][i])
			return kw_histogram_bounds[which][i];
	return 0;
}

static void add_reuse(struct kw_window_statistics *statistics, const struct kw_event *event)
{
	const struct kw_http *http = &event->connection->http;
	uint64_t longest = longest_sample(KW_HISTOGRAM_IDLE, event);

	/* Both are upper limits: the bound of the bucket, and the connection's maximum, which may be from an earlier report. */
	statistics->reuse_idle_max = kw_greatest(statistics->reuse_idle_max, kw_least(longest, http->idle_max));
	if (http->counts.requests_begun == http->counts.responses_ended)
		statistics->worked_idle_max = kw_greatest(statistics->worked_idle_max, http->idle_max);
}

static void add_names(struct kw_window_statistics *statistics, const struct kw_event_history *history)
{
	for (int i = 0; history && i < KW_NAMES && history->names[i].name[0]; i++) {
		if (!kw_field_is_end_to_end(kw_field_of(history->names[i].name)))
			continue;
		statistics->end_to_end_named += history->names[i].count;
		kw_examples_add(&statistics->examples[KW_FINDING_OBSOLETE_FIELDS],
				kw_example_of(&history->connection.identity));
	}
}

/* ---- what a close tells ---- */

static void example(struct kw_window_statistics *statistics, enum kw_finding_id id,
		    const struct kw_event_connection *event)
{
	kw_examples_add(&statistics->examples[id], kw_example_of(&event->identity));
}

static bool is_dead(const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	return (verdict->reason == KW_REASON_REQUEST_UNACKNOWLEDGED ||
		verdict->reason == KW_REASON_RETRANSMIT_TIMEOUT) &&
	       verdict->idle_before >= (int64_t)IDLE_BEFORE && event->http.counts.requests_begun;
}

static void add_dead(struct kw_window_statistics *statistics, const struct kw_event_connection *event,
		     const struct kw_verdict *verdict)
{
	uint64_t idle = verdict->idle_before > 0 ? (uint64_t)verdict->idle_before : 0;

	if (verdict->reason != KW_REASON_REQUEST_UNACKNOWLEDGED &&
	    verdict->reason != KW_REASON_RETRANSMIT_TIMEOUT)
		return;
	if (event->http.idle_max > idle)
		statistics->worked_idle_max = kw_greatest(statistics->worked_idle_max, event->http.idle_max);
	if (!is_dead(event, verdict))
		return;
	if (!statistics->dead || idle < statistics->dead_idle_min)
		statistics->dead_idle_min = idle;
	statistics->dead++;
	statistics->dead_lost += verdict->lost_requests;
	example(statistics, KW_FINDING_DEAD_PATH, event);
}

/* A complete response counts as cut if a RST over unread data destroyed it. */
static void add_truncated(struct kw_window_statistics *statistics, const struct kw_event_connection *event,
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

static void add_unanswered(struct kw_window_statistics *statistics, const struct kw_event_connection *event,
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

/* The RST came within one and a half round trips, too soon for a process to have read the request and decided. */
static bool is_at_once(const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	uint64_t round_trip = event->closing.srtt_us * KW_US;

	return round_trip && verdict->waited >= 0 && (uint64_t)verdict->waited <= round_trip + round_trip / 2;
}

/* The server reset a connection with a waiting request before any process had read a byte of it. Mostly its listener
 * was closed while the connection was in the accept queue. The client sees only a reset of its first request, which
 * may have other causes. */
static bool is_unaccepted(const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	if (verdict->closer != KW_CLOSER_SERVER || verdict->manner != KW_MANNER_RST ||
	    event->identity.preexisting)
		return false;
	if (event->identity.role == KW_ROLE_SERVER)
		return verdict->late_request && !event->http.counts.requests_begun;
	return verdict->reason == KW_REASON_NO_RESPONSE && event->http.counts.requests_begun == 1;
}

/* Whether a finding other than lost_requests covers this loss. clients_give_up counts only if it is raised, which is
 * decided later. */
static bool is_covered(const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	switch (verdict->reason) {
	case KW_REASON_NO_RESPONSE:
	case KW_REASON_RESPONSE_TRUNCATED:
	case KW_REASON_EARLY_RESPONSE:
		return true;
	case KW_REASON_STALE_REUSE:
	case KW_REASON_PROCESS_EXIT:
		return verdict->closer == KW_CLOSER_SERVER;
	default:
		return is_dead(event, verdict) || kw_http2_covers(event, verdict);
	}
}

uint64_t kw_window_statistics_uncovered(const struct kw_event_connection *event,
					const struct kw_verdict *verdict)
{
	struct kw_lost_requests lost = kw_lost_requests_of(&event->http, verdict);
	uint64_t sum = 0;

	for (int i = 0; i < KW_RETRYABLE_MAX; i++)
		sum += lost.retryable[i];
	return is_covered(event, verdict) ? 0 : sum;
}

static void add_obsolete(struct kw_window_statistics *statistics, const struct kw_event_connection *event)
{
	bool proxy = event->http.flags & (KW_HTTP_PROXY_CONNECTION | KW_HTTP_PROXY_CONNECTION_ANSWER);
	bool unnamed = event->http.errors & 1 << HTTP1_ERROR_KEEP_ALIVE_UNNAMED;

	statistics->proxy_connection += proxy;
	statistics->keep_alive_unnamed += unnamed;
	if (proxy || unnamed)
		example(statistics, KW_FINDING_OBSOLETE_FIELDS, event);
}

static void add_example_of_reason(struct kw_window_statistics *statistics,
				  const struct kw_event_connection *event, const struct kw_verdict *verdict)
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
	case KW_REASON_TLS_HANDSHAKE_FAILED:
		example(statistics, KW_FINDING_TLS_HANDSHAKES_FAIL, event);
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
	if (kw_window_statistics_uncovered(event, verdict))
		example(statistics, KW_FINDING_LOST_REQUESTS, event);
	if (event->http.counts.requests_begun == 1 && verdict->premature == KW_PREMATURE_NO)
		example(statistics, KW_FINDING_LOW_REUSE, event);
}

static bool is_reset(const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	return verdict->reason == KW_REASON_NO_RESPONSE && verdict->manner == KW_MANNER_RST &&
	       event->identity.role == KW_ROLE_CLIENT && verdict->idle_before >= 0;
}

static enum kw_retryable retryable_of(const struct kw_http *http)
{
	if (http->lost_safe + http->lost_idempotent)
		return KW_RETRYABLE_YES;
	return http->lost_other ? KW_RETRYABLE_NO : KW_RETRYABLE_UNKNOWN;
}

static int add_reset(struct kw_window_statistics *statistics, const struct kw_event_connection *event,
		     const struct kw_verdict *verdict)
{
	uint64_t idle = (uint64_t)verdict->idle_before / KW_US;
	int r = kw_sketch_add(&statistics->reset_idle[retryable_of(&event->http)], idle);

	return r == 0 && is_at_once(event, verdict) ? kw_sketch_add(&statistics->reset_at_once, idle) : r;
}

static int add_times(struct kw_window_statistics *statistics, const struct kw_event_connection *event,
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
	if (r == 0 && verdict->reason == KW_REASON_RESPONSE_TRUNCATED && verdict->stalled >= 0)
		r = kw_sketch_add(&statistics->stalled, (uint64_t)verdict->stalled / KW_US);
	if (r == 0 && is_reset(event, verdict))
		r = add_reset(statistics, event, verdict);
	if (r == 0 && verdict->reason == KW_REASON_NO_RESPONSE && verdict->waited >= 0)
		r = kw_sketch_add(&statistics->unanswered, (uint64_t)verdict->waited / KW_US);
	return r;
}

static int add_close(struct kw_window_statistics *statistics, const struct kw_event_connection *event,
		     const struct kw_verdict *verdict)
{
	/* Within TLS requests cannot be counted, so such a connection says nothing of how well it was used. */
	statistics->used += event->http.counts.requests_begun && event->http.protocol != HTTP1_PROTOCOL_TLS;
	statistics->premature += verdict->premature == KW_PREMATURE_YES;
	statistics->http += event->http.protocol == HTTP1_PROTOCOL_HTTP1;
	kw_tls_alerts_add(&statistics->tls, event);
	if (kw_tls_ends_add(&statistics->tls_ends, event, verdict))
		example(statistics, KW_FINDING_TLS_UNCLEAN_CLOSES, event);
	if (event->peer_fin && event->closing.time > event->peer_fin + KW_HALF_CLOSED_AGE &&
	    event->half_closed_before) {
		statistics->half_closed_long++;
		example(statistics, KW_FINDING_CLOSE_WAIT_LEAK, event);
	}
	statistics->unaccepted += is_unaccepted(event, verdict);
	add_dead(statistics, event, verdict);
	add_truncated(statistics, event, verdict);
	add_unanswered(statistics, event, verdict);
	add_obsolete(statistics, event);
	add_example_of_reason(statistics, event, verdict);
	return add_times(statistics, event, verdict);
}

/* Most services carry no HTTP/2, so its statistics take memory only where there is some. */
static int need_http2(struct kw_window_statistics *statistics)
{
	if (!statistics->http2)
		statistics->http2 = calloc(1, sizeof(*statistics->http2));
	return statistics->http2 ? 0 : -ENOMEM;
}

const struct kw_http2_ends *kw_window_http2(const struct kw_window_statistics *statistics)
{
	static const struct kw_http2_ends none;

	return statistics->http2 ? statistics->http2 : &none;
}

static int add_http2(struct kw_window_statistics *statistics, const struct kw_event_connection *event,
		     const struct kw_verdict *verdict)
{
	uint64_t shown;
	int r = kw_http2_facts_of(event) ? need_http2(statistics) : 0;

	if (r < 0 || !statistics->http2)
		return r;
	r = kw_http2_ends_add(statistics->http2, event, verdict, &shown);
	for (enum kw_finding_id id = 0; shown; id++, shown >>= 1)
		if (shown & 1)
			example(statistics, id, event);
	return r;
}

int kw_window_statistics_add(struct kw_window_statistics *statistics, const struct kw_event *event,
			     const struct kw_verdict *verdict)
{
	int r = add_http2(statistics, event->connection, verdict);

	kw_traffic_add(&statistics->traffic, event, verdict);
	add_reuse(statistics, event);
	add_names(statistics, event->history);
	return r == 0 && verdict ? add_close(statistics, event->connection, verdict) : r;
}

/* ---- sums ---- */

static void merge_extremes(struct kw_window_statistics *to, const struct kw_window_statistics *from)
{
	to->reuse_idle_max = kw_greatest(to->reuse_idle_max, from->reuse_idle_max);
	to->worked_idle_max = kw_greatest(to->worked_idle_max, from->worked_idle_max);
	if (from->dead && (!to->dead || from->dead_idle_min < to->dead_idle_min))
		to->dead_idle_min = from->dead_idle_min;
}

static void merge_counts(struct kw_window_statistics *to, const struct kw_window_statistics *from)
{
	static const size_t counts[] = {
#define COUNT(name) offsetof(struct kw_window_statistics, name)
		COUNT(paired),
		COUNT(unaccepted),
		COUNT(used),
		COUNT(premature),
		COUNT(http),
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
		COUNT(not_drained.races),
		COUNT(not_drained.races_inferred),
		COUNT(not_drained.races_at_once),
		COUNT(not_drained.early),
		COUNT(not_drained.unannounced),
#undef COUNT
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		*(uint64_t *)((char *)to + counts[i]) += *(const uint64_t *)((const char *)from + counts[i]);
	for (int i = 0; i < KW_REASON_MAX; i++)
		to->not_drained.uncovered[i] += from->not_drained.uncovered[i];
	for (int i = 0; i < KW_RETRYABLE_MAX; i++)
		to->not_drained.race_lost[i] += from->not_drained.race_lost[i];
}

#define PLAIN_SKETCHES 8
#define SKETCHES (PLAIN_SKETCHES + KW_RETRYABLE_MAX)

static void list_sketches(struct kw_window_statistics *statistics, struct kw_sketch *ret_list[SKETCHES])
{
	struct kw_sketch *list[SKETCHES] = {
		&statistics->close_idle,       &statistics->client_idle,   &statistics->gave_up,
		&statistics->announced,        &statistics->stalled,       &statistics->unanswered,
		&statistics->not_drained.idle, &statistics->reset_at_once,
	};

	for (int i = 0; i < KW_RETRYABLE_MAX; i++)
		list[PLAIN_SKETCHES + i] = &statistics->reset_idle[i];
	memcpy(ret_list, list, sizeof(list));
}

int kw_window_statistics_merge(struct kw_window_statistics *to, const struct kw_window_statistics *from)
{
	struct kw_sketch *sums[SKETCHES], *parts[SKETCHES];
	int r = from->http2 ? need_http2(to) : 0;

	list_sketches(to, sums);
	list_sketches((struct kw_window_statistics *)from, parts);
	for (int i = 0; i < SKETCHES && r == 0; i++)
		r = kw_sketch_merge(sums[i], parts[i]);
	if (r == 0 && from->http2)
		r = kw_http2_ends_merge(to->http2, from->http2);
	if (r < 0)
		return r;
	kw_traffic_merge(&to->traffic, &from->traffic);
	merge_extremes(to, from);
	merge_counts(to, from);
	kw_tls_alerts_merge(&to->tls, &from->tls);
	kw_tls_ends_merge(&to->tls_ends, &from->tls_ends);
	for (int i = 0; i < KW_FINDING_MAX; i++)
		kw_examples_merge(&to->examples[i], &from->examples[i]);
	return 0;
}

void kw_window_statistics_limit(struct kw_window_statistics *statistics)
{
	struct kw_sketch *list[SKETCHES];

	list_sketches(statistics, list);
	for (int i = 0; i < SKETCHES; i++)
		kw_sketch_limit(list[i], KW_SKETCH_KEPT);
	if (statistics->http2)
		kw_http2_ends_limit(statistics->http2, KW_SKETCH_KEPT);
}

void kw_window_statistics_free(struct kw_window_statistics *statistics)
{
	struct kw_sketch *list[SKETCHES];

	list_sketches(statistics, list);
	for (int i = 0; i < SKETCHES; i++)
		kw_sketch_free(list[i]);
	if (statistics->http2)
		kw_http2_ends_free(statistics->http2);
	free(statistics->http2);
}

void kw_window_statistics_clear(struct kw_window_statistics *statistics)
{
	kw_window_statistics_free(statistics);
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
