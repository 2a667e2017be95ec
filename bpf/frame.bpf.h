/* SPDX-License-Identifier: GPL-2.0-only */
/* Many calls of an HTTP/2 connection: one frame that means nothing for the connection, which is data that does not end its stream, or
 * its beginning, without the machine's steps. */
#ifndef KEEPWATCH_FRAME_BPF_H
#define KEEPWATCH_FRAME_BPF_H

#include "http2.bpf.h"

/* Is this the header of a frame that @n bytes are of, and is the frame one of data that goes on? */
static __always_inline int kw_is_data_frame(const struct http2_stream *s, const struct http2_stream *other,
					    __u64 n)
{
	__u32 most = other->max_length ? other->max_length : HTTP2_LENGTH_MAX;

	return s->type == HTTP2_TYPE_DATA && !(s->flags & HTTP2_FLAG_END_STREAM) && s->id &&
	       s->length <= most && n >= HTTP2_HEADER_LENGTH && n <= HTTP2_HEADER_LENGTH + s->length;
}

/* If the frame in hand is one of data that goes on, the rest of it may have passed since its beginning did. */
static __always_inline void kw_http2_data_over(struct kw_http2 *h, struct http2_stream *s, __u32 direction,
					       __u64 remain)
{
	if (remain || !s->left || h->passing[direction] != s->left)
		return;
	h->passing[direction] = s->left = 0;
	s->state = HTTP2_AT_HEADER;
}

/* Takes the call in @room whole, if its first bytes show that it can be. */
KW_GLOBAL int kw_http2_frame(struct kw_connection *c, struct kw_http2 *h, struct kw_scratch *room)
{
	struct http2_stream *s, frame = {};
	struct kw_cursor *cursor;
	__u32 direction;

	if (!c || !h || !room)
		return 0;
	cursor = &room->cursor;
	direction = cursor->outcome.direction & 1;
	s = &h->machine.streams[direction];
	kw_http2_data_over(h, s, direction, c->http1.streams[direction].remain);
	if (cursor->used < HTTP2_HEADER_LENGTH || h->passing[direction] || s->state != HTTP2_AT_HEADER ||
	    s->headed || http2_is_due(s) || !s->started || s->blocks & HTTP2_BLOCK_OPEN)
		return 0;
	frame.length = http2_word(room->bytes) >> 8;
	frame.type = room->bytes[3];
	frame.flags = room->bytes[4];
	frame.id = http2_word(room->bytes + 5) & HTTP2_ID_MAX;
	if (!kw_is_data_frame(&frame, &h->machine.streams[!direction], cursor->left))
		return 0;
	s->length = frame.length;
	s->type = frame.type;
	s->flags = frame.flags;
	s->id = frame.id;
	s->left = frame.length + HTTP2_HEADER_LENGTH - cursor->left;
	s->state = s->left ? HTTP2_AT_PASS : HTTP2_AT_HEADER;
	h->passing[direction] = c->http1.streams[direction].remain = s->left;
	kw_take(cursor, cursor->left);
	return 0;
}

#endif
