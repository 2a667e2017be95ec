/* SPDX-License-Identifier: BSD-2-Clause */
/* How the metrics server may be asked, and by whom: made of the file of --web-config as a whole, and not changed
 * any more. When the file is read again there is another one; connections keep the one they began with until they
 * end. */
#ifndef KEEPWATCH_WEB_H
#define KEEPWATCH_WEB_H

#include <microhttpd.h>
#include <stdbool.h>

#include "base/cleanup.h"

struct kw_web;

/* Reads the file @path, and the certificate and key it names; NULL: no TLS, and everybody may ask. 0, or -errno
 * and one line has been logged. */
int kw_web_open(const char *path, struct kw_web **ret_web);

/* References. NULL is allowed. */
struct kw_web *kw_web_ref(struct kw_web *web);
void kw_web_unref(struct kw_web *web);
KW_DEFINE_CLEANUP(struct kw_web *, kw_web_unref);

bool kw_web_has_tls(const struct kw_web *web);
bool kw_web_has_users(const struct kw_web *web);

/* Prepares a connection, before its handshake if there is TLS. @web must last until its end. */
void kw_web_connection_begins(const struct kw_web *web, struct MHD_Connection *connection);

/* True if this request may be answered. Otherwise it has been refused, with this result. */
bool kw_web_lets_in(struct kw_web *web, struct MHD_Connection *connection, enum MHD_Result *ret_result);

#endif
