/* SPDX-License-Identifier: BSD-2-Clause */
/* Access to the metrics server: its TLS settings and its users, as the file of --web-config has them. A struct kw_web
 * never changes. When the file is read again, new connections get a new one; older connections keep theirs until they
 * end. */
#ifndef KEEPWATCH_WEB_H
#define KEEPWATCH_WEB_H

#include <microhttpd.h>
#include <stdbool.h>

struct kw_web;

/* Reads the file @path, and the certificate and key that it names. A @path of NULL means no TLS and no passwords.
 * Returns 0, or -errno after logging one line. */
int kw_web_open(const char *path, struct kw_web **ret_web);

/* References. NULL is allowed. */
struct kw_web *kw_web_ref(struct kw_web *web);
void kw_web_unref(struct kw_web *web);

bool kw_web_has_tls(const struct kw_web *web);
bool kw_web_has_users(const struct kw_web *web);

/* Prepares a connection; with TLS, before its handshake. @web must outlive the connection. */
void kw_web_connection_begins(const struct kw_web *web, struct MHD_Connection *connection);

/* True if this request may be answered. Otherwise it has been refused, with this result. */
bool kw_web_lets_in(struct kw_web *web, struct MHD_Connection *connection, enum MHD_Result *ret_result);

#endif
