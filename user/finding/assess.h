/* SPDX-License-Identifier: BSD-2-Clause */
/* From a service's statistics to what is wrong with it. Pure: looks at what was gathered, changes nothing. */
#ifndef KEEPWATCH_FINDINGS_H
#define KEEPWATCH_FINDINGS_H

#include "aggregate/aggregate.h"
#include "finding/finding.h"
#include "finding/software.h"

struct kw_assessment {
	const struct kw_service_counters *counters;
	const struct kw_upstreams *upstreams; /* of the aggregate */
	struct kw_window_statistics sum;      /* of this service over the window */
	double seconds;                       /* length of the window; above 0 */
	const struct kw_software *server;     /* never NULL; unknown software if that end is on another host */
	const struct kw_software *client;
	struct kw_inferred server_idle; /* idle timeout inferred from when the server closed */
	struct kw_inferred client_idle; /* idle timeout inferred from when clients closed */
	bool has_timeout;               /* of the server: inferred, else advertised */
	double timeout;                 /* seconds */
	double reuse_max;               /* seconds; the longest idle time before a reuse; 0: there was none */
	bool has_margin;                /* timeout less reuse_max */
	double margin;                  /* seconds */
	/* Requests that got only a RST, after about the server's idle timeout: they met its close. */
	uint64_t resets[KW_RETRYABLE_MAX];
	uint64_t forgotten;    /* requests reset at once, idle for longer than ever worked: see dead_path */
	double forgotten_idle; /* seconds; the shortest idle age of these */
	uint64_t overflows;    /* how often the accept queue of some listener on this host was full */
	const struct kw_drain *drains; /* within the window, ascending; point into counters */
	size_t drain_count;
	uint64_t leaked; /* connections that have now been half-closed for long */
	/* Client role: the service of this host that has the other ends of most of its connections, or NULL; and the share of its
	 * connections whose other end is elsewhere, 0 to 1. */
	const struct kw_service_counters *server_end;
	double apart;
	struct kw_finding *findings; /* the gravest first; owned */
	size_t finding_count;
};

#define KW_NEAR_TIMEOUT 0.9     /* share of the server's timeout after which a request may meet the close */
#define KW_CLUSTER_SHARE 0.05   /* closes at one timeout differ by at most this share, */
#define KW_CLUSTER_SECONDS 0.25 /* or by this much, if it is more */
#define KW_IDLE_SECONDS 1.0     /* a connection without traffic for this long was idle, not just slow */

/* Assesses one of the aggregate's services. On success, free *ret_assessment; it is valid only until the aggregate
 * changes. Returns 0 or -ENOMEM. */
int kw_assess(const struct kw_aggregate *aggregate, const struct kw_service_counters *counters,
	      struct kw_assessment *ret_assessment);

void kw_assessment_free(struct kw_assessment *assessment);

/* The share of a service's connections, 0 to 1, that is not counted at the server's end too, by another service of this
 * host. */
double kw_share_apart(const struct kw_service_counters *counters);

/* Lost requests with this reason that no other finding covers. */
uint64_t kw_uncovered(const struct kw_assessment *assessment, enum kw_reason reason);

/* Whether clients give up so often that this is a finding of its own. */
bool kw_do_clients_give_up(const struct kw_assessment *assessment);

/* Adds the advice for a listener that was closed with connections in its accept queue. */
void kw_advise_unaccepted(const struct kw_assessment *assessment, struct kw_finding *finding);

/* Fills in a finding whose id and examples are set. Returns false if the finding does not hold. The table in assess.c
 * has one function per finding. */
typedef bool kw_raise_fn(const struct kw_assessment *assessment, struct kw_finding *finding);

/* A gateway answers for a server that failed it: gateway.c */
kw_raise_fn kw_raise_gateway_errors;

/* A program sends on what was meant for one connection only: forwards.c */
kw_raise_fn kw_raise_forwards_hop_by_hop;

/* A request meets a close: race.c */
kw_raise_fn kw_raise_timeout_race, kw_raise_drain;

/* A request or its response is cut: cut.c */
kw_raise_fn kw_raise_truncated_responses, kw_raise_no_responses, kw_raise_clients_give_up,
	kw_raise_lost_requests;

/* The network path fails: path.c */
kw_raise_fn kw_raise_dead_path, kw_raise_connects_fail;

/* TLS does not come about, or does not end as it should: tls.c */
kw_raise_fn kw_raise_tls_handshakes_fail, kw_raise_tls_unclean_closes;

/* Frames of HTTP/2 end connections, or streams, badly: http2.c. A server limits its connections: http2_limits.c */
kw_raise_fn kw_raise_goaway_losses, kw_raise_too_many_pings, kw_raise_streams_refused,
	kw_raise_forbidden_fields, kw_raise_max_age_churn, kw_raise_max_streams_churn;

/* Connections are used badly: connection_use.c */
kw_raise_fn kw_raise_unannounced_closes, kw_raise_timeout_not_honoured, kw_raise_low_reuse, kw_raise_max_churn,
	kw_raise_probe_only, kw_raise_close_wait_leak, kw_raise_obsolete_fields;

#endif
