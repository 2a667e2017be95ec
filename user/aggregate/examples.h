/* SPDX-License-Identifier: BSD-2-Clause */
/* A few connections that stand for many: an operator finds their records by these. */
#ifndef KEEPWATCH_EXAMPLES_H
#define KEEPWATCH_EXAMPLES_H

#include <stdint.h>

#include "include/event.h"

/* The findings: a service keeps examples for each. Findings of one severity are printed in this order. kw_finding_name() has
 * their names. */
enum kw_finding_id {
	KW_FINDING_GATEWAY_ERRORS,
	KW_FINDING_MIDDLEBOX, /* of pairs alone */
	KW_FINDING_TIMEOUT_RACE,
	KW_FINDING_GOAWAY_LOSSES,
	KW_FINDING_TRUNCATED_RESPONSES,
	KW_FINDING_NO_RESPONSES,
	KW_FINDING_DRAIN,
	KW_FINDING_UNANNOUNCED_CLOSES,
	KW_FINDING_TIMEOUT_NOT_HONOURED,
	KW_FINDING_TOO_MANY_PINGS,
	KW_FINDING_LOST_REQUESTS,
	KW_FINDING_STREAMS_REFUSED,
	KW_FINDING_FORWARDS_HOP_BY_HOP,
	KW_FINDING_FORBIDDEN_FIELDS,
	KW_FINDING_CONNECTS_FAIL,
	KW_FINDING_TLS_HANDSHAKES_FAIL,
	KW_FINDING_TLS_UNCLEAN_CLOSES,
	KW_FINDING_LOW_REUSE,
	KW_FINDING_MAX_CHURN,
	KW_FINDING_MAX_STREAMS_CHURN,
	KW_FINDING_MAX_AGE_CHURN,
	KW_FINDING_PROBE_ONLY,
	KW_FINDING_CLIENTS_GIVE_UP,
	KW_FINDING_DEAD_PATH,
	KW_FINDING_CLOSE_WAIT_LEAK,
	KW_FINDING_OBSOLETE_FIELDS,
	KW_FINDING_MAX,
};

/* One connection: its socket's cookie and its generation. Cookie 0 is no connection. */
struct kw_example {
	uint64_t cookie;
	uint32_t generation;
};

#define KW_EXAMPLES 3

struct kw_examples {
	struct kw_example list[KW_EXAMPLES];
	uint32_t count; /* 0 to KW_EXAMPLES */
};

struct kw_example kw_example_of(const struct kw_identity *identity);

/* Keeps the first KW_EXAMPLES. */
void kw_examples_add(struct kw_examples *examples, struct kw_example example);

/* Adds those of @from behind those of @to, as long as there is room. */
void kw_examples_merge(struct kw_examples *to, const struct kw_examples *from);

#endif
