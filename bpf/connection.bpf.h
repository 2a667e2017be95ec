/* SPDX-License-Identifier: GPL-2.0-only */
/* A connection's state: how it begins, whose it is, and where its streams stand. */
#ifndef KEEPWATCH_CONNECTION_BPF_H
#define KEEPWATCH_CONNECTION_BPF_H

#include "watch.bpf.h"
#include "waker.bpf.h"
#include "kernel.bpf.h"

static __always_inline struct kw_connection *kw_find(struct sock *sk)
{
	return bpf_sk_storage_get(&connections, sk, NULL, 0);
}

/* ---- filters: a connection that does not pass them gets no state, and costs no more than a look-up ---- */

KW_GLOBAL int kw_port_passes(__u32 local, __u32 remote)
{
	__u32 count = kw_config.port_count;

	for (__u32 i = 0; i < KW_PORTS && i < count; i++)
		if (kw_config.ports[i] == local || kw_config.ports[i] == remote)
			return 1;
	return !count;
}

static __always_inline int kw_netns_passes(const struct sock *sk)
{
	return !kw_config.netns || kw_config.netns == kw_netns_of(sk);
}

/* Filters that ask for things a socket shows before it has state: its ports and its network namespace. */
static __always_inline int kw_place_passes(const struct sock *sk)
{
	return kw_netns_passes(sk) &&
	       kw_port_passes(sk->__sk_common.skc_num, bpf_ntohs(sk->__sk_common.skc_dport));
}

KW_GLOBAL int kw_net_passes(const struct kw_identity *identity)
{
	if (!kw_config.filter_net || !identity)
		return 1;
	for (__u32 i = 0; i < sizeof(identity->remote); i++)
		if ((identity->remote[i] & kw_config.net_mask[i]) != kw_config.net[i])
			return 0;
	return 1;
}

KW_GLOBAL int kw_owner_passes(const struct kw_identity *identity)
{
	if (!identity || (!kw_config.pid && !kw_config.filter_comm))
		return 1;
	if (kw_config.pid && kw_config.pid != identity->pid)
		return 0;
	if (!kw_config.filter_comm)
		return 1;
	for (__u32 i = 0; i < KW_COMM; i++) {
		if (identity->comm[i] != kw_config.comm[i])
			return 0;
		if (!identity->comm[i])
			break;
	}
	return 1;
}

static __always_inline int kw_role_passes(__u8 role)
{
	return kw_config.role == KW_ROLE_UNKNOWN || role == KW_ROLE_UNKNOWN || kw_config.role == role;
}

/* ---- identity ------------------------------------------------------------------------------------ */

static __always_inline void kw_map_ipv4(__u8 *address, __be32 ipv4)
{
	*(__u64 *)address = 0;
	*(__u32 *)(address + 8) = bpf_htonl(0xffff);
	*(__u32 *)(address + 12) = ipv4;
}

/* Addresses and ports, as they are from ESTABLISHED on; while connecting, the local ones may be missing. */
static __always_inline void kw_read_tuple(struct kw_identity *identity, struct sock *sk)
{
	struct sock_common *common = &sk->__sk_common;

	if (common->skc_family == AF_INET) {
		kw_map_ipv4(identity->local, common->skc_rcv_saddr);
		kw_map_ipv4(identity->remote, common->skc_daddr);
	} else {
		BPF_CORE_READ_INTO(&identity->local, common, skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&identity->remote, common, skc_v6_daddr);
	}
	identity->local_port = common->skc_num;
	identity->remote_port = bpf_ntohs(common->skc_dport);
}

/* Returns whether the connections of @task are to be observed. */
static __always_inline int kw_own_by(struct kw_connection *c, struct task_struct *task)
{
	struct task_struct *plain = KW_UNTRUSTED(task);

	c->identity.pid = plain->tgid;
	c->owned = 1;
	c->identity.cgroup = plain->cgroups->dfl_cgrp->kn->id;
	bpf_probe_read_kernel_str(c->identity.comm, sizeof(c->identity.comm), plain->group_leader->comm);
	return kw_owner_passes(&c->identity);
}

/* The state @c has ended: called once for each. */
static __always_inline void kw_count_ended(void)
{
	struct kw_states *s = kw_states();

	if (s)
		kw_count(&s->ended, 1);
}

/* The connection of @sk is not to be observed after all: its state goes, and @c with it. */
static __always_inline void kw_abandon(struct kw_connection *c, struct sock *sk)
{
	if (c->turn != KW_TURN_LAST)
		kw_count_ended();
	bpf_sk_storage_delete(&connections, sk);
}

/* Is @task keepwatch, closing what somebody else had closed? */
static __always_inline int kw_is_iterator(const struct task_struct *task)
{
	return kw_iterating && task->tgid == kw_self;
}

/* The current task is the owner: called only where it is the one that acts on the socket.
 * Returns 0 if the connection is not to be observed after all: its state is gone then. */
static __always_inline int kw_own(struct kw_connection *c, struct sock *sk)
{
	struct task_struct *task;

	if (c->owned)
		return 1;
	task = bpf_get_current_task_btf();
	if (kw_is_iterator(task) || kw_own_by(c, task))
		return 1;
	kw_abandon(c, sk);
	return 0;
}

/* The current task does something by which it learns that the connection ends. If that fails a request of its own, the task may
 * wake another one that answers for it: see kw_waker(). */
KW_GLOBAL int kw_learn_end(struct kw_connection *c)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!c || kw_is_iterator(task))
		return 0;
	c->notice.last = bpf_ktime_get_ns();
	if (!c->notice.time)
		c->notice.time = c->notice.last;
	c->notice.thread = (__u32)bpf_get_current_pid_tgid();
	if (c->role != KW_ROLE_SERVER &&
	    (!c->established || c->http.counts.requests_begun > c->http.counts.responses_ended))
		kw_remember_learner(task);
	return 0;
}

/* The identity as events carry it. */
static __always_inline void kw_identify(const struct kw_connection *c, struct kw_identity *ret_identity)
{
	*ret_identity = c->identity;
	ret_identity->role = c->role;
}

/* For a connection older than the observer on which no message was seen: servers have the lower port, because
 * ephemeral ports begin at 32768. */
static __always_inline void kw_guess_role(struct kw_connection *c)
{
	if (c->role == KW_ROLE_UNKNOWN)
		c->role = c->identity.local_port < c->identity.remote_port ? KW_ROLE_SERVER : KW_ROLE_CLIENT;
}

static __always_inline __u32 kw_direction(__u8 role, enum kw_way way)
{
	return (role == KW_ROLE_CLIENT) == way == KW_SENT ? HTTP1_REQUESTS : HTTP1_RESPONSES;
}

/* ---- positions ----------------------------------------------------------------------------------- */

/* A sequence number as a stream position: it lies within 2 GiB of @near, which is one already. A place
 * before the first position (of a connection that is older than the observer) counts as the first. */
static __always_inline __u64 kw_position(__u32 sequence, __u32 base, __s64 near)
{
	__s64 position = near + (__s32)(sequence - (base + (__u32)near));

	return position < 0 ? 0 : position;
}

/* Sequence numbers wrap after 4 GiB; TCP's counts of the bytes acknowledged and received do not, and move with snd_una
 * and rcv_nxt (tcp_snd_una_update(), tcp_rcv_nxt_update()). So a count says near which position its sequence number
 * lies. The two may be read at different moments, which does no harm: the sequence number alone decides where exactly. */
static __always_inline __u64 kw_tx_position(const struct kw_connection *c, const struct tcp_sock *tcp,
					    __u32 sequence)
{
	return kw_position(sequence, c->tx_base, tcp->bytes_acked - c->tx_start);
}

static __always_inline __u64 kw_rx_position(const struct kw_connection *c, const struct tcp_sock *tcp,
					    __u32 sequence)
{
	return kw_position(sequence, c->rx_base, tcp->bytes_received - c->rx_start);
}

/* ---- beginning ----------------------------------------------------------------------------------- */

/* Fresh state for a socket. One that connects again starts a new generation of its identity. If there is no memory
 * for it, that is counted on the @last try. */
static __always_inline struct kw_connection *kw_create(struct sock *sk, __u8 role, __u8 state, int last)
{
	struct kw_connection *c = kw_find(sk);
	struct kw_states *s = kw_states();
	__u32 generation = 0;

	if (c) {
		generation = c->identity.generation + 1;
		kw_abandon(c, sk);
		bpf_sk_storage_delete(&reports, sk);
		bpf_sk_storage_delete(&names, sk);
		bpf_sk_storage_delete(&pipelines, sk);
		bpf_sk_storage_delete(&tls, sk);
	}
	c = bpf_sk_storage_get(&connections, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!c) {
		if (last)
			kw_count_lost(KW_LOST_STATE);
		return NULL;
	}
	if (s)
		kw_count(&s->made, 1);
	c->identity.cookie = bpf_get_socket_cookie(sk);
	c->identity.generation = generation;
	c->identity.netns = kw_netns_of(sk);
	c->role = role;
	c->state = state;
	c->http.http10_only = 1;
	kw_read_tuple(&c->identity, sk);
	return c;
}

/* Nothing passes without a look, so far. */
static __always_inline void kw_span_close(struct kw_connection *c)
{
	c->span_ends[KW_SENT] = c->tx_base + (__u32)c->tx_bytes;
	c->span_ends[KW_RECEIVED] = c->rx_base + (__u32)c->rx_bytes;
}

/* Positions begin with the connection's first byte. TCP's counts say where that was, whatever has been sent or received
 * by now: with TCP Fast Open (RFC 7413) data goes along with the SYN. */
static __always_inline void kw_base(struct kw_connection *c, struct sock *sk)
{
	struct tcp_sock *tcp = kw_tcp(sk);

	if (!tcp)
		return;
	/* The SYN of connect() counts as acknowledged, that of accept() does not. */
	c->tx_start = c->role == KW_ROLE_CLIENT;
	c->tx_base = tcp->snd_una - (__u32)tcp->bytes_acked + (__u32)c->tx_start;
	c->rx_base = tcp->rcv_nxt - (__u32)tcp->bytes_received;
	c->identity.flow = KW_FLOW_BY_ROLE;
	c->identity.isn = c->tx_base - 1; /* the SYN has a number of its own */
	kw_span_close(c);
}

/* Positions of a connection older than the observer begin where it stands now. */
static __always_inline void kw_base_midway(struct kw_connection *c, struct sock *sk)
{
	struct tcp_sock *tcp = kw_tcp(sk);

	if (!tcp)
		return;
	c->tx_base = tcp->write_seq;
	c->tx_start = tcp->bytes_acked + (tcp->write_seq - tcp->snd_una);
	c->rx_base = tcp->copied_seq;
	c->rx_start = tcp->bytes_received - (tcp->rcv_nxt - tcp->copied_seq);
	kw_span_close(c);
}

/* connect(): the current task is the one that calls it. */
static __always_inline void kw_connecting(struct sock *sk, int last)
{
	struct kw_connection *c;

	if (!kw_role_passes(KW_ROLE_CLIENT) || !kw_place_passes(sk))
		return;
	c = kw_create(sk, KW_ROLE_CLIENT, TCP_SYN_SENT, last);
	if (!c)
		return;
	c->opened = bpf_ktime_get_ns();
	if (!kw_net_passes(&c->identity))
		kw_abandon(c, sk);
	else if (kw_own(c, sk))
		kw_watch(c);
}

static __always_inline void kw_connected(struct kw_connection *c, struct sock *sk)
{
	kw_read_tuple(&c->identity, sk);
	kw_base(c, sk);
	c->established = bpf_ktime_get_ns();
}

/* A server's connection, new in @state. Returns NULL if it is not to be observed. */
static __always_inline struct kw_connection *kw_accepted(struct sock *sk, __u8 state, int last)
{
	struct kw_connection *c;

	if (!kw_role_passes(KW_ROLE_SERVER) || !kw_place_passes(sk))
		return NULL;
	c = kw_create(sk, KW_ROLE_SERVER, state, last);
	if (!c)
		return NULL;
	if (!kw_net_passes(&c->identity)) {
		kw_abandon(c, sk);
		return NULL;
	}
	kw_base(c, sk);
	c->opened = c->established = bpf_ktime_get_ns();
	return c;
}

/* The three-way handshake is complete. Nobody has accepted a server's connection yet, except with TCP Fast Open; a
 * client's comes this way if both sides sent their SYN at the same time. */
static __always_inline void kw_handshaken(struct kw_connection *c, struct sock *sk, int last)
{
	if (!c || c->state != TCP_SYN_RECV) {
		kw_accepted(sk, TCP_ESTABLISHED, last);
		return;
	}
	c->state = TCP_ESTABLISHED;
	if (c->role != KW_ROLE_CLIENT)
		return;
	kw_connected(c, sk);
	c->identity.flow = KW_FLOW_BY_SIZE;
}

/* Something about a side is not known, because of @kind. */
static __always_inline void kw_taint(struct kw_side *side, enum kw_taint kind)
{
	struct kw_totals *t;

	if (side->taints & 1 << kind)
		return;
	side->taints |= 1 << kind;
	t = kw_totals();
	if (t && kind < KW_TAINT_MAX)
		kw_count(&t->tainted[kind], 1);
}

#endif
