/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is connected to the metrics server. Whoever connects and asks for nothing, or asks slowly, takes up a place;
 * when there are too many, the one that has asked for nothing for the longest has to go, so that there is always
 * a place for the next. */
#ifndef KEEPWATCH_CROWD_H
#define KEEPWATCH_CROWD_H

#include <microhttpd.h>

#include "web/access.h"

#define KW_CROWD 64 /* connections that are kept */

struct kw_guest;

/* Begins with all zeros but for the first. */
struct kw_crowd {
	struct kw_web *web; /* how those who come from now on are met; a reference, each of them has one too */
	struct kw_guest *guests; /* by when they last asked, the earliest first; owned */
	unsigned int count;
};

/* An MHD_NotifyConnectionCallback; @crowd is a struct kw_crowd. */
void kw_crowd_notify(void *crowd, struct MHD_Connection *connection, void **guest,
		     enum MHD_ConnectionNotificationCode code);

/* This connection asks for something. */
void kw_crowd_asks(struct kw_crowd *crowd, struct MHD_Connection *connection);

/* An MHD_RequestCompletedCallback. */
void kw_crowd_answered(void *crowd, struct MHD_Connection *connection, void **request,
		       enum MHD_RequestTerminationCode code);

/* Sends away who has closed its direction and gets no answer: such a connection is not always closed by itself. To
 * be called once in a while. */
void kw_crowd_sweep(struct kw_crowd *crowd);

#endif
