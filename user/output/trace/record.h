/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection, or one gateway's error, in the form that the outputs get: with its verdict and its names. It owns
 * nothing. */
#ifndef KEEPWATCH_RECORD_H
#define KEEPWATCH_RECORD_H

#include "base/clock.h"
#include "event/decode.h"
#include "event/http1_names.h"
#include "event/names.h"
#include "event/service.h"
#include "join/audit.h"
#include "join/gateway.h"
#include "judge/evidence.h"
#include "judge/judge.h"

struct kw_record {
	const struct kw_event *event;       /* a connection's */
	const struct kw_verdict *verdict;   /* NULL for a connection that is still open */
	const struct kw_evidence *evidence; /* NULL for a connection that is still open */
	const struct kw_service *service;
	const struct kw_forwarded *forwarded; /* hop-by-hop fields that were sent on; NULL: none is known */
	const char *cgroup;                   /* path, or NULL */
	struct kw_clock clock;
};

struct kw_gateway_record {
	const struct kw_gateway_error *error;
	const struct kw_service *service; /* of the gateway */
	const struct kw_namer *namer;     /* names the services that failed it */
	const struct kw_clock *clock;
};

#endif
