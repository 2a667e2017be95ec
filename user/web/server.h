/* SPDX-License-Identifier: BSD-2-Clause */
/* The process of the port: libmicrohttpd, in a loop of its own. It answers GET and HEAD for /metrics, /healthz and /. The
 * texts come from the reader of events by a link; a client that asks for one is suspended until it is there, and the others
 * are answered meanwhile. Clients can use only a bounded amount of memory and time: see clients.h, door.h, passwords.h. */
#ifndef KEEPWATCH_WEB_SERVER_H
#define KEEPWATCH_WEB_SERVER_H

#include <stdbool.h>

#include "web/access.h"
#include "web/link.h"
#include "web/page_reply.h"

struct kw_server_settings {
	int listener;
	bool loopback; /* it listens on a loopback address */
	const struct kw_link *link;
	struct kw_web *web;
	kw_page_frame_fn frame;
};

/* Serves until the other side of the link has ended. Returns 0, or -errno after logging one line. */
int kw_server_run(const struct kw_server_settings *settings);

#endif
