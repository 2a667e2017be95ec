/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of the HTTP/2 machine's numbers, as they are printed, and where the facts about HTTP/2 stand in an event. */
#ifndef KEEPWATCH_EVENT_HTTP2_NAMES_H
#define KEEPWATCH_EVENT_HTTP2_NAMES_H

#include <stddef.h>

#include "include/event.h"

/* The facts about the connection's HTTP/2 frames; NULL if it carries none, or none that were followed. They are part of the
 * event, which may be as its type says: a kw_event_http2 or a kw_event_tls_http2. */
const struct kw_http2_facts *kw_http2_facts_of(const struct kw_event_connection *event);

/* Each returns a constant, which is NULL for a number that has no name. */
const char *kw_http2_side_name(unsigned int direction);
const char *kw_http2_type_name(unsigned int type);
const char *kw_http2_code_name(unsigned int code);
const char *kw_http2_debug_name(unsigned int debug);
const char *kw_http2_field_name(unsigned int field); /* of enum http2_name */
const char *kw_http2_error_name(unsigned int error); /* of enum http2_error */

#endif
