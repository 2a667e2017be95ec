/* SPDX-License-Identifier: BSD-2-Clause */
/* The clients that are connected to the metrics server. Idle clients cannot block the port: it keeps KW_WEB_CONNECTIONS
 * connections, and closes the longest-idle one when another arrives. */
#ifndef KEEPWATCH_WEB_CONNECTIONS_H
#define KEEPWATCH_WEB_CONNECTIONS_H

#include <microhttpd.h>

#include "web/access.h"

#define KW_WEB_CONNECTIONS 64 /* number of connections that the server keeps */

struct kw_web_client;

/* Must start with all zeros except the first field. */
struct kw_web_connections {
	struct kw_web *web; /* the access rules for connections that arrive from now on; a reference */
	struct kw_web_client *clients; /* by the time of their last request, the earliest first; owned */
	unsigned int count;
};

/* An MHD_NotifyConnectionCallback; @connections is a struct kw_web_connections. */
void kw_web_connections_notify(void *connections, struct MHD_Connection *connection, void **client,
			       enum MHD_ConnectionNotificationCode code);

/* Notes that a request came on this connection, with all of its body. */
void kw_web_connections_asked(struct kw_web_connections *connections, struct MHD_Connection *connection);

/* An MHD_RequestCompletedCallback. */
void kw_web_connections_answered(void *connections, struct MHD_Connection *connection, void **request,
				 enum MHD_RequestTerminationCode code);

/* Closes the connections of clients that sent their FIN and wait for no answer, because libmicrohttpd does not always close
 * them by itself. Call it once in a while. */
void kw_web_connections_sweep(struct kw_web_connections *connections);

#endif
