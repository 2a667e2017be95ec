/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/decode.h"

#include <errno.h>
#include <stdbool.h>

static bool identity_is_sound(const struct kw_identity *identity)
{
	return identity->role < KW_ROLE_MAX && identity->flow < KW_FLOW_MAX;
}

static bool connection_is_sound(const struct kw_event_connection *event)
{
	const struct kw_http *http = &event->http;

	return identity_is_sound(&event->identity) && event->report <= KW_REPORT_OPEN &&
	       event->half_closed <= 1 && event->half_closed_before <= 1 && event->ending.act < KW_ACT_MAX &&
	       http->protocol < HTTP1_PROTOCOL_MAX && http->last_method < HTTP1_METHOD_MAX &&
	       http->last_response_framing < HTTP1_FRAMING_MAX &&
	       http->announced_by <= KW_ANNOUNCED_BY_SERVER && http->announced_how <= KW_ANNOUNCED_DELIMITED;
}

static bool tls_is_sound(const struct kw_tls_facts *facts)
{
	const uint8_t sides = 1 + TLS_SERVER;

	return facts->handshake < TLS_HANDSHAKE_MAX && facts->alert_by <= sides &&
	       facts->notified_by <= sides && facts->latest_by <= sides;
}

static bool exchange_is_sound(const struct kw_event_exchange *event)
{
	return identity_is_sound(&event->identity) && event->method < HTTP1_METHOD_MAX &&
	       event->announced_by <= KW_ANNOUNCED_BY_SERVER && event->announced_how <= KW_ANNOUNCED_DELIMITED;
}

static bool is_sound(const struct kw_event *event)
{
	if (event->tls && !tls_is_sound(&event->tls->tls))
		return false;
	if (event->connection)
		return connection_is_sound(event->connection);
	if (event->exchange)
		return exchange_is_sound(event->exchange);
	if (event->gateway)
		return identity_is_sound(&event->gateway->identity) &&
		       event->gateway->status >= KW_GATEWAY_STATUS &&
		       event->gateway->status < KW_GATEWAY_STATUS + KW_GATEWAY_STATUSES;
	return !event->late || identity_is_sound(&event->late->identity);
}

/* Points the event at @data, according to its type. Returns the size of that type; 0 if there is no such type. */
static size_t point(struct kw_event *event, const void *data)
{
	switch (event->type) {
	case KW_EVENT_CONNECTION:
		event->connection = data;
		return sizeof(*event->connection);
	case KW_EVENT_HISTORY:
		event->history = data;
		event->connection = &event->history->connection;
		return sizeof(*event->history);
	case KW_EVENT_TLS:
		event->tls = data;
		event->history = &event->tls->history;
		event->connection = &event->history->connection;
		return sizeof(*event->tls);
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
