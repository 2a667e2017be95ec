/* SPDX-License-Identifier: BSD-2-Clause */
/* The connections of the metrics server. Idle or slow clients cannot block the port: the server keeps KW_CROWD
 * connections, and when another one arrives it closes the one whose last request is the oldest. */
#ifndef KEEPWATCH_CROWD_H
#define KEEPWATCH_CROWD_H

#include <microhttpd.h>

#include "web/access.h"

#define KW_CROWD 64 /* number of connections that the server keeps */

struct kw_guest;

/* Must start with all zeros except the first field. */
struct kw_crowd {
	struct kw_web *
		web; /* access settings of connections that arrive from now on; a reference, and each connection has one of its own */
	struct kw_guest *guests; /* sorted by the time of their last request, oldest first; owned */
	unsigned int count;
};

/* An MHD_NotifyConnectionCallback; @crowd is a struct kw_crowd. */
void kw_crowd_notify(void *crowd, struct MHD_Connection *connection, void **guest,
		     enum MHD_ConnectionNotificationCode code);

/* To be called when a request arrives on this connection. */
void kw_crowd_asks(struct kw_crowd *crowd, struct MHD_Connection *connection);

/* An MHD_RequestCompletedCallback. */
void kw_crowd_answered(void *crowd, struct MHD_Connection *connection, void **request,
		       enum MHD_RequestTerminationCode code);

/* Closes connections whose client has closed its side and waits for no answer, because libmicrohttpd does not always
 * notice. To be called at intervals. */
void kw_crowd_sweep(struct kw_crowd *crowd);

#endif
