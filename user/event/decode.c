/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/decode.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define STATUS_MOST 999             /* three digits */
#define HTTP2_NUMBER_MAX (1U << 30) /* of a stream, whose id has 31 bits */

/* Whether all of some times or durations are sound; @any: their bits, or-ed. */
static bool are_times(uint64_t any)
{
	return any >> KW_TIME_BITS == 0;
}

/* The same of numbers that only grow. */
static bool are_totals(const __u64 *numbers, size_t size)
{
	uint64_t any = 0;

	for (size_t i = 0; i < size / sizeof(*numbers); i++)
		any |= numbers[i];
	return any >> KW_TOTAL_BITS == 0;
}

static bool is_status(uint16_t status)
{
	return status <= STATUS_MOST;
}

static bool is_announcement(uint8_t by, uint8_t how)
{
	return by <= KW_ANNOUNCED_BY_SERVER && how <= KW_ANNOUNCED_DELIMITED;
}

static bool identity_is_sound(const struct kw_identity *identity)
{
	return identity->role < KW_ROLE_MAX && identity->flow < KW_FLOW_MAX && identity->preexisting <= 1 &&
	       memchr(identity->comm, '\0', sizeof(identity->comm));
}

static bool end_is_sound(const struct kw_event_connection *event)
{
	const struct kw_ending *ending = &event->ending;

	return ending->act < KW_ACT_MAX && ending->acts >> KW_ACT_MAX == 0 &&
	       ending->last_sender <= KW_SENDER_PEER &&
	       are_times(ending->time | event->closing.time | event->notice.time | event->notice.last);
}

static bool http_times_are_sound(const struct kw_http *http)
{
	return are_times(http->request_started | http->request_ended | http->response_started |
			 http->response_ended | http->first_request_started | http->idle_max |
			 http->idle_before_last);
}

static bool http_is_sound(const struct kw_http *http)
{
	return http->protocol < HTTP1_PROTOCOL_MAX && http->last_method < HTTP1_METHOD_MAX &&
	       http->last_response_framing < HTTP1_FRAMING_MAX && is_status(http->last_status) &&
	       is_status(http->interim) && is_announcement(http->announced_by, http->announced_how) &&
	       http->timeout <= HTTP1_PARAMETER_LIMIT && http->max <= HTTP1_PARAMETER_LIMIT &&
	       http->lost_safe + http->lost_idempotent + http->lost_other <= HTTP1_QUEUE &&
	       (http->tx_bytes | http->rx_bytes | http->blind_bytes) <= KW_NEVER && http_times_are_sound(http);
}

static bool body_is_sound(const struct kw_body *body)
{
	return body->bytes <= HTTP1_LENGTH_MAX &&
	       (body->declared <= HTTP1_LENGTH_MAX || body->declared == KW_UNDECLARED);
}

static bool connection_is_sound(const struct kw_event_connection *event)
{
	uint64_t samples = 0;

	for (int i = 0; i < KW_HISTOGRAM_MAX; i++)
		samples |= event->sample[i];
	return identity_is_sound(&event->identity) && event->report <= KW_REPORT_OPEN &&
	       event->half_closed <= 1 && event->half_closed_before <= 1 &&
	       are_times(samples | event->opened | event->established | event->peer_fin) &&
	       end_is_sound(event) && http_is_sound(&event->http) && body_is_sound(&event->bodies[0]) &&
	       body_is_sound(&event->bodies[1]);
}

static bool tls_is_sound(const struct kw_tls_facts *facts)
{
	const uint8_t sides = 1 + TLS_SERVER;

	return facts->handshake < TLS_HANDSHAKE_MAX && facts->alert_by <= sides &&
	       facts->notified_by <= sides && facts->latest_by <= sides;
}

static bool http2_side_is_sound(const struct kw_http2_side *side)
{
	return are_times(side->goaway | side->ping | side->ping_gap) && side->latest <= HTTP2_NUMBER_MAX &&
	       side->goaway_id <= HTTP2_ID_MAX && side->goaway_code < HTTP2_CODES &&
	       side->goaway_debug < HTTP2_DEBUG_MAX && side->fields >> HTTP2_NAME_MAX == 0 &&
	       side->errors >> HTTP2_ERROR_MAX == 0;
}

static bool http2_is_sound(const struct kw_http2_facts *facts)
{
	return http2_side_is_sound(&facts->sides[HTTP2_CLIENT]) &&
	       http2_side_is_sound(&facts->sides[HTTP2_SERVER]) &&
	       are_times(facts->latest | facts->begun | facts->cut);
}

static bool exchange_is_sound(const struct kw_event_exchange *event)
{
	return identity_is_sound(&event->identity) && event->method < HTTP1_METHOD_MAX &&
	       event->reset_by <= 1 + HTTP2_SERVER && event->reset_code < HTTP2_CODES &&
	       is_status(event->status) && is_announcement(event->announced_by, event->announced_how) &&
	       (event->request_bytes | event->response_bytes) <= KW_NEVER &&
	       are_times(event->started | event->wait | event->duration | event->idle_before);
}

static bool gateway_is_sound(const struct kw_event_gateway *event)
{
	return identity_is_sound(&event->identity) && event->status >= KW_GATEWAY_STATUS &&
	       event->status < KW_GATEWAY_STATUS + KW_GATEWAY_STATUSES && are_times(event->started);
}

static bool is_sound(const struct kw_event *event)
{
	if (!are_times(event->time) || (event->tls && !tls_is_sound(event->tls)))
		return false;
	if (event->http2 && !http2_is_sound(event->http2))
		return false;
	if (event->connection)
		return connection_is_sound(event->connection);
	if (event->exchange)
		return exchange_is_sound(event->exchange);
	if (event->gateway)
		return gateway_is_sound(event->gateway);
	if (event->late)
		return identity_is_sound(&event->late->identity) && are_times(event->late->closed);
	if (event->totals)
		return are_totals((const __u64 *)&event->totals->totals, sizeof(event->totals->totals));
	return are_totals(&event->unseen->openings, sizeof(*event->unseen) - sizeof(event->unseen->header));
}

/* A connection's event in one of the forms that begin with a history. Returns the size of that form; 0 if it is none of them. */
static size_t point_at_history(struct kw_event *event, const void *data)
{
	const struct kw_event_tls_http2 *both = data;
	const struct kw_event_http2 *http2 = data;
	const struct kw_event_tls *tls = data;

	event->history = data;
	event->connection = &event->history->connection;
	switch (event->type) {
	case KW_EVENT_HISTORY:
		return sizeof(*event->history);
	case KW_EVENT_TLS:
		event->tls = &tls->tls;
		return sizeof(*tls);
	case KW_EVENT_HTTP2:
		event->http2 = &http2->http2;
		return sizeof(*http2);
	case KW_EVENT_TLS_HTTP2:
		event->tls = &both->tls.tls;
		event->http2 = &both->http2;
		return sizeof(*both);
	default:
		return 0;
	}
}

/* Points the event at @data, according to its type. Returns the size of that type; 0 if there is no such type. */
static size_t point(struct kw_event *event, const void *data)
{
	switch (event->type) {
	case KW_EVENT_CONNECTION:
		event->connection = data;
		return sizeof(*event->connection);
	case KW_EVENT_HISTORY:
	case KW_EVENT_TLS:
	case KW_EVENT_HTTP2:
	case KW_EVENT_TLS_HTTP2:
		return point_at_history(event, data);
	case KW_EVENT_EXCHANGE:
		event->exchange = data;
		return sizeof(*event->exchange);
	case KW_EVENT_GATEWAY:
		event->gateway = data;
		return sizeof(*event->gateway);
	case KW_EVENT_LATE:
		event->late = data;
		return sizeof(*event->late);
	case KW_EVENT_TOTALS:
		event->totals = data;
		return sizeof(*event->totals);
	case KW_EVENT_UNSEEN:
		event->unseen = data;
		return sizeof(*event->unseen);
	default:
		return 0;
	}
}

int kw_decode(const void *data, size_t size, struct kw_event *ret_event)
{
	const struct kw_event_header *header = data;
	struct kw_event event = {0};

	if (size < sizeof(*header) || header->size != size)
		return -EBADMSG;
	event.type = header->type;
	event.time = header->time;
	if (size != point(&event, data) || !is_sound(&event))
		return -EBADMSG;
	*ret_event = event;
	return 0;
}

uint64_t kw_totals_lost(const struct kw_totals *totals)
{
	uint64_t lost = 0;

	for (int i = 0; i < KW_LOST_MAX; i++)
		lost += totals->lost[i];
	return lost;
}
