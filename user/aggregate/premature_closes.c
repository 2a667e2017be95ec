/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/premature_closes.h"

bool kw_is_premature(const struct kw_event *event, const struct kw_verdict *verdict)
{
	return event->late || (verdict && verdict->premature == KW_PREMATURE_YES);
}

void kw_premature_note(struct kw_premature_closes *closes, const struct kw_event *event,
		       const struct kw_verdict *verdict, const struct kw_service *service, const char *cgroup)
{
	struct kw_premature_close *close = &closes->list[closes->count % KW_PREMATURE_KEPT];

	if (!kw_is_premature(event, verdict))
		return;
	closes->count++;
	*close = (struct kw_premature_close){.service = *service, .late = event->late};
	kw_container_find(cgroup, &close->container);
	if (event->late) {
		close->connection.identity = event->late->identity;
		close->time = event->late->header.time;
		close->late_by = close->time > event->late->closed ? close->time - event->late->closed : 0;
		return;
	}
	close->connection = *event->connection;
	close->verdict = *verdict;
	close->verdict.facts.event = &close->connection;
	close->time = verdict->closed;
}

const struct kw_premature_close *kw_premature_latest(const struct kw_premature_closes *closes, uint32_t back)
{
	if (back >= KW_PREMATURE_KEPT || back >= closes->count)
		return NULL;
	return &closes->list[(closes->count - 1 - back) % KW_PREMATURE_KEPT];
}
