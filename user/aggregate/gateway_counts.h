/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors of one gateway, counted by status, by the service that failed it, and by the reason. Of fixed size: a gateway has few
 * services behind it. Pure. */
#ifndef KEEPWATCH_GATEWAY_COUNTS_H
#define KEEPWATCH_GATEWAY_COUNTS_H

#include <stdint.h>

#include "event/service.h"
#include "judge/terms.h"

#define KW_REASON_NONE KW_REASON_MAX /* of an error whose cause is not known */

/* Names of services behind gateways, kept once and known by number. */
#define KW_UPSTREAM_NONE 0  /* no service is known to have failed */
#define KW_UPSTREAM_OTHER 1 /* one of those that have no place of their own */
#define KW_UPSTREAMS 256

struct kw_upstreams {   /* begins with all zeros */
	uint32_t count; /* of names, KW_UPSTREAM_NONE and KW_UPSTREAM_OTHER not counted */
	char names[KW_UPSTREAMS][KW_SERVICE_NAME];
};

/* The number of a name: one that was given before, a new one, or KW_UPSTREAM_OTHER if there is no room. */
uint32_t kw_upstream_number(struct kw_upstreams *upstreams, const char *name);

const char *kw_upstream_name(const struct kw_upstreams *upstreams, uint32_t number);

#define KW_GATEWAY_ROWS 32

struct kw_gateway_row {
	uint64_t count;
	uint16_t status;
	uint16_t upstream; /* number */
	uint32_t reason;   /* enum kw_reason, or KW_REASON_NONE */
};

/* Begins with all zeros. */
struct kw_gateway_counts {
	struct kw_gateway_row rows[KW_GATEWAY_ROWS]; /* those in use come first: their count is not 0 */
	uint64_t more[KW_GATEWAY_STATUSES]; /* errors that fit no row; by status, from KW_GATEWAY_STATUS on */
};

/* Adds @row.count errors. */
void kw_gateway_counts_add(struct kw_gateway_counts *counts, struct kw_gateway_row row);
void kw_gateway_counts_merge(struct kw_gateway_counts *to, const struct kw_gateway_counts *from);

/* Errors with this status, or with any if it is 0. */
uint64_t kw_gateway_counts_sum(const struct kw_gateway_counts *counts, uint16_t status);

#endif
