/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/tls_counts.h"

#include <stddef.h>

#include "event/tls_names.h"

const char *kw_tls_result_name(enum kw_tls_result result)
{
	static const char *const names[KW_TLS_RESULT_MAX] = {
		[KW_TLS_RESULT_DONE] = "done",
		[KW_TLS_RESULT_FAILED] = "failed",
		[KW_TLS_RESULT_TIMEOUT] = "timeout",
		[KW_TLS_RESULT_ABANDONED] = "abandoned",
	};

	return names[result];
}

const char *kw_tls_counted_version(unsigned int index)
{
	return index < KW_TLS_VERSIONS - 1 ? kw_tls_version_name((uint16_t)(TLS_1_0 + index)) : "unknown";
}

static enum kw_tls_result result_of(const struct kw_tls_facts *tls, const struct kw_verdict *verdict)
{
	if (tls->alert_by)
		return KW_TLS_RESULT_FAILED;
	if (tls->done)
		return KW_TLS_RESULT_DONE;
	return verdict->reason == KW_REASON_TLS_HANDSHAKE_TIMEOUT ? KW_TLS_RESULT_TIMEOUT
								  : KW_TLS_RESULT_ABANDONED;
}

void kw_tls_counts_add(struct kw_tls_counts *counts, const struct kw_event_connection *event,
		       const struct kw_verdict *verdict)
{
	const struct kw_tls_facts *tls = kw_tls_facts_of(event);
	unsigned int version;

	if (!tls || tls->lost)
		return;
	version = (unsigned int)tls->version - TLS_1_0;
	if (version >= KW_TLS_VERSIONS)
		version = KW_TLS_VERSIONS - 1;
	counts->handshakes[result_of(tls, verdict)][version]++;
	if (tls->alert_by)
		counts->alerts[(tls->alert_by - 1) & 1][tls->alert_code]++;
}

void kw_tls_counts_merge(struct kw_tls_counts *to, const struct kw_tls_counts *from)
{
	const uint64_t *parts = (const uint64_t *)from;
	uint64_t *sums = (uint64_t *)to;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*sums); i++)
		sums[i] += parts[i];
}

static void add_row(struct kw_tls_alerts *alerts, struct kw_tls_alert_row row)
{
	for (int i = 0; i < KW_TLS_ALERT_ROWS; i++) {
		struct kw_tls_alert_row *at = &alerts->rows[i];

		if (at->count && (at->by != row.by || at->code != row.code))
			continue;
		row.count += at->count;
		*at = row;
		return;
	}
}

void kw_tls_alerts_add(struct kw_tls_alerts *alerts, const struct kw_event_connection *event)
{
	const struct kw_tls_facts *tls = kw_tls_facts_of(event);

	if (!tls || tls->lost)
		return;
	alerts->handshakes++;
	if (!tls->alert_by)
		return;
	alerts->failed++;
	add_row(alerts, (struct kw_tls_alert_row){1, tls->alert_by, tls->alert_code});
}

void kw_tls_alerts_merge(struct kw_tls_alerts *to, const struct kw_tls_alerts *from)
{
	to->handshakes += from->handshakes;
	to->failed += from->failed;
	for (int i = 0; i < KW_TLS_ALERT_ROWS; i++)
		if (from->rows[i].count)
			add_row(to, from->rows[i]);
}

const struct kw_tls_alert_row *kw_tls_alerts_commonest(const struct kw_tls_alerts *alerts)
{
	const struct kw_tls_alert_row *most = &alerts->rows[0];

	for (int i = 1; i < KW_TLS_ALERT_ROWS; i++)
		if (alerts->rows[i].count > most->count)
			most = &alerts->rows[i];
	return most->count ? most : NULL;
}

/* --- How sessions end ------------------------------------------------------------------------------------ */

/* An alert may be among bytes that this end's program never read. */
static bool saw_all(const struct kw_event_connection *event, enum kw_closer closer)
{
	bool own = (event->identity.role == KW_ROLE_CLIENT) == (closer == KW_CLOSER_CLIENT);

	return own || event->http.rx_bytes >= event->ending.rx_arrived;
}

static bool is_end(const struct kw_tls_facts *tls, const struct kw_verdict *verdict)
{
	bool by_side = verdict->closer == KW_CLOSER_CLIENT || verdict->closer == KW_CLOSER_SERVER;

	return tls && !tls->lost && tls->done && !tls->alert_by && by_side &&
	       verdict->manner == KW_MANNER_FIN && verdict->reason != KW_REASON_PROCESS_EXIT;
}

bool kw_tls_ends_add(struct kw_tls_ends *ends, const struct kw_event_connection *event,
		     const struct kw_verdict *verdict)
{
	const struct kw_tls_facts *tls = kw_tls_facts_of(event);
	enum tls_direction by = verdict->closer == KW_CLOSER_CLIENT ? TLS_CLIENT : TLS_SERVER;
	bool unclean;

	if (!is_end(tls, verdict) || !saw_all(event, verdict->closer))
		return false;
	unclean = !(tls->notifiers >> by & 1);
	ends->closed[by]++;
	ends->unclean[by] += unclean;
	return unclean;
}

void kw_tls_ends_merge(struct kw_tls_ends *to, const struct kw_tls_ends *from)
{
	for (int by = TLS_CLIENT; by <= TLS_SERVER; by++) {
		to->closed[by] += from->closed[by];
		to->unclean[by] += from->unclean[by];
	}
}
