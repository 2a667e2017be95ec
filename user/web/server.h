/* SPDX-License-Identifier: BSD-2-Clause */
/* The process of the port: libmicrohttpd, in a loop of its own. It answers GET and HEAD for /metrics, /healthz and /. The
 * texts come from the reader of events by a link; a client that asks for one is suspended until it is there, and the others
 * are answered meanwhile. Clients can use only a bounded amount of memory and time: see clients.h, door.h, passwords.h. */
#ifndef KEEPWATCH_WEB_SERVER_H
#define KEEPWATCH_WEB_SERVER_H

#include <stdbool.h>

#include "base/loop.h"
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

/* Opens all that serving takes; a process has one server. It serves as its loop runs, which stops when the other side of the
 * link has ended. @settings must last as long. NULL after logging one line. */
struct kw_loop *kw_server_open(const struct kw_server_settings *settings);

/* Tells the other side of the link that clients are served from now on. Returns 0 or -errno. */
int kw_server_begin(void);

#endif
