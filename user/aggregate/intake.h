/* SPDX-License-Identifier: BSD-2-Clause */
/* Events into the aggregate, each under the name of its service: what the daemon, the report and a replay of
 * either have in common. */
#ifndef KEEPWATCH_INTAKE_H
#define KEEPWATCH_INTAKE_H

#include "aggregate/aggregate.h"
#include "event/source.h"

#define KW_INTAKE_NAMES 1024

/* A name that was made before; making one takes longer than all the rest. */
struct kw_intake_name {
	struct kw_identity identity; /* of it, what the name was made of; all else zero */
	struct kw_service service;
};

struct kw_intake_settings {
	const struct kw_namer *namer; /* must outlive the intake */
	uint32_t services; /* how many services are counted apart, 1 or more; the rest count as "other" */
	uint64_t window;   /* ns that findings look back; 0 means to the start */
};

struct kw_intake {
	const struct kw_namer *namer;
	struct kw_source source;
	struct kw_aggregate aggregate;
	struct kw_intake_name *names; /* by hash; owned */
	uint64_t overflows;           /* as the source last told */
};

/* -ENOMEM, and that has been logged. */
int kw_intake_open(struct kw_intake *intake, const struct kw_intake_settings *settings,
		   struct kw_source source);

void kw_intake_close(struct kw_intake *intake);

/* Counts one event. -errno, and that has been logged. */
int kw_intake_event(struct kw_intake *intake, const struct kw_event *event, const struct kw_verdict *verdict);

/* The service of a connection; valid until the next call. */
const struct kw_service *kw_intake_service(struct kw_intake *intake, const struct kw_identity *identity);

#endif
