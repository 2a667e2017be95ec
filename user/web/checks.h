/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of passwords take turns, because there is a budget for them: see passwords.h. Clients wait for theirs instead of being
 * sent away, so that guessing as fast as answers come does not use up every turn. The next turn is of the address that has
 * had least of them lately, there of the connection on which fewest passwords were wrong, and then of the one that waits for
 * longest. */
#ifndef KEEPWATCH_WEB_CHECKS_H
#define KEEPWATCH_WEB_CHECKS_H

#include "web/budget.h"
#include "web/clients.h"

#define KW_CHECKS_WAITING 3 /* so many of one address may wait; the others are refused */

/* Whether a password of this client may be checked now, because it is its turn, or nobody of its address waits. */
bool kw_checks_may(const struct kw_clients *clients, const struct kw_budget *guesses,
		   const struct kw_client *client);

/* Makes the client wait. If too many of its address wait already, the one with most wrong passwords has to give way:
 * *ret_refused, which is NULL otherwise. It may be @client itself. */
void kw_checks_wait(struct kw_clients *clients, struct kw_client *client, struct kw_client **ret_refused);

/* The client whose turn it is now; NULL if there is none, or no time left for one. */
struct kw_client *kw_checks_next(const struct kw_clients *clients, const struct kw_budget *guesses);

bool kw_checks_are_waited_for(const struct kw_clients *clients);

#endif
