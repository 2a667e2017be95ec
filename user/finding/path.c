/* SPDX-License-Identifier: BSD-2-Clause */
/* Findings about the network path: devices that forget connections, and connection attempts that fail. */
#include <inttypes.h>

#include "base/duration.h"
#include "base/words.h"
#include "finding/assess.h"

/* ---- dead_path ---- */

static void summarise_dead(const struct kw_assessment *a, struct kw_finding *f, double failed, double worked)
{
	uint64_t count = a->sum.dead + a->forgotten;

	kw_finding_summarise(f, "%" PRIu64 " connection%s that had been idle for %s or more", count,
			     kw_plural(count), kw_duration_about(failed).text);
	if (a->sum.dead)
		kw_finding_summarise(f, " got no answer%s", a->forgotten ? ", or" : "");
	if (a->forgotten)
		kw_finding_summarise(f, " %s reset sooner than a server could have read the request",
				     count == 1 ? "was" : "were");
	kw_finding_summarise(f,
			     a->forgotten ? ": the server, or something on the path, such as a NAT, a firewall "
					    "or a balancer, had forgotten %s."
					  : ": something on the path, such as a NAT, a firewall or a balancer, "
					    "had forgotten %s.",
			     count == 1 ? "it" : "them");
	if (a->sum.worked_idle_max)
		kw_finding_summarise(f, " Connections that had been idle for up to %s still worked.",
				     kw_duration_about(worked).text);
}

static void advise_dead(const struct kw_assessment *a, struct kw_finding *f, double failed)
{
	kw_finding_advise(f, "Let the client%s close idle connections before %s: set %s.", a->client->called,
			  kw_duration_about(failed).text, a->client->client_idle);
	kw_finding_advise(f,
			  "Or keep the path open with TCP keep-alive probes (net.ipv4.tcp_keepalive_time, or "
			  "TCP_KEEPIDLE), sent more often than every %s.",
			  kw_duration_about(failed).text);
	kw_finding_advise(
		f, "Documented idle timeouts: AWS NAT gateway and Network Load Balancer 350 s, Azure Load "
		   "Balancer 4 minutes unless set otherwise, Google Cloud's firewalls 10 minutes.");
}

/* HTTP/2 connections on which a PING was not answered. Where its host has acknowledged it, the path works. */
static void tell_pings(const struct kw_assessment *a, struct kw_finding *f)
{
	uint64_t count = kw_window_http2(&a->sum)->sums.ping_timeouts,
		 heard = kw_window_http2(&a->sum)->sums.ping_timeouts_heard;

	kw_finding_summarise(f, "%s%" PRIu64 " HTTP/2 connection%s given up because a PING was not answered",
			     f->summary[0] ? " " : "", count, count == 1 ? " was" : "s were");
	if (heard)
		kw_finding_summarise(
			f,
			"; on %" PRIu64
			" of them the other host had acknowledged it, so the program there was stuck",
			heard);
	kw_finding_summarise(f, ".");
	if (heard < count)
		kw_finding_advise(
			f, "Let PINGs be sent more often than the path forgets, so that it stays open and "
			   "a dead one is found soon: gRPC KEEPALIVE_TIME and KEEPALIVE_TIMEOUT, Go "
			   "http2.Transport.ReadIdleTimeout and PingTimeout, Envoy connection_keepalive; and "
			   "see whether firewalls or balancers on the way were changed or restarted.");
	if (heard)
		kw_finding_advise(
			f, "Look at the program that did not answer: stopped, paused, swapped out, blocked "
			   "in its event loop or in garbage collection, or a host without processor time.");
}

bool kw_raise_dead_path(const struct kw_assessment *a, struct kw_finding *f)
{
	double failed = (double)a->sum.dead_idle_min / 1e9, worked = (double)a->sum.worked_idle_max / 1e9;
	const struct kw_http2_sums *http2 = &kw_window_http2(&a->sum)->sums;
	uint64_t idle = a->sum.dead + a->forgotten;

	if (!idle && !http2->ping_timeouts)
		return false;
	if (a->forgotten && (!a->sum.dead || a->forgotten_idle < failed))
		failed = a->forgotten_idle;
	f->severity = KW_SEVERITY_WARNING;
	kw_finding_count(f, "connections", idle + http2->ping_timeouts);
	kw_finding_count(f, "reset_at_once", a->forgotten);
	kw_finding_count(f, "ping_timeouts", http2->ping_timeouts);
	kw_finding_count(f, "acknowledged", http2->ping_timeouts_heard);
	kw_finding_count(f, "lost_requests", a->sum.dead_lost + a->forgotten + http2->ping_timeouts_lost);
	kw_finding_seconds(f, "shortest_idle_failed_s", idle, failed);
	kw_finding_seconds(f, "longest_idle_worked_s", a->sum.worked_idle_max, worked);
	if (idle) {
		summarise_dead(a, f, failed, worked);
		advise_dead(a, f, failed);
	}
	if (http2->ping_timeouts)
		tell_pings(a, f);
	return true;
}

/* ---- connects_fail ---- */

#define CONNECTS_SHARE 0.01

static const struct kind {
	const char *name, *words, *advice;
} kinds[KW_CONNECT_FAILURES] = {
	[KW_REASON_CONNECT_REFUSED] =
		{"refused", "refused",
		 "Refused: nothing listens on that port, or the server listens on another address: see ss -ltn "
		 "on the server's host, and check whether clients try before the server has started."},
	[KW_REASON_CONNECT_TIMEOUT] = {"timed_out", "timed out",
				       "Timed out: nothing answered the SYN. A firewall drops it, the host is "
				       "down, or its accept queue is full."},
	[KW_REASON_CONNECT_UNREACHABLE] = {"unreachable", "unreachable",
					   "Unreachable: there is no route to the server, or a router or a "
					   "firewall rejected the attempt by ICMP."},
	[KW_REASON_CONNECT_ABORTED] =
		{"aborted", "aborted by the client",
		 "Aborted: the client gave up before the connection was established. Its connect timeout is "
		 "short, or it tries several addresses at once and keeps the fastest."},
};

static void tell_kinds(const struct kw_assessment *a, struct kw_finding *f)
{
	bool first = true;

	for (int i = 0; i < KW_CONNECT_FAILURES; i++) {
		kw_finding_count(f, kinds[i].name, a->sum.traffic.failed[i]);
		if (!a->sum.traffic.failed[i])
			continue;
		kw_finding_summarise(f, "%s%s x %" PRIu64, first ? "" : ", ", kinds[i].words,
				     a->sum.traffic.failed[i]);
		kw_finding_advise(f, "%s", kinds[i].advice);
		first = false;
	}
}

bool kw_raise_connects_fail(const struct kw_assessment *a, struct kw_finding *f)
{
	uint64_t failed = kw_traffic_failed(&a->sum.traffic), all = a->sum.traffic.opened + failed;
	double share = all ? (double)failed / (double)all : 0;

	if (!failed)
		return false;
	f->severity = share > CONNECTS_SHARE ? KW_SEVERITY_CRITICAL : KW_SEVERITY_WARNING;
	kw_finding_count(f, "failed", failed);
	kw_finding_number(f, "share", KW_NUMBER_SHARE, share);
	kw_finding_summarise(f, "%" PRIu64 " of %" PRIu64 " connection attempt%s failed: ", failed, all,
			     kw_plural(all));
	tell_kinds(a, f);
	kw_finding_summarise(f, ".");
	kw_finding_count(f, "accept_queue_overflows", a->overflows);
	if (!a->overflows)
		return true;
	kw_finding_summarise(f,
			     " In the same time the accept queue of a listener on this host was full %" PRIu64
			     " time%s (ListenOverflows).",
			     a->overflows, kw_plural(a->overflows));
	kw_finding_advise(f, "A full accept queue drops SYNs: in ss -ltn, Recv-Q then exceeds Send-Q. Let the "
			     "server accept faster, or raise its backlog and net.core.somaxconn.");
	return true;
}
