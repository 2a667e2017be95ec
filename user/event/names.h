/* SPDX-License-Identifier: BSD-2-Clause */
/* The contract's names of values in events, as records, metrics and reports print them. */
#ifndef KEEPWATCH_NAMES_H
#define KEEPWATCH_NAMES_H

#include <stdbool.h>

#include "include/event.h"

#define KW_ID_TEXT 28

/* "1a2b-5f3": the socket's cookie and its generation, hexadecimal. */
void kw_connection_id(const struct kw_identity *identity, char ret_id[KW_ID_TEXT]);

#define KW_FLOW_TEXT 18

/* "5f3a09c1-8be2d710": the initial sequence numbers of both sides, hexadecimal. Both ends of a connection have the same.
 * Returns whether they are known. */
bool kw_flow_print(const struct kw_event_connection *event, char ret_flow[KW_FLOW_TEXT]);

/* "http/1.1", "http/1.0", "h2c", "h2" (within TLS), "tls", "opaque" or "none". */
const char *kw_protocol_name(const struct kw_http *http);

/* "preexisting" and so on: the reason why something about a connection is not known. */
const char *kw_taint_name(enum kw_taint taint);

/* "closed" and so on: the kind of an event that was lost on the way to user space. */
const char *kw_lost_name(enum kw_lost lost);

/* "close", "http10", "delimited". */
const char *kw_announced_how_name(enum kw_announced_how how);

#endif
