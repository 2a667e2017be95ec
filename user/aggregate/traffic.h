/* SPDX-License-Identifier: BSD-2-Clause */
/* The counts of one service over a span of time that both Prometheus and the findings need. Each event is counted here once:
 * in the span of the window in which it came. When a span leaves the window, it is added to the past of its service. */
#ifndef KEEPWATCH_TRAFFIC_H
#define KEEPWATCH_TRAFFIC_H

#include "aggregate/forwarded_counts.h"
#include "aggregate/gateway_counts.h"
#include "event/decode.h"
#include "judge/judge.h"

#define KW_CONNECT_FAILURES 4 /* the first of enum kw_reason: see kw_reason_is_connect_failure() */

#define KW_REASON_LOST KW_REASON_MAX /* of closed: a closing record that found no room in the ring */
#define KW_REASON_LATE KW_REASON_MAX /* of lost_requests: requests that met a closed socket */
#define KW_REASON_LABELS (KW_REASON_MAX + 1)

/* Of requests: 0 and 1 are the minor versions of HTTP/1. */
#define KW_VERSION_2 2       /* streams of HTTP/2 */
#define KW_VERSION_UNKNOWN 3 /* of records that were lost */
#define KW_VERSIONS 4

/* Whether a request can be sent again without harm, by its method; unknown if its head was never seen. */
enum kw_retryable {
	KW_RETRYABLE_YES,
	KW_RETRYABLE_NO,
	KW_RETRYABLE_UNKNOWN,
	KW_RETRYABLE_MAX,
};

/* The requests that one connection lost. Those that met a closing server are late: the reason for which the server closed
 * is not to blame for them. */
struct kw_lost_requests {
	uint64_t retryable[KW_RETRYABLE_MAX];
	uint64_t late;
};

/* A time histogram with the kernel's bounds (kw_histogram_bounds). */
struct kw_times {
	uint64_t buckets[KW_HISTOGRAM_BUCKETS]; /* not cumulative */
	uint64_t sum;                           /* ns */
};

/* Begins with all zeros. Connects that failed are counted in failed and in nothing else. */
struct kw_traffic {
	uint64_t opened;      /* connections established while observed */
	uint64_t preexisting; /* connections met that are older than the observation */
	uint64_t closed[KW_REASON_LABELS][KW_CLOSER_MAX];
	uint64_t failed[KW_CONNECT_FAILURES];
	uint64_t lost_requests[KW_REASON_LABELS][KW_RETRYABLE_MAX];
	uint64_t requests[KW_VERSIONS]; /* by version; streams of HTTP/2 are requests */
	uint64_t reused;                /* requests that were not the first on their connection */
	uint64_t exchanges;        /* within TLS, where requests cannot be counted: inferred from its records */
	uint64_t exchanges_reused; /* of these: not the first on their connection */
	struct kw_times reuse_idle;              /* idle time before a connection was used again */
	struct kw_times wait;                    /* last byte of a request to the first byte of its response */
	struct kw_gateway_counts gateway_errors; /* all before are numbers that can be added up */
	struct kw_forwarded_counts forwarded;    /* hop-by-hop fields that were sent on */
};

/* Adds @ns to a histogram with these bounds. */
void kw_times_add(struct kw_times *times, enum kw_histogram bounds, uint64_t ns);

/* Adds all of @from; both have the same bounds. */
void kw_times_merge(struct kw_times *times, const struct kw_times *from);

/* The lost requests of a connection, by method where the kernel still had them queued; none where the verdict claims
 * none. */
struct kw_lost_requests kw_lost_requests_of(const struct kw_http *http, const struct kw_verdict *verdict);

/* Counts what is new in a record of an established connection. @verdict is set if it closed. */
void kw_traffic_add(struct kw_traffic *traffic, const struct kw_event *event, const struct kw_verdict *verdict);

/* Adds all of @from. */
void kw_traffic_merge(struct kw_traffic *to, const struct kw_traffic *from);

/* Sums. Records that were dropped are in none of them, because nothing is known of them but their number. */
uint64_t kw_traffic_seen(const struct kw_traffic *traffic);   /* connections met for the first time */
uint64_t kw_traffic_closed(const struct kw_traffic *traffic); /* connections, by all reasons and closers */
uint64_t kw_traffic_closed_for(const struct kw_traffic *traffic, enum kw_reason reason);
uint64_t kw_traffic_closed_by(const struct kw_traffic *traffic, enum kw_closer closer);
uint64_t kw_traffic_failed(const struct kw_traffic *traffic);   /* connects, of all four kinds */
uint64_t kw_traffic_requests(const struct kw_traffic *traffic); /* of all versions */
uint64_t kw_traffic_lost(const struct kw_traffic *traffic);     /* requests, late ones included */

#endif
