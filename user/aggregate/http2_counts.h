/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams that were reset, GOAWAYs, forbidden fields and open streams of a service's HTTP/2 connections. Each is counted once,
 * because a report holds the counts of the one before. */
#ifndef KEEPWATCH_HTTP2_COUNTS_H
#define KEEPWATCH_HTTP2_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/event.h"

#define KW_PEAK_BUCKETS 12
extern const uint32_t kw_peak_bounds[KW_PEAK_BUCKETS - 1]; /* inclusive; the last bucket has none */

#define KW_FORBIDDEN_FIELDS (HTTP2_NAME_MAX - HTTP2_NAME_CONNECTION)

/* All arrays of two are by enum http2_direction of the side that did it. */
struct kw_http2_counts {
	uint64_t resets[2][HTTP2_CODES]; /* streams that the side reset before they were finished */
	uint64_t goaways[2][HTTP2_CODES]
			[2]; /* sides that have sent one, by its code; and whether it was graceful */
	uint64_t
		fields[2]
		      [KW_FORBIDDEN_FIELDS]; /* sides that have sent the field; from HTTP2_NAME_CONNECTION on */
	uint64_t peaks[KW_PEAK_BUCKETS]; /* connections that have closed, by the most streams open at once */
	uint64_t peaks_sum;
};

/* Adds the part of @facts that is new since the connection's last report. @closed: it is the final one. */
void kw_http2_counts_add(struct kw_http2_counts *counts, const struct kw_http2_facts *facts, bool closed);

/* Adds all of @from. */
void kw_http2_counts_merge(struct kw_http2_counts *to, const struct kw_http2_counts *from);

/* By how much the number of open streams has changed since the last report. None is open once the connection has closed. */
int64_t kw_http2_more_open(const struct kw_http2_facts *facts, bool closed);

/* Streams that @side reset with @code, and fields (bits) that it sent, since the last report. */
uint32_t kw_http2_new_resets(const struct kw_http2_facts *facts, enum http2_direction side,
			     enum http2_code code);
uint16_t kw_http2_new_fields(const struct kw_http2_facts *facts, enum http2_direction side);

#endif
