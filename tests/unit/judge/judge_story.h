/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection as it truly went, and what each of its two sockets would report of it. Every request is 100
 * bytes long and every response 1000, an exchange takes 10 ms, positions follow from that. */
#ifndef KEEPWATCH_TESTS_JUDGE_STORY_H
#define KEEPWATCH_TESTS_JUDGE_STORY_H

#include <string.h>

#include "judge/judge.h"

#define MS ((int64_t)KW_MS)
#define US ((int64_t)KW_US)
#define S ((int64_t)KW_S)

#define REQUEST_BYTES 100
#define RESPONSE_BYTES 1000
#define ESTABLISHED (1000 * KW_S)

/* What came after the exchanges that were answered. */
enum pending {
	NOTHING,
	PART_OF_REQUEST,
	REQUEST,
	PART_OF_RESPONSE,
	CROSSED, /* a request on its way as the server's FIN came: never reached the server's program */
	AFTER,   /* a request sent when the FIN had arrived */
	TAKEN,   /* a request, the client's FIN, and then the complete response all the same */
	EARLY,   /* a complete response to a request that is not */
};

struct story {
	unsigned int answered;
	enum pending pending;
	enum kw_closer closer; /* KW_CLOSER_NETWORK: the error is for both sockets */
	enum kw_manner manner;
	int64_t idle; /* ns from the last response, or from establishing, to what came next */
	int64_t wait; /* ns from the pending request's end to the close; for AFTER, from FIN to request */
	uint32_t timeout, max, max_responses; /* advertised; timeout 0 and max_responses 0 for none */
	bool last_has_max;
	uint16_t request_flags, response_flags; /* enum http1_flag of the last heads */
	uint16_t flags;                         /* enum kw_http_flag, more of them */
	bool http10_request, http10_response, delimited;
	uint16_t status;
	uint8_t protocol; /* enum http1_protocol; 0 for HTTP/1 */
	bool exiting;
	uint8_t signal;
	bool simultaneous, preexisting;
	uint16_t error, soft_error;
	uint8_t probes;
	uint32_t outstanding, retransmits;
	uint32_t closer_unread; /* bytes in the closer's receive queue */
	void (*more)(struct kw_event_connection *event, enum kw_role role);
};

static inline void story_http(const struct story *story, struct kw_event_connection *event)
{
	struct kw_http *http = &event->http;
	struct kw_counts *counts = &http->counts;
	uint64_t last = ESTABLISHED + 10 * KW_MS * story->answered; /* the end of the last exchange */
	uint64_t requests = REQUEST_BYTES * story->answered, responses = RESPONSE_BYTES * story->answered;
	bool pending = story->pending != NOTHING;

	counts->requests_begun = counts->requests = counts->requests_ended = story->answered;
	counts->responses = counts->responses_ended = story->answered;
	http->first_request_started = story->answered ? ESTABLISHED : 0;
	if (story->answered) {
		http->request_begin = requests - REQUEST_BYTES;
		http->request_end = requests;
		http->response_begin = responses - RESPONSE_BYTES;
		http->response_end = responses;
		http->request_started = last - 10 * KW_MS;
		http->request_ended = last - 9 * KW_MS;
		http->response_started = last - MS;
		http->response_ended = last;
	}
	if (pending) {
		counts->requests_begun++;
		http->request_begin = requests;
		http->request_started = last + story->idle + (story->pending == AFTER ? story->wait : 0);
		if (story->answered)
			http->idle_before_last = story->idle;
		else
			http->first_request_started = http->request_started;
	}
	if (story->pending == PART_OF_REQUEST || story->pending == EARLY) {
		http->flags |= KW_HTTP_REQUEST_OPEN;
	} else if (pending) {
		counts->requests++;
		counts->requests_ended++;
		http->request_end = requests + REQUEST_BYTES;
		http->request_ended = http->request_started + MS;
		http->oldest_end = http->request_end;
		http->lost_safe = 1;
	}
	if (story->pending == PART_OF_RESPONSE || story->pending == TAKEN || story->pending == EARLY) {
		counts->responses++;
		http->response_begin = responses;
		http->response_started = http->request_started + MS;
	}
	if (story->pending == PART_OF_RESPONSE)
		http->flags |= KW_HTTP_RESPONSE_OPEN | (story->delimited ? KW_HTTP_DELIMITED : 0);
	if (story->pending == TAKEN || story->pending == EARLY) {
		counts->responses_ended++;
		http->response_end = responses + RESPONSE_BYTES;
		http->response_ended = http->response_started + MS;
		http->oldest_end = 0;
		http->lost_safe = 0;
		http->flags |= story->pending == EARLY ? KW_HTTP_EARLY_RESPONSE : 0;
	}
}

static inline void story_said(const struct story *story, struct kw_event_connection *event)
{
	struct kw_http *http = &event->http;

	http->taints = story->preexisting << KW_TAINT_PREEXISTING;
	http->timeout = story->timeout;
	http->has_timeout = story->timeout != 0;
	http->max = story->max;
	http->max_responses = story->max_responses;
	http->has_max = story->max_responses != 0;
	http->last_request_flags = story->request_flags;
	http->last_response_flags = story->response_flags | (story->last_has_max ? HTTP1_FLAG_MAX : 0);
	http->last_request_version = !story->http10_request;
	http->last_response_version = !story->http10_response;
	http->last_response_framing = story->delimited ? HTTP1_FRAMING_CLOSE : HTTP1_FRAMING_LENGTH;
	http->flags |= story->flags;
	if (http->counts.responses)
		http->last_status = story->status ? story->status : 200;
	http->protocol = story->protocol               ? story->protocol
			 : http->counts.requests_begun ? HTTP1_PROTOCOL_HTTP1
						       : HTTP1_PROTOCOL_NONE;
}

static inline uint64_t story_closed(const struct story *story, const struct kw_http *http)
{
	uint64_t last = ESTABLISHED + 10 * KW_MS * story->answered;

	switch (story->pending) {
	case PART_OF_REQUEST:
	case EARLY:
		return http->request_started + story->wait;
	case REQUEST:
	case PART_OF_RESPONSE:
	case TAKEN:
		return http->request_ended + story->wait;
	default:
		return last + story->idle;
	}
}

static inline enum kw_act story_act(const struct story *story, bool local)
{
	if (story->closer == KW_CLOSER_NETWORK)
		return KW_ACT_ERROR;
	if (story->manner == KW_MANNER_FIN)
		return local || story->simultaneous ? KW_ACT_LOCAL_FIN : KW_ACT_PEER_FIN;
	return local ? KW_ACT_LOCAL_RST : KW_ACT_PEER_RST;
}

static inline void story_ending(const struct story *story, enum kw_role role, struct kw_event_connection *event)
{
	struct kw_ending *ending = &event->ending;
	bool client = role == KW_ROLE_CLIENT;
	bool local = story->closer == (client ? KW_CLOSER_CLIENT : KW_CLOSER_SERVER);
	uint64_t before = REQUEST_BYTES * story->answered, requests = before;
	uint64_t responses = RESPONSE_BYTES * story->answered;

	if (story->pending == PART_OF_REQUEST || story->pending == EARLY)
		requests += REQUEST_BYTES / 2;
	else if (story->pending != NOTHING && story->pending != AFTER)
		requests += REQUEST_BYTES;
	if (story->pending == PART_OF_RESPONSE)
		responses += 400;
	if (story->pending == EARLY)
		responses += RESPONSE_BYTES;
	ending->time = story_closed(story, &event->http);
	ending->act = story_act(story, local);
	ending->acts = 1 << ending->act;
	if (story->pending == TAKEN)
		ending->acts |= 1 << (client ? KW_ACT_PEER_FIN : KW_ACT_LOCAL_FIN);
	ending->simultaneous = story->simultaneous;
	ending->tx_sent = client ? requests : responses;
	ending->tx_acked = client && story->pending == CROSSED ? before : ending->tx_sent;
	ending->rx_arrived = client ? responses : story->pending == CROSSED ? before : requests;
	ending->rx_read = ending->rx_arrived;
	if (local) {
		ending->exiting = story->exiting;
		ending->signal = story->signal;
		event->closing.unread = story->closer_unread;
	}
	event->http.tx_bytes = client ? requests : responses;
	event->http.rx_bytes = client ? responses : requests;
	if (story->pending == TAKEN)
		*(client ? &event->http.rx_bytes : &event->http.tx_bytes) += RESPONSE_BYTES;
}

/* What the socket of @role reports. A late request is known to the client alone: at the server it lies unread
 * (closer_unread), or came to a socket that was gone. */
static inline struct kw_event_connection story_event(const struct story *story, enum kw_role role)
{
	struct kw_event_connection event = {.report = KW_REPORT_CLOSED};
	struct story seen = *story;

	if (role == KW_ROLE_SERVER && (story->pending == CROSSED || story->pending == AFTER))
		seen.pending = NOTHING;
	event.identity.role = role;
	event.identity.preexisting = story->preexisting;
	event.opened = event.established = ESTABLISHED;
	story_http(&seen, &event);
	story_said(&seen, &event);
	story_ending(&seen, role, &event);
	event.closing.time = event.ending.time + MS;
	event.closing.error = story->error;
	event.closing.soft_error = story->soft_error;
	event.closing.probes = story->probes;
	event.closing.outstanding = story->outstanding;
	event.closing.retransmits = story->retransmits;
	if (story->more)
		story->more(&event, role);
	return event;
}

#endif
