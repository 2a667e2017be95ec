/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/sink.h"

int kw_sink_feed(const struct kw_sink *sink, const void *data, size_t size)
{
	struct kw_verdict verdict;
	struct kw_event event;
	bool closed;
	int r = kw_decode(data, size, &event);

	if (r < 0)
		return r;
	closed = event.connection && event.connection->report == KW_REPORT_CLOSED;
	if (closed)
		kw_judge(event.connection, &verdict);
	return sink->event(sink->context, &event, closed ? &verdict : NULL);
}
