/* SPDX-License-Identifier: BSD-2-Clause */
/* A TLS connection of a client whose second request met the end of its server's session: its verdict rests on facts that stand
 * behind the part which all records have. */
#ifndef KEEPWATCH_TEST_TLS_EVENT_H
#define KEEPWATCH_TEST_TLS_EVENT_H

#include <string.h>

#include "judge/evidence.h"
#include "tests/unit/events.h"

static inline struct kw_event_tls event_of_tls(void)
{
	struct kw_event_tls event = {.history.connection = event_connection()};
	struct kw_event_connection *connection = &event.history.connection;
	struct kw_http *http = &connection->http;

	connection->header.type = KW_EVENT_TLS;
	connection->header.size = sizeof(event);
	connection->identity.role = KW_ROLE_CLIENT;
	connection->ending.act = KW_ACT_PEER_FIN;
	connection->ending.acts = 1 << KW_ACT_PEER_FIN;
	connection->notice.time = connection->notice.last = 6 * KW_S;
	connection->notice.thread = 813;
	http->protocol = HTTP1_PROTOCOL_TLS;
	http->request_started = http->request_ended = 6 * KW_S - KW_MS;
	http->counts = (struct kw_counts){.requests_begun = 2, .requests_ended = 2, .responses_ended = 1};
	event.tls = (struct kw_tls_facts){.version = TLS_1_3,
					  .handshake = TLS_HANDSHAKE_DONE,
					  .hello = 1 * KW_S,
					  .done = 1 * KW_S + KW_MS,
					  .notified = 5 * KW_S,
					  .notified_by = 1 + TLS_SERVER,
					  .notifiers = 1 << TLS_SERVER};
	connection->ending.rx_arrived = 1;
	return event;
}

/* The evidence is as it was, although the event is gone. */
static inline void assert_outlives(struct kw_event_tls *event, const struct kw_verdict *judged,
				   const struct kw_verdict *kept)
{
	struct kw_evidence before, after;

	kw_evidence_write(judged, &before);
	assert_true(before.count > 1);
	memset(event, 0xa5, sizeof(*event));
	kw_evidence_write(kept, &after);
	assert_int_equal(after.count, before.count);
	for (size_t i = 0; i < before.count; i++)
		assert_string_equal(after.sentences[i], before.sentences[i]);
}

#endif
