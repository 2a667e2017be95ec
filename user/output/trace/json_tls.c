/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/trace/json_tls.h"

#include "base/json.h"
#include "base/sanitize.h"
#include "include/probe.h"
#include "event/tls_names.h"

static json_t *offered(uint8_t protocols)
{
	json_t *names = json_array();

	for (unsigned int bit = TLS_ALPN_H2; bit <= TLS_ALPN_OTHER; bit <<= 1)
		if (protocols & bit)
			kw_json_append(&names, json_string(kw_tls_alpn_name(bit)));
	return names;
}

static const char *handshake_name(const struct kw_tls_facts *tls)
{
	if (tls->alert_by)
		return "failed";
	return tls->done ? "done" : "incomplete";
}

/* The alert that ended the handshake; its code and name are null if it was encrypted. */
static json_t *alert(const struct kw_tls_facts *tls)
{
	bool seen = tls->alert_code != TLS_CODE_HIDDEN;

	if (!tls->alert_by)
		return json_null();
	return json_pack("{s:s, s:o, s:o}", "by", tls->alert_by == 1 + TLS_CLIENT ? "client" : "server", "code",
			 kw_json_integer_or_null(seen, tls->alert_code), "name",
			 kw_json_string_or_null(seen ? kw_tls_alert_name(tls->alert_code) : NULL));
}

/* Only if it was asked for. */
static void add_name(json_t **object, const struct kw_tls_facts *tls)
{
	char name[4 * TLS_NAME + 1];

	if (!tls->name[0])
		return;
	kw_sanitize(tls->name, sizeof(tls->name), name, sizeof(name));
	kw_json_set(object, "server_name", json_string(name));
}

/* Whose library gave the plaintext; NULL if it was not read. */
static const char *plaintext_of(uint32_t flags)
{
	static const char *const names[KW_LIBRARIES] = {"openssl", "openssl", "gnutls", "go"};

	return flags & KW_HTTP_PLAINTEXT ? names[KW_HTTP_LIBRARY(flags)] : NULL;
}

json_t *kw_json_tls(const struct kw_event_connection *event)
{
	const struct kw_tls_facts *tls = kw_tls_facts_of(event);
	bool plaintext = event->http.flags & KW_HTTP_PLAINTEXT;
	json_t *object;

	if (!tls || tls->lost)
		return json_null();
	object = json_pack("{s:o, s:o, s:s}", "version",
			   kw_json_string_or_null(kw_tls_version_name(tls->version)), "alpn_offered",
			   offered(tls->offered), "handshake", handshake_name(tls));
	kw_json_set(&object, "handshake_s",
		    tls->done >= tls->hello && tls->done ? json_real((double)(tls->done - tls->hello) / 1e9)
							 : json_null());
	kw_json_set(&object, "alert", alert(tls));
	kw_json_set(&object, "close_notify",
		    json_pack("{s:b, s:b}", "client", tls->notifiers >> TLS_CLIENT & 1, "server",
			      tls->notifiers >> TLS_SERVER & 1));
	kw_json_set(&object, "exchanges_inferred",
		    kw_json_integer_or_null(!plaintext, event->http.counts.requests_begun));
	kw_json_set(&object, "plaintext", kw_json_string_or_null(plaintext_of(event->http.flags)));
	add_name(&object, tls);
	return object;
}
