/* SPDX-License-Identifier: BSD-2-Clause */
/* The latest closes of any kind and the latest errors of gateways, kept whole so that their evidence can be written when
 * somebody looks at them. Of fixed size: a busy service has a share of the places and cannot drive all others out. */
#ifndef KEEPWATCH_TOP_LATEST_H
#define KEEPWATCH_TOP_LATEST_H

#include "aggregate/premature_closes.h"
#include "join/gateway.h"

#define KW_LATEST_CLOSES 256
#define KW_LATEST_SHARE 16 /* closes of one service */
#define KW_LATEST_GATEWAYS 20

/* An error of a gateway. Must not be moved in memory; kw_latest_copy_gateway() copies one. */
struct kw_latest_gateway {
	struct kw_service service;  /* of the gateway */
	struct kw_service upstream; /* which failed it; undefined without a cause */
	struct kw_event_gateway event;
	struct kw_kept_close cause;
	bool has_cause;
	bool is_passed; /* the upstream answered so itself */
	enum kw_confidence confidence;
};

/* Begins with all zeros, and must not move in memory once it holds something. */
struct kw_latest {
	struct kw_premature_close closes[KW_LATEST_CLOSES];
	uint64_t numbers[KW_LATEST_CLOSES]; /* of the close in this place, in the order of arrival; 0: none */
	uint32_t owners[KW_LATEST_CLOSES];  /* hash of its service */
	uint64_t close_count;               /* so far */
	struct kw_latest_gateway gateways[KW_LATEST_GATEWAYS]; /* a ring */
	uint64_t gateway_count;                                /* so far */
};

/* Keeps this event if it is a close or a late request. @service is the connection's, @cgroup the path of its owner's cgroup,
 * or NULL. */
void kw_latest_note(struct kw_latest *latest, const struct kw_event *event, const struct kw_verdict *verdict,
		    const struct kw_service *service, const char *cgroup);

/* Whether kw_latest_note() would keep it. */
bool kw_latest_wants(const struct kw_event *event, const struct kw_verdict *verdict);

/* Keeps an error. @upstream: NULL without a cause. */
void kw_latest_note_gateway(struct kw_latest *latest, const struct kw_gateway_error *error,
			    const struct kw_service *service, const struct kw_service *upstream);

void kw_latest_copy_gateway(const struct kw_latest_gateway *gateway, struct kw_latest_gateway *ret_copy);

#endif
