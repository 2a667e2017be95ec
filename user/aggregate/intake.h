/* SPDX-License-Identifier: BSD-2-Clause */
/* Adds events to the aggregate, each under the name of its service. The daemon, the report and replays share this
 * step. */
#ifndef KEEPWATCH_INTAKE_H
#define KEEPWATCH_INTAKE_H

#include "aggregate/aggregate.h"
#include "event/source.h"

#define KW_INTAKE_NAMES 1024

/* A cached service name, because making a name takes longer than all other work on an event. */
struct kw_intake_name {
	struct kw_identity identity; /* the fields that the name was made from; all others are zero */
	struct kw_service service;
};

struct kw_intake_settings {
	const struct kw_namer *namer; /* must outlive the intake */
	uint32_t services; /* how many services are counted apart, 1 or more; the rest count as "other" */
	uint64_t window;   /* ns that findings look back; 0 means to the start */
	/* Called for each error of a gateway, once its cause is decided; may be NULL. @upstream: NULL without a cause. */
	void (*on_gateway)(void *context, const struct kw_gateway_error *error,
			   const struct kw_service *service, const struct kw_service *upstream);
	void *context; /* of on_gateway */
};

struct kw_intake {
	struct kw_intake_settings settings;
	struct kw_source source;
	struct kw_aggregate aggregate;
	struct kw_intake_name *names; /* by hash; owned */
	struct kw_gateway gateway;    /* errors of gateways that wait for their cause */
	struct kw_audit audit;        /* hop-by-hop fields that were received, and sent on */
	uint64_t overflows;           /* overflows of accept queues, as last read from the source */
};

/* -ENOMEM, and that has been logged. */
int kw_intake_open(struct kw_intake *intake, const struct kw_intake_settings *settings,
		   struct kw_source source);

void kw_intake_close(struct kw_intake *intake);

/* Counts one event. -errno, and that has been logged. */
int kw_intake_event(struct kw_intake *intake, const struct kw_event *event, const struct kw_verdict *verdict);

/* No more events come for now: counts all that waits for more. -errno, and that has been logged. */
int kw_intake_settle(struct kw_intake *intake);

/* The service of a connection; valid until the next call. */
const struct kw_service *kw_intake_service(struct kw_intake *intake, const struct kw_identity *identity);

#endif
