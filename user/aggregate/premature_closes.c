/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/premature_closes.h"

bool kw_is_premature(const struct kw_event *event, const struct kw_verdict *verdict)
{
	return event->late || (verdict && verdict->premature == KW_PREMATURE_YES);
}

static uint32_t server_isn(const struct kw_premature_close *close)
{
	const struct kw_identity *identity = &close->connection.identity;

	return identity->role == KW_ROLE_CLIENT ? close->connection.peer_isn : identity->isn;
}

/* Whether both are ends of one connection. Of a late request only the identity is known. */
static bool are_two_ends(const struct kw_premature_close *a, const struct kw_premature_close *b)
{
	const struct kw_identity *one = &a->connection.identity, *other = &b->connection.identity;

	return one->flow == KW_FLOW_BY_ROLE && other->flow == KW_FLOW_BY_ROLE && one->role != other->role &&
	       server_isn(a) == server_isn(b);
}

static struct kw_premature_close *find_other_end(struct kw_premature_closes *closes,
						 const struct kw_premature_close *close)
{
	for (uint32_t i = 0; i < KW_PREMATURE_KEPT && i < closes->count; i++)
		if (are_two_ends(&closes->list[i], close))
			return &closes->list[i];
	return NULL;
}

static void fill(struct kw_premature_close *close, const struct kw_event *event,
		 const struct kw_verdict *verdict)
{
	close->late = event->late;
	if (event->late) {
		close->connection.identity = event->late->identity;
		close->time = event->late->header.time;
		close->late_by = close->time > event->late->closed ? close->time - event->late->closed : 0;
		return;
	}
	close->connection = *event->connection;
	close->verdict = *verdict;
	close->time = verdict->closed;
}

/* Of a connection with both ends here the first stays, unless all that it says is that a request was late. */
void kw_premature_note(struct kw_premature_closes *closes, const struct kw_event *event,
		       const struct kw_verdict *verdict, const struct kw_service *service, const char *cgroup)
{
	struct kw_premature_close close = {.service = *service}, *place;

	if (!kw_is_premature(event, verdict))
		return;
	fill(&close, event, verdict);
	place = find_other_end(closes, &close);
	if (place && !place->late)
		return;
	if (!place)
		place = &closes->list[closes->count++ % KW_PREMATURE_KEPT];
	kw_container_find(cgroup, &close.container);
	*place = close;
	place->verdict.facts.event = &place->connection;
}

const struct kw_premature_close *kw_premature_latest(const struct kw_premature_closes *closes, uint32_t back)
{
	if (back >= KW_PREMATURE_KEPT || back >= closes->count)
		return NULL;
	return &closes->list[(closes->count - 1 - back) % KW_PREMATURE_KEPT];
}
