/* SPDX-License-Identifier: BSD-2-Clause */
/* The content of a report, in the order in which text, JSON and page show it. */
#ifndef KEEPWATCH_OVERVIEW_H
#define KEEPWATCH_OVERVIEW_H

#include "finding/assess.h"

struct kw_overview_finding {
	const struct kw_assessment *service;
	const struct kw_finding *finding;
};

struct kw_overview {
	double observed;              /* seconds */
	struct kw_losses losses;      /* of events, from the start on */
	struct kw_unfinished closing; /* not final yet, so not counted in the fields below */
	bool healthy;                 /* no finding, no premature close and no failed connection attempt */
	uint64_t connections; /* of all services; a connection with both ends on this host counts once */
	uint64_t paired;      /* of these: seen from both ends */
	uint64_t premature;
	uint64_t failed; /* connection attempts */
	uint64_t requests;
	bool has_http;                  /* some connection carried HTTP/1.x */
	struct kw_assessment *services; /* those that lose most first, then the busiest; owned */
	size_t service_count;
	struct kw_overview_finding *findings; /* the gravest first; owned, pointing into services */
	size_t finding_count;
};

/* Assesses all services with connections in the window. On success, free *ret_overview; it is valid only until the
 * aggregate changes. Returns 0 or -ENOMEM. */
int kw_overview_make(const struct kw_aggregate *aggregate, struct kw_overview *ret_overview);

void kw_overview_free(struct kw_overview *overview);

/* The number of an earlier finding that says the same about the other end of the same connections; @number itself if
 * there is none. */
size_t kw_overview_seen_before(const struct kw_overview *overview, size_t number);

/* A quantile in seconds of times counted in the kernel's buckets, interpolated within its bucket, and at most @most
 * ns if that is not 0. Returns 0 if nothing was counted. */
double kw_overview_quantile(const uint64_t buckets[KW_HISTOGRAM_BUCKETS], enum kw_histogram which, double share,
			    uint64_t most);

/* Requests per connection in the window; 0 if there were no connections. */
double kw_requests_per_connection(const struct kw_window_statistics *sum);

#endif
