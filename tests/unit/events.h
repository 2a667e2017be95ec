/* SPDX-License-Identifier: BSD-2-Clause */
/* Events as the kernel side would send them, for the tests of what user space makes of them. */
#ifndef KEEPWATCH_TEST_EVENTS_H
#define KEEPWATCH_TEST_EVENTS_H

#include <arpa/inet.h>
#include <string.h>

#include "event/decode.h"
#include "judge/judge.h"
#include "event/service.h"
#include "include/probe.h"

/* 127.0.0.1 and the like, as it stands in an event. */
static inline void event_address(uint8_t ret_address[16], const char *text)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (strchr(text, ':')) {
		inet_pton(AF_INET6, text, ret_address);
		return;
	}
	memcpy(ret_address, mapped, sizeof(mapped));
	inet_pton(AF_INET, text, ret_address + sizeof(mapped));
}

/* A server's connection of 5 seconds, 3 requests, closed by the server while idle. */
static inline struct kw_event_connection event_connection(void)
{
	struct kw_event_connection event = {
		.header = {.type = KW_EVENT_CONNECTION, .size = sizeof(event), .time = 6 * KW_S},
		.report = KW_REPORT_CLOSED,
		.opened = 1 * KW_S,
		.established = 1 * KW_S,
		.peer_isn = 0x5f3a09c1,
		.identity = {.cookie = 0x1a2b,
			     .generation = 0x5f3,
			     .netns = 4026531840,
			     .local_port = 8080,
			     .remote_port = 51334,
			     .pid = 812,
			     .comm = "nginx",
			     .role = KW_ROLE_SERVER,
			     .flow = KW_FLOW_BY_ROLE,
			     .isn = 0x8be2d710},
		.ending = {.time = 6 * KW_S, .act = KW_ACT_LOCAL_FIN, .acts = 1 << KW_ACT_LOCAL_FIN},
		.closing = {.time = 6 * KW_S, .srtt_us = 41},
		.http = {.tx_bytes = 1830,
			 .rx_bytes = 474,
			 .protocol = HTTP1_PROTOCOL_HTTP1,
			 .last_status = 200,
			 .idle_max = 210 * KW_MS,
			 .counts = {.requests_begun = 3,
				    .requests = 3,
				    .requests_ended = 3,
				    .reused = 2,
				    .responses = 3,
				    .responses_ended = 3,
				    .codes = {0, 3, 0, 0, 0},
				    .request = {.keep_alive = 3},
				    .response = {.keep_alive = 3}}},
	};

	event_address(event.identity.local, "10.0.0.5");
	event_address(event.identity.remote, "10.0.0.9");
	return event;
}

/* The same as the kernel sends it of a connection that has lived longer. */
static inline struct kw_event_history event_history(void)
{
	struct kw_event_history event = {.connection = event_connection()};

	event.connection.header.type = KW_EVENT_HISTORY;
	event.connection.header.size = sizeof(event);
	return event;
}

/* The same connection of HTTP/2 within TLS, whose plaintext was read: the handshake was done at once, and nobody ended the session by an
 * alert. */
static inline struct kw_event_tls_http2 event_within_tls(const struct kw_event_http2 *clear)
{
	struct kw_event_tls_http2 event = {.tls.history = clear->history, .http2 = clear->http2};
	struct kw_event_connection *connection = &event.tls.history.connection;

	connection->header.type = KW_EVENT_TLS_HTTP2;
	connection->header.size = sizeof(event);
	connection->http.flags |= KW_HTTP_PLAINTEXT | KW_HTTP_OF_LIBRARY(KW_LIBRARY_OPENSSL);
	event.tls.tls = (struct kw_tls_facts){.hello = connection->established,
					      .done = connection->established + 1,
					      .version = TLS_1_3,
					      .handshake = TLS_HANDSHAKE_DONE};
	return event;
}

/* Counts of things that the kernel showed to no program. */
static inline struct kw_event_unseen event_unseen(uint64_t openings, uint64_t closes, uint64_t softirqs)
{
	return (struct kw_event_unseen){
		.header = {.type = KW_EVENT_UNSEEN, .size = sizeof(struct kw_event_unseen), .time = 7 * KW_S},
		.openings = openings,
		.closes = closes,
		.softirqs = softirqs,
	};
}

static inline struct kw_verdict event_verdict(void)
{
	return (struct kw_verdict){
		.closer = KW_CLOSER_SERVER,
		.manner = KW_MANNER_FIN,
		.phase = KW_PHASE_IDLE,
		.reason = KW_REASON_SERVER_IDLE_TIMEOUT,
		.confidence = KW_CONFIDENCE_CERTAIN,
		.premature = KW_PREMATURE_NO,
		.closed = 6 * KW_S,
		.idle_at_close = 4 * (int64_t)KW_S,
		.stalled = KW_DURATION_UNKNOWN,
		.body_bytes = KW_BODY_UNKNOWN,
		.body_declared = KW_BODY_UNKNOWN,
		.waited = KW_DURATION_UNKNOWN,
		.late_by = KW_DURATION_UNKNOWN,
	};
}

static inline struct kw_service event_service(uint32_t role, const char *name)
{
	struct kw_service service = {.role = role};

	strcpy(service.name, name);
	return service;
}

#endif
