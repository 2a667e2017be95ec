/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A connection that is older than the observer is joined where a frame begins, as soon as that is certain: its preface has passed
 * long ago. */
#ifndef KEEPWATCH_HTTP2_JOIN_H
#define KEEPWATCH_HTTP2_JOIN_H

#include "frames.h"

/* The flags that frames of a type may have (RFC 9113 section 6). */
KW_INLINE __u8 http2_flags_of(__u8 type)
{
	switch (type) {
	case HTTP2_TYPE_DATA:
		return HTTP2_FLAG_END_STREAM | HTTP2_FLAG_PADDED;
	case HTTP2_TYPE_HEADERS:
		return HTTP2_FLAG_END_STREAM | HTTP2_FLAG_END_HEADERS | HTTP2_FLAG_PADDED | HTTP2_FLAG_PRIORITY;
	case HTTP2_TYPE_SETTINGS:
	case HTTP2_TYPE_PING:
		return HTTP2_FLAG_ACK;
	default:
		return 0;
	}
}

/* A type, so that the verifier knows its size in a function of its own. */
struct http2_header {
	__u8 bytes[HTTP2_HEADER_LENGTH];
};

/* Can this be the header of a frame that begins a call of @direction? Stricter than the protocol: lengths are those that every
 * endpoint accepts, and frames whose meaning needs one before them begin nothing. */
KW_GLOBAL int http2_may_begin(const struct http2_header *header, enum http2_direction direction)
{
	struct http2_stream s = {0};

	if (!header)
		return 0;
	s.length = http2_word(header->bytes) >> 8;
	s.type = header->bytes[3];
	s.flags = header->bytes[4];
	s.id = http2_word(header->bytes + 5);
	return s.length <= HTTP2_LENGTH_LEAST && s.type < HTTP2_TYPE_CONTINUATION &&
	       !(s.flags & ~http2_flags_of(s.type)) && s.id <= HTTP2_ID_MAX && http2_is_length(&s) &&
	       http2_is_id(&s, direction);
}

/* Do the @n bytes at @p, of a call of @size, begin with a frame for certain? The frame ends where the call ends, or where another
 * one may begin; by chance that happens to one of 2^40 calls of random bytes. */
KW_INLINE int http2_begins_frame(const __u8 *p, __u32 n, __u64 size, enum http2_direction direction)
{
	__u32 next;

	if (n < HTTP2_HEADER_LENGTH || !http2_may_begin((const struct http2_header *)p, direction))
		return 0;
	next = HTTP2_HEADER_LENGTH + (http2_word(p) >> 8);
	if (next == size)
		return 1;
	KW_OPAQUE(next);
	if (next > HTTP2_JOIN_MOST || next + HTTP2_HEADER_LENGTH > n)
		return 0;
	return http2_may_begin((const struct http2_header *)(p + next), direction);
}

/* A side of a connection that was found within: nothing of it is followed before http2_join(). */
KW_INLINE void http2_init_midway(struct http2_stream *s)
{
	s->state = HTTP2_AT_OUTSIDE;
	s->midway = 1;
}

/* A frame begins with the side's next byte. */
KW_INLINE void http2_join(struct http2_stream *s)
{
	s->state = HTTP2_AT_HEADER;
	s->started = 1;
}

#endif
