/* SPDX-License-Identifier: BSD-2-Clause */
#include "finding/middlebox.h"

#include <inttypes.h>

#include "base/duration.h"
#include "base/words.h"

static uint64_t by_path(const struct kw_path_counts *counts)
{
	return counts->reasons[KW_PATH_RESET] + counts->reasons[KW_PATH_FIN] + counts->reasons[KW_PATH_DROPPED];
}

void kw_path_count(struct kw_path_counts *counts, const struct kw_path *path,
		   const struct kw_event_connection *client, const struct kw_event_connection *server)
{
	bool failed =
		path->reason == KW_PATH_RESET || path->reason == KW_PATH_FIN || path->reason == KW_PATH_DROPPED;

	counts->pairs += path->both;
	counts->agreed += path->both && path->agree;
	counts->reasons[path->reason]++;
	if (server && (int64_t)server->http.idle_max > counts->idle_worked)
		counts->idle_worked = (int64_t)server->http.idle_max;
	if (!failed)
		return;
	if (client)
		kw_examples_add(&counts->examples, kw_example_of(&client->identity));
	if (path->idle_failed == KW_DURATION_UNKNOWN)
		return;
	if (!counts->idle || path->idle_failed < counts->idle_failed)
		counts->idle_failed = path->idle_failed;
	counts->idle++;
}

/* A device that forgets idle connections is patient up to an age: idle times that worked are all shorter. */
static bool forgets(const struct kw_path_counts *counts)
{
	return counts->idle && counts->idle == by_path(counts) && counts->idle_failed >= (int64_t)KW_S &&
	       counts->idle_worked < counts->idle_failed;
}

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

static void summarise(const struct kw_path_counts *counts, struct kw_finding *f)
{
	uint64_t count = by_path(counts);

	kw_finding_summarise(
		f,
		"Something on the path from %s to %s, such as a firewall, a NAT or a balancer, ended %" PRIu64
		" of %" PRIu64 " connection%s: %" PRIu64 " by a RST and %" PRIu64
		" by a FIN that the other end never sent, %" PRIu64 " by dropping segments.",
		counts->client, counts->server, count, counts->pairs, kw_plural(counts->pairs),
		counts->reasons[KW_PATH_RESET], counts->reasons[KW_PATH_FIN], counts->reasons[KW_PATH_DROPPED]);
	if (!forgets(counts))
		return;
	kw_finding_summarise(f, " All of them had been idle for %s or more.",
			     kw_duration_about(seconds(counts->idle_failed)).text);
	if (counts->idle_worked)
		kw_finding_summarise(f, " Connections that had been idle for up to %s still worked.",
				     kw_duration_about(seconds(counts->idle_worked)).text);
}

static void advise(const struct kw_path_counts *counts, struct kw_finding *f)
{
	struct kw_duration age = kw_duration_about(seconds(counts->idle_failed));

	if (!forgets(counts)) {
		kw_finding_advise(
			f,
			"Look at the devices on the path for rules that reset or drop established connections: "
			"intrusion prevention, quotas, a failover that lost its state, asymmetric routes.");
		return;
	}
	kw_finding_advise(
		f,
		"Send TCP keep-alive probes more often than every %s: net.ipv4.tcp_keepalive_time, or "
		"TCP_KEEPIDLE with SO_KEEPALIVE on the connection.",
		age.text);
	kw_finding_advise(
		f, "Or raise the device's timeout of idle connections above the idle timeouts of both ends.");
	kw_finding_advise(f, "Or let the client close idle connections before %s.", age.text);
}

bool kw_raise_middlebox(const struct kw_path_counts *counts, struct kw_finding *ret_finding)
{
	struct kw_finding *f = ret_finding;
	bool idle = counts->idle != 0;

	if (!by_path(counts))
		return false;
	*f = (struct kw_finding){
		.id = KW_FINDING_MIDDLEBOX, .severity = KW_SEVERITY_CRITICAL, .examples = counts->examples};
	kw_finding_count(f, "connections", counts->pairs);
	kw_finding_count(f, "resets", counts->reasons[KW_PATH_RESET]);
	kw_finding_count(f, "fins", counts->reasons[KW_PATH_FIN]);
	kw_finding_count(f, "drops", counts->reasons[KW_PATH_DROPPED]);
	kw_finding_seconds(f, "idle_failed_min_s", idle, idle ? seconds(counts->idle_failed) : 0);
	kw_finding_seconds(f, "idle_worked_max_s", counts->idle_worked > 0, seconds(counts->idle_worked));
	summarise(counts, f);
	advise(counts, f);
	return true;
}
