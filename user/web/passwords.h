/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and passwords of those who may ask the metrics server.
 *
 * To check a password takes as long as its hash was made to take, in the thread that reads the kernel's events. So
 * of each user the password that was last found right is remembered, by a keyed digest and never as it is; and those
 * that are not remembered are checked for a twentieth of the time at most, after a few at once. Whoever guesses finds
 * the same for a name that there is and one that there is not, and learns nothing from how long it takes. */
#ifndef KEEPWATCH_WEB_AUTH_H
#define KEEPWATCH_WEB_AUTH_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "web/config.h"

enum kw_web_answer {
	KW_WEB_WELCOME,
	KW_WEB_WRONG, /* no such user, or another password */
	KW_WEB_LATER, /* not looked at: too much time went into checks of late */
};

struct kw_web_auth;

/* For @users, which stay the caller's and must last as long. 0 or -errno, and that has been logged. */
int kw_web_auth_open(const struct kw_web_user *users, size_t count, struct kw_web_auth **ret_auth);

/* NULL is allowed. */
void kw_web_auth_close(struct kw_web_auth *auth);
KW_DEFINE_CLEANUP(struct kw_web_auth *, kw_web_auth_close);

enum kw_web_answer kw_web_auth_ask(struct kw_web_auth *auth, const char *name, const char *password);

#endif
