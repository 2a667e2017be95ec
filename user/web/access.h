/* SPDX-License-Identifier: BSD-2-Clause */
/* Access to the metrics server: its TLS settings and its users, as the file of --web-config has them. A struct kw_web
 * never changes. When the file is read again, new connections get a new one; older connections keep theirs until they
 * end. */
#ifndef KEEPWATCH_WEB_H
#define KEEPWATCH_WEB_H

#include <microhttpd.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "web/budget.h"
#include "web/config.h"
#include "web/passwords.h"

struct kw_web;

/* Reads the file @path, and the certificate and key that it names. A @path of NULL means no TLS and no passwords.
 * Returns 0, or -errno after logging one line. */
int kw_web_open(const char *path, struct kw_web **ret_web);

/* The same from a configuration, which becomes the result's, also on failure. @before, unless it is NULL, is what was in
 * force before: passwords that it remembers are remembered on. */
int kw_web_open_config(struct kw_web_config *config, const struct kw_web *before, struct kw_web **ret_web);

/* Valid as long as @web. */
const struct kw_web_config *kw_web_config_of(const struct kw_web *web);

/* References. NULL is allowed. */
struct kw_web *kw_web_ref(struct kw_web *web);
void kw_web_unref(struct kw_web *web);
KW_DEFINE_CLEANUP(struct kw_web *, kw_web_unref);

bool kw_web_has_tls(const struct kw_web *web);
bool kw_web_has_users(const struct kw_web *web);

/* Prepares a connection; with TLS, before its handshake. @web must outlive the connection. */
void kw_web_connection_begins(const struct kw_web *web, struct MHD_Connection *connection);

/* Whether this request, which came from @address, may be answered. The check of a password is charged to @guesses; without
 * that (NULL) none is done: see kw_web_auth_ask(). */
enum kw_web_answer kw_web_ask(const struct kw_web *web, struct MHD_Connection *connection,
			      struct kw_budget *guesses, const struct kw_source_address *address);

/* Refuses a request that is not KW_WEB_WELCOME. */
enum MHD_Result kw_web_refuse(struct MHD_Connection *connection, enum kw_web_answer answer);

#endif
