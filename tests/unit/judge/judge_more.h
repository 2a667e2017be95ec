/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes to the events of a story that the story itself cannot express, each named after what happened. */
#ifndef KEEPWATCH_TESTS_JUDGE_MORE_H
#define KEEPWATCH_TESTS_JUDGE_MORE_H

#include <errno.h>

#include "judge_story.h"

static inline void not_established(struct kw_event_connection *event, enum kw_role role)
{
	(void)role;
	event->established = 0;
	event->ending.act = event->closing.error ? KW_ACT_ERROR : KW_ACT_NONE;
	event->ending.acts = 1 << event->ending.act;
}

static inline void reset_while_connecting(struct kw_event_connection *event, enum kw_role role)
{
	not_established(event, role);
	event->ending.act = KW_ACT_PEER_RST;
	event->ending.acts = 1 << KW_ACT_PEER_RST;
}

static inline void reset_by_program(struct kw_event_connection *event, enum kw_role role)
{
	(void)role;
	event->ending.acts |= 1 << KW_ACT_LOCAL_RST;
}

/* "ss -K" shows as an error where it was done, as a RST at the other end. */
static inline void destroyed_at_server(struct kw_event_connection *event, enum kw_role role)
{
	event->ending.act = role == KW_ROLE_SERVER ? KW_ACT_ERROR : KW_ACT_PEER_RST;
	event->closing.error = role == KW_ROLE_SERVER ? ECONNABORTED : ECONNRESET;
}

static inline void destroyed_at_client(struct kw_event_connection *event, enum kw_role role)
{
	event->ending.act = role == KW_ROLE_CLIENT ? KW_ACT_ERROR : KW_ACT_PEER_RST;
	event->closing.error = role == KW_ROLE_CLIENT ? ECONNABORTED : ECONNRESET;
}

/* A RST that its own program missed: nothing but its error shows. */
static inline void reset_seen_as_error(struct kw_event_connection *event, enum kw_role role)
{
	(void)role;
	event->ending.act = KW_ACT_ERROR;
	event->ending.acts = 1 << KW_ACT_ERROR;
	event->closing.error = ECONNRESET;
}

static inline void pipe_seen_as_error(struct kw_event_connection *event, enum kw_role role)
{
	reset_seen_as_error(event, role);
	event->closing.error = EPIPE;
}

/* The application fetched the error before the socket was gone. */
static inline void reset_seen_as_nothing_else(struct kw_event_connection *event, enum kw_role role)
{
	reset_seen_as_error(event, role);
	event->ending.act = event->ending.acts = 0;
}

/* The rest of the open request's body; half of it came: @owed bytes are to come, and @unread lie in the queue. */
static inline void body_unread(struct kw_event_connection *event, enum kw_role role, uint64_t declared,
			       uint64_t owed, uint32_t unread)
{
	if (role != KW_ROLE_SERVER)
		return;
	event->bodies[HTTP1_REQUESTS] = (struct kw_body){.bytes = 10, .declared = declared, .owed = owed};
	event->ending.rx_arrived += unread;
	event->closing.unread = unread;
}

static inline void whole_body_unread(struct kw_event_connection *event, enum kw_role role)
{
	body_unread(event, role, 60, 50, 50);
}

static inline void part_of_body_unread(struct kw_event_connection *event, enum kw_role role)
{
	body_unread(event, role, 60, 50, 49);
}

static inline void chunks_unread(struct kw_event_connection *event, enum kw_role role)
{
	body_unread(event, role, KW_UNDECLARED, 20, 50);
}

static inline void chunk_cut(struct kw_event_connection *event, enum kw_role role)
{
	body_unread(event, role, KW_UNDECLARED, 51, 50);
}

/* Behind a complete exchange, an empty line that nobody read. */
static inline void empty_line_unread(struct kw_event_connection *event, enum kw_role role)
{
	if (role != KW_ROLE_SERVER)
		return;
	event->ending.rx_arrived += 2;
	event->closing.unread = 2;
}

/* shutdown(SHUT_WR) behind the request; the client still held the socket when the server's FIN or RST came. */
static inline void half_close_met_by(struct kw_event_connection *event, enum kw_role role, enum kw_act answer)
{
	if (role != KW_ROLE_CLIENT)
		return;
	event->ending.act = KW_ACT_LOCAL_FIN;
	event->ending.acts = 1 << KW_ACT_LOCAL_FIN | 1 << answer;
	event->ending.half_close = event->ending.reading = 1;
	event->peer_fin = answer == KW_ACT_PEER_FIN ? event->ending.time + MS : 0;
}

static inline void half_close_met_by_fin(struct kw_event_connection *event, enum kw_role role)
{
	half_close_met_by(event, role, KW_ACT_PEER_FIN);
}

static inline void half_close_met_by_rst(struct kw_event_connection *event, enum kw_role role)
{
	half_close_met_by(event, role, KW_ACT_PEER_RST);
}

/* A half-close, and then a close before the server did anything. */
static inline void half_close_then_close(struct kw_event_connection *event, enum kw_role role)
{
	half_close_met_by(event, role, KW_ACT_PEER_FIN);
	event->ending.reading = 0;
}

static inline void half_close_reset_by_client(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_SERVER)
		event->ending.acts |= 1 << KW_ACT_PEER_RST;
}

/* Nothing of a request that was not even sent whole was acknowledged; or its beginning was, and nothing after it. */
static inline void nothing_of_part_acknowledged(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_CLIENT)
		event->ending.tx_acked = event->http.request_begin;
}

static inline void beginning_acknowledged(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_CLIENT)
		event->ending.tx_acked = event->http.request_begin + 10;
	event->closing.unrecovered = 2;
}

static inline void once_lost_and_recovered(struct kw_event_connection *event, enum kw_role role)
{
	beginning_acknowledged(event, role);
	event->closing.unrecovered = 0;
}

/* A response that nobody had asked for, cut. */
static inline void cut_unasked_response(struct kw_event_connection *event, enum kw_role role)
{
	struct kw_http *http = &event->http;

	*(role == KW_ROLE_CLIENT ? &http->rx_bytes : &http->tx_bytes) += 400;
	http->protocol = HTTP1_PROTOCOL_HTTP1;
	http->counts.responses++;
	http->response_started = event->ending.time - MS;
	http->flags |= KW_HTTP_RESPONSE_OPEN;
}

static inline void role_unknown(struct kw_event_connection *event, enum kw_role role)
{
	(void)role;
	event->identity.role = KW_ROLE_UNKNOWN;
}

static inline void no_act(struct kw_event_connection *event, enum kw_role role)
{
	(void)role;
	memset(&event->ending, 0, sizeof(event->ending));
}

static inline void nothing_acknowledged(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_CLIENT)
		event->ending.tx_acked -= REQUEST_BYTES;
}

static inline void response_not_acknowledged(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_SERVER)
		event->ending.tx_acked = 0;
}

static inline void timeout_of_0(struct kw_event_connection *event, enum kw_role role)
{
	(void)role;
	event->http.has_timeout = 1;
}

/* A response came that nobody asked for. */
static inline void unasked_response(struct kw_event_connection *event, enum kw_role role)
{
	struct kw_http *http = &event->http;

	*(role == KW_ROLE_CLIENT ? &http->rx_bytes : &http->tx_bytes) += RESPONSE_BYTES;
	*(role == KW_ROLE_CLIENT ? &event->ending.rx_arrived : &event->ending.tx_sent) += RESPONSE_BYTES;
	if (role == KW_ROLE_SERVER)
		event->ending.tx_acked = event->ending.tx_sent;
	http->protocol = HTTP1_PROTOCOL_HTTP1;
	http->counts.responses++;
	http->counts.responses_ended++;
	http->response_begin = http->response_end;
	http->response_end += RESPONSE_BYTES;
	http->response_started = http->response_ended = event->ending.time - MS;
}

static inline void unasked_408(struct kw_event_connection *event, enum kw_role role)
{
	unasked_response(event, role);
	event->http.last_status = 408;
}

/* It came when the client had closed already. */
static inline void unasked_afterwards(struct kw_event_connection *event, enum kw_role role)
{
	struct kw_ending ending = event->ending;

	unasked_response(event, role);
	event->ending = ending;
}

/* It crossed a request, so neither side takes it for that request's response. */
static inline void crossed_408(struct kw_event_connection *event, enum kw_role role)
{
	unasked_408(event, role);
	event->http.oldest_end = 0;
}

static inline void unread_response(struct kw_event_connection *event, enum kw_role role)
{
	if (role != KW_ROLE_CLIENT)
		return;
	event->ending.rx_arrived += RESPONSE_BYTES;
	event->closing.unread = RESPONSE_BYTES;
}

static inline void unread_request(struct kw_event_connection *event, enum kw_role role)
{
	if (role != KW_ROLE_SERVER)
		return;
	event->ending.rx_arrived += REQUEST_BYTES;
	event->closing.unread = REQUEST_BYTES;
}

/* The last response lay unread as the socket left the kernel's tables, and was read then. */
static inline void read_in_the_end(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_CLIENT)
		event->closing.unread = RESPONSE_BYTES;
}

/* The server had shut down its side, read a further request, and never answered it. */
static inline void read_after_fin(struct kw_event_connection *event, enum kw_role role)
{
	struct kw_http *http = &event->http;

	if (role != KW_ROLE_SERVER)
		return;
	http->counts.requests_begun++;
	http->counts.requests++;
	http->counts.requests_ended++;
	http->request_begin = event->ending.rx_arrived;
	http->request_end = http->oldest_end = http->request_begin + REQUEST_BYTES;
	http->request_started = http->request_ended = event->ending.time + MS;
	http->rx_bytes += REQUEST_BYTES;
	http->protocol = HTTP1_PROTOCOL_HTTP1;
	http->last_request_flags = HTTP1_FLAG_CLOSE; /* the late one's: it brought nothing about */
}

/* The server had shut down its side, and took what still came by its length only. */
static inline void discarded_after_fin(struct kw_event_connection *event, enum kw_role role)
{
	if (role != KW_ROLE_SERVER)
		return;
	event->http.flags |= KW_HTTP_REQUESTS_LOST;
	event->http.taints |= 1 << KW_TAINT_BLIND;
	event->http.rx_bytes += REQUEST_BYTES;
	event->http.blind_bytes += REQUEST_BYTES;
}

static inline void discarded_before_fin(struct kw_event_connection *event, enum kw_role role)
{
	discarded_after_fin(event, role);
	if (role == KW_ROLE_SERVER)
		event->ending.rx_arrived = event->ending.rx_read = event->http.rx_bytes;
}

static inline void discarded_behind_a_gap(struct kw_event_connection *event, enum kw_role role)
{
	discarded_after_fin(event, role);
	event->http.taints |= 1 << KW_TAINT_GAP;
}

/* The client had sent the half of a further request behind the one that waits. */
static inline void half_of_another(struct kw_event_connection *event, enum kw_role role)
{
	struct kw_http *http = &event->http;

	http->counts.requests_begun++;
	http->request_begin += REQUEST_BYTES;
	http->flags |= KW_HTTP_REQUEST_OPEN;
	*(role == KW_ROLE_CLIENT ? &event->ending.tx_sent : &event->ending.rx_arrived) += REQUEST_BYTES / 2;
	*(role == KW_ROLE_CLIENT ? &http->tx_bytes : &http->rx_bytes) += REQUEST_BYTES / 2;
}

/* A second request behind one that waits: both with the server, or the second not. */
static inline void pipeline(struct kw_event_connection *event, uint64_t acked)
{
	struct kw_http *http = &event->http;

	http->counts.requests_begun++;
	http->counts.requests++;
	http->counts.requests_ended++;
	http->request_begin += REQUEST_BYTES;
	http->request_end += REQUEST_BYTES;
	event->ending.tx_sent += REQUEST_BYTES;
	event->ending.tx_acked += acked;
}

static inline void second_crossed(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_CLIENT)
		pipeline(event, 0);
}

/* The FIN acknowledges the request's first half: the server had begun to read it. */
static inline void half_acknowledged(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_CLIENT)
		event->ending.tx_acked -= REQUEST_BYTES / 2;
}

/* The client closed while the response was on its way, and reset what came. */
static inline void response_came_too_late(struct kw_event_connection *event, enum kw_role role)
{
	struct kw_http *http = &event->http;

	if (role != KW_ROLE_SERVER)
		return;
	http->counts.responses++;
	http->counts.responses_ended++;
	http->response_begin = event->ending.tx_acked;
	http->response_end = event->ending.tx_sent = http->response_begin + RESPONSE_BYTES;
	http->response_ended = event->ending.time;
	http->oldest_end = 0;
	event->ending.acts |= 1 << KW_ACT_PEER_RST;
}

/* The same with nothing but a RST: the server cannot tell when the client got it. */
static inline void reset_over_response(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_SERVER)
		event->ending.tx_acked -= 1;
}

static inline void never_taken(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_SERVER)
		event->ending.acts |= 1 << KW_ACT_PEER_RST;
}

static inline void never_acknowledged(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_SERVER)
		event->closing.outstanding = RESPONSE_BYTES;
}

static inline void taken_until_close(struct kw_event_connection *event, enum kw_role role)
{
	(void)role;
	event->http.counts.responses_ended--;
	event->http.flags |= KW_HTTP_RESPONSE_OPEN | KW_HTTP_DELIMITED;
	event->http.response_end = 0;
}

/* The server's RST after its FIN: whether the body was complete by then nobody knows. */
static inline void reset_after_close(struct kw_event_connection *event, enum kw_role role)
{
	taken_until_close(event, role);
	event->ending.acts |= 1 << (role == KW_ROLE_CLIENT ? KW_ACT_PEER_RST : KW_ACT_LOCAL_RST);
}

/* The server closed after the whole of a request's body had come, with its response out before (a lingering
 * close): at its FIN the body was not complete. */
static inline void body_came_after_fin(struct kw_event_connection *event, enum kw_role role)
{
	struct kw_http *http = &event->http;

	(void)role;
	http->flags &= ~KW_HTTP_REQUEST_OPEN;
	http->counts.requests++;
	http->counts.requests_ended++;
	http->request_end = http->request_begin + REQUEST_BYTES;
	if (role == KW_ROLE_CLIENT)
		event->ending.tx_sent = http->request_end;
}

static inline void lagging_reader(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_CLIENT)
		event->http.response_ended = event->ending.time + MS;
}

static inline void request_read_late(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_SERVER)
		event->http.request_ended = event->ending.time + MS;
}

static inline void error_after_fin(struct kw_event_connection *event, enum kw_role role)
{
	(void)role;
	event->closing.error = ETIMEDOUT;
	event->ending.acts |= 1 << KW_ACT_ERROR;
}

static inline void nothing_understood(struct kw_event_connection *event, enum kw_role role)
{
	(void)role;
	memset(&event->http.counts, 0, sizeof(event->http.counts));
}

/* The bytes that the client had in flight when the observer started were not acknowledged when it closed. */
static inline void acknowledged_before(struct kw_event_connection *event, enum kw_role role)
{
	if (role == KW_ROLE_SERVER)
		event->ending.tx_acked = -1000;
}

/* A malformed request was counted as begun, and the streams were in step again after it. */
static inline void malformed_before(struct kw_event_connection *event, enum kw_role role)
{
	(void)role;
	event->http.counts.requests_begun++;
	event->http.taints |= 1 << KW_TAINT_MALFORMED;
}

/* Open before the observer, and not a byte since: @role's socket, as TCP's own times show it. @server: the server was the last
 * to send data, 5.003 s before the close; the client had been the last one 7 s before. Or the other way round. */
static inline void untouched(struct kw_event_connection *event, enum kw_role role, bool server)
{
	bool local = server == (role == KW_ROLE_SERVER);

	event->http.flags |= KW_HTTP_REQUESTS_LOST | KW_HTTP_RESPONSES_LOST;
	event->ending.last_sender = local ? KW_SENDER_LOCAL : KW_SENDER_PEER;
	event->ending.since_sent = local ? 5003 : 7000;
	event->ending.since_received = local ? 7000 : 5003;
}

static inline void server_sent_last(struct kw_event_connection *event, enum kw_role role)
{
	untouched(event, role, true);
}

static inline void client_sent_last(struct kw_event_connection *event, enum kw_role role)
{
	untouched(event, role, false);
}

static inline void nobody_knows_who_sent_last(struct kw_event_connection *event, enum kw_role role)
{
	untouched(event, role, true);
	event->ending.last_sender = KW_SENDER_UNKNOWN;
}

static inline void server_sent_just_before(struct kw_event_connection *event, enum kw_role role)
{
	untouched(event, role, true);
	event->ending.since_sent = event->ending.since_received = 100;
}

static inline void sent_last_and_unread(struct kw_event_connection *event, enum kw_role role)
{
	untouched(event, role, true);
	event->closing.unread = REQUEST_BYTES;
}

static inline void sent_last_and_more_came(struct kw_event_connection *event, enum kw_role role)
{
	untouched(event, role, true);
	event->ending.rx_arrived = 1;
}

static inline void sent_last_and_more_went(struct kw_event_connection *event, enum kw_role role)
{
	untouched(event, role, true);
	event->ending.tx_sent = 1;
}

static inline void sent_last_unsupported(struct kw_event_connection *event, enum kw_role role)
{
	untouched(event, role, true);
	event->http.flags |= KW_HTTP_UNSUPPORTED;
}

static inline void sent_last_since_the_observer(struct kw_event_connection *event, enum kw_role role)
{
	untouched(event, role, true);
	event->identity.preexisting = 0;
}

/* Older than the observer, which saw a response whose request it had not seen, and then this request. */
static inline void response_of_earlier_request(struct kw_event_connection *event, enum kw_role role)
{
	(void)role;
	event->http.counts.responses++;
	event->http.counts.responses_ended++;
}

#endif
