/* SPDX-License-Identifier: BSD-2-Clause */
/* Findings about connections that are used badly: too few requests on each, wrong announcements, leaks. */
#include <inttypes.h>

#include "base/duration.h"
#include "base/words.h"
#include "finding/assess.h"
#include "finding/http2_settings.h"

#define UNANNOUNCED_SHARE 0.01
#define LOW_REUSE 2.0 /* requests per connection */
#define LOW_REUSE_LEAST 50
#define HALF 2

/* ---- unannounced_closes ---- */

bool kw_raise_unannounced_closes(const struct kw_assessment *a, struct kw_finding *f)
{
	uint64_t count = a->sum.not_drained.unannounced;
	double share = kw_traffic_closed_by(&a->sum.traffic, KW_CLOSER_SERVER)
			       ? (double)count / (double)kw_traffic_closed_by(&a->sum.traffic, KW_CLOSER_SERVER)
			       : 0;

	if (share <= UNANNOUNCED_SHARE)
		return false;
	f->severity = KW_SEVERITY_WARNING;
	kw_finding_count(f, "unannounced", count);
	kw_finding_count(f, "server_closes", kw_traffic_closed_by(&a->sum.traffic, KW_CLOSER_SERVER));
	kw_finding_number(f, "share", KW_NUMBER_SHARE, share);
	kw_finding_summarise(f,
			     "The server closed %" PRIu64
			     " connection%s right after a response that did not announce it (%.1f%% of its "
			     "closes): a client that sends its next request at once loses it.",
			     count, kw_plural(count), 100 * share);
	kw_finding_advise(
		f, "Let the server say Connection: close in the last response, or keep the connection open.");
	kw_finding_advise(f,
			  "If the server should keep connections, look for a timeout of 0 or a limit of 1: set "
			  "%s and %s.",
			  a->server->server_idle, a->server->server_limit);
	return true;
}

/* ---- timeout_not_honoured ---- */

bool kw_raise_timeout_not_honoured(const struct kw_assessment *a, struct kw_finding *f)
{
	uint64_t count = a->sum.not_drained.early;

	if (!count)
		return false;
	f->severity = KW_SEVERITY_WARNING;
	kw_finding_count(f, "closed_before_timeout", count);
	kw_finding_count_or_null(f, "advertised_timeout_s", a->counters->has_advertised_timeout,
				 a->counters->advertised_timeout);
	kw_finding_seconds(f, "server_idle_timeout_s", a->server_idle.known, a->server_idle.seconds);
	kw_finding_summarise(f, "The server closed %" PRIu64 " idle connection%s sooner than it promised",
			     count, kw_plural(count));
	if (a->counters->has_advertised_timeout)
		kw_finding_summarise(f, " by Keep-Alive: timeout=%" PRIu32, a->counters->advertised_timeout);
	if (a->server_idle.known)
		kw_finding_summarise(f, ": after %s", kw_duration_about(a->server_idle.seconds).text);
	kw_finding_summarise(f, ".");
	kw_finding_advise(f,
			  "Make the server keep the timeout that it advertises: set %s, and look for a proxy "
			  "that passes on the Keep-Alive field of its backend.",
			  a->server->server_idle);
	kw_finding_advise(f, "A server that is short of connections closes idle ones early: raise its limit of "
			     "connections or workers.");
	return true;
}

/* ---- low_reuse ---- */

enum cause {
	CLIENT_SENDS_CLOSE,
	SERVER_SENDS_CLOSE,
	SERVER_SENDS_GOAWAY,
	HTTP10,
	CLIENT_CLOSES,
	SERVER_CLOSES_UNANNOUNCED,
	IDLE_TIMEOUT,
	FAILURES, /* requests were lost; other findings cover that */
	CAUSES,
};

static const char *const cause_names[CAUSES] = {
	[CLIENT_SENDS_CLOSE] = "client_sends_close",
	[SERVER_SENDS_CLOSE] = "server_sends_close",
	[SERVER_SENDS_GOAWAY] = "server_sends_goaway",
	[HTTP10] = "http10",
	[CLIENT_CLOSES] = "client_closes",
	[IDLE_TIMEOUT] = "idle_timeout",
	[SERVER_CLOSES_UNANNOUNCED] = "server_closes_unannounced",
	[FAILURES] = "failures",
};

static const char *const cause_texts[CAUSES] = {
	[CLIENT_SENDS_CLOSE] = "mostly the client asks for the close with Connection: close",
	[SERVER_SENDS_CLOSE] = "mostly the server announces the close with Connection: close",
	[SERVER_SENDS_GOAWAY] = "mostly the server ends the connection by GOAWAY while it is in use",
	[HTTP10] = "mostly the client speaks HTTP/1.0 without keep-alive",
	[CLIENT_CLOSES] = "mostly the client closes after the response",
	[SERVER_CLOSES_UNANNOUNCED] = "mostly the server closes after the response without announcing it",
	[IDLE_TIMEOUT] = "mostly the server closes idle connections before they are used again",
	[FAILURES] = "",
};

static enum cause dominating(const struct kw_window_statistics *sum)
{
	uint64_t counts[CAUSES] = {
		[CLIENT_SENDS_CLOSE] = kw_traffic_closed_for(&sum->traffic, KW_REASON_ANNOUNCED_BY_REQUEST),
		[SERVER_SENDS_CLOSE] = kw_traffic_closed_for(&sum->traffic, KW_REASON_ANNOUNCED_BY_RESPONSE) +
				       kw_traffic_closed_for(&sum->traffic, KW_REASON_MAX_REQUESTS) +
				       kw_traffic_closed_for(&sum->traffic, KW_REASON_CLOSE_DELIMITED),
		[SERVER_SENDS_GOAWAY] = sum->traffic.closed[KW_REASON_GOAWAY_DRAINED][KW_CLOSER_SERVER],
		[HTTP10] = kw_traffic_closed_for(&sum->traffic, KW_REASON_HTTP10_DEFAULT),
		[CLIENT_CLOSES] = kw_traffic_closed_for(&sum->traffic, KW_REASON_CLIENT_CLOSED_IDLE) +
				  kw_traffic_closed_for(&sum->traffic, KW_REASON_HALF_CLOSED) +
				  sum->traffic.closed[KW_REASON_GOAWAY_DRAINED][KW_CLOSER_CLIENT] +
				  sum->traffic.closed[KW_REASON_GOAWAY_IDLE][KW_CLOSER_CLIENT],
		[SERVER_CLOSES_UNANNOUNCED] = kw_traffic_closed_for(&sum->traffic, KW_REASON_UNANNOUNCED_CLOSE),
		[IDLE_TIMEOUT] = kw_traffic_closed_for(&sum->traffic, KW_REASON_SERVER_CLOSED_IDLE) +
				 kw_traffic_closed_for(&sum->traffic, KW_REASON_SERVER_IDLE_TIMEOUT) +
				 kw_traffic_closed_for(&sum->traffic, KW_REASON_CLOSED_BEFORE_TIMEOUT) +
				 kw_traffic_closed_for(&sum->traffic, KW_REASON_IDLE_RESET) +
				 sum->traffic.closed[KW_REASON_GOAWAY_IDLE][KW_CLOSER_SERVER],
		[FAILURES] = sum->premature,
	};
	enum cause best = 0;

	for (enum cause cause = 1; cause < CAUSES; cause++)
		if (counts[cause] > counts[best])
			best = cause;
	return best;
}

static void advise_reuse(const struct kw_assessment *a, struct kw_finding *f, enum cause cause)
{
	switch (cause) {
	case CLIENT_SENDS_CLOSE:
	case CLIENT_CLOSES:
		kw_finding_advise(f, "Let the client%s keep and reuse its connections: set %s.",
				  a->client->called, a->client->client_reuse);
		break;
	case HTTP10:
		kw_finding_advise(
			f,
			"Let the client%s speak HTTP/1.1 (nginx to its upstream: proxy_http_version 1.1), "
			"and reuse its connections: set %s.",
			a->client->called, a->client->client_reuse);
		break;
	case SERVER_SENDS_GOAWAY:
		kw_finding_advise(f, "Let the server%s keep connections longer: set %s, and %s.",
				  a->server->called, kw_http2_settings_of(a->server)->streams,
				  kw_http2_settings_of(a->server)->age);
		break;
	case IDLE_TIMEOUT:
		kw_finding_advise(f,
				  "If clients send their next request later than that, let the server%s keep "
				  "idle connections longer: set %s.",
				  a->server->called, a->server->server_idle);
		break;
	default:
		kw_finding_advise(
			f,
			"Let the server%s keep connections: set %s and %s, and look for code that sets "
			"Connection: close.",
			a->server->called, a->server->server_idle, a->server->server_limit);
	}
}

bool kw_raise_low_reuse(const struct kw_assessment *a, struct kw_finding *f)
{
	uint64_t open = a->counters->open > 0 ? (uint64_t)a->counters->open : 0;
	double per_connection = (double)kw_traffic_requests(&a->sum.traffic) / (double)(a->sum.used + open);
	double handshakes = (double)a->sum.traffic.opened / a->seconds;
	enum cause cause = dominating(&a->sum);

	if (a->sum.used < LOW_REUSE_LEAST || per_connection >= LOW_REUSE || cause == FAILURES)
		return false;
	f->severity = KW_SEVERITY_WARNING;
	kw_finding_count(f, "connections", a->sum.used);
	kw_finding_number(f, "requests_per_connection", KW_NUMBER_RATE, per_connection);
	kw_finding_text(f, "cause", cause_names[cause]);
	kw_finding_number(f, "handshakes_per_s", KW_NUMBER_RATE, handshakes);
	kw_finding_summarise(f,
			     "Connections carry %.2g requests each over %" PRIu64
			     " connections, which costs %.3g "
			     "handshakes a second: %s.",
			     per_connection, a->sum.used, handshakes, cause_texts[cause]);
	advise_reuse(a, f, cause);
	return true;
}

/* ---- max_churn ---- */

bool kw_raise_max_churn(const struct kw_assessment *a, struct kw_finding *f)
{
	struct kw_cluster constant = kw_sketch_cluster(&a->sum.announced, 0);
	uint64_t by_max = kw_traffic_closed_for(&a->sum.traffic, KW_REASON_MAX_REQUESTS);
	uint64_t count = by_max + (constant.mean > 1 ? constant.count : 0);

	if (count * HALF <= kw_traffic_closed(&a->sum.traffic))
		return false;
	f->severity = KW_SEVERITY_INFO;
	kw_finding_count(f, "closed_at_limit", count);
	kw_finding_number(f, "share", KW_NUMBER_SHARE,
			  (double)count / (double)kw_traffic_closed(&a->sum.traffic));
	kw_finding_count_or_null(f, "requests_limit", constant.mean > 1, constant.mean);
	kw_finding_summarise(
		f,
		"%.0f%% of connections end because the server limits the number of requests on one connection",
		100.0 * (double)count / (double)kw_traffic_closed(&a->sum.traffic));
	if (constant.mean > 1)
		kw_finding_summarise(f, " (%" PRIu64 ")", constant.mean);
	kw_finding_summarise(f, ".");
	kw_finding_advise(f, "If handshakes matter, raise the server's limit%s: set %s.", a->server->called,
			  a->server->server_limit);
	return true;
}

/* ---- probe_only ---- */

bool kw_raise_probe_only(const struct kw_assessment *a, struct kw_finding *f)
{
	uint64_t count = kw_traffic_closed_for(&a->sum.traffic, KW_REASON_UNUSED);

	if (count * HALF <= kw_traffic_closed(&a->sum.traffic))
		return false;
	f->severity = KW_SEVERITY_INFO;
	kw_finding_count(f, "unused", count);
	kw_finding_number(f, "share", KW_NUMBER_SHARE,
			  (double)count / (double)kw_traffic_closed(&a->sum.traffic));
	kw_finding_summarise(
		f,
		"%" PRIu64 " connection%s (%.0f%%) carried no byte: health checks that only connect, or "
		"connections opened in advance and never used.",
		count, kw_plural(count), 100.0 * (double)count / (double)kw_traffic_closed(&a->sum.traffic));
	kw_finding_advise(f, "If these are health checks, one by HTTP (HAProxy: option httpchk) says more than "
			     "one that only connects. If clients open them in advance, let them open fewer.");
	return true;
}

/* ---- close_wait_leak ---- */

bool kw_raise_close_wait_leak(const struct kw_assessment *a, struct kw_finding *f)
{
	uint64_t count = a->leaked + a->sum.half_closed_long;
	const struct kw_software *here = a->counters->service.role == KW_ROLE_CLIENT ? a->client : a->server;

	if (!count)
		return false;
	for (uint32_t i = 0; i < a->counters->half_closed_ages.examples.count; i++)
		kw_examples_add(&f->examples, a->counters->half_closed_ages.examples.list[i]);
	f->severity = KW_SEVERITY_WARNING;
	kw_finding_count(f, "half_closed", a->leaked);
	kw_finding_count(f, "closed_at_last", a->sum.half_closed_long);
	kw_finding_summarise(f,
			     "The peer closed %" PRIu64
			     " connection%s over a minute ago, and the process on this side%s did not: these "
			     "connections hold descriptors, and a request sent on one is lost.",
			     count, kw_plural(count), here->called);
	kw_finding_advise(
		f, "Look for a path in the program that forgets to close: a response whose body is never read "
		   "to its end, or a pool that looks at a connection only when it takes it.");
	return true;
}

/* ---- obsolete_fields ---- */

bool kw_raise_obsolete_fields(const struct kw_assessment *a, struct kw_finding *f)
{
	const struct kw_window_statistics *sum = &a->sum;

	if (!sum->proxy_connection && !sum->keep_alive_unnamed && !sum->end_to_end_named)
		return false;
	f->severity = KW_SEVERITY_INFO;
	kw_finding_count(f, "proxy_connection", sum->proxy_connection);
	kw_finding_count(f, "keep_alive_unnamed", sum->keep_alive_unnamed);
	kw_finding_count(f, "end_to_end_named", sum->end_to_end_named);
	kw_finding_summarise(f, "Some connection header fields are obsolete or wrong:");
	if (sum->proxy_connection) {
		kw_finding_summarise(f, " Proxy-Connection on %" PRIu64 " connection%s.", sum->proxy_connection,
				     kw_plural(sum->proxy_connection));
		kw_finding_advise(
			f, "Proxy-Connection was never a standard: let the client send Connection instead.");
	}
	if (sum->keep_alive_unnamed) {
		kw_finding_summarise(f,
				     " Keep-Alive that Connection does not list on %" PRIu64 " connection%s.",
				     sum->keep_alive_unnamed, kw_plural(sum->keep_alive_unnamed));
		kw_finding_advise(
			f,
			"A Keep-Alive field that Connection does not list was likely forwarded by a proxy, and "
			"promises a timeout that the proxy does not keep: let the proxy remove the field.");
	}
	if (sum->end_to_end_named) {
		kw_finding_summarise(
			f, " Connection listed fields that are meant for the far end %" PRIu64 " time%s.",
			sum->end_to_end_named, kw_plural(sum->end_to_end_named));
		kw_finding_advise(f, "The next proxy removes every field that Connection lists: list only "
				     "hop-by-hop fields there.");
	}
	return true;
}
