/* SPDX-License-Identifier: BSD-2-Clause */
/* Which requests are refused for their head, before anything is done for them. */
#ifndef KEEPWATCH_WEB_REQUEST_H
#define KEEPWATCH_WEB_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>

struct kw_refusal {
	unsigned int status; /* 0: the request may be answered */
	const char *text;
};

/* Refuses a head whose body, or receiver, two readers could see in different places. The connection must be closed then,
 * because nobody knows where the next request begins. */
struct kw_refusal kw_request_check(struct MHD_Connection *connection);

/* Whether the client used an IP address or localhost in the URL, by @host, the value of Host (NULL: no such field).
 *
 * A hostile web page could make its own host name resolve to a loopback address (DNS rebinding) and then read the answers;
 * with an IP address it cannot. Only a loopback address needs this check, because a server with --allow-remote may have
 * host names of its own. */
bool kw_request_is_direct(const char *host);

#endif
