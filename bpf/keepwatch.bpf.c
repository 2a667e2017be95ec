// SPDX-License-Identifier: GPL-2.0-only
/* keepwatch, the kernel side: facts about every TCP connection, kept in the storage of its socket.
 *
 *   hook                            the observer learns there
 *   tp_btf/inet_sock_set_state      a connection begins; a FIN is sent or arrives; the socket is closed
 *   tp_btf/sock_send_length         bytes were sent: they go through the HTTP/1.x machine
 *   tp_btf/sock_recv_length         bytes were received: the same; errors and EOF that the application saw
 *   fexit/tcp_sendmsg, tcp_recvmsg  the same where those two tracepoints are missing
 *   fexit/tcp_sendpage              the same for sendfile and splice, where they go a way of their own
 *   tp_btf/io_uring_submit_req      the buffers of a request of io_uring, which may send or receive later
 *   tp_btf/tcp_receive_reset        the peer's RST
 *   tp_btf/tcp_send_reset           our RST; requests that met a connection closed already
 *   fentry/tcp_v4_send_reset, v6    the latter, where the tracepoint leaves them out
 *   tp_btf/inet_sk_error_report     an error of the socket, before the application fetches and clears it
 *   tp_btf/tcp_destroy_sock         the socket is gone: its closing record is sent
 *   uprobe, uretprobe               with --tls: plaintext that a library takes and gives; within functions of Go: uprobe alone
 *   tp_btf/softirq_entry            at times: are programs shown all that happens?
 *   iter/tcp                        at the start: connections that are older, and who listens where
 *   iter/task_file                  at the start: whose they are
 *   iter/bpf_sk_storage_map         each second: progress of the living, sockets kept open after CLOSE
 *   iter/task_file                  the same where the former is refused
 *
 * Sections with a "?" are loaded only where the kernel has and needs them: user/observe/front_end.c decides.
 *
 * Programs that no hook runs, because others go on in them, stand behind these: user/observe/tail_calls.c lists them.
 *
 * Data flows one way through the headers: maps -> watch -> connection -> span -> emit, names -> exchange -> lifecycle, capture;
 * emit -> late; lifecycle -> older, sweep; capture -> frames, mmsg, compat; plain, role -> revive -> steps -> tls -> record, http2 -> frame ->
 * transfer; maps -> uring; uring, mmsg, compat, steps -> seek; plaintext -> emit; http2 -> feed_http2; plain, feed_http2 ->
 * feed -> library. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "maps.bpf.h"
#include "watch.bpf.h"
#include "waker.bpf.h"
#include "connection.bpf.h"
#include "names.bpf.h"
#include "span.bpf.h"
#include "emit.bpf.h"
#include "exchange.bpf.h"
#include "late.bpf.h"
#include "lifecycle.bpf.h"
#include "older.bpf.h"
#include "sweep.bpf.h"
#include "capture.bpf.h"
#include "role.bpf.h"
#include "revive.bpf.h"
#include "steps.bpf.h"
#include "seek.bpf.h"
#include "tls.bpf.h"
#include "record.bpf.h"
#include "http2.bpf.h"
#include "frame.bpf.h"
#include "plain.bpf.h"
#include "transfer.bpf.h"
#include "go.bpf.h"
#include "library.bpf.h"

char LICENSE[] SEC("license") = "GPL";

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

KW_TWINS("tp_btf/inet_sock_set_state", kw_set_state,
	 kw_on_state(ctx, (struct sock *)ctx[0], ctx[1], ctx[2], last))

/* ---- sends and receives: by the tracepoint front end, or by the trampoline front end ----------------- */

SEC("?tp_btf/sock_send_length")
int BPF_PROG(kw_send, struct sock *sk, int result, int flags)
{
	return kw_sent(ctx, sk, result);
}

SEC("?tp_btf/sock_recv_length")
int BPF_PROG(kw_receive, struct sock *sk, int result, int flags)
{
	return kw_received(ctx, sk, result, flags);
}

SEC("?fexit/tcp_sendmsg")
int BPF_PROG(kw_sendmsg, struct sock *sk)
{
	return kw_sent(ctx, sk, kw_result(ctx, 3));
}

SEC("?fexit/tcp_recvmsg")
int BPF_PROG(kw_recvmsg, struct sock *sk)
{
	return kw_received(ctx, sk, kw_recvmsg_result(ctx), kw_recvmsg_flags(ctx));
}

/* No system call that carries bytes in buffers comes this way, so these bytes cannot be read. */
SEC("?fexit/tcp_sendpage")
int BPF_PROG(kw_sendpage, struct sock *sk)
{
	return kw_sent_unread(sk, kw_result(ctx, 5));
}

/* Runs only where somebody uses io_uring, and at none of its sends and receives. */
SEC("?tp_btf/io_uring_submit_req")
int BPF_PROG(kw_submit, struct io_kiocb *request)
{
	kw_note_request(request);
	return 0;
}

/* After a send or a receive: the machine's steps, TLS records, HTTP/2 frames, buffers in strange places, or state for a connection that has none. Where the kernel lets programs of
 * both hooks call the same one, the first of two serves both. */
#define KW_AFTER(section, name, handle)                                                                        \
	SEC(section) int BPF_PROG(name, struct sock *sk)                                                       \
	{                                                                                                      \
		handle;                                                                                        \
		return 0;                                                                                      \
	}

KW_AFTER("?tp_btf/sock_send_length", kw_http1, kw_go_on(ctx, sk, &after_send))
KW_AFTER("?tp_btf/sock_recv_length", kw_http1_receive, kw_go_on(ctx, sk, &after_receive))
KW_AFTER("?fexit/tcp_sendmsg", kw_http1_sendmsg, kw_go_on(ctx, sk, &after_send))
KW_AFTER("?fexit/tcp_recvmsg", kw_http1_recvmsg, kw_go_on(ctx, sk, &after_receive))

KW_AFTER("?tp_btf/sock_send_length", kw_adopt_socket, kw_adopt(sk))
KW_AFTER("?tp_btf/sock_recv_length", kw_adopt_receive, kw_adopt(sk))
KW_AFTER("?fexit/tcp_sendmsg", kw_adopt_sendmsg, kw_adopt(sk))
KW_AFTER("?fexit/tcp_recvmsg", kw_adopt_recvmsg, kw_adopt(sk))

KW_AFTER("?tp_btf/sock_send_length", kw_tls_send, kw_go_on_tls(ctx, sk, &after_send))
KW_AFTER("?tp_btf/sock_recv_length", kw_tls_receive, kw_go_on_tls(ctx, sk, &after_receive))
KW_AFTER("?fexit/tcp_sendmsg", kw_tls_sendmsg, kw_go_on_tls(ctx, sk, &after_send))
KW_AFTER("?fexit/tcp_recvmsg", kw_tls_recvmsg, kw_go_on_tls(ctx, sk, &after_receive))

KW_AFTER("?tp_btf/sock_send_length", kw_http2_send, kw_go_on_http2(ctx, sk, &after_send))
KW_AFTER("?tp_btf/sock_recv_length", kw_http2_receive, kw_go_on_http2(ctx, sk, &after_receive))
KW_AFTER("?fexit/tcp_sendmsg", kw_http2_sendmsg, kw_go_on_http2(ctx, sk, &after_send))
KW_AFTER("?fexit/tcp_recvmsg", kw_http2_recvmsg, kw_go_on_http2(ctx, sk, &after_receive))

KW_AFTER("?tp_btf/sock_send_length", kw_seek_send, kw_seek_and_resume(ctx, sk, &after_send))
KW_AFTER("?tp_btf/sock_recv_length", kw_seek_receive, kw_seek_and_resume(ctx, sk, &after_receive))
KW_AFTER("?fexit/tcp_sendmsg", kw_seek_sendmsg, kw_seek_and_resume(ctx, sk, &after_send))
KW_AFTER("?fexit/tcp_recvmsg", kw_seek_recvmsg, kw_seek_and_resume(ctx, sk, &after_receive))

/* ---- resets and errors ------------------------------------------------------------------------------ */

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(kw_receive_reset, struct sock *sk)
{
	struct kw_connection *c = kw_find(sk);

	if (c && !c->closing.time)
		kw_act(c, sk, KW_ACT_PEER_RST);
	return 0;
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

/* After kw_set_state: the same socket connects again, so the connection before is over. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(kw_reconnect, struct sock *sk)
{
	kw_end_found(sk);
	kw_connecting(sk, 1);
	return 0;
}

KW_TWINS("tp_btf/tcp_destroy_sock", kw_destroy, kw_on_destroy(ctx, (struct sock *)ctx[0]))

/* After kw_destroy. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(kw_last_record, struct sock *sk)
{
	kw_end_found(sk);
	return 0;
}

/* ---- a witness -------------------------------------------------------------------------------------- */

/* Counts the softirqs that programs are shown. The kernel counts all of them itself, in /proc/softirqs: user space
 * compares, while it has reason to. */
SEC("tp_btf/softirq_entry")
int BPF_PROG(kw_softirq, unsigned int vector)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&softirqs, &zero);

	if (count)
		kw_count(count, 1);
	return 0;
}

/* ---- the start: what is older than the observer ----------------------------------------------------- */

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
		kw_abandon(c, sk);
	return 0;
}

/* ---- each second ------------------------------------------------------------------------------------ */

SEC("?iter/bpf_sk_storage_map")
int kw_sweep(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	const struct kw_connection *seen = ctx->value; /* may be read without finding it */
	struct sock *sk = ctx->sk;
	struct kw_connection *c;

	if (!sk || !seen)
		return 0;
	kw_count_unfinished(seen, sk);
	kw_alive += seen->turn != KW_TURN_LAST;
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

/* ---- with --tls: calls of a TLS library --------------------------------------------------------------- */

/* A connection's object is made. */
SEC("?uprobe")
int kw_library_begin(struct pt_regs *ctx)
{
	kw_library_used();
	KW_ON_THREADS_STACK(ctx);
	return 0;
}

/* It sends or receives. */
SEC("?uprobe")
int kw_library_call(struct pt_regs *ctx)
{
	kw_library_enter(ctx);
	KW_ON_THREADS_STACK(ctx);
	return 0;
}

SEC("?uretprobe")
int kw_library_return(struct pt_regs *ctx)
{
	kw_library_leave(ctx);
	KW_ON_THREADS_STACK(ctx);
	return 0;
}

/* Go's: within its functions, never at their returns. */
SEC("?uprobe")
int kw_go_read(struct pt_regs *ctx)
{
	kw_go_on_read(ctx);
	KW_ON_THREADS_STACK(ctx);
	return 0;
}

SEC("?uprobe")
int kw_go_encrypt(struct pt_regs *ctx)
{
	kw_go_on_encrypt(ctx);
	KW_ON_THREADS_STACK(ctx);
	return 0;
}

SEC("?uprobe")
int kw_go_sent(struct pt_regs *ctx)
{
	kw_go_on_sent(ctx);
	KW_ON_THREADS_STACK(ctx);
	return 0;
}
