/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The chunked coding: RFC 9112 section 7.1. */
#ifndef KEEPWATCH_HTTP1_CHUNKS_H
#define KEEPWATCH_HTTP1_CHUNKS_H

#include "framing.h"

KW_INLINE void http1_chunk_size_end(struct http1_stream *s)
{
	s->remain = s->number;
	s->number = 0;
	s->phase = 0;
	s->state = s->remain ? HTTP1_CHUNK_DATA : HTTP1_TRAILER_START;
}

KW_INLINE void http1_chunk_words(struct http1_stream *s)
{
	s->errors |= 1 << HTTP1_ERROR_CHUNK_WORDS;
	s->state = HTTP1_CHUNK_EXTENSION;
}

KW_INLINE __s32 http1_hex_digit(__u8 byte)
{
	if (http1_is_digit(byte))
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Behind the digits: white space, then an extension or the line's end; peers skip other words there too. Returns 0
 * where something else is. */
KW_INLINE int http1_chunk_size_tail(struct http1_stream *s, __u8 byte)
{
	if (s->phase == HTTP1_SIZE_EMPTY || (s->phase == HTTP1_SIZE_CR && byte != '\n'))
		return 0;
	if (byte == '\n')
		http1_chunk_size_end(s);
	else if (byte == '\r')
		s->phase = HTTP1_SIZE_CR;
	else if (http1_is_space(byte))
		s->phase = HTTP1_SIZE_SPACE;
	else if (byte == ';')
		s->state = HTTP1_CHUNK_EXTENSION;
	else if (s->phase == HTTP1_SIZE_SPACE)
		http1_chunk_words(s);
	else
		return 0;
	return 1;
}

/* A byte of a chunk's size, or behind it. Returns 0 where something else stands there. */
KW_GLOBAL int http1_chunk_size_byte(struct http1_stream *s, __u8 byte)
{
	__s32 digit = http1_hex_digit(byte);

	if (!s)
		return 0;
	if (digit >= 0 && s->phase <= HTTP1_SIZE_DIGITS && s->number <= HTTP1_LENGTH_MAX >> 4) {
		s->number = s->number << 4 | digit;
		s->phase = HTTP1_SIZE_DIGITS;
		return 1;
	}
	return (digit < 0 || s->phase == HTTP1_SIZE_SPACE) && http1_chunk_size_tail(s, byte);
}

KW_INLINE __u32 http1_step_chunk_size(struct http1_connection *c, struct http1_stream *s, const __u8 *p,
				      __u32 n, __u32 *event)
{
	for (__u32 i = 0; i < HTTP1_BITE; i++) {
		if (i >= n)
			return n;
		if (!http1_chunk_size_byte(s, p[i]))
			*event = http1_malformed(c, s, HTTP1_ERROR_CHUNK);
		if (s->state != HTTP1_CHUNK_SIZE)
			return i + 1;
	}
	return HTTP1_BITE;
}

/* Skips to the end of a line: of a status line, a field, a trailer field, a chunk's size with extensions. */
KW_INLINE __u32 http1_step_line(struct http1_stream *s, const __u8 *p, __u32 n)
{
	__u32 taken = http1_find(p, n, '\n', '\n', '\n');

	if (taken > n)
		return n;
	if (s->state == HTTP1_CHUNK_EXTENSION) {
		http1_chunk_size_end(s);
	} else if (s->state == HTTP1_TRAILER) {
		s->phase = 0;
		s->state = HTTP1_TRAILER_START;
	} else {
		s->state = HTTP1_FIELD_START;
	}
	return taken;
}

KW_INLINE __u32 http1_step_chunk_end(struct http1_connection *c, struct http1_stream *s, const __u8 *p,
				     __u32 *event)
{
	if (p[0] == '\n') {
		s->state = HTTP1_CHUNK_SIZE;
		s->phase = HTTP1_SIZE_EMPTY;
	} else if (p[0] == '\r' && !s->phase) {
		s->phase = 1;
	} else {
		*event = http1_malformed(c, s, HTTP1_ERROR_CHUNK);
	}
	return 1;
}

KW_INLINE __u32 http1_step_trailer_start(struct http1_connection *c, struct http1_stream *s, int responses,
					 const __u8 *p, __u32 *event)
{
	if (p[0] == '\n')
		*event = http1_message_end(c, s, responses);
	else if (p[0] == '\r' && !s->phase)
		s->phase = 1;
	else
		s->state = HTTP1_TRAILER;
	return 1;
}

#endif
