/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of a connection's record that is about HTTP/2. */
#ifndef KEEPWATCH_JSON_HTTP2_H
#define KEEPWATCH_JSON_HTTP2_H

#include <jansson.h>

#include "judge/judge.h"

/* An object, or null for a connection that carries no HTTP/2. @verdict: NULL for one that is open still. Owned by the caller;
 * NULL: out of memory. */
json_t *kw_json_http2(const struct kw_event_connection *event, const struct kw_verdict *verdict);

#endif
