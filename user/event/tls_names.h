/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of TLS versions and alerts, and where the facts about TLS stand in an event. */
#ifndef KEEPWATCH_TLS_NAMES_H
#define KEEPWATCH_TLS_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "include/event.h"

/* The facts about the connection's TLS records; NULL if it carries none, or none that were followed. They are part of the
 * event, which may be as its type says: a kw_event_tls or a kw_event_tls_http2, which begins with one. */
const struct kw_tls_facts *kw_tls_facts_of(const struct kw_event_connection *event);

/* "1.3"; NULL for a version that is not known. */
const char *kw_tls_version_name(uint16_t version);

/* "unknown_ca" and so on (RFC 8446 section 6), never NULL: "hidden" for one that was encrypted, "other" for a code that is not
 * assigned. */
const char *kw_tls_alert_name(uint8_t code);

/* "h2", "http/1.1" or "other". */
const char *kw_tls_alpn_name(enum tls_alpn protocol);

#endif
