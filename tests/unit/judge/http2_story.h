/* SPDX-License-Identifier: BSD-2-Clause */
/* An HTTP/2 connection as it truly went, and what each of its two sockets would report of it. Streams are begun in their order: those
 * that were answered, those that were reset, those whose response had begun at the close, those without one. */
#ifndef KEEPWATCH_TESTS_HTTP2_STORY_H
#define KEEPWATCH_TESTS_HTTP2_STORY_H

#include "judge_row.h"

#define LATEST (ESTABLISHED + KW_S) /* the last event of a stream */

struct http2_goaway {
	int64_t after;   /* ns from the last event of a stream; 0: none was sent */
	uint32_t number; /* of the last stream that it names, counted from 1; 0: the highest there may be */
	uint8_t code;    /* enum http2_code */
	uint8_t debug;   /* enum http2_debug */
};

struct http2_story {
	uint32_t answered, headed, unheaded;
	uint32_t resets[2][HTTP2_CODES]; /* by enum http2_direction and code */
	struct http2_goaway goaways[2];  /* by enum http2_direction */
	uint32_t given_up;               /* of resets[HTTP2_CLIENT]: those that came last, in one go */
	uint32_t late;                   /* streams that began behind the server's GOAWAY */
	int64_t begun_after;  /* ns from the last event of a stream to when the latest began; 0: it was that */
	int64_t cut_after;    /* the same of a reset by the server */
	enum kw_closer actor; /* who sent the first FIN or RST; KW_CLOSER_NETWORK: ETIMEDOUT */
	enum kw_manner manner;
	int64_t closed_after; /* ns from the last event of a stream */
	int64_t ping_after; /* ns from the last event of a stream to the unanswered PING of the closer; 0: there is none */
	enum http2_direction pinger;
	uint32_t pings[2], pongs[2];
	int64_t ping_gap;
	uint32_t since; /* ms since the other side's last data */
	uint32_t flags; /* enum kw_http2_flag */
	uint16_t errors[2];
	bool lost[2];
	bool exiting;
	uint8_t signal;
	void (*more)(struct kw_event_http2 *event, enum kw_role role);
};

static inline void http2_mark_streams(struct kw_http2_side *side, __u64 *bits, uint32_t from, uint32_t count)
{
	for (uint32_t number = from + 1; number <= from + count; number++)
		bits[number / 64 % HTTP2_WORDS] |= 1ULL << number % 64;
	side->latest = side->latest > from + count || !count ? side->latest : from + count;
}

static inline uint32_t http2_resets_of(const struct http2_story *story, enum http2_direction direction)
{
	uint32_t count = 0;

	for (int code = 0; code < HTTP2_CODES; code++)
		count += story->resets[direction][code];
	return count;
}

static inline void http2_story_streams(const struct http2_story *story, struct kw_http2_facts *facts)
{
	struct kw_http2_side *client = &facts->sides[HTTP2_CLIENT], *server = &facts->sides[HTTP2_SERVER];
	uint32_t by_client = http2_resets_of(story, HTTP2_CLIENT),
		 by_server = http2_resets_of(story, HTTP2_SERVER);
	uint32_t reset = story->answered + by_client;
	uint32_t open = reset + by_server;

	client->begun = open + story->headed + story->unheaded;
	http2_mark_streams(client, client->open, 0, client->begun);
	http2_mark_streams(client, client->reset, story->answered, by_client);
	http2_mark_streams(server, server->open, 0, story->answered);
	http2_mark_streams(server, server->closed, 0, story->answered);
	http2_mark_streams(server, server->closed, reset, by_server);
	http2_mark_streams(server, server->reset, reset, by_server);
	http2_mark_streams(server, server->open, open, story->headed);
	server->begun = story->answered + story->headed;
	server->answered = story->answered;
	client->finished = by_client;
	server->finished = story->answered + by_server;
	memcpy(client->resets, story->resets[HTTP2_CLIENT], sizeof(client->resets));
	memcpy(server->resets, story->resets[HTTP2_SERVER], sizeof(server->resets));
	facts->given_up = story->given_up;
	client->late = story->late;
	client->peak = client->begun;
}

static inline void http2_story_side(const struct http2_story *story, struct kw_http2_facts *facts,
				    enum http2_direction direction)
{
	const struct http2_goaway *goaway = &story->goaways[direction];
	struct kw_http2_side *side = &facts->sides[direction];

	if (goaway->after) {
		side->goaway = LATEST + goaway->after;
		side->goaways = 1;
		side->goaway_id = goaway->number ? 2 * goaway->number - 1 : HTTP2_ID_MAX;
		side->goaway_code = goaway->code;
		side->goaway_debug = goaway->debug;
	}
	side->pings = story->pings[direction];
	side->pongs = story->pongs[direction];
	if (story->ping_after && story->pinger == direction)
		side->ping = LATEST + story->ping_after;
	side->ping_gap = story->pings[direction] ? story->ping_gap : 0;
	side->errors = story->errors[direction];
	side->lost = story->lost[direction];
	side->started = 1;
}

static inline void http2_story_ending(const struct http2_story *story, enum kw_role role,
				      struct kw_event_connection *event)
{
	struct kw_ending *ending = &event->ending;
	bool local = story->actor == (role == KW_ROLE_CLIENT ? KW_CLOSER_CLIENT : KW_CLOSER_SERVER);
	bool fin = story->manner == KW_MANNER_FIN;

	ending->time = LATEST + story->closed_after;
	if (story->actor == KW_CLOSER_NETWORK)
		ending->act = KW_ACT_ERROR;
	else if (local)
		ending->act = fin ? KW_ACT_LOCAL_FIN : KW_ACT_LOCAL_RST;
	else
		ending->act = fin ? KW_ACT_PEER_FIN : KW_ACT_PEER_RST;
	ending->acts = 1 << ending->act;
	ending->tx_sent = ending->tx_acked = ending->rx_arrived = ending->rx_read = 1000;
	ending->since_sent = ending->since_received = story->since;
	if (local) {
		ending->exiting = story->exiting;
		ending->signal = story->signal;
	}
	event->closing.time = ending->time + KW_MS;
	if (story->actor == KW_CLOSER_NETWORK) {
		event->closing.error = 110; /* ETIMEDOUT */
		event->closing.outstanding = 9;
	}
	event->http.tx_bytes = event->http.rx_bytes = 1000;
}

/* Makes the event that the socket of @role reports. */
static inline struct kw_event_http2 http2_story_event(const struct http2_story *story, enum kw_role role)
{
	struct kw_event_http2 event = {0};
	struct kw_event_connection *connection = &event.history.connection;
	struct kw_http2_facts *facts = &event.http2;
	struct kw_counts *counts = &connection->http.counts;

	connection->header.type = KW_EVENT_HTTP2;
	connection->header.size = sizeof(event);
	connection->report = KW_REPORT_CLOSED;
	connection->identity.role = (uint8_t)role;
	connection->opened = connection->established = ESTABLISHED;
	connection->http.protocol = HTTP1_PROTOCOL_H2C;
	http2_story_streams(story, facts);
	http2_story_side(story, facts, HTTP2_CLIENT);
	http2_story_side(story, facts, HTTP2_SERVER);
	counts->requests_begun = counts->requests = facts->sides[HTTP2_CLIENT].begun;
	counts->responses = facts->sides[HTTP2_SERVER].begun;
	counts->responses_ended = story->answered;
	facts->latest = facts->sides[HTTP2_CLIENT].begun ? LATEST : 0;
	facts->begun = facts->latest ? LATEST + story->begun_after : 0;
	facts->cut = http2_resets_of(story, HTTP2_SERVER) ? LATEST + story->cut_after : 0;
	facts->flags = story->flags;
	connection->http.request_started = facts->begun;
	http2_story_ending(story, role, connection);
	if (story->more)
		story->more(&event, role);
	return event;
}

#endif
