/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/handshakes.h"

#include <gnutls/gnutls.h>
#include <time.h>
#include <utlist.h>

#include "base/clock.h"
#include "include/units.h"

#define FIRST_GUESS (10 * KW_MS)
#define COST_MOST (25 * KW_MS) /* more than any usual key takes */
#define HANDSHAKE 0x16         /* the type of a TLS record */
#define RECORD_HEAD 5          /* bytes: type, version, length */

void kw_handshakes_open(struct kw_handshakes *handshakes)
{
	*handshakes = (struct kw_handshakes){.budget = {.together = {3, 100 * KW_MS}, .each = {6, 100 * KW_MS}},
					     .typical = FIRST_GUESS};
}

bool kw_handshakes_is_partial(const unsigned char *bytes, size_t length)
{
	if (length == 0 || bytes[0] != HANDSHAKE)
		return length == 0;
	return length < RECORD_HEAD || length < RECORD_HEAD + ((size_t)bytes[3] << 8 | bytes[4]);
}

struct kw_client *kw_handshakes_next(struct kw_handshakes *handshakes, const struct kw_clients *clients)
{
	uint64_t now = kw_clock_monotonic(), least = UINT64_MAX;
	struct kw_client *client, *next = NULL;

	if (!kw_budget_has_time(&handshakes->budget, now))
		return NULL;
	DL_FOREACH(clients->list, client)
	{
		uint64_t owed = kw_budget_owed(&handshakes->budget, &client->address, now);

		if (client->state == KW_CLIENT_IN_TURN && owed < least) {
			least = owed;
			next = client;
		}
	}
	if (next)
		kw_budget_charge(&handshakes->budget, &next->address, now, handshakes->typical);
	return next;
}

static uint64_t cpu_time(void)
{
	struct timespec spent = {0};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
	return (uint64_t)spent.tv_sec * KW_S + (uint64_t)spent.tv_nsec;
}

/* The first ClientHello was paid for by kw_handshakes_next(). A client that makes the server ask for another one, or
 * begins anew on the same connection, pays again. */
static int on_hello(struct kw_client *client)
{
	struct kw_handshakes *handshakes = client->handshakes;
	uint64_t now = kw_clock_monotonic();

	client->hello = cpu_time();
	if (client->hellos++ == 0)
		return 0;
	if (!kw_budget_allows(&handshakes->budget, &client->address, now))
		return GNUTLS_E_HANDSHAKE_TOO_LARGE;
	kw_budget_charge(&handshakes->budget, &client->address, now, handshakes->typical);
	return 0;
}

/* One measure in four, so that a single one that was disturbed does not hold up all others. */
static void note_cost(struct kw_handshakes *handshakes, uint64_t cost)
{
	if (cost > COST_MOST)
		cost = COST_MOST;
	handshakes->typical = (3 * handshakes->typical + cost) / 4;
}

/* A gnutls_handshake_hook_func. The signature is in CertificateVerify (TLS 1.3) or ServerKeyExchange (TLS 1.2). */
static int on_message(gnutls_session_t session, unsigned int type, unsigned int when, unsigned int incoming,
		      const gnutls_datum_t *message)
{
	struct kw_client *client = gnutls_session_get_ptr(session);

	(void)when;
	(void)message;
	if (incoming && type == GNUTLS_HANDSHAKE_CLIENT_HELLO)
		return on_hello(client);
	if (!incoming &&
	    (type == GNUTLS_HANDSHAKE_CERTIFICATE_VERIFY || type == GNUTLS_HANDSHAKE_SERVER_KEY_EXCHANGE))
		note_cost(client->handshakes, cpu_time() - client->hello);
	return 0;
}

void kw_handshakes_watch(struct kw_handshakes *handshakes, struct kw_client *client)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(client->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (!info)
		return;
	client->handshakes = handshakes;
	gnutls_session_set_ptr(info->tls_session, client);
	gnutls_handshake_set_hook_function(info->tls_session, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_POST,
					   on_message);
}
