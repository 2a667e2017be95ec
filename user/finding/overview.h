/* SPDX-License-Identifier: BSD-2-Clause */
/* The content of a report, in the order in which text, JSON and page show it. */
#ifndef KEEPWATCH_OVERVIEW_H
#define KEEPWATCH_OVERVIEW_H

#include "finding/assess.h"

struct kw_overview_finding {
	const struct kw_assessment *service;
	const struct kw_finding *finding;
	const struct kw_assessment
		*other; /* the other end of the same connections, where that shows the same; or NULL */
};

struct kw_overview {
	double observed;              /* seconds */
	struct kw_losses losses;      /* of events, from the start on */
	struct kw_unfinished closing; /* not final yet, so not counted in the fields below */
	bool healthy;                 /* no finding, no premature close and no failed connection attempt */
	uint64_t connections; /* of all services; a connection with both ends on this host counts once */
	uint64_t paired;      /* of these: seen from both ends */
	uint64_t premature;
	uint64_t failed;                /* connection attempts */
	uint64_t requests;              /* in clear text */
	uint64_t exchanges;             /* within TLS: inferred */
	bool has_http;                  /* some connection carried HTTP or TLS */
	struct kw_assessment *services; /* those that lose most first, then the busiest; owned */
	size_t service_count;
	const struct kw_assessment **by_counters; /* the services by the address of their counters; owned */
	const struct kw_assessment *
		*by_end;  /* those with a server_end, by its address, then as in services; owned */
	size_t end_count; /* of by_end */
	size_t row_count; /* services of a row of their own: see kw_overview_has_row() */
	struct kw_overview_finding *findings; /* the gravest first; owned, pointing into services */
	size_t finding_count;
};

/* Assesses all services with connections in the window. On success, free *ret_overview; it is valid only until the
 * aggregate changes. Returns 0 or -ENOMEM. */
int kw_overview_make(const struct kw_aggregate *aggregate, struct kw_overview *ret_overview);

void kw_overview_free(struct kw_overview *overview);

/* ---- both ends on this host ---- */

/* The server's end of the connections of @service, which is their clients' end; NULL if it is not on this host. */
const struct kw_assessment *kw_overview_server_end(const struct kw_overview *overview,
						   const struct kw_assessment *service);

/* Whether @service has a row of its own. A clients' end whose server's end is on this host too is shown with that. */
bool kw_overview_has_row(const struct kw_overview *overview, const struct kw_assessment *service);

/* The next clients' end, behind @after (NULL: the first), that is shown in the row of @service; NULL if there is none. */
const struct kw_assessment *kw_overview_next_end(const struct kw_overview *overview,
						 const struct kw_assessment *service,
						 const struct kw_assessment *after);

/* The end whose idle times are shown in the row of @service: the one that saw the longest idle time before a reuse. That may be a
 * clients' end, because only clients see requests that were sent after the server had closed. Never NULL. */
const struct kw_assessment *kw_overview_idle_end(const struct kw_overview *overview,
						 const struct kw_assessment *service);

/* A number of one end of a service's connections, over the window. */
typedef uint64_t kw_count_fn(const struct kw_assessment *service);
kw_count_fn kw_count_connections, kw_count_closed, kw_count_requests, kw_count_reused, kw_count_premature,
	kw_count_lost, kw_count_exchanges, kw_count_exchanges_reused;

/* Counts a row: connections that were seen from both ends count once, as the end counted them that saw more. */
uint64_t kw_overview_count(const struct kw_overview *overview, const struct kw_assessment *service,
			   kw_count_fn *count);

/* The same over all rows. */
uint64_t kw_overview_sum(const struct kw_overview *overview, kw_count_fn *count);

/* A quantile in seconds of times counted in the kernel's buckets, interpolated within its bucket, and at most @most
 * ns if that is not 0. Returns 0 if nothing was counted. */
double kw_overview_quantile(const uint64_t buckets[KW_HISTOGRAM_BUCKETS], enum kw_histogram which, double share,
			    uint64_t most);

/* Requests in clear text per connection in the window; 0 if there were no connections. */
double kw_requests_per_connection(const struct kw_window_statistics *sum);

/* Requests in clear text and exchanges within TLS: how many, how many on each connection, and how many were not the first on
 * theirs. */
uint64_t kw_exchanges(const struct kw_window_statistics *sum);
double kw_exchanges_per_connection(const struct kw_window_statistics *sum);
uint64_t kw_reused(const struct kw_window_statistics *sum);

/* Whether TLS was seen in the window: then numbers of requests and of idle times are inferred, in part at least. */
bool kw_speaks_tls(const struct kw_window_statistics *sum);

/* Whether HTTP/2 was seen in the window, in clear text or within TLS: its streams are requests. */
bool kw_speaks_h2c(const struct kw_window_statistics *sum);
bool kw_speaks_h2(const struct kw_window_statistics *sum);

#endif
