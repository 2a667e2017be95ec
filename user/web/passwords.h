/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and passwords of the users of the metrics server. Checking a password with bcrypt is slow on purpose, and
 * happens in the thread that reads the kernel's events. Therefore the last correct password of each user is
 * remembered, as a keyed digest and never in clear text, and all other checks together may take at most a twentieth
 * of the time, after a short burst. Neither the answer nor its time shows whether a guessed name exists. */
#ifndef KEEPWATCH_WEB_AUTH_H
#define KEEPWATCH_WEB_AUTH_H

#include <stddef.h>
#include <stdint.h>

#include "web/config.h"

enum kw_web_answer {
	KW_WEB_WELCOME,
	KW_WEB_WRONG, /* unknown user, or wrong password */
	KW_WEB_LATER, /* not checked, because checks have lately taken too much time */
};

struct kw_web_auth;

/* @users stay the caller's and must outlive *ret_auth. Returns 0, or -errno after logging one line. */
int kw_web_auth_open(const struct kw_web_user *users, size_t count, struct kw_web_auth **ret_auth);

/* NULL is allowed. */
void kw_web_auth_close(struct kw_web_auth *auth);

enum kw_web_answer kw_web_auth_ask(struct kw_web_auth *auth, const char *name, const char *password);

#endif
