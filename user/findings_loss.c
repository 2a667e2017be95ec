/* SPDX-License-Identifier: BSD-2-Clause */
/* Findings about requests that are lost, or will be. */
#include <inttypes.h>

#include "findings.h"

#define GAVE_UP_SHARE 0.01  /* of all connections that closed */
#define GAVE_UP_WIDTH 25000 /* us; waiting times closer than this show one timeout */

/* "1 request", "3 requests": what follows a number. */
static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* ---- timeout_race ---- */

/* What a client must stay below: a server may do as it says, even if so far it closed later. */
static double client_limit(const struct kw_assessment *a)
{
	double timeout = a->timeout;

	if (a->stats->has_advertised_timeout && a->stats->advertised_timeout < timeout)
		timeout = a->stats->advertised_timeout;
	return timeout >= 5 ? timeout - 1 : timeout * 0.8;
}

static void advise_timeouts(const struct kw_assessment *a, struct kw_finding *f)
{
	double longest = a->reuse_max;

	if (a->client_idle.known && a->client_idle.seconds > longest)
		longest = a->client_idle.seconds;
	if (a->has_timeout)
		kw_finding_advise(
			f, "Let the client%s close idle connections first, after at most %.3g s: set %s.",
			a->client->called, client_limit(a), a->client->client_idle);
	else
		kw_finding_advise(f, "Let the client%s close idle connections before the server does: set %s.",
				  a->client->called, a->client->client_idle);
	kw_finding_advise(
		f, "Or let the server%s keep them longer than clients reuse them, more than %u s: set %s.",
		a->server->called, (unsigned int)(longest * 1.2) + 1, a->server->server_idle);
	if (!kw_software_is_known(a->client))
		kw_finding_advise(
			f, "If the client is a cloud load balancer, its idle timeout is documented: AWS "
			   "Application Load Balancer 60 s unless set otherwise, so keep 65 s or more; Google "
			   "Cloud's external Application Load Balancer 600 s, so keep 620 s; Azure Load "
			   "Balancer 4 minutes unless set otherwise.");
}

static void summarise_race(const struct kw_assessment *a, struct kw_finding *f, uint64_t lost,
			   uint64_t retryable)
{
	if (a->server_idle.known)
		kw_finding_summarise(f, "The server closes idle connections after %.3g s",
				     a->server_idle.seconds);
	else
		kw_finding_summarise(f, "The server closes idle connections");
	if (a->stats->has_advertised_timeout)
		kw_finding_summarise(f, " (it advertises %" PRIu32 " s)", a->stats->advertised_timeout);
	if (a->sum.reused && a->reuse_max >= 0.001)
		kw_finding_summarise(f, ", and clients reuse them after up to %.3g s", a->reuse_max);
	if (lost)
		kw_finding_summarise(f,
				     ": %" PRIu64 " request%s met the close and got lost, %" PRIu64
				     " of which can be sent again without harm.",
				     lost, plural(lost), retryable);
	else
		kw_finding_summarise(f, ": sooner or later a request meets the close and is lost.");
}

bool kw_raise_timeout_race(const struct kw_assessment *a, struct kw_finding *f)
{
	const struct kw_outside *outside = &a->sum.outside;
	uint64_t retryable = outside->race_lost[KW_RETRYABLE_YES] + a->resets[0];
	uint64_t lost = a->resets[0] + a->resets[1];
	bool near = a->has_margin && a->reuse_max >= KW_NEAR_TIMEOUT * a->timeout;

	for (int i = 0; i < KW_RETRYABLE_MAX; i++)
		lost += outside->race_lost[i];
	if (!outside->races && !lost && !near)
		return false;
	for (uint32_t i = 0; i < a->sum.examples[KW_FINDING_NO_RESPONSES].count && !outside->races && lost; i++)
		kw_examples_add(&f->examples, a->sum.examples[KW_FINDING_NO_RESPONSES].list[i]);
	f->severity = lost ? KW_SEVERITY_CRITICAL : KW_SEVERITY_WARNING;
	kw_finding_count(f, "lost_requests", lost);
	kw_finding_count(f, "retryable", retryable);
	kw_finding_seconds(f, "server_idle_timeout_s", a->server_idle.known, a->server_idle.seconds);
	kw_finding_count_or_null(f, "advertised_timeout_s", a->stats->has_advertised_timeout,
				 a->stats->advertised_timeout);
	kw_finding_seconds(f, "client_idle_reuse_max_s", a->sum.reused, a->reuse_max);
	kw_finding_seconds(f, "client_idle_timeout_s", a->client_idle.known, a->client_idle.seconds);
	summarise_race(a, f, lost, retryable);
	advise_timeouts(a, f);
	kw_finding_advise(
		f, "Either way let the client repeat a request whose connection closes before a byte of the "
		   "response: always if its method is safe or idempotent.");
	return true;
}

/* ---- responses cut, responses missing ---- */

bool kw_raise_truncated_responses(const struct kw_assessment *a, struct kw_finding *f)
{
	uint64_t count = a->sum.truncated;

	if (!count)
		return false;
	f->severity = KW_SEVERITY_CRITICAL;
	kw_finding_count(f, "truncated", count);
	kw_finding_count(f, "by_reset", a->sum.truncated_by_reset);
	kw_finding_count(f, "over_unread_data", a->sum.truncated_unread);
	kw_finding_summarise(f, "The server closed %" PRIu64 " connection%s in the middle of a response", count,
			     plural(count));
	if (a->sum.truncated_unread)
		kw_finding_summarise(f, ", %" PRIu64 " of them by a reset because it left data unread",
				     a->sum.truncated_unread);
	kw_finding_summarise(f, ".");
	if (a->sum.truncated_by_reset)
		kw_finding_advise(
			f, "A server that closes before it has read the request's body resets the connection, "
			   "which destroys the response on its way: let it read the body to its end, or "
			   "answer, shut down its sending side and read on for a while (lingering close).");
	if (a->sum.truncated_by_reset < count)
		kw_finding_advise(f,
				  "Look for crashes, write timeouts and restarts in the log of the server%s.",
				  a->server->called);
	return true;
}

bool kw_raise_no_responses(const struct kw_assessment *a, struct kw_finding *f)
{
	uint64_t races = a->resets[0] + a->resets[1]; /* told as such */
	uint64_t plain = kw_statistics_reason(&a->sum, KW_REASON_NO_RESPONSE) - races;
	uint64_t count = plain + a->sum.exited + a->sum.killed;

	if (!count)
		return false;
	f->severity = KW_SEVERITY_CRITICAL;
	kw_finding_count(f, "no_response", plain);
	kw_finding_count(f, "process_exits", a->sum.exited);
	kw_finding_count(f, "process_kills", a->sum.killed);
	kw_finding_count(f, "lost_requests", a->sum.no_response_lost - races);
	kw_finding_summarise(f,
			     "The server took requests and closed %" PRIu64 " connection%s without a response",
			     count, plural(count));
	if (a->sum.exited + a->sum.killed)
		kw_finding_summarise(f,
				     ": on %" PRIu64 " its process was exiting, on %" PRIu64 " it was killed",
				     a->sum.exited, a->sum.killed);
	kw_finding_summarise(f, ".");
	if (plain)
		kw_finding_advise(
			f, "Find out why the server drops requests that it has read: a worker's timeout or "
			   "crash, an overload limit, or a rule such as nginx's return 444.");
	if (a->sum.exited)
		kw_finding_advise(
			f,
			"Let the process finish its open requests before it exits: on SIGTERM stop "
			"accepting, answer what is open, then exit; and have whoever stops it wait for that.");
	if (a->sum.killed)
		kw_finding_advise(
			f, "Find out who killed it: the out-of-memory killer, a supervisor whose grace period "
			   "is too short, or a crash.");
	return true;
}

/* ---- drain ---- */

bool kw_raise_drain(const struct kw_assessment *a, struct kw_finding *f)
{
	uint64_t closed = 0, lost = 0;

	if (!a->drain_count)
		return false;
	for (size_t i = 0; i < a->drain_count; i++) {
		closed += a->drains[i].closed;
		lost += a->drains[i].lost;
		kw_examples_add(&f->examples, a->drains[i].example);
	}
	f->severity = lost ? KW_SEVERITY_CRITICAL : KW_SEVERITY_INFO;
	kw_finding_count(f, "drains", a->drain_count);
	kw_finding_count(f, "closed", closed);
	kw_finding_count(f, "lost_requests", lost);
	kw_finding_summarise(
		f,
		"%zu time%s the server closed its idle connections all at once, as a reload, deploy or "
		"stop does: %" PRIu64 " connection%s, %" PRIu64 " request%s lost.",
		a->drain_count, plural(a->drain_count), closed, plural(closed), lost, plural(lost));
	if (!lost)
		return true;
	kw_finding_advise(
		f, "Announce the end before it comes: answer with Connection: close for a while, take the "
		   "instance out of the balancer, and only then close idle connections.");
	kw_finding_advise(
		f, "Let the client repeat a request whose connection closes before a byte of the response: "
		   "always if its method is safe or idempotent.");
	return true;
}

/* ---- clients_give_up ---- */

bool kw_raise_clients_give_up(const struct kw_assessment *a, struct kw_finding *f)
{
	uint64_t count = kw_statistics_reason(&a->sum, KW_REASON_CLIENT_GAVE_UP);
	struct kw_cluster cluster = kw_sketch_cluster(&a->sum.gave_up, GAVE_UP_WIDTH);
	bool clustered = cluster.count * 2 >= a->sum.gave_up.count && cluster.count;
	double typical = (double)kw_sketch_quantile(&a->sum.gave_up, 0.5) / 1e6;

	if (!count || (double)count <= GAVE_UP_SHARE * (double)a->sum.closed)
		return false;
	f->severity = KW_SEVERITY_WARNING;
	kw_finding_count(f, "gave_up", count);
	kw_finding_number(f, "share", KW_NUMBER_SHARE, (double)count / (double)a->sum.closed);
	kw_finding_seconds(f, "typical_wait_s", a->sum.gave_up.count, typical);
	kw_finding_seconds(f, "client_timeout_s", clustered, (double)cluster.mean / 1e6);
	kw_finding_summarise(f,
			     "On %" PRIu64
			     " connection%s (%.1f%%) the client closed while it was waiting for a "
			     "response",
			     count, plural(count), 100.0 * (double)count / (double)a->sum.closed);
	if (clustered)
		kw_finding_summarise(f, ", mostly after %.3g s: that is its timeout",
				     (double)cluster.mean / 1e6);
	kw_finding_summarise(f, ".");
	kw_finding_advise(
		f,
		"Compare the client's timeout with how long the server takes, and change whichever is wrong.");
	kw_finding_advise(
		f, "Where clients retry, mind that the server still works on the requests they gave up.");
	return true;
}

/* ---- dead_path ---- */

bool kw_raise_dead_path(const struct kw_assessment *a, struct kw_finding *f)
{
	double failed = (double)a->sum.dead_idle_min / 1e9, worked = (double)a->sum.worked_idle_max / 1e9;

	if (!a->sum.dead)
		return false;
	f->severity = KW_SEVERITY_WARNING;
	kw_finding_count(f, "connections", a->sum.dead);
	kw_finding_count(f, "lost_requests", a->sum.dead_lost);
	kw_finding_seconds(f, "shortest_idle_failed_s", true, failed);
	kw_finding_seconds(f, "longest_idle_worked_s", a->sum.worked_idle_max, worked);
	kw_finding_summarise(
		f,
		"%" PRIu64 " connection%s that had been idle for %.3g s or more got no answer any more: "
		"something on the path, such as a NAT, a firewall or a balancer, had forgotten %s.",
		a->sum.dead, plural(a->sum.dead), failed, a->sum.dead == 1 ? "it" : "them");
	if (a->sum.worked_idle_max)
		kw_finding_summarise(f, " After up to %.3g s of idling it still worked.", worked);
	kw_finding_advise(f, "Let the client%s close idle connections before %.3g s: set %s.",
			  a->client->called, failed, a->client->client_idle);
	kw_finding_advise(f,
			  "Or keep the path awake: TCP keep-alive probes (net.ipv4.tcp_keepalive_time, or "
			  "TCP_KEEPIDLE) more often than every %.3g s.",
			  failed);
	kw_finding_advise(
		f, "Documented idle timeouts: AWS NAT gateway and Network Load Balancer 350 s, Azure Load "
		   "Balancer 4 minutes unless set otherwise, Google Cloud's firewalls 10 minutes.");
	return true;
}
