/* SPDX-License-Identifier: BSD-2-Clause */
#include "recording/older.h"

#include <string.h>

/* The parts that came later, each at its place; nothing else has changed. */
#define NOTICE offsetof(struct kw_event_connection, notice)
#define NOTICE_SIZE sizeof(struct kw_notice)
#define STREAMS offsetof(struct kw_event_totals, totals.dropped_streams)
#define STREAMS_SIZE sizeof(((struct kw_totals *)NULL)->dropped_streams)

static const struct kind {
	__u16 type;
	size_t now; /* bytes */
	size_t at;  /* where the part begins */
	size_t missing;
} kinds[] = {
	{KW_EVENT_CONNECTION, sizeof(struct kw_event_connection), NOTICE, NOTICE_SIZE},
	{KW_EVENT_HISTORY, sizeof(struct kw_event_history), NOTICE, NOTICE_SIZE},
	{KW_EVENT_TOTALS, sizeof(struct kw_event_totals), STREAMS, STREAMS_SIZE},
};

bool kw_older_is_known(size_t connection_size, size_t history_size)
{
	size_t missing = connection_size == NOTICE ? NOTICE_SIZE : 0;

	return (!connection_size || connection_size + missing == sizeof(struct kw_event_connection)) &&
	       (!history_size || history_size + missing == sizeof(struct kw_event_history));
}

static void renew(const struct kind *kind, const char *from, union kw_older_event *ret_event)
{
	char *to = (char *)ret_event;

	memcpy(to, from, kind->at);
	memset(to + kind->at, 0, kind->missing);
	memcpy(to + kind->at + kind->missing, from + kind->at, kind->now - kind->missing - kind->at);
	ret_event->header.size = (__u16)kind->now;
}

bool kw_older_renew(const void *data, size_t size, union kw_older_event *ret_event)
{
	const struct kw_event_header *header = data;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (size != kinds[i].now - kinds[i].missing || header->type != kinds[i].type ||
		    header->size != size)
			continue;
		renew(&kinds[i], data, ret_event);
		return true;
	}
	return false;
}
