/* SPDX-License-Identifier: BSD-2-Clause */
/* From the raw bytes of the ring buffer, or of a file, to a typed event. */
#ifndef KEEPWATCH_DECODE_H
#define KEEPWATCH_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "include/event.h"

/* One event. The pointers point into the decoded bytes; only those that belong to the type are set, the others are
 * NULL. */
struct kw_event {
	enum kw_event_type type;
	uint64_t time; /* monotonic ns at which the event was made */
	const struct kw_event_connection
		*connection; /* set for a history and all of its forms too, as their first part */
	const struct kw_event_history *history; /* set for TLS and HTTP/2 too, within each other or not */
	const struct kw_tls_facts *tls;         /* the parts that these have behind the history */
	const struct kw_http2_facts *http2;
	const struct kw_event_exchange *exchange;
	const struct kw_event_gateway *gateway;
	const struct kw_event_late *late;
	const struct kw_event_totals *totals;
	const struct kw_event_unseen *unseen;
};

/* A time, or a duration, has at most so many bits: 73 years in nanoseconds. So times can be added up in pairs, subtracted, and
 * taken as signed numbers. */
#define KW_TIME_BITS 61

/* A number of struct kw_totals and struct kw_event_unseen has at most so many, so that a double holds it exactly. */
#define KW_TOTAL_BITS 53

/* The gate: checks type, size, and each field that is used as an index, a number of a table, a time, or the end of a text, so
 * that callers need not; a recording may have been made by anybody. Not checked are stream positions, which are only
 * compared, and whether numbers agree with each other: a record may lie, but does no harm. @data must be aligned to 8 bytes.
 * Returns 0, or -EBADMSG for bytes that are not a valid event. */
int kw_decode(const void *data, size_t size, struct kw_event *ret_event);

/* Sum of the events of all kinds that were lost on the way to user space; see also event/losses.h. */
uint64_t kw_totals_lost(const struct kw_totals *totals);

#endif
