/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose side a connection older than the observer is. A listening socket says so, while there is one: see
 * kw_note_older(). Where it had gone by then (a server that drains), the first message decides. */
#ifndef KEEPWATCH_ROLE_BPF_H
#define KEEPWATCH_ROLE_BPF_H

#include "capture.bpf.h"

/* Does a message begin at the @size bytes at @p, which have been sent or received? */
static __always_inline __u8 kw_role_by_message(const __u8 *p, __u32 size, enum kw_way way)
{
	if (http1_begins_request(p, size))
		return way == KW_SENT ? KW_ROLE_CLIENT : KW_ROLE_SERVER;
	if (http1_begins_response(p, size))
		return way == KW_SENT ? KW_ROLE_SERVER : KW_ROLE_CLIENT;
	return KW_ROLE_UNKNOWN;
}

/* The role that the beginning of a call's bytes tells. */
static __always_inline __u8 kw_role_by_call(struct kw_scratch *room)
{
	__u32 size = room->cursor.blind ? 0 : kw_peek(room, room->cursor.left);

	return size ? kw_role_by_message(room->bytes, size, room->cursor.way) : KW_ROLE_UNKNOWN;
}

/* A call did not tell the role. After many of them it is guessed, and the connection is taken for something else than HTTP. */
static __always_inline void kw_role_missed(struct kw_connection *c)
{
	if (++c->http1.looks < HTTP1_LOOKS)
		return;
	c->http1.protocol = HTTP1_PROTOCOL_OPAQUE;
	kw_guess_role(c);
}

/* Finds by the call in @room on which side the connection's socket is. Returns whether that is known, and is a side to be
 * observed; the state of a connection on the other side is gone. */
static __always_inline int kw_has_role(struct kw_connection *c, struct sock *sk, struct kw_scratch *room)
{
	if (c->role != KW_ROLE_UNKNOWN)
		return 1;
	c->role = kw_role_by_call(room);
	if (c->role == KW_ROLE_UNKNOWN)
		kw_role_missed(c);
	if (kw_role_passes(c->role))
		return c->role != KW_ROLE_UNKNOWN && c->http1.protocol <= HTTP1_PROTOCOL_HTTP1;
	kw_abandon(c, sk);
	return 0;
}

#endif
