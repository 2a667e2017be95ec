/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts by service. Pure: no clock, no I/O; time comes in with the events. It keeps nothing about a single
 * connection, because each record holds the difference to the connection's earlier records. */
#ifndef KEEPWATCH_AGGREGATE_H
#define KEEPWATCH_AGGREGATE_H

#include <uthash.h>

#include "aggregate/drains.h"
#include "aggregate/half_closed.h"
#include "aggregate/pairs.h"
#include "aggregate/tls_counts.h"
#include "aggregate/window.h"
#include "aggregate/window_statistics.h"
#include "event/decode.h"
#include "event/field_names.h"
#include "event/losses.h"
#include "event/programs.h"
#include "event/service.h"
#include "join/gateway.h"
#include "judge/judge.h"

#define KW_OTHER_SERVICE "other" /* name of the service that counts everything without a place of its own */
#define KW_SERVICE_IDLE                                                                                        \
	(3600 * KW_S) /* a service without an event for this time and without open connections is removed */

#define KW_REQUESTS_BUCKETS 15
extern const uint32_t kw_requests_bounds[KW_REQUESTS_BUCKETS - 1]; /* inclusive; the last bucket has none */

enum kw_protocol_label {
	KW_PROTOCOL_HTTP11,
	KW_PROTOCOL_HTTP10,
	KW_PROTOCOL_H2C,
	KW_PROTOCOL_TLS,
	KW_PROTOCOL_OPAQUE,
	KW_PROTOCOL_NONE,
	KW_PROTOCOL_MAX,
};

#define KW_CODES 6

struct kw_service_counters {
	struct kw_service service; /* the key */
	uint64_t last_event;       /* monotonic ns */
	int64_t open;              /* connections; of "other" it may be below 0, see add_dropped() */
	int64_t half_closed;       /* connections; may be below 0 too */
	uint64_t codes[KW_CODES];  /* 1xx to 5xx; the last one counts those of unknown status */
	struct kw_directives_total {
		uint64_t keep_alive, close, upgrade, none;
	} request, response;
	uint64_t fields[KW_FIELDS]; /* by kw_field_names */
	uint64_t protocols[KW_PROTOCOL_MAX];
	struct kw_tls_counts tls;
	uint64_t inferred; /* connections closed whose verdict is inferred */
	uint64_t connection_requests[KW_REQUESTS_BUCKETS];
	uint64_t connection_requests_sum;
	struct kw_times duration;
	struct kw_times close_idle[KW_CLOSER_MAX];
	struct kw_times lateness;
	uint32_t advertised_timeout; /* last seen, seconds; see has_advertised_timeout */
	bool has_advertised_timeout;
	char comm[KW_COMM];  /* name of the process at this end, as last seen: hostile text; or empty */
	uint8_t address[16]; /* of the server's end, as last seen */
	uint16_t port;
	struct kw_window window; /* the traffic so far, and what findings rest on */
	struct kw_drains drains;
	struct kw_half_closed half_closed_ages;
	uint8_t raised[KW_FINDING_MAX]; /* 1 << enum kw_severity: findings that were ever exposed */
	/* Client role only: where the other ends of the connections are counted, as of the latest that was met; NULL: on another
	 * host. And of the connections seen so far, how many were met on this host. */
	struct kw_service_counters *server_end;
	uint64_t seen, met;
	UT_hash_handle hh;
};

/* Why a service has no counters of its own. */
enum kw_service_dropped {
	KW_SERVICE_DROPPED_CEILING,
	KW_SERVICE_DROPPED_IDLE,
	KW_SERVICE_DROPPED_MAX,
};

struct kw_aggregate {
	struct kw_service_counters *services; /* hash table; owned */
	uint32_t ceiling;              /* largest number of services in the table, not counting "other" */
	uint32_t count;                /* number of services in the table now, not counting "other" */
	uint64_t window;               /* ns; 0 means the whole observation */
	uint64_t started;              /* monotonic ns; start of the observation, or time of the first event */
	uint64_t now;                  /* monotonic ns; the latest time of an event */
	struct kw_totals totals;       /* the latest */
	struct kw_event_unseen unseen; /* the latest */
	struct kw_unfinished closing;  /* as of the latest sweep */
	uint64_t dropped[KW_SERVICE_DROPPED_MAX];
	struct kw_recent overflows; /* of listeners' accept queues; see kw_aggregate_overflows() */
	struct kw_pairs pairs;
	struct kw_upstreams upstreams;
	struct kw_programs programs; /* programs on this host; empty in a replay */
	uint8_t refused[8192]; /* one bit per hash of a service that got no place, so that each counts once */
};

extern const char *const kw_protocol_names[KW_PROTOCOL_MAX];

/* Findings look back for @window ns; 0 means to the start. */
void kw_aggregate_open(struct kw_aggregate *aggregate, uint32_t ceiling, uint64_t window);
void kw_aggregate_close(struct kw_aggregate *aggregate);

/* Changes the settings. If @window differs, the statistics so far are dropped. If there are more than @ceiling
 * services, they stay. */
void kw_aggregate_set(struct kw_aggregate *aggregate, uint32_t ceiling, uint64_t window);

/* Adds a connection's record. @verdict is set if the connection has closed. Returns 0 or -ENOMEM. */
int kw_aggregate_connection(struct kw_aggregate *aggregate, const struct kw_service *service,
			    const struct kw_event *event, const struct kw_verdict *verdict);

/* Counts a request that met a closed socket. Returns 0 or -ENOMEM. */
int kw_aggregate_late(struct kw_aggregate *aggregate, const struct kw_service *service,
		      const struct kw_event *event);

/* Counts an error of a gateway under the gateway's service. @upstream: the service of its cause; NULL if there is none. Returns
 * 0 or -ENOMEM. */
int kw_aggregate_gateway(struct kw_aggregate *aggregate, const struct kw_service *service,
			 const struct kw_service *upstream, const struct kw_gateway_error *error);

/* Adds how often, since the last call, the accept queue of some listener on this host was full. Not called in a
 * replay. */
void kw_aggregate_overflows(struct kw_aggregate *aggregate, uint64_t count);

/* Takes the kernel's totals; records that it dropped since the last call count under "other". Removes services that
 * were idle for long. Returns 0 or -ENOMEM. */
int kw_aggregate_totals(struct kw_aggregate *aggregate, const struct kw_event_totals *event);

/* Takes the counts of things that the kernel showed to no program. */
void kw_aggregate_unseen(struct kw_aggregate *aggregate, const struct kw_event_unseen *event);

/* How many events were lost so far. */
struct kw_losses kw_aggregate_losses(const struct kw_aggregate *aggregate);

/* Decides for all services which closes before @before were part of a drain. Returns 0 or -ENOMEM. */
int kw_aggregate_settle(struct kw_aggregate *aggregate, uint64_t before);

/* Whether the server closed an idle connection, so that the close counts for the server's timeout or for a drain. */
bool kw_is_idle_close_by_server(const struct kw_verdict *verdict);

#endif
