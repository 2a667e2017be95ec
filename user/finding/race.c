/* SPDX-License-Identifier: BSD-2-Clause */
/* Findings about requests that meet a server's close: by an idle timeout, right after a response, or by a reload. */
#include <inttypes.h>

#include "base/duration.h"
#include "base/words.h"
#include "finding/assess.h"

/* ---- timeout_race ---- */

/* How the server closed the connections on which requests met the close. */
struct race {
	uint64_t lost;
	uint64_t retryable, unknown; /* of the lost requests */
	uint64_t connections;
	uint64_t inferred;   /* of the connections: within TLS */
	uint64_t at_once;    /* of the connections: closed right after a response */
	uint64_t unaccepted; /* of the connections: never accepted by any process */
	bool by_timeout;     /* some connections were closed, or soon will be, at an idle timeout */
	bool near;           /* clients reuse connections close to the timeout */
};

/* Whether the server mostly closes right after responses. Of a late request the kernel keeps only the time, so the
 * service's other closes must show how this server closes. */
static bool closes_at_once(const struct kw_assessment *a)
{
	return a->sum.not_drained.unannounced > a->sum.not_drained.idle.count;
}

/* Only the server's end counts these, because a client sees such a reset as a missing response. */
static uint64_t unaccepted(const struct kw_assessment *a)
{
	if (a->counters->service.role != KW_ROLE_SERVER)
		return 0;
	return a->sum.unaccepted < a->sum.not_drained.races ? a->sum.unaccepted : a->sum.not_drained.races;
}

static struct race race_of(const struct kw_assessment *a)
{
	const struct kw_not_drained *not_drained = &a->sum.not_drained;
	struct race race = {
		.connections = not_drained->races,
		.inferred = not_drained->races_inferred,
		.at_once = not_drained->races_at_once,
		.unaccepted = unaccepted(a),
		.near = a->has_margin && a->reuse_max >= KW_NEAR_TIMEOUT * a->timeout,
		.retryable = not_drained->race_lost[KW_RETRYABLE_YES] + a->resets[KW_RETRYABLE_YES],
		.unknown = not_drained->race_lost[KW_RETRYABLE_UNKNOWN] + a->resets[KW_RETRYABLE_UNKNOWN],
	};

	for (int i = 0; i < KW_RETRYABLE_MAX; i++) {
		race.lost += not_drained->race_lost[i] + a->resets[i];
		race.connections += a->resets[i];
	}
	if (closes_at_once(a))
		race.at_once = not_drained->races - race.unaccepted;
	race.by_timeout = race.near || race.connections > race.at_once + race.unaccepted;
	return race;
}

/* The idle time that a client must stay below. If the server advertises a shorter timeout than it keeps, the shorter
 * one counts, because the server may come to keep it. */
static double client_limit(const struct kw_assessment *a)
{
	double timeout = a->timeout;

	if (a->counters->has_advertised_timeout && a->counters->advertised_timeout < timeout)
		timeout = a->counters->advertised_timeout;
	return timeout >= 5 ? timeout - 1 : timeout * 0.8;
}

static void advise_timeouts(const struct kw_assessment *a, struct kw_finding *f)
{
	double longest = a->reuse_max;

	if (a->client_idle.known && a->client_idle.seconds > longest)
		longest = a->client_idle.seconds;
	if (a->has_timeout)
		kw_finding_advise(f, "Let the client%s close idle connections first, after at most %s: set %s.",
				  a->client->called, kw_duration_about(client_limit(a)).text,
				  a->client->client_idle);
	else
		kw_finding_advise(f, "Let the client%s close idle connections before the server does: set %s.",
				  a->client->called, a->client->client_idle);
	kw_finding_advise(f,
			  "Or let the server%s keep idle connections longer than its clients do, for more than "
			  "%u s: set %s.",
			  a->server->called, (unsigned int)(longest * 1.2) + 1, a->server->server_idle);
	if (!kw_software_is_known(a->client))
		kw_finding_advise(
			f, "If the client is a cloud load balancer, its idle timeout is documented: AWS "
			   "Application Load Balancer 60 s unless set otherwise, so keep 65 s or more; Google "
			   "Cloud's external Application Load Balancer 600 s, so keep 620 s; Azure Load "
			   "Balancer 4 minutes unless set otherwise.");
}

static void advise_at_once(const struct kw_assessment *a, struct kw_finding *f)
{
	kw_finding_advise(
		f,
		"The server%s closes right after a response, so no timeout setting helps: let it announce the "
		"close with Connection: close in that response. Servers do this when they replace a worker "
		"after a number of requests, or when keep-alive is off: see %s.",
		a->server->called, a->server->server_limit);
}

void kw_advise_unaccepted(const struct kw_assessment *a, struct kw_finding *f)
{
	bool server = a->counters->service.role == KW_ROLE_SERVER;

	kw_finding_advise(
		f,
		"The server%s %s a listener while connections with requests waited in its queue, as a restart "
		"does: reload gracefully, so that the new process takes over the listening socket; take the "
		"instance out of the balancer first, and accept the waiting connections before it closes; with "
		"SO_REUSEPORT each process has a queue of its own, so set net.ipv4.tcp_migrate_req = 1.",
		a->server->called, server ? "closed" : "may have closed");
}

static void summarise_causes(const struct kw_assessment *a, struct kw_finding *f, const struct race *race)
{
	if (race->by_timeout && a->server_idle.known)
		kw_finding_summarise(f, "The server closes idle connections after %s",
				     kw_duration_about(a->server_idle.seconds).text);
	else if (race->by_timeout)
		kw_finding_summarise(f, "The server closes idle connections");
	else if (race->at_once)
		kw_finding_summarise(f, "The server closes connections right after a response");
	else
		kw_finding_summarise(f, "The server closed a listener whose queue held connections");
	if (race->by_timeout && a->counters->has_advertised_timeout)
		kw_finding_summarise(f, " (it advertises %" PRIu32 " s)", a->counters->advertised_timeout);
	if (race->by_timeout && (a->sum.traffic.reused || a->sum.traffic.exchanges_reused) &&
	    a->reuse_max >= 0.001)
		kw_finding_summarise(f, ", and clients reuse them after up to %s",
				     kw_duration_about(a->reuse_max).text);
}

static void summarise_race(const struct kw_assessment *a, struct kw_finding *f, const struct race *race)
{
	summarise_causes(a, f, race);
	if (!race->lost) {
		kw_finding_summarise(f, ": sooner or later a request meets the close and is lost.");
		return;
	}
	kw_finding_summarise(f, ": %" PRIu64 " request%s met the close and got lost", race->lost,
			     kw_plural(race->lost));
	if (race->unknown < race->lost)
		kw_finding_summarise(f, "; %" PRIu64 " of them can be sent again without harm",
				     race->retryable);
	if (race->unknown)
		kw_finding_summarise(
			f, "; the method%s of %" PRIu64 " %s not known, because this side never read %s",
			kw_plural(race->unknown), race->unknown, race->unknown == 1 ? "is" : "are",
			race->unknown == 1 ? "it" : "them");
	kw_finding_summarise(f, ".");
	if (race->by_timeout && race->at_once)
		kw_finding_summarise(f, " %" PRIu64 " of these closes came right after a response.",
				     race->at_once);
	if ((race->by_timeout || race->at_once) && race->unaccepted)
		kw_finding_summarise(f, " %" PRIu64 " of the connections still waited in a listener's queue.",
				     race->unaccepted);
}

/* Within TLS nothing is certain. */
static void summarise_inferred(const struct kw_assessment *a, struct kw_finding *f, const struct race *race)
{
	if (race->inferred)
		kw_finding_summarise(
			f,
			" %" PRIu64
			" of the connections carried TLS: their races are inferred from the order of records.",
			race->inferred);
	else if (!race->connections && a->sum.traffic.exchanges)
		kw_finding_summarise(f, " The times are inferred from the order of TLS records.");
}

static void number_race(const struct kw_assessment *a, struct kw_finding *f, const struct race *race)
{
	kw_finding_count(f, "lost_requests", race->lost);
	kw_finding_count(f, "retryable", race->retryable);
	kw_finding_count(f, "retryable_unknown", race->unknown);
	kw_finding_count(f, "inferred", race->inferred);
	kw_finding_count(f, "closed_at_once", race->at_once);
	kw_finding_count(f, "never_accepted", race->unaccepted);
	kw_finding_seconds(f, "server_idle_timeout_s", a->server_idle.known, a->server_idle.seconds);
	kw_finding_count_or_null(f, "advertised_timeout_s", a->counters->has_advertised_timeout,
				 a->counters->advertised_timeout);
	kw_finding_seconds(f, "client_idle_reuse_max_s", a->sum.traffic.reused || a->sum.reuse_idle_max,
			   a->reuse_max);
	kw_finding_seconds(f, "client_idle_timeout_s", a->client_idle.known, a->client_idle.seconds);
}

bool kw_raise_timeout_race(const struct kw_assessment *a, struct kw_finding *f)
{
	const struct kw_examples *resets = &a->sum.examples[KW_FINDING_NO_RESPONSES];
	struct race race = race_of(a);

	if (!race.connections && !race.lost && !race.near)
		return false;
	for (uint32_t i = 0; i < resets->count && !a->sum.not_drained.races && race.lost; i++)
		kw_examples_add(&f->examples, resets->list[i]);
	f->severity = race.lost ? KW_SEVERITY_CRITICAL : KW_SEVERITY_WARNING;
	number_race(a, f, &race);
	summarise_race(a, f, &race);
	summarise_inferred(a, f, &race);
	if (race.by_timeout)
		advise_timeouts(a, f);
	if (race.at_once)
		advise_at_once(a, f);
	if (race.unaccepted)
		kw_advise_unaccepted(a, f);
	kw_finding_advise(f, "In any case let the client repeat a request if its method is safe or idempotent "
			     "and the connection closes before a byte of the response.");
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
	kw_finding_summarise(f,
			     "%zu time%s the server closed its idle connections all at once, as a reload, a "
			     "deploy or a stop does: %" PRIu64 " connection%s; %" PRIu64 " request%s lost.",
			     a->drain_count, kw_plural(a->drain_count), closed, kw_plural(closed), lost,
			     kw_plural(lost));
	if (!lost)
		return true;
	kw_finding_advise(f,
			  "Let the server announce the close first: answer with Connection: close for a while, "
			  "take the instance out of the balancer, and only then close idle connections.");
	kw_finding_advise(f, "Let the client repeat a request if its method is safe or idempotent and the "
			     "connection closes before a byte of the response.");
	return true;
}
