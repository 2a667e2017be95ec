/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/traffic.h"

#include <stddef.h>

#include "base/arithmetic.h"
#include "event/http2_names.h"

/* ---- one record ---- */

void kw_times_add(struct kw_times *times, enum kw_histogram bounds, uint64_t ns)
{
	times->buckets[kw_histogram_bucket(kw_histogram_bounds[bounds], ns)]++;
	times->sum += ns;
}

void kw_times_merge(struct kw_times *times, const struct kw_times *from)
{
	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
		times->buckets[i] += from->buckets[i];
	times->sum += from->sum;
}

/* The samples that the kernel gathered since the last report. */
static void add_samples(struct kw_times *times, enum kw_histogram which, const struct kw_event *event)
{
	if (!event->history) {
		if (event->connection->samples[which])
			kw_times_add(times, which, event->connection->sample[which]);
		return;
	}
	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
		times->buckets[i] += event->history->histograms[which][i];
	times->sum += event->history->sums[which];
}

struct kw_lost_requests kw_lost_requests_of(const struct kw_http *http, const struct kw_verdict *verdict)
{
	struct kw_lost_requests lost = {0};
	uint64_t rest = verdict->lost_requests;

	if (verdict->premature == KW_PREMATURE_UNKNOWN)
		return lost;
	lost.late = kw_least(verdict->late_request, rest);
	rest -= lost.late;
	lost.retryable[KW_RETRYABLE_YES] = kw_least(rest, (uint64_t)http->lost_safe + http->lost_idempotent);
	rest -= lost.retryable[KW_RETRYABLE_YES];
	lost.retryable[KW_RETRYABLE_NO] = kw_least(rest, http->lost_other);
	lost.retryable[KW_RETRYABLE_UNKNOWN] = rest - lost.retryable[KW_RETRYABLE_NO];
	return lost;
}

/* A request that met a closing server counts as late, not under the reason for which the server closed. */
static void add_close(struct kw_traffic *traffic, const struct kw_event_connection *event,
		      const struct kw_verdict *verdict)
{
	struct kw_lost_requests lost = kw_lost_requests_of(&event->http, verdict);

	traffic->closed[verdict->reason][verdict->closer]++;
	for (int i = 0; i < KW_RETRYABLE_MAX; i++)
		traffic->lost_requests[verdict->reason][i] += lost.retryable[i];
	traffic->lost_requests[KW_REASON_LATE][KW_RETRYABLE_UNKNOWN] += lost.late;
}

/* The first exchange of a connection is none that uses it again. */
static void add_exchanges(struct kw_traffic *traffic, const struct kw_event_connection *connection,
			  const struct kw_counts *before)
{
	uint32_t now = connection->http.counts.requests_begun;

	if (connection->http.protocol != HTTP1_PROTOCOL_TLS)
		return;
	traffic->exchanges += now - before->requests_begun;
	traffic->exchanges_reused +=
		(now ? now - 1 : 0) - (before->requests_begun ? before->requests_begun - 1 : 0);
}

void kw_traffic_add(struct kw_traffic *traffic, const struct kw_event *event, const struct kw_verdict *verdict)
{
	static const struct kw_counts nothing;
	const struct kw_event_connection *connection = event->connection;
	const struct kw_counts *now = &connection->http.counts;
	const struct kw_counts *before = event->history ? &event->history->before : &nothing;
	uint32_t http10 = now->requests_http10 - before->requests_http10;

	if (!connection->reported) {
		traffic->opened += !connection->identity.preexisting;
		traffic->preexisting += connection->identity.preexisting;
	}
	traffic->requests[0] += http10;
	traffic->requests[kw_http2_facts_of(connection) ? KW_VERSION_2 : 1] +=
		now->requests - before->requests - http10;
	traffic->reused += now->reused - before->reused;
	add_exchanges(traffic, connection, before);
	add_samples(&traffic->reuse_idle, KW_HISTOGRAM_IDLE, event);
	add_samples(&traffic->wait, KW_HISTOGRAM_WAIT, event);
	if (verdict)
		add_close(traffic, connection, verdict);
}

/* ---- sums ---- */

/* Every field before gateway_errors is a count of 64 bits, so these add up as an array of them. */
void kw_traffic_merge(struct kw_traffic *to, const struct kw_traffic *from)
{
	const uint64_t *parts = (const uint64_t *)from;
	uint64_t *sums = (uint64_t *)to;

	for (size_t i = 0; i < offsetof(struct kw_traffic, gateway_errors) / sizeof(*sums); i++)
		sums[i] += parts[i];
	kw_gateway_counts_merge(&to->gateway_errors, &from->gateway_errors);
	kw_forwarded_counts_merge(&to->forwarded, &from->forwarded);
}

uint64_t kw_traffic_seen(const struct kw_traffic *traffic)
{
	return traffic->opened + traffic->preexisting;
}

uint64_t kw_traffic_closed_for(const struct kw_traffic *traffic, enum kw_reason reason)
{
	uint64_t sum = 0;

	for (int closer = 0; closer < KW_CLOSER_MAX; closer++)
		sum += traffic->closed[reason][closer];
	return sum;
}

uint64_t kw_traffic_closed_by(const struct kw_traffic *traffic, enum kw_closer closer)
{
	uint64_t sum = 0;

	for (int reason = 0; reason < KW_REASON_MAX; reason++)
		sum += traffic->closed[reason][closer];
	return sum;
}

uint64_t kw_traffic_closed(const struct kw_traffic *traffic)
{
	uint64_t sum = 0;

	for (enum kw_closer closer = 0; closer < KW_CLOSER_MAX; closer++)
		sum += kw_traffic_closed_by(traffic, closer);
	return sum;
}

uint64_t kw_traffic_failed(const struct kw_traffic *traffic)
{
	uint64_t sum = 0;

	for (int i = 0; i < KW_CONNECT_FAILURES; i++)
		sum += traffic->failed[i];
	return sum;
}

uint64_t kw_traffic_requests(const struct kw_traffic *traffic)
{
	return traffic->requests[0] + traffic->requests[1] + traffic->requests[KW_VERSION_2];
}

uint64_t kw_traffic_lost(const struct kw_traffic *traffic)
{
	uint64_t sum = 0;

	for (int reason = 0; reason < KW_REASON_LABELS; reason++)
		for (int i = 0; i < KW_RETRYABLE_MAX; i++)
			sum += traffic->lost_requests[reason][i];
	return sum;
}
