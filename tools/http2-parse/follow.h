/* SPDX-License-Identifier: BSD-2-Clause */
/* http2-parse: a connection on its way through the HTTP/2 machine, with the frames in hand and its streams. */
#ifndef KEEPWATCH_HTTP2_PARSE_FOLLOW_H
#define KEEPWATCH_HTTP2_PARSE_FOLLOW_H

#include <stdbool.h>
#include <stdio.h>

#include <uthash.h>

#include "include/http2.h"

/* A stream, as the machine's events told of it. */
struct kw_http2_story {
	UT_hash_handle hh;
	__u32 id;
	__u16 status;  /* of its latest response head; 0: not known, or there was none */
	bool head;     /* a response head was complete */
	bool ended[2]; /* by enum http2_direction: by END_STREAM */
	int reset_by;  /* enum http2_direction; -1: not reset before it was finished */
	__u8 code;     /* enum http2_code, if it was */
};

struct kw_http2_follow {
	struct http2_connection connection;
	bool frame[2]; /* by enum http2_direction: a frame has begun and is not printed yet */

	struct kw_http2_story *stories; /* owned, by id */
	FILE *output;
};

/* Initialises *ret_follow, which prints to @output, of another owner. @upgraded: stream 1 came by HTTP/1.1. */
void kw_http2_follow_begin(struct kw_http2_follow *ret_follow, bool upgraded, FILE *output);

/* @n bytes at @bytes have passed, which are readable and nothing behind them need be. Prints the frames that end. */
void kw_http2_follow_feed(struct kw_http2_follow *follow, enum http2_direction direction, const __u8 *bytes,
			  size_t n);

/* The connection has ended: prints frames that were cut, streams by their ids, and the connection; frees all. */
void kw_http2_follow_end(struct kw_http2_follow *follow);

/* In json.c: print one line each. */
void kw_http2_write_frame(const struct kw_http2_follow *follow, enum http2_direction direction, bool complete);
void kw_http2_write_lost(const struct kw_http2_follow *follow, enum http2_direction direction);
void kw_http2_write_story(const struct kw_http2_follow *follow, const struct kw_http2_story *story);
void kw_http2_write_connection(const struct kw_http2_follow *follow);

#endif
