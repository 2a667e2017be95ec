/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer for the status page: who may get it, and the limits that a browser puts on it. */
#ifndef KEEPWATCH_PAGE_REPLY_H
#define KEEPWATCH_PAGE_REPLY_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

/* Writes the page, whose style and script carry @nonce; or, if @nonce is NULL, only the part of it that changes. The
 * caller frees *ret_text. Returns 0 or -errno. */
typedef int (*kw_page_fn)(void *context, const char *nonce, char **ret_text, size_t *ret_length);

struct kw_page_reply {
	kw_page_fn page;
	void *context;
	bool loopback; /* the server listens on a loopback address */
};

/* Answers a GET or HEAD for /. */
enum MHD_Result kw_page_reply(const struct kw_page_reply *reply, struct MHD_Connection *connection);

#endif
