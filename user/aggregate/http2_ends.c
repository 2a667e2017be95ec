/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/http2_ends.h"

#include <stddef.h>

#include "base/arithmetic.h"
#include "event/http2_names.h"
#include "include/http2/window.h"
#include "judge/http2.h"

static uint64_t shown(enum kw_finding_id id, bool is)
{
	return (uint64_t)is << id;
}

static uint64_t least_known(uint64_t a, uint64_t b)
{
	return a && b ? kw_least(a, b) : a + b;
}

/* ---- faults of a connection that may live on ---- */

/* The server refused streams that the client has begun. Its limit is to blame on a connection that has reached it. */
static uint64_t add_refused(struct kw_http2_ends *ends, const struct kw_http2_facts *facts)
{
	const struct kw_http2_side *client = &facts->sides[HTTP2_CLIENT], *server = &facts->sides[HTTP2_SERVER];
	uint32_t refused = kw_http2_new_resets(facts, HTTP2_SERVER, HTTP2_CODE_REFUSED_STREAM);

	if (!refused)
		return 0;
	ends->sums.refused += refused;
	ends->peak = kw_greatest(ends->peak, client->peak);
	if (server->limited && client->peak >= server->max_concurrent) {
		ends->sums.refused_over += refused;
		ends->limit = least_known(ends->limit, server->max_concurrent);
	}
	return shown(KW_FINDING_STREAMS_REFUSED, true);
}

static uint64_t add_fields(struct kw_http2_ends *ends, const struct kw_http2_facts *facts)
{
	uint16_t any = 0;

	for (enum http2_direction by = HTTP2_CLIENT; by <= HTTP2_SERVER; by++) {
		uint16_t fields = kw_http2_new_fields(facts, by);

		any |= fields;
		for (int i = 0; i < KW_FORBIDDEN_FIELDS; i++)
			ends->sums.fields[by][i] += fields >> (HTTP2_NAME_CONNECTION + i) & 1;
	}
	return shown(KW_FINDING_FORBIDDEN_FIELDS, any);
}

static bool is_aged(const struct kw_http2_facts *facts)
{
	return facts->sides[HTTP2_SERVER].goaway_debug == HTTP2_DEBUG_MAX_AGE;
}

/* ---- requests that a GOAWAY lost or turned away ---- */

static bool is_goaway_loss(enum kw_reason reason)
{
	return reason == KW_REASON_GOAWAY_CUT || reason == KW_REASON_GOAWAY_REFUSED ||
	       reason == KW_REASON_STREAM_AFTER_GOAWAY;
}

static uint64_t add_losses(struct kw_http2_ends *ends, const struct kw_http2_facts *facts,
			   const struct kw_verdict *verdict)
{
	bool cut = verdict->reason == KW_REASON_GOAWAY_CUT;

	if (!is_goaway_loss(verdict->reason))
		return 0;
	ends->sums.cut += cut;
	ends->sums.turned += !cut;
	ends->sums.late += verdict->reason == KW_REASON_STREAM_AFTER_GOAWAY;
	ends->sums.cut_lost += verdict->premature == KW_PREMATURE_YES ? verdict->lost_requests : 0;
	ends->sums.retryable += kw_http2_retryable(&verdict->facts.streams);
	ends->sums.by_age += is_aged(facts);
	return shown(KW_FINDING_GOAWAY_LOSSES, true);
}

/* ---- PINGs ---- */

/* The side that was told that it sends too many; HTTP2_CLIENT or HTTP2_SERVER, or -1: none was. */
static int scolded(const struct kw_http2_facts *facts, const struct kw_verdict *verdict)
{
	if (verdict->reason != KW_REASON_ENHANCE_YOUR_CALM)
		return -1;
	for (enum http2_direction by = HTTP2_CLIENT; by <= HTTP2_SERVER; by++)
		if (facts->sides[by].goaways && facts->sides[by].goaway_debug == HTTP2_DEBUG_TOO_MANY_PINGS)
			return !by;
	return -1;
}

static uint64_t add_pings(struct kw_http2_ends *ends, const struct kw_http2_facts *facts,
			  const struct kw_verdict *verdict)
{
	int by = scolded(facts, verdict);

	if (by < 0)
		return 0;
	ends->sums.scolded++;
	ends->sums.scolded_lost += verdict->premature == KW_PREMATURE_YES ? verdict->lost_requests : 0;
	ends->sums.pings += facts->sides[by].pings;
	ends->ping_gap = least_known(ends->ping_gap, facts->sides[by].ping_gap);
	return shown(KW_FINDING_TOO_MANY_PINGS, true);
}

/* Whether the host of the side that did not answer has acknowledged all, so that only its program can be stuck. The end that gave
 * up knows it. */
static bool is_heard(const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	bool own = (event->identity.role == KW_ROLE_CLIENT) == (verdict->closer == KW_CLOSER_CLIENT);

	return own && event->ending.tx_sent && event->ending.tx_acked >= event->ending.tx_sent;
}

static uint64_t add_timeout(struct kw_http2_ends *ends, const struct kw_event_connection *event,
			    const struct kw_verdict *verdict)
{
	if (verdict->reason != KW_REASON_PING_TIMEOUT)
		return 0;
	ends->sums.ping_timeouts++;
	ends->sums.ping_timeouts_lost += verdict->premature == KW_PREMATURE_YES ? verdict->lost_requests : 0;
	ends->sums.ping_timeouts_heard += is_heard(event, verdict);
	return shown(KW_FINDING_DEAD_PATH, true);
}

/* ---- limits of a connection ---- */

/* Whether the server ended the connection in an orderly way while it was in use: at a limit of its age or of its streams, or for
 * a reload. */
static bool is_ended_in_use(const struct kw_http2_facts *facts)
{
	const struct kw_http2_side *server = &facts->sides[HTTP2_SERVER];

	if (!server->goaways || !server->goaway || server->goaway_code != HTTP2_CODE_NO_ERROR ||
	    server->goaway_debug == HTTP2_DEBUG_MAX_IDLE)
		return false;
	return is_aged(facts) || (facts->latest && server->goaway < facts->latest + KW_HTTP2_QUICKLY);
}

/* Whether the connection closed with the last event of a stream, and gRPC had answered some streams with errors. */
static bool may_end_with_errors(const struct kw_http2_facts *facts, const struct kw_verdict *verdict)
{
	return facts->sides[HTTP2_SERVER].trailers_only && !is_goaway_loss(verdict->reason) &&
	       verdict->closed < facts->latest + KW_HTTP2_QUICKLY &&
	       facts->latest < verdict->closed + KW_HTTP2_QUICKLY &&
	       verdict->closed >= facts->sides[HTTP2_SERVER].goaway;
}

/* How many streams the server took. */
static uint32_t taken(const struct kw_http2_facts *facts)
{
	uint32_t begun = facts->sides[HTTP2_CLIENT].begun;
	uint32_t last = http2_number(facts->sides[HTTP2_SERVER].goaway_id);

	return last < begun ? last : begun;
}

static int add_limits(struct kw_http2_ends *ends, const struct kw_event_connection *event,
		      const struct kw_verdict *verdict, uint64_t *ret_shown)
{
	const struct kw_http2_facts *facts = kw_http2_facts_of(event);
	const struct kw_http2_side *server = &facts->sides[HTTP2_SERVER];
	bool aged = is_aged(facts);
	int r = 0;

	if (event->identity.preexisting || facts->flags & KW_HTTP2_MIDWAY || !is_ended_in_use(facts) ||
	    server->goaway < event->opened)
		return 0;
	ends->sums.max_age += aged;
	ends->ticks[server->goaway / KW_GOAWAY_TICK % KW_GOAWAY_TICKS]++;
	kw_majority_add(&ends->streams, taken(facts));
	*ret_shown |= shown(KW_FINDING_MAX_AGE_CHURN, true) | shown(KW_FINDING_MAX_STREAMS_CHURN, !aged);
	if (may_end_with_errors(facts, verdict)) {
		*ret_shown |=
			shown(KW_FINDING_GOAWAY_LOSSES, verdict->closed - server->goaway >= KW_HTTP2_QUICKLY);
		r = kw_sketch_add(&ends->graces, (verdict->closed - server->goaway) / KW_US);
	}
	return r == 0 ? kw_sketch_add(&ends->ages, (server->goaway - event->opened) / KW_US) : r;
}

/* ---- all of it ---- */

int kw_http2_ends_add(struct kw_http2_ends *ends, const struct kw_event_connection *event,
		      const struct kw_verdict *verdict, uint64_t *ret_shown)
{
	const struct kw_http2_facts *facts = kw_http2_facts_of(event);

	*ret_shown = 0;
	if (!facts)
		return 0;
	ends->sums.records[event->http.flags & KW_HTTP_PLAINTEXT ? 1 : 0]++;
	*ret_shown = add_refused(ends, facts) | add_fields(ends, facts);
	if (!verdict)
		return 0;
	ends->sums.closed++;
	*ret_shown |= add_losses(ends, facts, verdict) | add_pings(ends, facts, verdict) |
		      add_timeout(ends, event, verdict);
	return add_limits(ends, event, verdict, ret_shown);
}

static void merge_sums(struct kw_http2_ends *to, const struct kw_http2_ends *from)
{
	const uint64_t *parts = (const uint64_t *)&from->sums;
	uint64_t *sums = (uint64_t *)&to->sums;

	for (size_t i = 0; i < sizeof(to->sums) / sizeof(*sums); i++)
		sums[i] += parts[i];
	to->ping_gap = least_known(to->ping_gap, from->ping_gap);
	to->limit = least_known(to->limit, from->limit);
	to->peak = kw_greatest(to->peak, from->peak);
	for (int i = 0; i < KW_GOAWAY_TICKS; i++)
		to->ticks[i] += from->ticks[i];
	kw_majority_merge(&to->streams, &from->streams);
}

int kw_http2_ends_merge(struct kw_http2_ends *to, const struct kw_http2_ends *from)
{
	int r = kw_sketch_merge(&to->ages, &from->ages);

	if (r == 0)
		r = kw_sketch_merge(&to->graces, &from->graces);
	if (r == 0)
		merge_sums(to, from);
	return r;
}

void kw_http2_ends_limit(struct kw_http2_ends *ends, uint32_t bins)
{
	kw_sketch_limit(&ends->ages, bins);
	kw_sketch_limit(&ends->graces, bins);
}

void kw_http2_ends_free(struct kw_http2_ends *ends)
{
	kw_sketch_free(&ends->ages);
	kw_sketch_free(&ends->graces);
}

bool kw_http2_covers(const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	const struct kw_http2_facts *facts = kw_http2_facts_of(event);

	return facts && (is_goaway_loss(verdict->reason) || verdict->reason == KW_REASON_PING_TIMEOUT ||
			 scolded(facts, verdict) >= 0);
}

bool kw_http2_is_aged(const struct kw_event_connection *event)
{
	const struct kw_http2_facts *facts = kw_http2_facts_of(event);

	return facts && is_aged(facts);
}
