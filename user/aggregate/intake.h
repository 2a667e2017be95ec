/* SPDX-License-Identifier: BSD-2-Clause */
/* Adds events to the aggregate, each under the name of its service. The daemon, the report and replays share this
 * step. */
#ifndef KEEPWATCH_TALLY_H
#define KEEPWATCH_TALLY_H

#include "aggregate/aggregate.h"
#include "command/options.h"
#include "event/source.h"

#define KW_TALLY_NAMES 1024

/* A cached service name, because making a name takes longer than all other work on an event. */
struct kw_tally_name {
	struct kw_identity identity; /* the fields that the name was made from; all others are zero */
	struct kw_service service;
};

struct kw_tally {
	const struct kw_namer *namer;
	struct kw_source source;
	struct kw_aggregate aggregate;
	struct kw_tally_name *names; /* by hash; owned */
	uint64_t overflows;          /* overflows of accept queues, as last read from the source */
};

/* Findings look back for @window ns; 0 means to the start. -ENOMEM, and that has been logged. */
int kw_tally_open(struct kw_tally *tally, const struct kw_options *options, uint64_t window,
		  struct kw_source source);

void kw_tally_close(struct kw_tally *tally);

/* Counts one event. -errno, and that has been logged. */
int kw_tally_event(struct kw_tally *tally, const struct kw_event *event, const struct kw_verdict *verdict);

/* The service of a connection; valid until the next call. */
const struct kw_service *kw_tally_service(struct kw_tally *tally, const struct kw_identity *identity);

#endif
