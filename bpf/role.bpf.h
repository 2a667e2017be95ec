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

/* Looks at the beginning of the @n bytes that a call has sent or received. */
static __noinline __u32 kw_look_for_role(struct sock *sk, struct kw_scratch *room, __u64 n, enum kw_way way)
{
	struct kw_buffers buffers = {};
	__u32 role = KW_ROLE_UNKNOWN, size;

	room->cursor.used = 0;
	if (kw_locate(sk, way, &buffers))
		return role;
	size = kw_peek(room, &buffers, n);
	if (size)
		role = kw_role_by_message(room->bytes, size, way);
	kw_forget(room);
	return role;
}

/* Is it known on which side the connection's socket is? A call that says so has sent or received @n bytes. If it is the
 * side that is not to be observed, the connection's state is gone, and *ret_observed is 0. */
static __always_inline int kw_has_role(struct kw_connection *c, struct sock *sk, __u64 n, enum kw_way way,
				       int readable, int *ret_observed)
{
	__u32 index = way;
	struct kw_scratch *room;

	*ret_observed = 1;
	if (c->role != KW_ROLE_UNKNOWN)
		return 1;
	room = bpf_map_lookup_elem(&scratch, &index);
	if (room && readable)
		c->role = kw_look_for_role(sk, room, n, way);
	if (c->role == KW_ROLE_UNKNOWN && ++c->http1.looks >= HTTP1_LOOKS) {
		c->http1.protocol = HTTP1_PROTOCOL_OPAQUE;
		kw_guess_role(c);
	}
	if (kw_role_passes(c->role))
		return c->role != KW_ROLE_UNKNOWN;
	bpf_sk_storage_delete(&connections, sk);
	*ret_observed = 0;
	return 0;
}

#endif
