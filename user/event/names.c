/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/names.h"

#include <inttypes.h>
#include <stdio.h>

void kw_connection_id(const struct kw_identity *identity, char ret_id[KW_ID_TEXT])
{
	snprintf(ret_id, KW_ID_TEXT, "%" PRIx64 "-%" PRIx32, (uint64_t)identity->cookie,
		 (uint32_t)identity->generation);
}

bool kw_flow_print(const struct kw_event_connection *event, char ret_flow[KW_FLOW_TEXT])
{
	const struct kw_identity *identity = &event->identity;
	uint32_t first = identity->isn, second = event->peer_isn;
	bool peer_first = identity->flow == KW_FLOW_BY_SIZE ? second < first : identity->role == KW_ROLE_SERVER;

	snprintf(ret_flow, KW_FLOW_TEXT, "%08" PRIx32 "-%08" PRIx32, peer_first ? second : first,
		 peer_first ? first : second);
	return identity->flow != KW_FLOW_UNKNOWN;
}

const char *kw_protocol_name(const struct kw_http *http)
{
	switch (http->protocol) {
	case HTTP1_PROTOCOL_HTTP1:
		return http->http10_only ? "http/1.0" : "http/1.1";
	case HTTP1_PROTOCOL_H2C:
		return http->flags & KW_HTTP_PLAINTEXT ? "h2" : "h2c";
	case HTTP1_PROTOCOL_TLS:
		return "tls";
	case HTTP1_PROTOCOL_OPAQUE:
		return "opaque";
	default:
		return "none";
	}
}

const char *kw_taint_name(enum kw_taint taint)
{
	static const char *const names[KW_TAINT_MAX] = {
		[KW_TAINT_PREEXISTING] = "preexisting",
		[KW_TAINT_MALFORMED] = "malformed",
		[KW_TAINT_BLIND] = "blind",
		[KW_TAINT_GAP] = "gap",
		[KW_TAINT_PIPELINE] = "pipeline",
		[KW_TAINT_UNSUPPORTED] = "unsupported",
		[KW_TAINT_BUDGET] = "budget",
	};

	return names[taint];
}

const char *kw_lost_name(enum kw_lost lost)
{
	static const char *const names[KW_LOST_MAX] = {
		[KW_LOST_CLOSED] = "closed", [KW_LOST_EXCHANGE] = "exchange",   [KW_LOST_LATE] = "late",
		[KW_LOST_STATE] = "state",   [KW_LOST_RECURSION] = "recursion",
	};

	return names[lost];
}

const char *kw_announced_how_name(enum kw_announced_how how)
{
	switch (how) {
	case KW_ANNOUNCED_HTTP10:
		return "http10";
	case KW_ANNOUNCED_DELIMITED:
		return "delimited";
	default:
		return "close";
	}
}
