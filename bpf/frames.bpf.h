/* SPDX-License-Identifier: GPL-2.0-only */
/* A protocol of frames: their headers are read, by a program of its own, and their bodies pass as those of HTTP do. For
 * that both streams of the HTTP machine, which has no other use for them then, are in state HTTP1_FRAME. */
#ifndef KEEPWATCH_FRAMES_BPF_H
#define KEEPWATCH_FRAMES_BPF_H

#include "capture.bpf.h"
#include "../include/http2/join.h"

/* Are the connection's frames followed? */
static __always_inline int kw_is_framed(const struct kw_connection *c)
{
	return c->http1.protocol > HTTP1_PROTOCOL_HTTP1 &&
	       c->http1.streams[HTTP1_REQUESTS].state == HTTP1_FRAME;
}

/* From here on they are. */
static __always_inline void kw_begin_frames(struct kw_connection *c)
{
	for (__u32 i = 0; i < 2; i++) {
		c->http1.streams[i].remain = 0;
		c->http1.streams[i].state = HTTP1_FRAME;
	}
}

/* The frames are not followed any more: all that comes passes. */
static __always_inline void kw_end_frames(struct kw_connection *c)
{
	c->http1.streams[HTTP1_REQUESTS].state = c->http1.streams[HTTP1_RESPONSES].state = HTTP1_TUNNEL;
}

/* Are the @n bytes of a call those that were left of a frame, or fewer? */
static __always_inline int kw_ends_frame(const struct kw_connection *c, enum kw_way way, __u64 n)
{
	return kw_is_framed(c) && n <= c->http1.streams[kw_direction(c->role, way) & 1].remain;
}

/* A server may discard unread, as lighttpd does, the bytes that come behind its own FIN: the alert that answers its own, a
 * second GOAWAY, or what comes too late. */
static __always_inline int kw_is_discarding(const struct kw_connection *c, enum kw_way way)
{
	return way == KW_RECEIVED && c->role == KW_ROLE_SERVER && (c->ending.acts & 1 << KW_ACT_LOCAL_FIN);
}

/* @n bytes pass without a look. Where that is more than is left of a frame, a header was among them. */
static __always_inline void kw_pass_frame(struct kw_connection *c, enum kw_way way, __u64 n)
{
	struct http1_stream *s = &c->http1.streams[kw_direction(c->role, way) & 1];

	if (!kw_is_framed(c))
		return;
	if (n <= s->remain) {
		s->remain -= n;
	} else if (kw_is_discarding(c, way)) {
		s->remain = 0;
		c->sides[HTTP1_REQUESTS].flags |= KW_HTTP_DISCARDED;
	} else {
		kw_end_frames(c);
	}
}

/* Does the call in @room begin with an HTTP/2 frame, for certain? Not if a part of it has been taken already. */
KW_GLOBAL int kw_begins_frame(struct kw_scratch *room)
{
	__u32 size;

	if (!room)
		return 0;
	size = kw_peek(room, room->cursor.left);
	return http2_begins_frame(room->bytes, size, room->cursor.left, room->cursor.outcome.direction & 1);
}

/* Has a connection just been found to carry @protocol, from its first byte on? */
static __always_inline int kw_may_follow(const struct kw_connection *c, enum http1_protocol protocol)
{
	return c->http1.protocol == protocol && c->http1.streams[HTTP1_REQUESTS].state != HTTP1_TUNNEL &&
	       (!c->identity.preexisting || protocol == HTTP1_PROTOCOL_H2C) && c->role != KW_ROLE_UNKNOWN;
}

#endif
