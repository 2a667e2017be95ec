/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finding the way again, on a connection whose start was not seen or whose framing was lost. */
#ifndef KEEPWATCH_HTTP1_RESYNC_H
#define KEEPWATCH_HTTP1_RESYNC_H

#include "framing.h"

/* Does this call begin with a method, SP, and what a target may begin with? Methods that are in use have
 * capital letters, and VERSION-CONTROL a hyphen. */
#define HTTP1_METHOD_LEAST 3
#define HTTP1_METHOD_MOST 20

KW_INLINE int http1_begins_request(const __u8 *p, __u32 n)
{
	__u32 at = 0;

	for (__u32 i = 0; i < HTTP1_METHOD_MOST && i < n; i += 8) {
		__u64 marks = http1_no_capitals(http1_load(p + i, n - i));

		if (marks) {
			at = (i + http1_first_marked(marks) - 1) & (HTTP1_WINDOW - 1);
			break;
		}
	}
	if (at < HTTP1_METHOD_LEAST || at >= HTTP1_METHOD_MOST || at + 1 >= n || p[at] != ' ')
		return 0;
	return p[at + 1] == '/' || p[at + 1] == '*' || http1_is_token(p[at + 1]);
}

KW_INLINE int http1_begins_response(const __u8 *p, __u32 n)
{
	return n >= 8 && (kw_load64(p) & ~(0xffULL << 56)) == HTTP1_WORD_AT("HTTP/1.", 0);
}

/* A response is taken up again only after a request that was seen whole: it is the answer to the latest. */
KW_INLINE __u32 http1_step_resync(struct http1_connection *c, struct http1_stream *s, int responses,
				  const __u8 *p, __u32 n, __u32 *event)
{
	s->number = 0;
	if (responses && c->pushed != s->mark && http1_begins_response(p, n)) {
		c->popped = c->pushed - 1;
		*event = http1_begin(s, responses);
		return 0;
	}
	if (!responses && http1_begins_request(p, n)) {
		if (c->streams[HTTP1_RESPONSES].state == HTTP1_START)
			c->popped = c->pushed;
		*event = http1_begin(s, responses);
		return 0;
	}
	s->state = HTTP1_LOST;
	if (c->protocol == HTTP1_PROTOCOL_NONE && ++c->looks >= HTTP1_LOOKS)
		*event = http1_not_http(c, s, HTTP1_PROTOCOL_OPAQUE);
	return n;
}

#endif
