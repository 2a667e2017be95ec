/* SPDX-License-Identifier: BSD-2-Clause */
/* The clients that are connected to the port. It keeps KW_CLIENTS of them. When another arrives, one has to go: of the source
 * address that holds most places; there one that has asked for nothing, else the one whose last request is the oldest.
 * So whoever opens many connections pushes out only his own. */
#ifndef KEEPWATCH_WEB_CLIENTS_H
#define KEEPWATCH_WEB_CLIENTS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "web/access.h"
#include "web/budget.h"
#include "web/link.h"

#define KW_CLIENTS 64

enum kw_client_state {
	KW_CLIENT_SILENT,  /* it has sent nothing yet, or a part of a TLS ClientHello */
	KW_CLIENT_IN_TURN, /* its handshake waits for its turn: see handshakes.h */
	KW_CLIENT_SERVED,  /* libmicrohttpd has it, and owns its socket */
};

/* Where the check of its password stands: see checks.h. */
enum kw_client_check {
	KW_CHECK_NONE,
	KW_CHECK_WAITS, /* suspended until it is its turn */
	KW_CHECK_TURN,  /* it is its turn */
	KW_CHECK_NEVER, /* another one took its place */
};

struct kw_client {
	int fd;
	enum kw_client_state state;
	struct kw_source_address address;
	uint64_t since;     /* monotonic ns of its arrival, of the state SERVED, or of its last request */
	struct kw_web *web; /* a reference, from SERVED on, because the TLS session uses it until its end */
	struct kw_handshakes *handshakes;  /* where its handshake is counted */
	uint64_t hello;                    /* processor time at its last ClientHello, ns */
	unsigned int hellos;               /* so many ClientHellos came */
	struct MHD_Connection *connection; /* from SERVED on */
	bool asked;                        /* it has sent a request */
	bool answering;      /* its request is there, with all of its body, and is not yet answered */
	unsigned int checks; /* so many of its passwords were checked, and wrong */
	enum kw_client_check check;
	bool suspended;      /* it waits for a check, or for the text of this board */
	enum kw_board board; /* KW_BOARDS: for none */
	bool unlisted;       /* it was ended */
	struct kw_client *prev, *next;
};

/* Begins with all zeros. */
struct kw_clients {
	struct kw_client *list; /* by @since, the earliest first; owned */
	unsigned int count;
};

/* Takes over @fd. Returns NULL, with @fd closed, if memory runs out. */
struct kw_client *kw_clients_add(struct kw_clients *clients, int fd, const struct sockaddr_storage *address);

/* Gives up the client's place. Its socket is closed unless libmicrohttpd owns it; then the client stays until
 * kw_clients_remove(). */
void kw_clients_end(struct kw_clients *clients, struct kw_client *client);

/* Frees a client whose socket is closed. */
void kw_clients_remove(struct kw_clients *clients, struct kw_client *client);

/* Moves it to the end of the list, because it has just done something. */
void kw_clients_touch(struct kw_clients *clients, struct kw_client *client);

/* Ends the client that has to go. Returns false if there is no client, or if @idle_only and none is idle. */
bool kw_clients_evict(struct kw_clients *clients, bool idle_only);

/* Ends a client that has sent its FIN and waits for no answer, because libmicrohttpd does not always do so. */
void kw_clients_end_if_ended(struct kw_clients *clients, struct kw_client *client);

/* The same for all, and ends those that have been silent for too long. Call it once in a while. */
void kw_clients_sweep(struct kw_clients *clients);

#endif
