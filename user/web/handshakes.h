/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS handshakes take turns, because each costs a signature, with RSA of 4096 bits some ten milliseconds of processor time. All
 * of them together may take a third of the time. The next turn is of the address that has had least of it lately, so
 * that a newcomer waits for one handshake at most, however many of others are waiting. */
#ifndef KEEPWATCH_WEB_HANDSHAKES_H
#define KEEPWATCH_WEB_HANDSHAKES_H

#include "web/budget.h"
#include "web/clients.h"

struct kw_handshakes {
	struct kw_budget budget;
	uint64_t typical; /* ns of processor time that one takes, as measured lately */
};

void kw_handshakes_open(struct kw_handshakes *handshakes);

/* Whether these bytes are the beginning of a ClientHello that is not worth a turn before more of it comes. False for bytes
 * that are no TLS. */
bool kw_handshakes_is_partial(const unsigned char *bytes, size_t length);

/* The client in turn, whose handshake is charged to it; NULL if none waits, or if there is no time left. */
struct kw_client *kw_handshakes_next(struct kw_handshakes *handshakes, const struct kw_clients *clients);

/* Measures the handshake of a client that was in turn, and refuses a second ClientHello that there is no time for. */
void kw_handshakes_watch(struct kw_handshakes *handshakes, struct kw_client *client);

#endif
