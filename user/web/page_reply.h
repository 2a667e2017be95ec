/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer for the status page, and the limits that a browser puts on it. */
#ifndef KEEPWATCH_PAGE_REPLY_H
#define KEEPWATCH_PAGE_REPLY_H

#include <microhttpd.h>
#include <stddef.h>

/* Puts the frame, whose style and script carry @nonce, around the part of the page that changes. The caller frees *ret_text.
 * Returns 0 or -errno. */
typedef int (*kw_page_frame_fn)(const char *main, const char *nonce, char **ret_text, size_t *ret_length);

/* Answers a GET or HEAD for /, with @main as the part that changes. Returns NULL if memory runs out; otherwise the caller
 * owns the reference. */
struct MHD_Response *kw_page_reply(kw_page_frame_fn frame, const char *main, struct MHD_Connection *connection);

#endif
