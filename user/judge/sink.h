/* SPDX-License-Identifier: BSD-2-Clause */
/* The receiver of events that are decoded and judged. A live observation and a replay feed it the same raw bytes, so that
 * the same code decodes and judges both. */
#ifndef KEEPWATCH_SINK_H
#define KEEPWATCH_SINK_H

#include <stddef.h>

#include "event/decode.h"
#include "judge/judge.h"

struct kw_sink {
	void *context;
	/* Takes one event. @verdict is set for a connection that closed, else NULL. Both last only for the call. Returns 0; above
	 * 0 if the sink wants no more events; below 0, after logging why, if it failed. */
	int (*event)(void *context, const struct kw_event *event, const struct kw_verdict *verdict);
};

/* Decodes the @size raw bytes at @data (aligned to 8), judges the connection if it closed, and hands both to the sink.
 * Returns the sink's result, or -EBADMSG if the bytes are no event: nothing was logged then. */
int kw_sink_feed(const struct kw_sink *sink, const void *data, size_t size);

#endif
