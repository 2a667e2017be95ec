/* SPDX-License-Identifier: BSD-2-Clause */
/* http1-parse: one direction of one connection, fed piece by piece, written out message by message. */
#ifndef KEEPWATCH_HTTP1_PARSE_STREAM_H
#define KEEPWATCH_HTTP1_PARSE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "include/http1.h"

#define KW_PARSE_NAMES 8 /* hop-by-hop names kept of a message */

/* Facts about the current message that the machine itself does not keep. */
struct kw_parse_message {
	bool open;       /* the message has begun and is not written yet */
	bool start_line; /* its start line was understood */
	bool head;       /* its head is complete: framing and persistence are known */
	size_t name_count;
	char names[KW_PARSE_NAMES][HTTP1_WORD + 1]; /* lower case, printable ASCII */
};

struct kw_parse_stream {
	struct http1_connection connection;
	enum http1_direction direction;
	const char *methods; /* of the requests, separated by commas, not used up yet; or NULL. Not owned. */
	struct kw_parse_message message;
	bool over; /* the stream is not HTTP/1.x, so the rest is ignored */
	FILE *output;
};

/* Makes @ret_stream ready for its first byte. @methods: tokens separated by commas, the methods of the requests
 * that the responses answer, or NULL; both pointers are borrowed for as long as the stream is used. */
void kw_parse_begin(struct kw_parse_stream *ret_stream, enum http1_direction direction, const char *methods,
		    FILE *output);

/* Takes the next @n bytes and writes each message that they complete. Does not read beyond them. */
void kw_parse_feed(struct kw_parse_stream *stream, const __u8 *bytes, size_t n);

/* Ends the input and writes the open message. @closed: the connection was closed, so a body without a length is
 * complete. */
void kw_parse_end(struct kw_parse_stream *stream, bool closed);

/* Writes the open message as one JSON object and a newline. @complete: it has ended as it should. */
void kw_parse_write(const struct kw_parse_stream *stream, bool complete);

/* Writes the protocol of a stream that is not HTTP/1.x. */
void kw_parse_write_foreign(const struct kw_parse_stream *stream);

#endif
