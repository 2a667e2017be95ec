/* SPDX-License-Identifier: BSD-2-Clause */
/* The counters of each service, and all of them together. */
#ifndef KEEPWATCH_COUNTERS_H
#define KEEPWATCH_COUNTERS_H

#include <uthash.h>

#include "aggregate/candidates.h"
#include "aggregate/drains.h"
#include "aggregate/half_closed.h"
#include "aggregate/http2_counts.h"
#include "aggregate/pairs.h"
#include "aggregate/tls_counts.h"
#include "aggregate/weight.h"
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
	KW_PROTOCOL_H2, /* within TLS */
	KW_PROTOCOL_TLS,
	KW_PROTOCOL_OPAQUE,
	KW_PROTOCOL_NONE,
	KW_PROTOCOL_MAX,
};

#define KW_CODES 6

struct kw_service_counters {
	struct kw_service service; /* the key */
	uint64_t last_event;       /* monotonic ns */
	struct kw_weight weight;   /* how much it mattered lately */
	int64_t open;              /* connections; of "other" it may be below 0, see add_dropped() */
	int64_t half_closed;       /* connections; may be below 0 too */
	int64_t streams;           /* of HTTP/2, open now; may be below 0 too */
	int64_t busy; /* of the open connections: a request is begun and not answered, as of their latest reports */
	uint64_t codes[KW_CODES]; /* 1xx to 5xx; the last one counts those of unknown status */
	struct kw_directives_total {
		uint64_t keep_alive, close, upgrade, none;
	} request, response;
	uint64_t fields[KW_FIELDS]; /* by kw_field_names */
	uint64_t protocols[KW_PROTOCOL_MAX];
	struct kw_tls_counts tls;
	struct kw_http2_counts http2;
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
	bool has_local_clients; /* server role only: the other end of some connection was met on this host */
	UT_hash_handle hh;
};

/* Why a service has no counters of its own. */
enum kw_service_dropped {
	KW_SERVICE_DROPPED_CEILING, /* it came when all places were taken, by services that mattered more */
	KW_SERVICE_DROPPED_IDLE,    /* nothing was seen of it for KW_SERVICE_IDLE */
	KW_SERVICE_DROPPED_DISPLACED, /* it lost its place to one that mattered more; its counts went on in "other" */
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
	struct kw_candidates candidates; /* services without a place */
	struct kw_weight least;          /* no service in the table matters less, as long as its period lasts */
	uint64_t places_taken_to;        /* monotonic ns; changes of places are paid for up to then */
	struct kw_recent overflows;      /* of listeners' accept queues; see kw_aggregate_overflows() */
	struct kw_pairs pairs;
	struct kw_upstreams upstreams;
	struct kw_programs programs; /* programs on this host; empty in a replay */
	uint8_t refused[8192]; /* one bit per hash of a service that got no place, so that each counts once */
};

extern const char *const kw_protocol_names[KW_PROTOCOL_MAX];

#endif
