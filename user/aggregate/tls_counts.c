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
