/* SPDX-License-Identifier: BSD-2-Clause */
/* Records as JSON, one object a line: the keys and their order are the public contract. */
#ifndef KEEPWATCH_TRACE_JSON_H
#define KEEPWATCH_TRACE_JSON_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "event/losses.h"
#include "output/trace/record.h"

struct kw_summary {
	uint64_t connections;    /* closed connections */
	struct kw_losses losses; /* of events */
	uint64_t tainted;        /* of the connections: those that could not be observed completely */
	struct kw_unfinished closing;
};

#define KW_JSON_SCHEMA 1

/* 15 digits hide the rounding of a double. Nanoseconds within a year would need 16. */
#define KW_JSON_DIGITS 15

/* A connection's record as an object, which is the caller's; NULL if memory did not suffice. */
json_t *kw_json_connection_object(const struct kw_record *record);

/* Each writes one line to @file; -ENOMEM, or -EIO with errno set if writing failed. */
int kw_json_connection(FILE *file, const struct kw_record *record);
int kw_json_exchange(FILE *file, const struct kw_event_exchange *exchange);
int kw_json_gateway(FILE *file, const struct kw_gateway_record *record);
int kw_json_amend(FILE *file, const struct kw_event_late *late);
int kw_json_forwarded(FILE *file, const struct kw_forwarded *found);
int kw_json_summary(FILE *file, const struct kw_summary *summary);

#endif
