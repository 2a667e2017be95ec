/* SPDX-License-Identifier: BSD-2-Clause */
/* How the status page is answered: whom, and with what it may do in a browser. */
#ifndef KEEPWATCH_PAGE_REPLY_H
#define KEEPWATCH_PAGE_REPLY_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

/* Makes the page, whose style and script bear @nonce; or, if that is NULL, the part of it that changes. The
 * caller frees it. 0 or -errno. */
typedef int (*kw_page_fn)(void *context, const char *nonce, char **ret_text, size_t *ret_length);

struct kw_page_reply {
	kw_page_fn page;
	void *context;
	bool loopback; /* it is served at a loopback address */
};

/* Answers a GET or HEAD for /. */
enum MHD_Result kw_page_reply(const struct kw_page_reply *reply, struct MHD_Connection *connection);

#endif
