/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/premature_closes.h"

bool kw_is_premature(const struct kw_event *event, const struct kw_verdict *verdict)
{
	return event->late || (verdict && verdict->premature == KW_PREMATURE_YES);
}

/* Whether @a is the client's end and @b the server's end of one connection. Of a late request, which only a server's end sees,
 * the peer's number is not known. */
static bool is_client_of(const struct kw_event_connection *a, const struct kw_premature_close *b)
{
	return a->identity.role == KW_ROLE_CLIENT && b->connection.identity.role == KW_ROLE_SERVER &&
	       a->identity.flow == KW_FLOW_BY_ROLE && b->connection.identity.flow == KW_FLOW_BY_ROLE &&
	       a->peer_isn == b->connection.identity.isn &&
	       (b->late || a->identity.isn == b->connection.peer_isn);
}

static bool are_two_ends(const struct kw_premature_close *a, const struct kw_premature_close *b)
{
	return is_client_of(&a->connection, b) || is_client_of(&b->connection, a);
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
