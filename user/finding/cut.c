/* SPDX-License-Identifier: BSD-2-Clause */
/* Findings about requests and responses that are cut, or never come. */
#include <inttypes.h>

#include "finding/assess.h"
#include "output/trace/text.h"

#define GAVE_UP_SHARE 0.01 /* of all connections that closed */
#define ONE_TIMEOUT 25000  /* us; times that differ by less than this come from one timeout */
#define BY_TIMEOUT 100000  /* us; a connection that closes sooner does not close at a timeout */

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* ---- times at which something closes ---- */

/* The time after which most of these closed, if that is over half of them and at least two. */
static struct kw_inferred common_time(const struct kw_sketch *times)
{
	struct kw_cluster cluster = kw_sketch_cluster(times, ONE_TIMEOUT);

	if (cluster.count < 2 || cluster.count * 2 < times->count || cluster.mean < BY_TIMEOUT)
		return (struct kw_inferred){0};
	return (struct kw_inferred){.known = true,
				    .count = cluster.count,
				    .share = (double)cluster.count / (double)times->count,
				    .seconds = (double)cluster.mean / 1e6};
}

static void summarise_time(struct kw_finding *f, const struct kw_inferred *time, const char *what)
{
	if (time->known)
		kw_finding_summarise(f, " %" PRIu64 " of them came after %s of %s: that is a timeout.",
				     time->count, kw_duration_about(time->seconds).text, what);
}

/* Names settings of servers, and of proxies in front of them, that cut responses which take longer. */
static void advise_timeout_settings(struct kw_finding *f, const struct kw_inferred *time)
{
	kw_finding_advise(
		f,
		"Look for a timeout of about %s: nginx proxy_read_timeout (60 s unless set), send_timeout; Go "
		"http.Server's WriteTimeout, ReadTimeout; Envoy's idle timeouts (stream_idle_timeout, "
		"idle_timeout) and route timeout; HAProxy's timeout server; the idle timeout of an AWS "
		"Application Load Balancer (60 s unless set); gunicorn's --timeout.",
		kw_duration_about(time->seconds).text);
}

/* ---- truncated_responses ---- */

bool kw_raise_truncated_responses(const struct kw_assessment *a, struct kw_finding *f)
{
	struct kw_inferred time = common_time(&a->sum.stalled);
	uint64_t count = a->sum.truncated;

	if (!count)
		return false;
	f->severity = KW_SEVERITY_CRITICAL;
	kw_finding_count(f, "truncated", count);
	kw_finding_count(f, "by_reset", a->sum.truncated_by_reset);
	kw_finding_count(f, "over_unread_data", a->sum.truncated_unread);
	if (time.known)
		kw_finding_seconds(f, "stalled_s", true, time.seconds);
	kw_finding_summarise(f, "The server closed %" PRIu64 " connection%s in the middle of a response", count,
			     plural(count));
	if (a->sum.truncated_unread)
		kw_finding_summarise(f, ", %" PRIu64 " of them with a reset, because it had not read all data",
				     a->sum.truncated_unread);
	kw_finding_summarise(f, ".");
	summarise_time(f, &time, "silence");
	if (time.known)
		advise_timeout_settings(f, &time);
	if (a->sum.truncated_by_reset)
		kw_finding_advise(f, "A server that closes before it has read the whole request resets the "
				     "connection, which destroys the response on its way: let the server read "
				     "the body to its end (Tomcat: maxSwallowSize), or let it answer, shut "
				     "down its sending side and read on for a while (lingering close).");
	if (a->sum.truncated_by_reset < count && !time.known)
		kw_finding_advise(
			f,
			"Look for crashes, write timeouts (Go: WriteTimeout) and restarts in the log of the "
			"server%s, and for a Content-Length larger than the body that follows.",
			a->server->called);
	return true;
}

/* ---- no_responses ---- */

static void advise_no_responses(const struct kw_assessment *a, struct kw_finding *f, uint64_t plain,
				const struct kw_inferred *time)
{
	if (plain && time->known)
		advise_timeout_settings(f, time);
	else if (plain)
		kw_finding_advise(
			f, "Find out why the server drops requests that it has read: a worker's timeout or "
			   "crash, an overload limit, or a rule such as nginx's return 444.");
	if (plain && a->sum.unaccepted && a->stats->service.role != KW_ROLE_SERVER)
		kw_advise_unaccepted(a, f);
	if (a->sum.exited)
		kw_finding_advise(
			f,
			"Let the process finish its open requests before it exits: on SIGTERM stop accepting, "
			"answer what is open, then exit; and let the supervisor that stops it wait for that.");
	if (a->sum.killed)
		kw_finding_advise(
			f, "Find out who killed it: the out-of-memory killer, a supervisor whose grace period "
			   "is too short, or a crash.");
}

/* Subtracts without going below zero: because a sketch's bins have a width, one reset may be counted twice. */
static uint64_t less(uint64_t all, uint64_t part)
{
	return part < all ? all - part : 0;
}

bool kw_raise_no_responses(const struct kw_assessment *a, struct kw_finding *f)
{
	uint64_t elsewhere = a->forgotten; /* the findings timeout_race and dead_path cover these */
	struct kw_inferred time = common_time(&a->sum.unanswered);
	uint64_t plain, count;

	for (int i = 0; i < KW_RETRYABLE_MAX; i++)
		elsewhere += a->resets[i];
	plain = less(kw_statistics_reason(&a->sum, KW_REASON_NO_RESPONSE), elsewhere);
	count = plain + a->sum.exited + a->sum.killed;
	if (!count)
		return false;
	f->severity = KW_SEVERITY_CRITICAL;
	kw_finding_count(f, "no_response", plain);
	kw_finding_count(f, "process_exits", a->sum.exited);
	kw_finding_count(f, "process_kills", a->sum.killed);
	kw_finding_count(f, "lost_requests", less(a->sum.no_response_lost, elsewhere));
	if (time.known)
		kw_finding_seconds(f, "waited_s", true, time.seconds);
	kw_finding_summarise(f,
			     "The server took requests and closed %" PRIu64 " connection%s without a response",
			     count, plural(count));
	if (a->sum.exited + a->sum.killed)
		kw_finding_summarise(
			f, ": on %" PRIu64 " of them its process was exiting, on %" PRIu64 " it was killed",
			a->sum.exited, a->sum.killed);
	kw_finding_summarise(f, ".");
	summarise_time(f, &time, "waiting");
	advise_no_responses(a, f, plain, &time);
	return true;
}

/* ---- clients_give_up ---- */

bool kw_do_clients_give_up(const struct kw_assessment *a)
{
	uint64_t count = kw_statistics_reason(&a->sum, KW_REASON_CLIENT_GAVE_UP);

	return count && (double)count > GAVE_UP_SHARE * (double)a->sum.closed;
}

bool kw_raise_clients_give_up(const struct kw_assessment *a, struct kw_finding *f)
{
	uint64_t count = kw_statistics_reason(&a->sum, KW_REASON_CLIENT_GAVE_UP);
	double typical = (double)kw_sketch_quantile(&a->sum.gave_up, 0.5) / 1e6;
	struct kw_inferred time = common_time(&a->sum.gave_up);

	if (!kw_do_clients_give_up(a))
		return false;
	f->severity = KW_SEVERITY_WARNING;
	kw_finding_count(f, "gave_up", count);
	kw_finding_number(f, "share", KW_NUMBER_SHARE, (double)count / (double)a->sum.closed);
	kw_finding_seconds(f, "typical_wait_s", a->sum.gave_up.count, typical);
	kw_finding_seconds(f, "client_timeout_s", time.known, time.seconds);
	kw_finding_summarise(f,
			     "On %" PRIu64
			     " connection%s (%.1f%%) the client closed while it was waiting for a "
			     "response",
			     count, plural(count), 100.0 * (double)count / (double)a->sum.closed);
	if (time.known)
		kw_finding_summarise(f, ", mostly after %s: that is its timeout",
				     kw_duration_about(time.seconds).text);
	kw_finding_summarise(f, ".");
	kw_finding_advise(f, "Compare the client's timeout with how long the server takes, and change the one "
			     "that is wrong.");
	if (time.known)
		kw_finding_advise(
			f,
			"A client that closes after about %s is a proxy with a timeout for responses, or a "
			"program with one: nginx proxy_read_timeout (60 s unless set), Envoy's route timeout "
			"(15 s) and idle timeouts, the idle timeout of an AWS Application Load Balancer (60 "
			"s), Go's http.Client.Timeout, HAProxy's timeout server.",
			kw_duration_about(time.seconds).text);
	kw_finding_advise(f, "If clients send the request again, note that the server is still working on the "
			     "one they gave up.");
	return true;
}

/* ---- lost_requests ---- */

uint64_t kw_uncovered(const struct kw_assessment *a, enum kw_reason reason)
{
	if (reason == KW_REASON_CLIENT_GAVE_UP && kw_do_clients_give_up(a))
		return 0;
	return a->sum.outside.uncovered[reason];
}

/* The reason after @last, in the order of most losses first, then of enum kw_reason. */
static enum kw_reason next_reason(const struct kw_assessment *a, enum kw_reason last)
{
	uint64_t below = last < KW_REASON_MAX ? kw_uncovered(a, last) : UINT64_MAX;
	enum kw_reason best = KW_REASON_MAX;

	for (enum kw_reason reason = 0; reason < KW_REASON_MAX; reason++) {
		uint64_t count = kw_uncovered(a, reason);

		if (!count || count > below || (count == below && reason <= last))
			continue;
		if (best == KW_REASON_MAX || count > kw_uncovered(a, best))
			best = reason;
	}
	return best;
}

bool kw_raise_lost_requests(const struct kw_assessment *a, struct kw_finding *f)
{
	enum kw_reason reason = next_reason(a, KW_REASON_MAX);
	uint64_t sum = 0;

	for (enum kw_reason i = 0; i < KW_REASON_MAX; i++)
		sum += kw_uncovered(a, i);
	if (!sum)
		return false;
	f->severity = KW_SEVERITY_CRITICAL;
	kw_finding_count(f, "lost_requests", sum);
	kw_finding_summarise(f, "%" PRIu64 " request%s lost:", sum, plural(sum));
	for (bool first = true; reason < KW_REASON_MAX; reason = next_reason(a, reason), first = false) {
		kw_finding_count(f, kw_reason_name(reason), kw_uncovered(a, reason));
		kw_finding_summarise(f, "%s %s x %" PRIu64, first ? "" : ",", kw_reason_name(reason),
				     kw_uncovered(a, reason));
		kw_finding_advise(f, "Run keepwatch explain %s: it says what causes this, and what to do.",
				  kw_reason_name(reason));
	}
	kw_finding_summarise(f, ".");
	return true;
}
