/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/checks.h"

#include <utlist.h>

#include "base/clock.h"

static bool waits_at(const struct kw_client *client, const struct kw_source_address *address)
{
	return (client->check == KW_CHECK_WAITS || client->check == KW_CHECK_TURN) &&
	       kw_source_address_equal(&client->address, address);
}

static unsigned int waiting_at(const struct kw_clients *clients, const struct kw_source_address *address)
{
	const struct kw_client *client;
	unsigned int waiting = 0;

	DL_FOREACH(clients->list, client)
	waiting += waits_at(client, address);
	return waiting;
}

bool kw_checks_may(const struct kw_clients *clients, const struct kw_budget *guesses,
		   const struct kw_client *client)
{
	if (client->check == KW_CHECK_TURN)
		return true;
	return waiting_at(clients, &client->address) == 0 &&
	       kw_budget_allows(guesses, &client->address, kw_clock_monotonic());
}

void kw_checks_wait(struct kw_clients *clients, struct kw_client *client, struct kw_client **ret_refused)
{
	struct kw_client *other, *most = client;

	*ret_refused = NULL;
	if (waiting_at(clients, &client->address) >= KW_CHECKS_WAITING) {
		DL_FOREACH(clients->list, other)
		if (other->check == KW_CHECK_WAITS && waits_at(other, &client->address) &&
		    other->checks > most->checks)
			most = other;
		*ret_refused = most;
	}
	client->check = KW_CHECK_WAITS;
	if (*ret_refused)
		(*ret_refused)->check = KW_CHECK_NEVER;
}

struct kw_client *kw_checks_next(const struct kw_clients *clients, const struct kw_budget *guesses)
{
	uint64_t now = kw_clock_monotonic(), least = 0;
	struct kw_client *client, *next = NULL;

	DL_FOREACH(clients->list, client)
	{
		uint64_t owed = kw_budget_owed(guesses, &client->address, now);

		if (client->check == KW_CHECK_TURN)
			return NULL; /* one at a time */
		if (client->check != KW_CHECK_WAITS || !kw_budget_allows(guesses, &client->address, now))
			continue;
		if (!next || owed < least || (owed == least && client->checks < next->checks)) {
			least = owed;
			next = client;
		}
	}
	return next;
}

bool kw_checks_are_waited_for(const struct kw_clients *clients)
{
	const struct kw_client *client;

	DL_FOREACH(clients->list, client)
	if (client->check == KW_CHECK_WAITS)
		return true;
	return false;
}
