/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and passwords of the users of the metrics server. Checking a password with bcrypt is slow on purpose. Therefore
 * the last correct password of each user is remembered, as a keyed digest and never in clear text, and all other checks
 * have a budget, by source address: see KW_GUESSES. Neither the answer nor its time shows whether a guessed name exists. */
#ifndef KEEPWATCH_WEB_AUTH_H
#define KEEPWATCH_WEB_AUTH_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "include/units.h"
#include "web/budget.h"
#include "web/config.h"

/* The budget of checks: a fifth of the time for each address and a third for all, after a short burst. */
#define KW_GUESSES                                                                                             \
	{                                                                                                      \
		.together = {3, KW_S}, .each = { 5, KW_S / 4 }                                                 \
	}

enum kw_web_answer {
	KW_WEB_WELCOME,
	KW_WEB_WRONG, /* unknown user, or wrong password */
	KW_WEB_LATER, /* not checked, because checks have lately taken too much time */
};

struct kw_web_auth;

/* @users stay the caller's and must outlive *ret_auth. @before, unless it is NULL, is what was in force before: passwords
 * that it remembers for users whose hash is still the same are remembered on, because otherwise whoever guesses
 * passwords at that moment could keep them out. Returns 0, or -errno after logging one line. */
int kw_web_auth_open(const struct kw_web_user *users, size_t count, const struct kw_web_auth *before,
		     struct kw_web_auth **ret_auth);

/* NULL is allowed. */
void kw_web_auth_close(struct kw_web_auth *auth);
KW_DEFINE_CLEANUP(struct kw_web_auth *, kw_web_auth_close);

/* A check is charged to @address in @budget. Without a budget (NULL) only a remembered password is welcome, and the answer to
 * all others is KW_WEB_LATER. */
enum kw_web_answer kw_web_auth_ask(struct kw_web_auth *auth, struct kw_budget *budget,
				   const struct kw_source_address *address, const char *name,
				   const char *password);

#endif
