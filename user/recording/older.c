/* SPDX-License-Identifier: BSD-2-Clause */
#include "recording/older.h"

#include <string.h>

/* The notice came last; nothing else has changed. */
#define BEFORE offsetof(struct kw_event_connection, notice)
#define MISSING sizeof(struct kw_notice)

bool kw_older_is_known(size_t connection_size, size_t history_size)
{
	size_t missing = connection_size == BEFORE ? MISSING : 0;

	return (!connection_size || connection_size + missing == sizeof(struct kw_event_connection)) &&
	       (!history_size || history_size + missing == sizeof(struct kw_event_history));
}

bool kw_older_renew(const void *data, size_t size, struct kw_event_history *ret_event)
{
	const struct kw_event_header *header = data;
	char *to = (char *)ret_event;

	if (size != BEFORE && size != sizeof(*ret_event) - MISSING)
		return false;
	if (header->type != (size == BEFORE ? KW_EVENT_CONNECTION : KW_EVENT_HISTORY) || header->size != size)
		return false;
	memcpy(to, data, BEFORE);
	memset(to + BEFORE, 0, MISSING);
	memcpy(to + BEFORE + MISSING, (const char *)data + BEFORE, size - BEFORE);
	ret_event->connection.header.size = (__u16)(size + MISSING);
	return true;
}
