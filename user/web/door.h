/* SPDX-License-Identifier: BSD-2-Clause */
/* The door of the port: takes connections from the listening socket, keeps those that say nothing outside, and lets in the
 * others, with TLS one handshake at a time (see handshakes.h). Out of descriptors, idle clients go first. */
#ifndef KEEPWATCH_WEB_DOOR_H
#define KEEPWATCH_WEB_DOOR_H

#include "web/clients.h"
#include "web/handshakes.h"

/* Takes over the socket of this client, whose state is KW_CLIENT_SERVED now. */
typedef void (*kw_door_enter_fn)(void *context, struct kw_client *client);

struct kw_door {
	int epoll; /* readable: call kw_door_run() */
	int timer; /* for the next turn of a handshake, and for descriptors that may be there again */
	int listener;
	bool tls;
	uint64_t next_warning; /* monotonic ns */
	int lacking; /* the errno for which a connection could not be taken, and no client has gone for it; or 0 */
	struct kw_clients *clients;
	struct kw_handshakes handshakes;
	kw_door_enter_fn enter;
	void *context;
};

/* @listener and @clients stay the caller's. Returns 0 or -errno. */
int kw_door_open(struct kw_door *door, int listener, bool tls, struct kw_clients *clients);

void kw_door_run(struct kw_door *door);

#endif
