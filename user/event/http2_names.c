/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/http2_names.h"

const struct kw_http2_facts *kw_http2_facts_of(const struct kw_event_connection *event)
{
	const struct kw_event_tls_http2 *within = (const struct kw_event_tls_http2 *)(const void *)event;
	const struct kw_event_http2 *whole = (const struct kw_event_http2 *)(const void *)event;

	if (event->header.type == KW_EVENT_TLS_HTTP2)
		return &within->http2;
	return event->header.type == KW_EVENT_HTTP2 ? &whole->http2 : NULL;
}

static const char *const sides[] = {[HTTP2_CLIENT] = "client", [HTTP2_SERVER] = "server"};

static const char *const types[] = {
	[HTTP2_TYPE_DATA] = "DATA",
	[HTTP2_TYPE_HEADERS] = "HEADERS",
	[HTTP2_TYPE_PRIORITY] = "PRIORITY",
	[HTTP2_TYPE_RST_STREAM] = "RST_STREAM",
	[HTTP2_TYPE_SETTINGS] = "SETTINGS",
	[HTTP2_TYPE_PUSH_PROMISE] = "PUSH_PROMISE",
	[HTTP2_TYPE_PING] = "PING",
	[HTTP2_TYPE_GOAWAY] = "GOAWAY",
	[HTTP2_TYPE_WINDOW_UPDATE] = "WINDOW_UPDATE",
	[HTTP2_TYPE_CONTINUATION] = "CONTINUATION",
};

/* RFC 9113 section 7. */
static const char *const codes[HTTP2_CODES] = {
	"NO_ERROR",
	"PROTOCOL_ERROR",
	"INTERNAL_ERROR",
	"FLOW_CONTROL_ERROR",
	"SETTINGS_TIMEOUT",
	"STREAM_CLOSED",
	"FRAME_SIZE_ERROR",
	"REFUSED_STREAM",
	"CANCEL",
	"COMPRESSION_ERROR",
	"CONNECT_ERROR",
	"ENHANCE_YOUR_CALM",
	"INADEQUATE_SECURITY",
	"HTTP_1_1_REQUIRED",
	[HTTP2_CODE_OTHER] = "other",
};

static const char *const debugs[HTTP2_DEBUG_MAX] = {
	[HTTP2_DEBUG_NONE] = "none",       [HTTP2_DEBUG_TOO_MANY_PINGS] = "too_many_pings",
	[HTTP2_DEBUG_MAX_AGE] = "max_age", [HTTP2_DEBUG_MAX_IDLE] = "max_idle",
	[HTTP2_DEBUG_OTHER] = "other",
};

static const char *const fields[HTTP2_NAME_MAX] = {
	[HTTP2_NAME_GRPC_STATUS] = "grpc-status",
	[HTTP2_NAME_CONNECTION] = "connection",
	[HTTP2_NAME_KEEP_ALIVE] = "keep-alive",
	[HTTP2_NAME_PROXY_CONNECTION] = "proxy-connection",
	[HTTP2_NAME_UPGRADE] = "upgrade",
	[HTTP2_NAME_TE] = "te",
	[HTTP2_NAME_TRANSFER_ENCODING] = "transfer-encoding",
};

static const char *const errors[HTTP2_ERROR_MAX] = {
	[HTTP2_ERROR_PREFACE] = "preface",
	[HTTP2_ERROR_LENGTH] = "length",
	[HTTP2_ERROR_ID] = "id",
	[HTTP2_ERROR_PADDING] = "padding",
	[HTTP2_ERROR_SEQUENCE] = "sequence",
	[HTTP2_ERROR_COMPRESSION] = "compression",
	[HTTP2_ERROR_CONTINUATIONS] = "continuations",
	[HTTP2_ERROR_IDLE] = "idle",
	[HTTP2_ERROR_BACK] = "back",
	[HTTP2_ERROR_CLOSED] = "closed",
	[HTTP2_ERROR_GOAWAY] = "goaway",
	[HTTP2_ERROR_SETTING] = "setting",
};

#define NAME(names, number) ((number) < sizeof(names) / sizeof(*(names)) ? (names)[number] : NULL)

const char *kw_http2_side_name(unsigned int direction)
{
	return NAME(sides, direction);
}

const char *kw_http2_type_name(unsigned int type)
{
	return NAME(types, type);
}

const char *kw_http2_code_name(unsigned int code)
{
	return NAME(codes, code);
}

const char *kw_http2_debug_name(unsigned int debug)
{
	return NAME(debugs, debug);
}

const char *kw_http2_error_name(unsigned int error)
{
	return NAME(errors, error);
}

const char *kw_http2_field_name(unsigned int field)
{
	return NAME(fields, field);
}
