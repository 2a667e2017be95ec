/* SPDX-License-Identifier: BSD-2-Clause */
/* Content negotiation (RFC 9110, section 12.5): the text format and the coding of /metrics that a client accepts. */
#ifndef KEEPWATCH_NEGOTIATE_H
#define KEEPWATCH_NEGOTIATE_H

#include <stdbool.h>

/* Whether @accept, the value of Accept, asks for OpenMetrics 1.0 no less than for the text format 0.0.4. NULL and
 * wildcards do not, so that a client which says nothing gets the format that every client can read. */
bool kw_negotiate_open_metrics(const char *accept);

/* Whether @accept_encoding, the value of Accept-Encoding, allows gzip. NULL does not. */
bool kw_negotiate_gzip(const char *accept_encoding);

#endif
