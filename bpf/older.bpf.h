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

/* The shortest time after which the kernel probes a silent peer is 1 s. An acknowledgement that came sooner is that of data. */
#define KW_PROBE_LEAST_US 1000000U

/* Data went and came within one tick of the clock. If the peer's latest segment brought data, and all that was sent here is
 * acknowledged, the peer was the last. If it was a bare acknowledgement of data, this side was. */
static __always_inline enum kw_sender kw_last_sender_in_tick(struct sock *sk, const struct tcp_sock *tcp)
{
	__u32 acknowledged_after = tcp->rcv_tstamp - tcp->lsndtime;

	if (tcp->write_seq != tcp->snd_una)
		return KW_SENDER_UNKNOWN;
	if ((__s32)(tcp->snd_wl1 - kw_arrived(sk, tcp)) < 0)
		return KW_SENDER_PEER;
	return acknowledged_after < KW_PROBE_LEAST_US / kw_config.tick_us ? KW_SENDER_LOCAL : KW_SENDER_UNKNOWN;
}

/* Which side sent data last? TCP's times say it: only segments with data move them. Both were set when the connection was
 * established, so they say nothing before data has gone both ways; connect()'s SYN counts as one byte. Asked now, because
 * the peer's FIN will hide which of its segments brought data. */
static __always_inline enum kw_sender kw_last_sender(struct sock *sk)
{
	const struct tcp_sock *tcp = kw_tcp(sk);
	__s32 later;

	if (!tcp || sk->__sk_common.skc_state != TCP_ESTABLISHED || tcp->bytes_acked <= 1 ||
	    !tcp->bytes_received)
		return KW_SENDER_UNKNOWN;
	later = tcp->inet_conn.icsk_ack.lrcvtime - tcp->lsndtime;
	if (!later)
		return kw_last_sender_in_tick(sk, tcp);
	return later > 0 ? KW_SENDER_PEER : KW_SENDER_LOCAL;
}

static __always_inline void kw_note_older(struct sock *sk)
{
	__u16 local = sk->__sk_common.skc_num, remote = bpf_ntohs(sk->__sk_common.skc_dport);
	__u8 role = kw_role_by_listener(sk, local, remote);
	struct kw_connection *c;

	if (kw_find(sk) || !kw_role_passes(role) || !kw_place_passes(sk))
		return;
	c = kw_take_up(sk, role);
	if (!c)
		return;
	if (role != KW_ROLE_UNKNOWN) /* a guess at the end would not do: it may be wrong */
		c->ending.last_sender = kw_last_sender(sk);
	if (!kw_net_passes(&c->identity))
		kw_abandon(c, sk);
}

/* A connection without state has sent or received: no program saw its beginning. It gets its state now, behind these bytes;
 * the next message says on which side its socket is. */
static __always_inline void kw_adopt(struct sock *sk)
{
	struct kw_states *s = kw_states();

	if (!kw_place_passes(sk))
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
