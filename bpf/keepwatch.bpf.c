// SPDX-License-Identifier: GPL-2.0-only
/* keepwatch, the kernel side: facts about every TCP connection, kept in the storage of its socket.
 *
 *   hook                            the observer learns there
 *   tp_btf/inet_sock_set_state      a connection begins; a FIN is sent or arrives; the socket is closed
 *   tp_btf/sock_send_length         bytes were sent: they go through the HTTP/1.x machine
 *   tp_btf/sock_recv_length         bytes were received: the same; errors and EOF that the application saw
 *   fexit/tcp_sendmsg, tcp_recvmsg  the same where those two tracepoints are missing
 *   fexit/tcp_sendpage              the same for sendfile and splice, where they go a way of their own
 *   tp_btf/tcp_receive_reset        the peer's RST
 *   tp_btf/tcp_send_reset           our RST; requests that met a connection closed already
 *   fentry/tcp_v4_send_reset, v6    the latter, where the tracepoint leaves them out
 *   tp_btf/inet_sk_error_report     an error of the socket, before the application fetches and clears it
 *   tp_btf/tcp_destroy_sock         the socket is gone: its closing record is sent
 *   iter/tcp                        at the start: connections that are older, and who listens where
 *   iter/task_file                  at the start: whose they are
 *   iter/bpf_sk_storage_map         each second: progress of the living, sockets kept open after CLOSE
 *   iter/task_file                  the same where the former is refused
 *
 * Sections with a "?" are loaded only where the kernel has and needs them: user/observe/front_end.c decides.
 *
 * Data flows one way through the headers: maps -> connection -> span -> emit -> exchange -> lifecycle, capture;
 * emit -> late; capture -> role -> revive -> transfer. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "maps.bpf.h"
#include "connection.bpf.h"
#include "span.bpf.h"
#include "emit.bpf.h"
#include "exchange.bpf.h"
#include "late.bpf.h"
#include "lifecycle.bpf.h"
#include "capture.bpf.h"
#include "role.bpf.h"
#include "revive.bpf.h"
#include "transfer.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#define KW_KEPT_AFTER_CLOSE KW_S /* ns a closed socket may be held before it is reported */

/* Two programs on one hook, @name and @name_twin. A program that an interrupt stops on its way is not entered again on that
 * processor, so it misses whatever a softirq meanwhile has for it. No state of a connection may be missed. Of two programs
 * that run one after the other only one can have been stopped, and the second finds everything done if the first was not.
 * @handle is what either does; in it, ctx holds the hook's arguments, and @last is 1 in the twin, which runs second. The
 * loader tells twins by their common section. */
#define KW_TWINS(section, name, handle)                                                                        \
	KW_TWIN(section, name, 0, handle) KW_TWIN(section, name##_twin, 1, handle)
#define KW_TWIN(section, name, is_last, handle)                                                                \
	SEC(section) int name(unsigned long long *ctx)                                                         \
	{                                                                                                      \
		const int last = (is_last);                                                                    \
                                                                                                               \
		(void)last;                                                                                    \
		return handle;                                                                                 \
	}

static __always_inline int kw_on_state(struct sock *sk, int from, int to, int last)
{
	struct kw_connection *c;

	if (from == to || !kw_is_tcp(sk))
		return 0;
	c = kw_find(sk);
	if (c && c->state == to)
		return 0; /* the twin was here */
	if (c && c->state != from)
		kw_unseen_move(c);
	if (to == TCP_ESTABLISHED && from == TCP_SYN_RECV) {
		kw_handshaken(c, sk, last);
		return 0;
	}
	if (c)
		c->state = to;
	if (to == TCP_SYN_SENT) {
		if (c)
			kw_finish(c, sk); /* the same socket connects again */
		kw_connecting(sk, last);
	} else if (c && to == TCP_ESTABLISHED && from == TCP_SYN_SENT) {
		kw_connected(c, sk);
	} else if (c) {
		kw_state(c, sk, from, to);
	}
	return 0;
}

KW_TWINS("tp_btf/inet_sock_set_state", kw_set_state, kw_on_state((struct sock *)ctx[0], ctx[1], ctx[2], last))

/* ---- sends and receives: by the tracepoint front end, or by the trampoline front end ----------------- */

SEC("?tp_btf/sock_send_length")
int BPF_PROG(kw_send, struct sock *sk, int result, int flags)
{
	return kw_sent(sk, result);
}

SEC("?tp_btf/sock_recv_length")
int BPF_PROG(kw_receive, struct sock *sk, int result, int flags)
{
	return kw_received(sk, result, flags);
}

SEC("?fexit/tcp_sendmsg")
int BPF_PROG(kw_sendmsg, struct sock *sk)
{
	return kw_sent(sk, kw_result(ctx));
}

SEC("?fexit/tcp_recvmsg")
int BPF_PROG(kw_recvmsg, struct sock *sk)
{
	return kw_received(sk, kw_result(ctx), kw_recvmsg_flags(ctx));
}

/* No system call that carries bytes in buffers comes this way: what it sends is a blind span. */
SEC("?fexit/tcp_sendpage")
int BPF_PROG(kw_sendpage, struct sock *sk)
{
	return kw_sent(sk, kw_result(ctx));
}

/* ---- resets and errors ------------------------------------------------------------------------------ */

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(kw_receive_reset, struct sock *sk)
{
	struct kw_connection *c = kw_find(sk);

	if (c && !c->closing.time)
		kw_act(c, sk, KW_ACT_PEER_RST);
	return 0;
}

static __always_inline void kw_refused(const struct sock *sk, const struct sk_buff *skb)
{
	kw_on_refused_segment(skb, sk ? sk->__sk_common.skc_net.net->ns.inum : skb->dev->nd_net.net->ns.inum);
}

/* @sk and @skb may both be missing: a RST of our own accord has no segment that drew it, and a segment for
 * nobody has no socket. A minisocket is not a full one, and a listener has no connection. */
SEC("tp_btf/tcp_send_reset")
int BPF_PROG(kw_send_reset, struct sock *sk, struct sk_buff *skb)
{
	struct kw_connection *c = NULL;

	if (sk) {
		__u8 state = sk->__sk_common.skc_state;

		if (state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV && state != TCP_LISTEN)
			c = kw_find(sk);
	}
	if (c)
		c->ending.acts |= 1 << KW_ACT_LOCAL_RST;
	if (skb)
		kw_refused(sk, skb);
	return 0;
}

SEC("?fentry/tcp_v4_send_reset")
int BPF_PROG(kw_send_reset_v4, struct sock *sk, struct sk_buff *skb)
{
	kw_refused(sk, skb);
	return 0;
}

SEC("?fentry/tcp_v6_send_reset")
int BPF_PROG(kw_send_reset_v6, struct sock *sk, struct sk_buff *skb)
{
	kw_refused(sk, skb);
	return 0;
}

SEC("tp_btf/inet_sk_error_report")
int BPF_PROG(kw_error_report, struct sock *sk)
{
	struct kw_connection *c = kw_find(sk);

	if (!c || c->closing.time)
		return 0;
	if (sk->sk_err)
		c->closing.error = sk->sk_err;
	if (sk->sk_err_soft)
		c->closing.soft_error = sk->sk_err_soft;
	else if (!c->established && !sk->sk_err)
		c->closing.soft_error = kw_queued_error(sk);
	return 0;
}

static __always_inline int kw_on_destroy(struct sock *sk)
{
	struct kw_connection *c = kw_find(sk);

	if (c)
		kw_destroyed(c, sk);
	return 0;
}

KW_TWINS("tp_btf/tcp_destroy_sock", kw_destroy, kw_on_destroy((struct sock *)ctx[0]))

/* ---- the start: what is older than the observer ----------------------------------------------------- */

static __always_inline void kw_note_listener(struct sock *sk)
{
	struct kw_listener listener = {
		.netns = sk->__sk_common.skc_net.net->ns.inum,
		.port = sk->__sk_common.skc_num,
	};
	__u8 yes = 1;

	bpf_map_update_elem(&listeners, &listener, &yes, BPF_ANY);
}

static __always_inline int kw_is_listened_on(struct sock *sk, __u16 port)
{
	struct kw_listener listener = {.netns = sk->__sk_common.skc_net.net->ns.inum, .port = port};

	return bpf_map_lookup_elem(&listeners, &listener) != NULL;
}

/* Where nobody listens on either port, here, the first message will tell the sides apart. */
static __always_inline __u8 kw_role_by_listener(struct sock *sk, __u16 local, __u16 remote)
{
	if (kw_is_listened_on(sk, local))
		return KW_ROLE_SERVER;
	return kw_is_listened_on(sk, remote) ? KW_ROLE_CLIENT : KW_ROLE_UNKNOWN;
}

static __always_inline void kw_note_older(struct sock *sk)
{
	__u16 local = sk->__sk_common.skc_num, remote = bpf_ntohs(sk->__sk_common.skc_dport);
	__u8 role = kw_role_by_listener(sk, local, remote);
	struct kw_connection *c;

	if (kw_find(sk) || !kw_role_passes(role) || !kw_port_passes(local, remote))
		return;
	c = kw_create(sk, role, sk->__sk_common.skc_state, 1);
	if (!c)
		return;
	c->identity.preexisting = 1;
	if (!kw_net_passes(c->identity.remote)) {
		bpf_sk_storage_delete(&connections, sk);
		return;
	}
	http1_init_midway(&c->http1);
	kw_taint(&c->sides[HTTP1_REQUESTS], KW_TAINT_PREEXISTING);
	kw_base_midway(c, sk);
	c->opened = c->established = bpf_ktime_get_ns();
	if (sk->__sk_common.skc_state == TCP_CLOSE_WAIT)
		kw_peer_fin(c, sk);
}

/* Listening sockets come first. */
SEC("iter/tcp")
int kw_find_sockets(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct tcp_sock *tcp;
	struct sock *sk;

	if (!common)
		return 0;
	tcp = bpf_skc_to_tcp_sock(common);
	if (!tcp)
		return 0;
	sk = (struct sock *)tcp;
	if (!kw_is_tcp(sk))
		return 0;
	if (common->skc_state == TCP_LISTEN)
		kw_note_listener(sk);
	else if (common->skc_state == TCP_ESTABLISHED || common->skc_state == TCP_CLOSE_WAIT)
		kw_note_older(sk);
	return 0;
}

static __always_inline struct sock *kw_socket_of(struct file *file)
{
	struct socket *socket = bpf_sock_from_file(file);

	return socket ? socket->sk : NULL;
}

SEC("iter/task_file")
int kw_find_owners(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct kw_connection *c;
	struct sock *sk;

	if (!task || !file)
		return 0;
	kw_self = (__s32)(bpf_get_current_pid_tgid() >> 32);
	sk = kw_socket_of(file);
	if (!sk)
		return 0;
	c = kw_find(sk);
	if (c && !c->owned && !kw_own_by(c, task))
		bpf_sk_storage_delete(&connections, sk);
	return 0;
}

/* ---- each second ------------------------------------------------------------------------------------ */

#define KW_FILL_CHECK 64 /* objects of a sweep between two looks at the ring; a power of two */

/* The reader takes what this writes as "the ring is filling up", and empties it before it reads on. */
static __always_inline void kw_mark(struct bpf_iter_meta *meta)
{
	__u8 mark = 1;

	if (kw_is_filling())
		bpf_seq_write(meta->seq, &mark, sizeof(mark));
}

/* Has this sweep anything to say of a connection? One that nobody has used yet has no owner, so no service, and one
 * whose side is not known has no role: it waits until it has. */
static __always_inline int kw_is_due(const struct kw_connection *c)
{
	if (c->turn == KW_TURN_LAST)
		return 0;
	if (c->closing.time)
		return kw_sweep_mode != KW_SWEEP_PROGRESS ||
		       bpf_ktime_get_ns() - c->closing.time > KW_KEPT_AFTER_CLOSE;
	if (kw_sweep_mode == KW_SWEEP_OPEN)
		return !c->told_open;
	return c->established && c->owned && c->role != KW_ROLE_UNKNOWN &&
	       (!c->reported || c->activity != kw_activity(c));
}

/* @c, of @sk, may have something to say. */
static __always_inline void kw_report_due(struct kw_connection *c, struct sock *sk)
{
	int open = kw_sweep_mode == KW_SWEEP_OPEN, lives = !c->closing.time, over = 0;
	struct kw_reported *before =
		bpf_sk_storage_get(&reports, sk, NULL, lives ? BPF_SK_STORAGE_GET_F_CREATE : 0);

	c->told_open = open;
	if (lives && before)
		over = kw_report_living(c, sk, open ? KW_REPORT_OPEN : KW_REPORT_PROGRESS, before);
	else if (!lives)
		over = kw_takes_last_turn(c);
	if (over)
		kw_end(c, sk, c->reported ? before : NULL);
}

#define KW_UNFINISHED_AGE (200 * KW_MS) /* a close that takes longer waits for something */

/* A socket that only its program has shut down still has a struct socket. */
static __always_inline void kw_count_unfinished(const struct kw_connection *seen, const struct sock *sk)
{
	const struct kw_counts *counts = &seen->http.counts;

	if (seen->state != TCP_FIN_WAIT1 && seen->state != TCP_LAST_ACK && seen->state != TCP_CLOSING)
		return;
	if (seen->closing.time || sk->sk_socket || bpf_ktime_get_ns() - seen->ending.time < KW_UNFINISHED_AGE)
		return;
	kw_unfinished.connections++;
	if (counts->requests_begun > counts->responses_ended)
		kw_unfinished.requests += counts->requests_begun - counts->responses_ended;
}

SEC("?iter/bpf_sk_storage_map")
int kw_sweep(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	const struct kw_connection *seen = ctx->value; /* may be read without finding it */
	struct sock *sk = ctx->sk;
	struct kw_connection *c;

	if (!sk || !seen)
		return 0;
	kw_count_unfinished(seen, sk);
	if (kw_is_due(seen)) {
		c = kw_find(sk);
		if (c)
			kw_report_due(c, sk);
		kw_mark(ctx->meta);
	} else if (!(ctx->meta->seq_num & (KW_FILL_CHECK - 1))) {
		kw_mark(ctx->meta);
	}
	return 0;
}

/* Sockets that no process has a descriptor of are not met here: those that nobody has accepted yet, which nobody has
 * used; those that their owner has closed, which are reported at their end; and those that io_uring alone holds. A socket
 * that several descriptors name is met several times, but is due once. */
SEC("?iter/task_file")
int kw_sweep_files(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct kw_connection *c;
	struct sock *sk;

	if (!file)
		return 0;
	sk = kw_socket_of(file);
	if (!sk)
		return 0;
	c = kw_find(sk);
	if (c && kw_is_due(c)) {
		kw_report_due(c, sk);
		kw_mark(ctx->meta);
	} else if (!(ctx->meta->seq_num & (KW_FILL_CHECK - 1))) {
		kw_mark(ctx->meta);
	}
	return 0;
}
