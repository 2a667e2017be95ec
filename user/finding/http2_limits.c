/* SPDX-License-Identifier: BSD-2-Clause */
/* Findings about limits at which a server ends HTTP/2 connections while they are in use: their age, or the number of their
 * streams. */
#include <inttypes.h>

#include "base/duration.h"
#include "base/words.h"
#include "finding/assess.h"
#include "finding/http2_settings.h"

#define LEAST 5          /* fewer may be accidents */
#define JITTER 0.22      /* of the age: a jitter of 10% up and down, and a little for sampling */
#define AGE_LEAST 500000 /* us; a server that ends connections sooner does so after each response */
#define STREAMS_LEAST 2  /* a server that ends each after one stream keeps none, see low_reuse */

/* Whether the server ended most of these connections at one time, as it does at a reload: within two ticks that follow each other. */
static bool is_at_once(const struct kw_http2_ends *ends)
{
	uint64_t most = 0;

	for (int i = 0; i < KW_GOAWAY_TICKS; i++) {
		uint64_t two = ends->ticks[i] + ends->ticks[(i + 1) % KW_GOAWAY_TICKS];

		most = two > most ? two : most;
	}
	return 2 * most > ends->streams.count;
}

/* How many connections ended at the server's limit of streams. */
static uint64_t at_limit(const struct kw_http2_ends *ends, uint32_t *ret_limit)
{
	uint64_t count = kw_majority_find(&ends->streams, ret_limit);

	return count >= LEAST && *ret_limit >= STREAMS_LEAST && 2 * ends->sums.max_age < ends->streams.count
		       ? count
		       : 0;
}

/* The ages of most of them differ by no more than a jitter. */
static struct kw_cluster at_age(const struct kw_http2_ends *ends)
{
	double median = (double)kw_sketch_quantile(&ends->ages, 0.5);
	struct kw_cluster cluster = kw_sketch_cluster(&ends->ages, (uint64_t)(JITTER * median));
	bool named = 2 * ends->sums.max_age > ends->ages.count;
	uint32_t limit;

	if (cluster.count < LEAST || 2 * cluster.count <= ends->ages.count || cluster.mean < AGE_LEAST ||
	    (!named && (is_at_once(ends) || at_limit(ends, &limit))))
		return (struct kw_cluster){0};
	return cluster;
}

static double share_of(uint64_t count, const struct kw_http2_ends *ends)
{
	return ends->streams.count ? (double)count / (double)ends->streams.count : 0;
}

bool kw_raise_max_age_churn(const struct kw_assessment *a, struct kw_finding *f)
{
	const struct kw_http2_ends *ends = kw_window_http2(&a->sum);
	struct kw_cluster ages = at_age(ends);
	double age = (double)ages.mean / 1e6;

	if (!ages.count)
		return false;
	f->severity = KW_SEVERITY_INFO;
	kw_finding_count(f, "closed_at_age", ages.count);
	kw_finding_count(f, "closed", ends->sums.closed);
	kw_finding_number(f, "share", KW_NUMBER_SHARE, share_of(ages.count, ends));
	kw_finding_seconds(f, "max_age_s", true, age);
	kw_finding_count(f, "named_by_goaway", ends->sums.max_age);
	kw_finding_summarise(
		f,
		"The server ends HTTP/2 connections in use by GOAWAY when they are about %s old: %" PRIu64
		" of %" PRIu64 " that it ended so. That is a limit of their age.",
		kw_duration_about(age).text, ages.count, ends->ages.count);
	kw_finding_advise(
		f,
		"If connections should live longer, let the server%s do without that limit or raise it: set "
		"%s.",
		a->server->called, kw_http2_settings_of(a->server)->age);
	kw_finding_advise(
		f,
		"Give streams that are open then the time to end, longer than the longest of them takes: set "
		"%s.",
		kw_http2_settings_of(a->server)->grace);
	return true;
}

bool kw_raise_max_streams_churn(const struct kw_assessment *a, struct kw_finding *f)
{
	const struct kw_http2_ends *ends = kw_window_http2(&a->sum);
	uint32_t limit;
	uint64_t count = at_limit(ends, &limit);

	if (!count)
		return false;
	f->severity = KW_SEVERITY_INFO;
	kw_finding_count(f, "closed_at_limit", count);
	kw_finding_count(f, "closed", ends->sums.closed);
	kw_finding_number(f, "share", KW_NUMBER_SHARE, share_of(count, ends));
	kw_finding_count(f, "streams_limit", limit);
	kw_finding_summarise(f,
			     "The server ends HTTP/2 connections in use by GOAWAY after %" PRIu32
			     " streams each: %" PRIu64 " of %" PRIu64
			     " that it ended so. That is a limit of requests on one connection.",
			     limit, count, ends->streams.count);
	kw_finding_advise(
		f,
		"Each time the streams behind that one must be sent again on another connection, and a client "
		"that does not do so loses them: raise the limit of the server%s, set %s.",
		a->server->called, kw_http2_settings_of(a->server)->streams);
	return true;
}
