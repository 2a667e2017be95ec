/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/tls_names.h"

const struct kw_tls_facts *kw_tls_facts_of(const struct kw_event_connection *event)
{
	const struct kw_event_tls *whole = (const struct kw_event_tls *)(const void *)event;

	return event->header.type == KW_EVENT_TLS || event->header.type == KW_EVENT_TLS_HTTP2 ? &whole->tls
											      : NULL;
}

const char *kw_tls_version_name(uint16_t version)
{
	static const char *const names[] = {"1.0", "1.1", "1.2", "1.3"};
	unsigned int index = (unsigned int)version - TLS_1_0;

	return index < sizeof(names) / sizeof(names[0]) ? names[index] : NULL;
}

const char *kw_tls_alert_name(uint8_t code)
{
	static const char *const names[TLS_CODE_HIDDEN + 1] = {
		[0] = "close_notify",
		[10] = "unexpected_message",
		[20] = "bad_record_mac",
		[22] = "record_overflow",
		[40] = "handshake_failure",
		[42] = "bad_certificate",
		[43] = "unsupported_certificate",
		[44] = "certificate_revoked",
		[45] = "certificate_expired",
		[46] = "certificate_unknown",
		[47] = "illegal_parameter",
		[48] = "unknown_ca",
		[49] = "access_denied",
		[50] = "decode_error",
		[51] = "decrypt_error",
		[70] = "protocol_version",
		[71] = "insufficient_security",
		[80] = "internal_error",
		[86] = "inappropriate_fallback",
		[90] = "user_canceled",
		[109] = "missing_extension",
		[110] = "unsupported_extension",
		[112] = "unrecognized_name",
		[113] = "bad_certificate_status_response",
		[115] = "unknown_psk_identity",
		[116] = "certificate_required",
		[120] = "no_application_protocol",
		[TLS_CODE_HIDDEN] = "hidden",
	};

	return names[code] ? names[code] : "other";
}

const char *kw_tls_alpn_name(enum tls_alpn protocol)
{
	switch (protocol) {
	case TLS_ALPN_H2:
		return "h2";
	case TLS_ALPN_HTTP11:
		return "http/1.1";
	default:
		return "other";
	}
}
