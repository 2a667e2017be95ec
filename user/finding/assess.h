/* SPDX-License-Identifier: BSD-2-Clause */
/* From a service's statistics to what is wrong with it. Pure: looks at what was gathered, changes nothing. */
#ifndef KEEPWATCH_FINDINGS_H
#define KEEPWATCH_FINDINGS_H

#include "aggregate/aggregate.h"
#include "finding/finding.h"
#include "finding/software.h"

struct kw_assessment {
	const struct kw_service_counters *counters;
	struct kw_window_statistics sum;  /* over the window */
	double seconds;                   /* that it covers; above 0 */
	const struct kw_software *server; /* never NULL; unknown where it is on another host */
	const struct kw_software *client;
	struct kw_inferred server_idle; /* idle timeout inferred from when the server closed */
	struct kw_inferred client_idle; /* likewise the client */
	bool has_timeout;               /* of the server: inferred, else advertised */
	double timeout;                 /* seconds */
	double reuse_max;               /* seconds; the longest idle time before a reuse; 0: there was none */
	bool has_margin;                /* timeout less reuse_max */
	double margin;                  /* seconds */
	/* Requests that a RST alone answered, near the timeout: they met the server's close. */
	uint64_t resets[KW_RETRYABLE_MAX];
	uint64_t forgotten;    /* answered by a RST at once, beyond every idle age that worked: see dead_path */
	double forgotten_idle; /* seconds; the shortest idle age of these */
	uint64_t overflows;    /* times that the queue of some listener on this host was full */
	const struct kw_drain *drains; /* within the window, ascending; point into counters */
	size_t drain_count;
	uint64_t leaked;             /* connections that are half-closed for long, now */
	struct kw_finding *findings; /* the gravest first; owned */
	size_t finding_count;
};

#define KW_NEAR_TIMEOUT 0.9     /* of the server's timeout: from here on a request may meet the close */
#define KW_CLUSTER_SHARE 0.05   /* closes at one timeout are so close together, */
#define KW_CLUSTER_SECONDS 0.25 /* or so */
#define KW_IDLE_SECONDS 1.0     /* from here on a connection was idle, not just slow */

/* Assesses one of the aggregate's services. On success *ret_assessment must be freed, and lives no longer than
 * the aggregate stays as it is. -ENOMEM. */
int kw_assess(const struct kw_aggregate *aggregate, const struct kw_service_counters *counters,
	      struct kw_assessment *ret_assessment);

void kw_assessment_free(struct kw_assessment *assessment);

/* Requests that no other finding covers; of one reason. */
uint64_t kw_uncovered(const struct kw_assessment *assessment, enum kw_reason reason);

/* Clients give up so often that it is a finding of its own. */
bool kw_do_clients_give_up(const struct kw_assessment *assessment);

/* A listener was closed with connections in its queue: how not to. */
void kw_advise_unaccepted(const struct kw_assessment *assessment, struct kw_finding *finding);

/* Whether these are the two ends of the same connections. What is counted together as "other" has no one end. */
bool kw_are_two_ends(const struct kw_service_counters *a, const struct kw_service_counters *b);

/* Fills in a finding whose id and examples are set; false if it is not to be raised. One for each row of the
 * table in findings.c. */
typedef bool kw_raise_fn(const struct kw_assessment *assessment, struct kw_finding *finding);

/* A request meets a close: findings_race.c */
kw_raise_fn kw_raise_timeout_race, kw_raise_drain;

/* A request or its response is cut: findings_cut.c */
kw_raise_fn kw_raise_truncated_responses, kw_raise_no_responses, kw_raise_clients_give_up,
	kw_raise_lost_requests;

/* What comes in between, or never gets there: findings_path.c */
kw_raise_fn kw_raise_dead_path, kw_raise_connects_fail;

/* Connections are not used as they could be: findings_use.c */
kw_raise_fn kw_raise_unannounced_closes, kw_raise_timeout_not_honoured, kw_raise_low_reuse, kw_raise_max_churn,
	kw_raise_probe_only, kw_raise_close_wait_leak, kw_raise_obsolete_fields;

#endif
