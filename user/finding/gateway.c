/* SPDX-License-Identifier: BSD-2-Clause */
/* The finding about gateways that answer for servers that failed them. */
#include <inttypes.h>

#include "base/words.h"
#include "finding/assess.h"

#define CAUSES_NAMED 3

/* How the server failed the gateway, with its name; and what to do about it. */
static const struct manner {
	enum kw_reason reason;
	const char *words;
	const char *advice;
} manners[] = {
	{KW_REASON_CONNECT_REFUSED, "%s refused connections",
	 "Start the server that refuses, or take it out of the gateway's configuration; health checks keep "
	 "requests away from a server that is down."},
	{KW_REASON_CONNECT_TIMEOUT, "%s did not answer connection attempts",
	 "Look for a firewall, a wrong address or a full accept queue between the gateway and the server that "
	 "does not answer."},
	{KW_REASON_CONNECT_UNREACHABLE, "%s could not be reached",
	 "Look for the route to the server that cannot be reached."},
	{KW_REASON_CONNECT_ABORTED, "connecting to %s took longer than the gateway waits",
	 "Find out why connecting takes so long; the gateway's limit is nginx proxy_connect_timeout, HAProxy "
	 "timeout connect, Apache ProxyPass connectiontimeout."},
	{KW_REASON_STALE_REUSE, "%s closed connections that the gateway used again",
	 "Let the gateway drop idle connections well before the server does, or the server later, and let the "
	 "gateway send such requests again where that is safe: the finding timeout_race has the numbers."},
	{KW_REASON_NO_RESPONSE, "%s took requests and closed without a response",
	 "Find out why the server drops requests: a worker's timeout or crash, an overload limit, or a rule "
	 "such as nginx's return 444."},
	{KW_REASON_RESPONSE_TRUNCATED, "%s closed in the middle of responses",
	 "Look for crashes, write timeouts and restarts in the log of the server that cuts its responses."},
	{KW_REASON_CLIENT_GAVE_UP, "%s took longer than the gateway waits",
	 "Compare how long the server takes with the gateway's limit (nginx proxy_read_timeout, HAProxy "
	 "timeout server, Apache ProxyTimeout), and change the one that is wrong."},
	{KW_REASON_PROCESS_EXIT, "the process of %s ended",
	 "Let the server finish its open requests before it exits, and the gateway stop using it before."},
};

static const struct manner *manner_of(uint32_t reason)
{
	for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++)
		if (manners[i].reason == reason)
			return &manners[i];
	return NULL;
}

/* The errors that one service caused in one way, whatever their status. */
static uint64_t caused(const struct kw_gateway_counts *counts, const struct kw_gateway_row *cause)
{
	uint64_t sum = 0;

	for (int i = 0; i < KW_GATEWAY_ROWS; i++)
		if (counts->rows[i].upstream == cause->upstream && counts->rows[i].reason == cause->reason)
			sum += counts->rows[i].count;
	return sum;
}

/* The row after @last of those that name a cause, in the order of most errors first, then of the table; each cause once. @last
 * may be NULL. */
static const struct kw_gateway_row *next_cause(const struct kw_gateway_counts *counts,
					       const struct kw_gateway_row *last)
{
	uint64_t below = last ? caused(counts, last) : UINT64_MAX;
	const struct kw_gateway_row *best = NULL;

	for (int i = 0; i < KW_GATEWAY_ROWS && counts->rows[i].count; i++) {
		const struct kw_gateway_row *row = &counts->rows[i];
		uint64_t count = caused(counts, row);
		bool first = true;

		for (int k = 0; k < i; k++)
			first &= counts->rows[k].upstream != row->upstream ||
				 counts->rows[k].reason != row->reason;
		if (!first || row->reason == KW_REASON_NONE || count > below || (count == below && row <= last))
			continue;
		if (!best || count > caused(counts, best))
			best = row;
	}
	return best;
}

/* Errors for which no service is known to have failed: the gateway's own, or its cause was not seen. */
static uint64_t without_cause(const struct kw_gateway_counts *counts)
{
	uint64_t sum = 0;

	for (int i = 0; i < KW_GATEWAY_ROWS; i++)
		if (counts->rows[i].count && counts->rows[i].reason == KW_REASON_NONE)
			sum += counts->rows[i].count;
	return sum;
}

static void tell_statuses(struct kw_finding *f, const struct kw_gateway_counts *counts)
{
	static const char *const names[KW_GATEWAY_STATUSES] = {"status_502", "status_503", "status_504"};
	const char *between = " with ";

	for (uint16_t i = 0; i < KW_GATEWAY_STATUSES; i++) {
		uint64_t count = kw_gateway_counts_sum(counts, KW_GATEWAY_STATUS + i);

		kw_finding_count(f, names[i], count);
		if (!count)
			continue;
		kw_finding_summarise(f, "%s%u", between, KW_GATEWAY_STATUS + i);
		between = " or ";
	}
}

/* Says one cause, and how to remedy it unless a cause before had the same remedy. */
static void tell_cause(const struct kw_assessment *a, struct kw_finding *f, const struct kw_gateway_row *cause,
		       bool first)
{
	const struct manner *manner = manner_of(cause->reason);
	const char *name = kw_upstream_name(a->upstreams, cause->upstream);

	kw_finding_summarise(f, "%s%" PRIu64 " because ", first ? ": " : ", ",
			     caused(&a->sum.traffic.gateway_errors, cause));
	if (manner)
		kw_finding_summarise(f, manner->words, name); /* NOLINT(clang-diagnostic-format-nonliteral) */
	else
		kw_finding_summarise(f, "a connection to %s ended", name);
	kw_finding_summarise(f, " (%s)", kw_reason_name(cause->reason));
}

static void advise_cause(struct kw_finding *f, uint32_t reason)
{
	const struct manner *manner = manner_of(reason);

	if (manner)
		kw_finding_advise(f, "%s", manner->advice);
	else
		kw_finding_advise(f, "Run keepwatch explain %s: it says what causes this, and what to do.",
				  kw_reason_name(reason));
}

static void tell_causes(const struct kw_assessment *a, struct kw_finding *f)
{
	const struct kw_gateway_counts *counts = &a->sum.traffic.gateway_errors;
	const struct kw_gateway_row *cause = NULL;
	uint64_t advised = 0; /* 1 << enum kw_reason */

	for (int i = 0; i < CAUSES_NAMED && (cause = next_cause(counts, cause)); i++) {
		tell_cause(a, f, cause, i == 0);
		if (!(advised >> cause->reason & 1))
			advise_cause(f, cause->reason);
		advised |= 1ULL << cause->reason;
	}
}

/* A program that answers 503 of its own accord is no gateway, so one cause at least must be known. */
bool kw_raise_gateway_errors(const struct kw_assessment *a, struct kw_finding *f)
{
	const struct kw_gateway_counts *counts = &a->sum.traffic.gateway_errors;
	uint64_t all = kw_gateway_counts_sum(counts, 0), unknown = without_cause(counts);
	uint64_t requests = kw_traffic_requests(&a->sum.traffic);

	if (all == unknown)
		return false;
	f->severity = KW_SEVERITY_CRITICAL;
	kw_finding_count(f, "gateway_errors", all);
	kw_finding_count(f, "requests", requests);
	kw_finding_count(f, "cause_unknown", unknown);
	kw_finding_summarise(f, "It answered %" PRIu64 " of %" PRIu64 " request%s", all, requests,
			     kw_plural(requests));
	tell_statuses(f, counts);
	tell_causes(a, f);
	kw_finding_summarise(f, ".");
	if (unknown)
		kw_finding_summarise(f, " Of %" PRIu64 " no cause was seen.", unknown);
	return true;
}
