/* SPDX-License-Identifier: BSD-2-Clause */
/* The report's content, in the order in which it is told, whatever it is printed as. */
#ifndef KEEPWATCH_OVERVIEW_H
#define KEEPWATCH_OVERVIEW_H

#include "finding/assess.h"

struct kw_overview_finding {
	const struct kw_assessment *service;
	const struct kw_finding *finding;
};

struct kw_overview {
	double observed; /* seconds */
	uint64_t lost_events;
	struct kw_unfinished closing; /* not final yet: in none of what follows */
	bool healthy;                 /* no finding, no premature close, no connect that failed */
	uint64_t connections;         /* of all services; one with both ends on this host is one */
	uint64_t paired;              /* of these: seen from both ends */
	uint64_t premature;
	uint64_t failed; /* connects */
	uint64_t requests;
	bool has_http;                  /* some connection carried HTTP/1.x */
	struct kw_assessment *services; /* those that lose most first, then the busiest; owned */
	size_t service_count;
	struct kw_overview_finding *findings; /* the gravest first; owned, pointing into services */
	size_t finding_count;
};

/* Assesses all services with connections in the window. On success *ret_overview must be freed, and lives no
 * longer than the aggregate stays as it is. -ENOMEM. */
int kw_overview_make(const struct kw_aggregate *aggregate, struct kw_overview *ret_overview);

void kw_overview_free(struct kw_overview *overview);

/* The number of the finding that says the same of the other end of the same connections and comes first; else
 * @number itself. */
size_t kw_overview_seen_before(const struct kw_overview *overview, size_t number);

/* Quantiles, seconds, of times counted in the kernel's buckets: between the bounds of the bucket, never
 * above @most ns if that is not 0. 0 where nothing was counted. */
double kw_overview_quantile(const uint64_t buckets[KW_HISTOGRAM_BUCKETS], enum kw_histogram which, double share,
			    uint64_t most);

/* Connections met in the window, and requests for each of them; 0 if there were none. */
double kw_requests_per_connection(const struct kw_window_statistics *sum);

#endif
