/* SPDX-License-Identifier: BSD-2-Clause */
#include "finding/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *kw_finding_name(enum kw_finding_id id)
{
	static const char *const names[KW_FINDING_MAX] = {
		[KW_FINDING_GATEWAY_ERRORS] = "gateway_errors",
		[KW_FINDING_MIDDLEBOX] = "middlebox",
		[KW_FINDING_TIMEOUT_RACE] = "timeout_race",
		[KW_FINDING_GOAWAY_LOSSES] = "goaway_losses",
		[KW_FINDING_TRUNCATED_RESPONSES] = "truncated_responses",
		[KW_FINDING_NO_RESPONSES] = "no_responses",
		[KW_FINDING_DRAIN] = "drain",
		[KW_FINDING_UNANNOUNCED_CLOSES] = "unannounced_closes",
		[KW_FINDING_TIMEOUT_NOT_HONOURED] = "timeout_not_honoured",
		[KW_FINDING_TOO_MANY_PINGS] = "too_many_pings",
		[KW_FINDING_LOST_REQUESTS] = "lost_requests",
		[KW_FINDING_STREAMS_REFUSED] = "streams_refused",
		[KW_FINDING_FORWARDS_HOP_BY_HOP] = "forwards_hop_by_hop",
		[KW_FINDING_FORBIDDEN_FIELDS] = "forbidden_fields",
		[KW_FINDING_CONNECTS_FAIL] = "connects_fail",
		[KW_FINDING_TLS_HANDSHAKES_FAIL] = "tls_handshakes_fail",
		[KW_FINDING_TLS_UNCLEAN_CLOSES] = "tls_unclean_closes",
		[KW_FINDING_LOW_REUSE] = "low_reuse",
		[KW_FINDING_MAX_CHURN] = "max_churn",
		[KW_FINDING_MAX_STREAMS_CHURN] = "max_streams_churn",
		[KW_FINDING_MAX_AGE_CHURN] = "max_age_churn",
		[KW_FINDING_PROBE_ONLY] = "probe_only",
		[KW_FINDING_CLIENTS_GIVE_UP] = "clients_give_up",
		[KW_FINDING_DEAD_PATH] = "dead_path",
		[KW_FINDING_CLOSE_WAIT_LEAK] = "close_wait_leak",
		[KW_FINDING_OBSOLETE_FIELDS] = "obsolete_fields",
	};

	return (unsigned int)id < KW_FINDING_MAX ? names[id] : "unknown";
}

static void add(struct kw_finding *finding, struct kw_number number)
{
	if (finding->number_count < KW_FINDING_NUMBERS)
		finding->numbers[finding->number_count++] = number;
}

void kw_finding_number(struct kw_finding *finding, const char *name, enum kw_number_kind kind, double value)
{
	add(finding, (struct kw_number){.name = name, .kind = kind, .value = value});
}

void kw_finding_count(struct kw_finding *finding, const char *name, uint64_t count)
{
	kw_finding_number(finding, name, KW_NUMBER_COUNT, (double)count);
}

void kw_finding_count_or_null(struct kw_finding *finding, const char *name, bool known, uint64_t count)
{
	kw_finding_number(finding, name, known ? KW_NUMBER_COUNT : KW_NUMBER_NULL, (double)count);
}

void kw_finding_seconds(struct kw_finding *finding, const char *name, bool known, double seconds)
{
	kw_finding_number(finding, name, known ? KW_NUMBER_SECONDS : KW_NUMBER_NULL, known ? seconds : 0);
}

void kw_finding_text(struct kw_finding *finding, const char *name, const char *text)
{
	add(finding, (struct kw_number){.name = name, .kind = KW_NUMBER_TEXT, .text = text});
}

void kw_finding_advise(struct kw_finding *finding, const char *format, ...)
{
	va_list args;

	if (finding->advice_count == KW_FINDING_ADVICE)
		return;
	va_start(args, format);
	vsnprintf(finding->advice[finding->advice_count++], KW_FINDING_ADVICE_TEXT, format, args);
	va_end(args);
}

void kw_finding_summarise(struct kw_finding *finding, const char *format, ...)
{
	size_t length = strlen(finding->summary);
	va_list args;

	va_start(args, format);
	vsnprintf(finding->summary + length, KW_FINDING_SUMMARY - length, format, args);
	va_end(args);
}
