/* SPDX-License-Identifier: BSD-2-Clause */
#include "finding/assess.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static kw_raise_fn *const rows[KW_FINDING_MAX] = {
	[KW_FINDING_GATEWAY_ERRORS] = kw_raise_gateway_errors,
	[KW_FINDING_TIMEOUT_RACE] = kw_raise_timeout_race,
	[KW_FINDING_GOAWAY_LOSSES] = kw_raise_goaway_losses,
	[KW_FINDING_TRUNCATED_RESPONSES] = kw_raise_truncated_responses,
	[KW_FINDING_NO_RESPONSES] = kw_raise_no_responses,
	[KW_FINDING_DRAIN] = kw_raise_drain,
	[KW_FINDING_UNANNOUNCED_CLOSES] = kw_raise_unannounced_closes,
	[KW_FINDING_TIMEOUT_NOT_HONOURED] = kw_raise_timeout_not_honoured,
	[KW_FINDING_TOO_MANY_PINGS] = kw_raise_too_many_pings,
	[KW_FINDING_LOST_REQUESTS] = kw_raise_lost_requests,
	[KW_FINDING_STREAMS_REFUSED] = kw_raise_streams_refused,
	[KW_FINDING_FORWARDS_HOP_BY_HOP] = kw_raise_forwards_hop_by_hop,
	[KW_FINDING_FORBIDDEN_FIELDS] = kw_raise_forbidden_fields,
	[KW_FINDING_CONNECTS_FAIL] = kw_raise_connects_fail,
	[KW_FINDING_TLS_HANDSHAKES_FAIL] = kw_raise_tls_handshakes_fail,
	[KW_FINDING_TLS_UNCLEAN_CLOSES] = kw_raise_tls_unclean_closes,
	[KW_FINDING_LOW_REUSE] = kw_raise_low_reuse,
	[KW_FINDING_MAX_CHURN] = kw_raise_max_churn,
	[KW_FINDING_MAX_STREAMS_CHURN] = kw_raise_max_streams_churn,
	[KW_FINDING_MAX_AGE_CHURN] = kw_raise_max_age_churn,
	[KW_FINDING_PROBE_ONLY] = kw_raise_probe_only,
	[KW_FINDING_CLIENTS_GIVE_UP] = kw_raise_clients_give_up,
	[KW_FINDING_DEAD_PATH] = kw_raise_dead_path,
	[KW_FINDING_CLOSE_WAIT_LEAK] = kw_raise_close_wait_leak,
	[KW_FINDING_OBSOLETE_FIELDS] = kw_raise_obsolete_fields,
};

/* This counts many services together. */
static bool is_other(const struct kw_service_counters *counters)
{
	return strcmp(counters->service.name, KW_OTHER_SERVICE) == 0;
}

/* The service that has the other ends of a client's connections, or of most of them, on this host; NULL: none has. */
static const struct kw_service_counters *server_end(const struct kw_service_counters *counters,
						    double *ret_apart)
{
	uint64_t seen = counters->seen;

	*ret_apart = 1;
	if (!counters->server_end || is_other(counters) || is_other(counters->server_end))
		return NULL;
	if (2 * counters->met <= seen)
		return NULL;
	*ret_apart = counters->met < seen ? 1 - (double)counters->met / (double)seen : 0;
	return counters->server_end;
}

double kw_share_apart(const struct kw_service_counters *counters)
{
	double apart;

	server_end(counters, &apart);
	return apart;
}

/* The other end of the service's connections, if it is on this host too. */
static const struct kw_service_counters *other_end(const struct kw_aggregate *aggregate,
						   const struct kw_service_counters *counters)
{
	double apart;

	if (counters->service.role == KW_ROLE_CLIENT)
		return server_end(counters, &apart);
	for (const struct kw_service_counters *other = aggregate->services;
	     other && counters->has_local_clients; other = other->hh.next)
		if (other->comm[0] && server_end(other, &apart) == counters)
			return other;
	return NULL;
}

static void find_software(const struct kw_aggregate *aggregate, struct kw_assessment *assessment)
{
	const struct kw_service_counters *counters = assessment->counters;
	const struct kw_service_counters *other = other_end(aggregate, counters);
	const struct kw_software *here = kw_software_of(counters->comm, &aggregate->programs);
	const struct kw_software *there = kw_software_of(other ? other->comm : "", &aggregate->programs);
	bool client = counters->service.role == KW_ROLE_CLIENT;

	assessment->client = client ? here : there;
	assessment->server = client ? there : here;
}

static void find_times(struct kw_assessment *assessment)
{
	const struct kw_service_counters *counters = assessment->counters;

	assessment->server_idle = kw_infer_timeout(&assessment->sum.not_drained.idle);
	assessment->client_idle = kw_infer_timeout(&assessment->sum.client_idle);
	assessment->has_timeout = assessment->server_idle.known || counters->has_advertised_timeout;
	assessment->timeout =
		assessment->server_idle.known ? assessment->server_idle.seconds : counters->advertised_timeout;
	assessment->reuse_max = (double)assessment->sum.reuse_idle_max / 1e9;
	assessment->has_margin =
		assessment->has_timeout && (assessment->sum.traffic.reused || assessment->sum.reuse_idle_max);
	assessment->margin = assessment->has_margin ? assessment->timeout - assessment->reuse_max : 0;
}

static uint64_t count_between(const struct kw_sketch *sketch, double from, double to)
{
	return kw_sketch_count_from(sketch, (uint64_t)(from * 1e6)) -
	       kw_sketch_count_from(sketch, (uint64_t)(to * 1e6) + 1);
}

/* Classifies requests that got only a RST. The RST alone does not show the client whether the server refused the
 * request, but the idle time before it does. Near the server's idle timeout, the request met the server's close.
 * Beyond every idle time that ever worked, and with a RST that came too fast for a server to have read the request,
 * the server or a device on the path had forgotten the connection. */
static void find_resets(struct kw_assessment *assessment)
{
	const struct kw_window_statistics *sum = &assessment->sum;
	double timeout = assessment->timeout, worked = (double)sum->worked_idle_max / 1e9;
	double near_to = fmax(timeout * (1 + KW_CLUSTER_SHARE), timeout + KW_CLUSTER_SECONDS);
	double beyond = fmax(worked, KW_IDLE_SECONDS);

	for (int i = 0; i < KW_RETRYABLE_MAX && assessment->has_timeout; i++)
		assessment->resets[i] = count_between(&sum->reset_idle[i], KW_NEAR_TIMEOUT * timeout, near_to);
	if (assessment->has_timeout)
		beyond = fmax(beyond, near_to);
	assessment->forgotten = kw_sketch_count_from(&sum->reset_at_once, (uint64_t)(beyond * 1e6) + 1);
	assessment->forgotten_idle =
		(double)kw_sketch_least_from(&sum->reset_at_once, (uint64_t)(beyond * 1e6) + 1) / 1e6;
}

static uint64_t covered(const struct kw_aggregate *aggregate)
{
	uint64_t all = aggregate->now - aggregate->started;

	return aggregate->window && aggregate->window < all ? aggregate->window : all;
}

static void find_drains(const struct kw_aggregate *aggregate, struct kw_assessment *assessment)
{
	const struct kw_drains *drains = &assessment->counters->drains;
	uint64_t since = aggregate->now - covered(aggregate);
	uint32_t first = 0;

	while (first < drains->remembered && drains->list[first].last + KW_DRAIN_CELL < since)
		first++;
	assessment->drains = &drains->list[first];
	assessment->drain_count = drains->remembered - first;
}

/* Inserts by severity, the gravest first; findings of one severity stay in the order of the table. */
static void insert(struct kw_assessment *assessment, const struct kw_finding *finding)
{
	size_t at = assessment->finding_count;

	while (at > 0 && assessment->findings[at - 1].severity < finding->severity)
		at--;
	memmove(&assessment->findings[at + 1], &assessment->findings[at],
		(assessment->finding_count - at) * sizeof(*finding));
	assessment->findings[at] = *finding;
	assessment->finding_count++;
}

static int find(struct kw_assessment *assessment)
{
	for (enum kw_finding_id id = 0; id < KW_FINDING_MAX; id++) {
		struct kw_finding finding = {.id = id, .examples = assessment->sum.examples[id]};
		struct kw_finding *grown;

		if (!rows[id] || !rows[id](assessment, &finding))
			continue;
		grown = reallocarray(assessment->findings, assessment->finding_count + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		assessment->findings = grown;
		insert(assessment, &finding);
	}
	return 0;
}

/* Connections whose closing record was lost may still be counted here, so as many are subtracted: a leak must be
 * certain. */
static uint64_t leaked(const struct kw_aggregate *aggregate, const struct kw_service_counters *counters)
{
	int64_t lost = (int64_t)aggregate->totals.dropped_half_closed[counters->service.role];

	return counters->half_closed_ages.old > lost ? (uint64_t)(counters->half_closed_ages.old - lost) : 0;
}

int kw_assess(const struct kw_aggregate *aggregate, const struct kw_service_counters *counters,
	      struct kw_assessment *ret_assessment)
{
	_cleanup_(kw_assessment_free) struct kw_assessment assessment = {.counters = counters,
									 .upstreams = &aggregate->upstreams,
									 .leaked = leaked(aggregate, counters)};
	int r = kw_window_sum(&counters->window, aggregate->window, aggregate->now, &assessment.sum);

	assessment.overflows = kw_recent_sum(&aggregate->overflows, aggregate->window, aggregate->now);
	assessment.seconds = (double)covered(aggregate) / 1e9;
	if (assessment.seconds < 0.001)
		assessment.seconds = 0.001;
	assessment.server_end = server_end(counters, &assessment.apart);
	find_software(aggregate, &assessment);
	find_times(&assessment);
	find_resets(&assessment);
	find_drains(aggregate, &assessment);
	if (r == 0)
		r = find(&assessment);
	if (r < 0)
		return r;
	*ret_assessment = TAKE_STRUCT(assessment);
	return 0;
}

void kw_assessment_free(struct kw_assessment *assessment)
{
	kw_window_statistics_free(&assessment->sum);
	free(assessment->findings);
	assessment->findings = NULL;
	assessment->finding_count = 0;
}
