/* SPDX-License-Identifier: BSD-2-Clause */
/* Findings about frames of HTTP/2: GOAWAYs that lose requests, PINGs, streams that are refused, fields that are forbidden. */
#include <inttypes.h>

#include "base/duration.h"
#include "base/words.h"
#include "event/http2_names.h"
#include "finding/assess.h"
#include "finding/http2_settings.h"

/* ---- goaway_losses ---- */

#define GRACE_LEAST                                                                                            \
	100000 /* us; a shorter time from a GOAWAY to the close is that of a stream which ended by itself */
#define GRACE_WIDTH 25000 /* us; times that differ by less come from one setting */
#define ENDED_LEAST 5

/* Connections on which the server gave open calls of gRPC one and the same time, then ended them with errors. */
static struct kw_cluster ended_with_errors(const struct kw_http2_ends *ends)
{
	struct kw_cluster cluster = kw_sketch_cluster(&ends->graces, GRACE_WIDTH);

	if (cluster.count < ENDED_LEAST || 2 * cluster.count <= ends->graces.count ||
	    cluster.mean < GRACE_LEAST)
		return (struct kw_cluster){0};
	return cluster;
}

static void summarise_losses(struct kw_finding *f, const struct kw_http2_sums *sums, struct kw_cluster ended)
{
	uint64_t all = sums->cut + sums->turned + ended.count;

	kw_finding_summarise(f,
			     "The server ended %" PRIu64 " HTTP/2 connection%s by GOAWAY with open requests.",
			     all, kw_plural(all));
	if (sums->cut_lost)
		kw_finding_summarise(
			f, " %" PRIu64 " of them it had promised to answer, and did not: they are lost.",
			sums->cut_lost);
	if (sums->retryable)
		kw_finding_summarise(f,
				     " %" PRIu64
				     " it had not begun to work on: any client may send them again, whatever "
				     "their method; those of a client that does not are lost.",
				     sums->retryable);
	if (ended.count)
		kw_finding_summarise(
			f,
			" On %" PRIu64 " connection%s calls of gRPC that were open %s later ended then, "
			"with errors.",
			ended.count, kw_plural(ended.count), kw_duration_about((double)ended.mean / 1e6).text);
}

static void advise_losses(const struct kw_assessment *a, struct kw_finding *f, struct kw_cluster ended)
{
	const struct kw_http2_settings *settings = kw_http2_settings_of(a->server);
	const struct kw_http2_sums *sums = &kw_window_http2(&a->sum)->sums;

	if (sums->cut_lost || ended.count)
		kw_finding_advise(
			f,
			"Let streams that are open at a GOAWAY end before the server%s closes, and give "
			"them longer than the longest of them takes: set %s.",
			a->server->called, settings->grace);
	if (sums->by_age || ended.count)
		kw_finding_advise(
			f, "In gRPC servers with a limit of a connection's age, let MAX_CONNECTION_AGE_GRACE "
			   "be longer than the longest call, or MAX_CONNECTION_AGE longer.");
	if (!sums->retryable)
		return;
	kw_finding_advise(
		f,
		"Let the client%s send refused requests again: gRPC does so by itself, others need it "
		"(Envoy: retry_on refused-stream; nginx: grpc_next_upstream; HAProxy: retry-on).",
		a->client->called);
	kw_finding_advise(f, "If this comes at a limit, raise it: set %s.", settings->streams);
	if (sums->late)
		kw_finding_advise(f,
				  "Some streams were begun after the client had read the GOAWAY: look for an "
				  "update of its HTTP/2 library, and for a pool that keeps such connections.");
}

bool kw_raise_goaway_losses(const struct kw_assessment *a, struct kw_finding *f)
{
	const struct kw_http2_sums *sums = &kw_window_http2(&a->sum)->sums;
	struct kw_cluster ended = ended_with_errors(kw_window_http2(&a->sum));

	if (!sums->cut_lost && !sums->retryable && !ended.count)
		return false;
	f->severity = sums->cut_lost ? KW_SEVERITY_CRITICAL : KW_SEVERITY_WARNING;
	kw_finding_count(f, "connections", sums->cut + sums->turned + ended.count);
	kw_finding_count(f, "cut", sums->cut);
	kw_finding_count(f, "lost_requests", sums->cut_lost);
	kw_finding_count(f, "retryable", sums->retryable);
	kw_finding_count(f, "begun_after_goaway", sums->late);
	kw_finding_count(f, "at_max_age", sums->by_age);
	kw_finding_count(f, "ended_with_errors", ended.count);
	kw_finding_seconds(f, "grace_s", ended.count, (double)ended.mean / 1e6);
	summarise_losses(f, sums, ended);
	advise_losses(a, f, ended);
	return true;
}

/* ---- too_many_pings ---- */

bool kw_raise_too_many_pings(const struct kw_assessment *a, struct kw_finding *f)
{
	const struct kw_http2_sums *sums = &kw_window_http2(&a->sum)->sums;
	double gap = (double)kw_window_http2(&a->sum)->ping_gap / 1e9;

	if (!sums->scolded)
		return false;
	f->severity = sums->scolded_lost ? KW_SEVERITY_CRITICAL : KW_SEVERITY_WARNING;
	kw_finding_count(f, "connections", sums->scolded);
	kw_finding_count(f, "pings", sums->pings);
	kw_finding_seconds(f, "shortest_interval_s", kw_window_http2(&a->sum)->ping_gap, gap);
	kw_finding_count(f, "lost_requests", sums->scolded_lost);
	kw_finding_summarise(f,
			     "%" PRIu64
			     " connection%s ended by GOAWAY (ENHANCE_YOUR_CALM, too_many_pings): %" PRIu64
			     " PING%s had been sent on %s",
			     sums->scolded, kw_plural(sums->scolded), sums->pings, kw_plural(sums->pings),
			     sums->scolded == 1 ? "it" : "them");
	if (kw_window_http2(&a->sum)->ping_gap)
		kw_finding_summarise(f, ", the two closest %s apart", kw_duration_about(gap).text);
	kw_finding_summarise(f, ". Connections that are opened again for it may lose their streams.");
	kw_finding_advise(
		f,
		"Let the client%s send PINGs less often than the server allows, which is every 5 minutes "
		"unless set: raise KEEPALIVE_TIME (grpc.keepalive_time_ms; Go: "
		"keepalive.ClientParameters.Time; Java: keepAliveTime()).",
		a->client->called);
	kw_finding_advise(
		f, "A client without open calls must not send them at all, unless the server permits it: "
		   "leave PERMIT_KEEPALIVE_WITHOUT_CALLS off in the client, or permit it in the server "
		   "too.");
	kw_finding_advise(
		f,
		"Or let the server%s permit them: grpc.http2.min_ping_interval_without_data_ms and "
		"grpc.http2.max_ping_strikes (C core, Python), keepalive.EnforcementPolicy.MinTime and "
		"PermitWithoutStream (Go), permitKeepAliveTime() and permitKeepAliveWithoutCalls() (Java).",
		a->server->called);
	return true;
}

/* ---- streams_refused ---- */

bool kw_raise_streams_refused(const struct kw_assessment *a, struct kw_finding *f)
{
	const struct kw_http2_ends *ends = kw_window_http2(&a->sum);
	uint64_t refused = ends->sums.refused, over = ends->sums.refused_over;

	if (!refused)
		return false;
	f->severity = KW_SEVERITY_WARNING;
	kw_finding_count(f, "refused", refused);
	kw_finding_count(f, "at_limit", over);
	kw_finding_count_or_null(f, "limit", ends->limit, ends->limit);
	kw_finding_count(f, "peak", ends->peak);
	kw_finding_summarise(f,
			     "The server refused %" PRIu64 " stream%s (REFUSED_STREAM), at a peak of %" PRIu64
			     " open at once on one connection.",
			     refused, kw_plural(refused), ends->peak);
	if (over && ends->limit)
		kw_finding_summarise(f,
				     " %" PRIu64
				     " of them on connections that had reached its limit of %" PRIu64
				     " streams.",
				     over, ends->limit);
	if (over)
		kw_finding_advise(
			f,
			"Let the client%s keep to the limit that the server's SETTINGS give, and open "
			"another connection beyond it; or raise the limit of the server%s: set %s.",
			a->client->called, a->server->called, kw_http2_settings_of(a->server)->concurrent);
	if (over < refused)
		kw_finding_advise(
			f,
			"%s refused below the limit: the server%s was overloaded or stopping, or, if it "
			"is a proxy, could not use its connection to the server behind it: see whether "
			"that closes idle connections first.",
			over ? "Some were" : "They were", a->server->called);
	kw_finding_advise(f,
			  "Such a request was not worked on: let the client send it again (gRPC does; Envoy: "
			  "retry_on refused-stream).");
	return true;
}

/* ---- forbidden_fields ---- */

/* " connection x 3, te x 1", of both sides or of one. */
static void summarise_fields(struct kw_finding *f, const uint64_t fields[KW_FORBIDDEN_FIELDS])
{
	const char *separator = "";

	for (unsigned int i = 0; i < KW_FORBIDDEN_FIELDS; i++) {
		if (!fields[i])
			continue;
		kw_finding_summarise(f, "%s %s x %" PRIu64, separator,
				     kw_http2_field_name(HTTP2_NAME_CONNECTION + i), fields[i]);
		separator = ",";
	}
}

static uint64_t sum_of(const uint64_t fields[KW_FORBIDDEN_FIELDS])
{
	uint64_t sum = 0;

	for (int i = 0; i < KW_FORBIDDEN_FIELDS; i++)
		sum += fields[i];
	return sum;
}

bool kw_raise_forbidden_fields(const struct kw_assessment *a, struct kw_finding *f)
{
	const uint64_t(*fields)[KW_FORBIDDEN_FIELDS] = kw_window_http2(&a->sum)->sums.fields;
	uint64_t client = sum_of(fields[HTTP2_CLIENT]), server = sum_of(fields[HTTP2_SERVER]);

	if (!client && !server)
		return false;
	f->severity = KW_SEVERITY_WARNING;
	kw_finding_count(f, "by_client", client);
	kw_finding_count(f, "by_server", server);
	for (unsigned int i = 0; i < KW_FORBIDDEN_FIELDS; i++)
		if (fields[HTTP2_CLIENT][i] + fields[HTTP2_SERVER][i])
			kw_finding_count(f, kw_http2_field_name(HTTP2_NAME_CONNECTION + i),
					 fields[HTTP2_CLIENT][i] + fields[HTTP2_SERVER][i]);
	kw_finding_summarise(f, "Fields were sent that HTTP/2 forbids:");
	if (client) {
		kw_finding_summarise(f, " by the clients%s", a->client->called);
		summarise_fields(f, fields[HTTP2_CLIENT]);
	}
	if (server) {
		kw_finding_summarise(f, "%s by the server%s", client ? ";" : "", a->server->called);
		summarise_fields(f, fields[HTTP2_SERVER]);
	}
	kw_finding_summarise(f, ". The other side may answer such a message with PROTOCOL_ERROR.");
	kw_finding_advise(
		f, "Connection, Keep-Alive, Proxy-Connection, Upgrade and Transfer-Encoding are of HTTP/1 "
		   "only (RFC 9113 section 8.2.2), and te may say nothing but trailers. Look for code that "
		   "sets them whatever the version is.");
	kw_finding_advise(
		f, "A gateway from HTTP/1 to HTTP/2 must remove them: if the program is one, look for a rule "
		   "that copies fields (nginx: grpc_set_header; Envoy: request_headers_to_add; HAProxy: "
		   "http-request set-header).");
	return true;
}
