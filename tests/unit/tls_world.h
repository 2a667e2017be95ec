/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections of TLS for a world: see world.h. */
#ifndef KEEPWATCH_TEST_TLS_WORLD_H
#define KEEPWATCH_TEST_TLS_WORLD_H

#include "tests/unit/world.h"

/* A connection of TLS 1.3 whose handshake is done, closed politely by an idle client after so many exchanges. */
static inline struct kw_event_tls tls_event(uint32_t exchanges)
{
	struct kw_event_tls event = {
		.history = event_history(),
		.tls = {.hello = KW_S, .done = KW_S, .version = TLS_1_3, .notifiers = 1 << TLS_CLIENT},
	};
	struct kw_event_connection *connection = &event.history.connection;

	connection->header.type = KW_EVENT_TLS;
	connection->header.size = sizeof(event);
	connection->http.protocol = HTTP1_PROTOCOL_TLS;
	connection->http.counts = (struct kw_counts){.requests_begun = exchanges, .responses_ended = exchanges};
	return event;
}

static inline struct kw_verdict tls_verdict(enum kw_reason reason, enum kw_closer closer, enum kw_phase phase)
{
	struct kw_verdict verdict = verdict_of(reason, closer, phase);

	verdict.confidence = KW_CONFIDENCE_INFERRED;
	return verdict;
}

/* Adds connections like this one of the service "s", a second apart from each other. */
static inline void add_tls(struct world *world, int count, struct kw_event_tls event, struct kw_verdict verdict)
{
	struct kw_event_connection *connection = &event.history.connection;
	struct kw_service service = event_service(connection->identity.role, "s");

	for (int i = 0; i < count; i++) {
		struct kw_event decoded;

		world->now += KW_S;
		connection->header.time = verdict.closed = connection->closing.time = world->now;
		connection->identity.cookie = ++world->cookie;
		assert_int_equal(kw_decode(&event, sizeof(event), &decoded), 0);
		assert_int_equal(kw_aggregate_connection(&world->aggregate, &service, &decoded, &verdict), 0);
	}
}

#endif
