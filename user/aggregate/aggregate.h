/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts by service. Pure: no clock, no I/O; time comes in with the events. It keeps nothing about a single
 * connection, because each record holds the difference to the connection's earlier records. */
#ifndef KEEPWATCH_AGGREGATE_H
#define KEEPWATCH_AGGREGATE_H

#include "aggregate/counters.h"

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

/* Counts fields that a program sent on and should have removed, under the service of the connection on which it sent them. Returns
 * 0 or -ENOMEM. */
int kw_aggregate_forwarded(struct kw_aggregate *aggregate, const struct kw_service *service,
			   const struct kw_forwarded *forwarded);

/* Adds how often, since the last call, the accept queue of some listener on this host was full. Not called in a
 * replay. */
void kw_aggregate_overflows(struct kw_aggregate *aggregate, uint64_t count);

/* Takes the kernel's totals; records that it dropped since the last call count under "other". Removes services that
 * were idle for long, and lets the one without a place that matters most try for one. Returns 0 or -ENOMEM. */
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
