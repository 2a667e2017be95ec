/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections of HTTP/2 for a world: see world.h. */
#ifndef KEEPWATCH_TEST_HTTP2_WORLD_H
#define KEEPWATCH_TEST_HTTP2_WORLD_H

#include "judge/http2.h"
#include "tests/unit/world.h"

#define AGE (10 * KW_S) /* of a connection of http2_event() at its close */

/* A client's connection whose streams, one after the other, were all answered with status 200. */
static inline struct kw_event_http2 http2_event(uint32_t streams)
{
	struct kw_event_http2 event = {.history = event_history()};
	struct kw_event_connection *connection = &event.history.connection;
	struct kw_http2_side *client = &event.http2.sides[HTTP2_CLIENT],
			     *server = &event.http2.sides[HTTP2_SERVER];

	connection->header.type = KW_EVENT_HTTP2;
	connection->header.size = sizeof(event);
	connection->identity.role = KW_ROLE_CLIENT;
	connection->http.protocol = HTTP1_PROTOCOL_H2C;
	connection->http.counts = (struct kw_counts){.requests_begun = streams,
						     .requests = streams,
						     .requests_ended = streams,
						     .reused = streams ? streams - 1 : 0,
						     .responses = streams,
						     .responses_ended = streams,
						     .codes = {[1] = streams}};
	client->started = server->started = 1;
	client->begun = server->begun = server->finished = server->answered = streams;
	client->latest = server->latest = streams;
	client->peak = streams ? 1 : 0;
	for (uint32_t number = streams > HTTP2_STREAMS ? streams - HTTP2_STREAMS : 0; number < streams;
	     number++) {
		uint32_t bit = (number + 1) % HTTP2_STREAMS;

		client->open[bit / 64] |= 1ULL << bit % 64;
		client->closed[bit / 64] |= 1ULL << bit % 64;
		server->open[bit / 64] |= 1ULL << bit % 64;
		server->closed[bit / 64] |= 1ULL << bit % 64;
	}
	return event;
}

/* The client begins so many more, which are open. */
static inline void begin_streams(struct kw_event_http2 *event, uint32_t streams)
{
	struct kw_http2_side *client = &event->http2.sides[HTTP2_CLIENT];
	struct kw_counts *counts = &event->history.connection.http.counts;

	for (uint32_t i = 0; i < streams; i++) {
		uint32_t bit = ++client->latest % HTTP2_STREAMS;

		client->open[bit / 64] |= 1ULL << bit % 64;
	}
	client->begun += streams;
	if (client->peak < streams)
		client->peak = streams;
	counts->requests_begun += streams;
	counts->requests += streams;
}

/* The server's GOAWAY with NO_ERROR, so long before the close; it takes streams up to this number. */
static inline void go_away(struct kw_event_http2 *event, uint32_t number, uint64_t before)
{
	struct kw_http2_side *server = &event->http2.sides[HTTP2_SERVER];

	server->goaways = 1;
	server->goaway_id = 2 * number - 1;
	server->goaway = before; /* for now: add_http2() makes it a time */
}

/* Adds connections like this one of the service "s", that close so much later than the one before. All times of the frames are of the
 * close, less what the event has there. */
static inline void add_http2(struct world *world, int count, uint64_t apart, struct kw_event_http2 event,
			     struct kw_verdict verdict)
{
	struct kw_event_connection *connection = &event.history.connection;
	struct kw_service service = event_service(connection->identity.role, "s");
	struct kw_http2_facts facts = event.http2;

	for (int i = 0; i < count; i++) {
		struct kw_event decoded;

		world->now += apart;
		connection->header.time = verdict.closed = connection->ending.time = connection->closing.time =
			world->now;
		connection->opened = connection->established = world->now - AGE;
		connection->identity.cookie = ++world->cookie;
		event.http2.latest = world->now - facts.latest;
		if (facts.sides[HTTP2_SERVER].goaways)
			event.http2.sides[HTTP2_SERVER].goaway = world->now - facts.sides[HTTP2_SERVER].goaway;
		kw_http2_count(&event.http2, &verdict.facts.streams);
		assert_int_equal(kw_decode(&event, sizeof(event), &decoded), 0);
		assert_int_equal(kw_aggregate_connection(&world->aggregate, &service, &decoded, &verdict), 0);
	}
}

#endif
