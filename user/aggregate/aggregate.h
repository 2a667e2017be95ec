/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts by service. Pure: no clock, no I/O; time comes in with the events. Nothing is kept of a single
 * connection: a record holds all that is to be added, as a difference to what was reported of it before. */
#ifndef KEEPWATCH_AGGREGATE_H
#define KEEPWATCH_AGGREGATE_H

#include <uthash.h>

#include "aggregate/drains.h"
#include "aggregate/half_closed.h"
#include "aggregate/pairs.h"
#include "aggregate/window.h"
#include "aggregate/window_statistics.h"
#include "event/decode.h"
#include "event/field_names.h"
#include "event/programs.h"
#include "event/service.h"
#include "judge/judge.h"

#define KW_OTHER_SERVICE "other" /* whatever finds no place of its own */
#define KW_SERVICE_IDLE                                                                                        \
	(3600 * KW_S) /* after this time without an event, and with nothing open, a service goes */

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
	int64_t open;              /* connections; below 0 where the service of lost records is not known */
	int64_t half_closed;       /* connections; below 0 for the same cause */
	uint64_t codes[KW_CODES];  /* 1xx to 5xx; last those of which it is not known */
	struct kw_directives_total {
		uint64_t keep_alive, close, upgrade, none;
	} request, response;
	uint64_t fields[KW_FIELDS]; /* by kw_field_names */
	uint64_t protocols[KW_PROTOCOL_MAX];
	uint64_t connection_requests[KW_REQUESTS_BUCKETS];
	uint64_t connection_requests_sum;
	struct kw_times duration;
	struct kw_times close_idle[KW_CLOSER_MAX];
	struct kw_times lateness;
	uint32_t advertised_timeout; /* last seen, seconds; see has_advertised_timeout */
	bool has_advertised_timeout;
	char comm[KW_COMM];  /* of the process at this end, as last seen: hostile text; empty if never */
	uint8_t address[16]; /* of the server's end, as last seen */
	uint16_t port;
	struct kw_window window; /* the traffic so far, and what findings rest on */
	struct kw_drains drains;
	struct kw_half_closed half_closed_ages;
	uint8_t raised[KW_FINDING_MAX]; /* 1 << enum kw_severity: findings that were ever exposed */
	UT_hash_handle hh;
};

/* Why a service has no place among those that are told apart. */
enum kw_service_dropped {
	KW_SERVICE_DROPPED_CEILING,
	KW_SERVICE_DROPPED_IDLE,
	KW_SERVICE_DROPPED_MAX,
};

struct kw_aggregate {
	struct kw_service_counters *services; /* hash table; owned */
	uint32_t ceiling;                     /* most services in it, not counting those called "other" */
	uint32_t count;                       /* services in it now, not counting those called "other" */
	uint64_t window;                      /* ns; 0 means the whole observation */
	uint64_t started;                     /* monotonic ns, as far as is known */
	uint64_t now;                         /* the latest time that an event brought */
	struct kw_totals totals;              /* the latest */
	struct kw_unfinished closing;         /* as the latest sweep counted them */
	uint64_t dropped[KW_SERVICE_DROPPED_MAX];
	struct kw_recent overflows; /* of the queues of this host's listeners; see kw_aggregate_overflows */
	struct kw_pairs pairs;
	struct kw_programs programs; /* what runs on this host; a replay does not know */
	uint8_t refused[8192];       /* a bit for each name that got no place, by its hash: each counts once */
};

extern const char *const kw_protocol_names[KW_PROTOCOL_MAX];

/* Findings look back for @window ns; 0 means to the start. */
void kw_aggregate_open(struct kw_aggregate *aggregate, uint32_t ceiling, uint64_t window);
void kw_aggregate_close(struct kw_aggregate *aggregate);

/* Findings look back for @window ns from now on, and what they saw so far is forgotten if that is a change. More
 * than @ceiling services keep their places. */
void kw_aggregate_set(struct kw_aggregate *aggregate, uint32_t ceiling, uint64_t window);

/* Adds what a connection's record says. @verdict is set if it closed. -ENOMEM. */
int kw_aggregate_connection(struct kw_aggregate *aggregate, const struct kw_service *service,
			    const struct kw_event *event, const struct kw_verdict *verdict);

/* Counts a request that met a closed socket. -ENOMEM. */
int kw_aggregate_late(struct kw_aggregate *aggregate, const struct kw_service *service,
		      const struct kw_event *event);

/* Adds how often, since the last time, the queue of some listener of this host was full. A replay does not know. */
void kw_aggregate_overflows(struct kw_aggregate *aggregate, uint64_t count);

/* Takes over the kernel's totals; the records that it dropped since the last time count under "other". Lets
 * services go that were idle for long. -ENOMEM. */
int kw_aggregate_totals(struct kw_aggregate *aggregate, const struct kw_event_totals *event);

/* Settles for all services whether what the server closed before @before was a drain. -ENOMEM. */
int kw_aggregate_settle(struct kw_aggregate *aggregate, uint64_t before);

/* Whether a connection that closed belongs to the idle ages from which a server's timeout is told, and so to
 * those among which drains are looked for. */
bool kw_is_idle_close_by_server(const struct kw_verdict *verdict);

#endif
