/* SPDX-License-Identifier: GPL-2.0-only */
/* The start: connections that are older than the observer, and the listeners that tell whose side they are. */
#ifndef KEEPWATCH_OLDER_BPF_H
#define KEEPWATCH_OLDER_BPF_H

#include "lifecycle.bpf.h"

static __always_inline void kw_note_listener(struct sock *sk)
{
	struct kw_listener listener = {
		.netns = kw_netns_of(sk),
		.port = sk->__sk_common.skc_num,
	};
	__u8 yes = 1;

	bpf_map_update_elem(&listeners, &listener, &yes, BPF_ANY);
}

static __always_inline int kw_is_listened_on(struct sock *sk, __u16 port)
{
	struct kw_listener listener = {.netns = kw_netns_of(sk), .port = port};

	return bpf_map_lookup_elem(&listeners, &listener) != NULL;
}

/* Where nobody listens on either port, here, the first message will tell the sides apart. */
static __always_inline __u8 kw_role_by_listener(struct sock *sk, __u16 local, __u16 remote)
{
	if (kw_is_listened_on(sk, local))
		return KW_ROLE_SERVER;
	return kw_is_listened_on(sk, remote) ? KW_ROLE_CLIENT : KW_ROLE_UNKNOWN;
}

/* Fresh state for a connection whose beginning was not seen: it is followed from where it stands. */
static __always_inline struct kw_connection *kw_take_up(struct sock *sk, __u8 role)
{
	struct kw_connection *c = kw_create(sk, role, sk->__sk_common.skc_state, 1);

	if (!c)
		return NULL;
	c->identity.preexisting = 1;
	http1_init_midway(&c->http1);
	kw_taint(&c->sides[HTTP1_REQUESTS], KW_TAINT_PREEXISTING);
	kw_base_midway(c, sk);
	c->opened = c->established = bpf_ktime_get_ns();
	if (sk->__sk_common.skc_state == TCP_CLOSE_WAIT)
		kw_peer_fin(c, sk);
	return c;
}

static __always_inline void kw_note_older(struct sock *sk)
{
	__u16 local = sk->__sk_common.skc_num, remote = bpf_ntohs(sk->__sk_common.skc_dport);
	__u8 role = kw_role_by_listener(sk, local, remote);
	struct kw_connection *c;

	if (kw_find(sk) || !kw_role_passes(role) || !kw_port_passes(local, remote))
		return;
	c = kw_take_up(sk, role);
	if (c && !kw_net_passes(&c->identity))
		kw_abandon(c, sk);
}

/* A connection without state has sent or received: no program saw its beginning. It gets its state now, behind these bytes;
 * the next message says on which side its socket is. */
static __always_inline void kw_adopt(struct sock *sk)
{
	struct kw_states *s = kw_states();

	if (!kw_port_passes(sk->__sk_common.skc_num, bpf_ntohs(sk->__sk_common.skc_dport)))
		return;
	if (kw_take_up(sk, KW_ROLE_UNKNOWN) && s)
		kw_count(&s->adopted, 1);
}

static __always_inline struct sock *kw_socket_of(struct file *file)
{
	struct socket *socket = bpf_sock_from_file(file);

	return socket ? socket->sk : NULL;
}

#endif
