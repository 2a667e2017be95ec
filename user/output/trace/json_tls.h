/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of a connection's record that is about TLS. */
#ifndef KEEPWATCH_JSON_TLS_H
#define KEEPWATCH_JSON_TLS_H

#include <jansson.h>

#include "include/event.h"

/* An object, or null for a connection that carries no TLS. Owned by the caller; NULL: out of memory. */
json_t *kw_json_tls(const struct kw_event_connection *event);

#endif
