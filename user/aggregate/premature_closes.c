/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/premature_closes.h"

bool kw_is_premature(const struct kw_event *event, const struct kw_verdict *verdict)
{
	return event->late || (verdict && verdict->premature == KW_PREMATURE_YES);
}

/* Whether these are the client's end and the server's end of one connection. Of a late request, which only a server's end sees,
 * the peer's number is not known. */
static bool is_one_connection(const struct kw_event_connection *client,
			      const struct kw_event_connection *server, bool late)
{
	return client->identity.role == KW_ROLE_CLIENT && server->identity.role == KW_ROLE_SERVER &&
	       client->identity.flow == KW_FLOW_BY_ROLE && server->identity.flow == KW_FLOW_BY_ROLE &&
	       client->peer_isn == server->identity.isn && (late || client->identity.isn == server->peer_isn);
}

static struct kw_premature_close *find_other_end(struct kw_premature_closes *closes,
						 const struct kw_event_connection *connection, bool late)
{
	for (uint32_t i = 0; i < KW_PREMATURE_KEPT && i < closes->count; i++) {
		struct kw_premature_close *close = &closes->list[i];

		if (is_one_connection(&close->kept.connection, connection, late) ||
		    is_one_connection(connection, &close->kept.connection, close->late))
			return close;
	}
	return NULL;
}

/* Of a late request only the connection's identity is known. */
static struct kw_event_connection connection_of(const struct kw_event *event)
{
	if (event->late)
		return (struct kw_event_connection){.identity = event->late->identity};
	return *event->connection;
}

static void keep(struct kw_premature_close *close, const struct kw_event *event,
		 const struct kw_verdict *verdict)
{
	if (event->late) {
		close->late = true;
		close->kept.connection = connection_of(event);
		close->time = event->late->header.time;
		close->late_by = close->time > event->late->closed ? close->time - event->late->closed : 0;
		return;
	}
	kw_keep_close(event->connection, verdict, &close->kept);
	close->time = verdict->closed;
}

void kw_premature_fill(const struct kw_event *event, const struct kw_verdict *verdict,
		       const struct kw_service *service, const char *cgroup,
		       struct kw_premature_close *ret_close)
{
	*ret_close = (struct kw_premature_close){.service = *service};
	kw_container_find(cgroup, &ret_close->container);
	keep(ret_close, event, verdict);
}

void kw_premature_copy(const struct kw_premature_close *close, struct kw_premature_close *ret_copy)
{
	*ret_copy = *close;
	if (!close->late)
		kw_keep_close(&close->kept.connection, &close->kept.verdict, &ret_copy->kept);
}

/* Of a connection with both ends here the first stays, unless all that it says is that a request was late. */
void kw_premature_note(struct kw_premature_closes *closes, const struct kw_event *event,
		       const struct kw_verdict *verdict, const struct kw_service *service, const char *cgroup)
{
	struct kw_event_connection connection;
	struct kw_premature_close *place;

	if (!kw_is_premature(event, verdict))
		return;
	connection = connection_of(event);
	place = find_other_end(closes, &connection, event->late);
	if (place && !place->late)
		return;
	if (!place)
		place = &closes->list[closes->count++ % KW_PREMATURE_KEPT];
	kw_premature_fill(event, verdict, service, cgroup, place);
}

const struct kw_premature_close *kw_premature_latest(const struct kw_premature_closes *closes, uint32_t back)
{
	if (back >= KW_PREMATURE_KEPT || back >= closes->count)
		return NULL;
	return &closes->list[(closes->count - 1 - back) % KW_PREMATURE_KEPT];
}
