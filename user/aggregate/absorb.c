/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/absorb.h"

#include <errno.h>

static void add_all(uint64_t *to, const uint64_t *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] += from[i];
}

static void add_directives(struct kw_directives_total *to, const struct kw_directives_total *from)
{
	to->keep_alive += from->keep_alive;
	to->close += from->close;
	to->upgrade += from->upgrade;
	to->none += from->none;
}

static void add_counts(struct kw_service_counters *to, const struct kw_service_counters *from)
{
	to->open += from->open;
	to->half_closed += from->half_closed;
	to->streams += from->streams;
	to->busy += from->busy;
	to->inferred += from->inferred;
	to->connection_requests_sum += from->connection_requests_sum;
	to->drains.count += from->drains.count;
	add_all(to->codes, from->codes, KW_CODES);
	add_all(to->fields, from->fields, KW_FIELDS);
	add_all(to->protocols, from->protocols, KW_PROTOCOL_MAX);
	add_all(to->connection_requests, from->connection_requests, KW_REQUESTS_BUCKETS);
	kw_tls_counts_merge(&to->tls, &from->tls);
	kw_http2_counts_merge(&to->http2, &from->http2);
	add_directives(&to->request, &from->request);
	add_directives(&to->response, &from->response);
	kw_times_merge(&to->duration, &from->duration);
	kw_times_merge(&to->lateness, &from->lateness);
	for (int i = 0; i < KW_CLOSER_MAX; i++)
		kw_times_merge(&to->close_idle[i], &from->close_idle[i]);
}

int kw_counters_absorb(struct kw_service_counters *to, struct kw_service_counters *from, uint64_t window,
		       uint64_t now)
{
	struct kw_window_statistics *statistics = kw_window_now(&from->window, window, now);
	int r = statistics ? kw_drains_settle(&from->drains, UINT64_MAX, &statistics->not_drained) : -ENOMEM;

	if (r == 0)
		r = kw_window_merge(&to->window, &from->window);
	if (r < 0)
		return r;
	add_counts(to, from);
	kw_half_closed_merge(&to->half_closed_ages, &from->half_closed_ages, now);
	if (from->last_event > to->last_event)
		to->last_event = from->last_event;
	return 0;
}
