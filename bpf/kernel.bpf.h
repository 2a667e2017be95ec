/* SPDX-License-Identifier: GPL-2.0-only */
/* Everything that depends on the kernel's or the processor's ways, one accessor each.
 *
 * These things differ between the kernels that keepwatch runs on, which are 5.15 and newer:
 *
 *   from  until  what                                                          what is done about it
 *         5.16   calls of kernel functions that it lacks are never taken       KW_OLD_KERNEL: a build of its own
 *         5.16   bpf_loop() and bpf_get_func_ret() are missing                 KW_OLD_KERNEL: KW_LOOP(), kw_result()
 *         5.18   tcp_recvmsg has an argument before its flags                  kw_recvmsg_arguments
 *   6.3          tracepoints sock_send_length and sock_recv_length exist       the trampoline front end before
 *   6.3          tracepoint io_uring_submit_req exists                          without it io_uring is unseen
 *         6.9    a request of io_uring may have no copy of its iovecs           kw_has_always_copy()
 *   6.13         fixed files of io_uring are in a table of nodes               kw_fixed_file()
 *         6.4    sendfile and splice send by tcp_sendpage, past tcp_sendmsg    fexit/tcp_sendpage
 *         6.9    tracepoint tcp_send_reset is silent without a full socket     fentry/tcp_v4_send_reset, v6
 *         7.0    tcp_recvmsg has a fifth argument                              kw_recvmsg_flags(), kw_result()
 *         6.1    the verifier does not link a value to its copy on the stack   KW_OPAQUE(); struct kw_scratch
 *         6.3    for arm64: no program follows the kernel's own functions      the tracepoint front end, from 6.3 on
 *   6.2          memory can be read as a type of the kernel's, unchecked       helpers before, in this file
 *
 * user/observe/front_end.c finds by trying which programs a kernel takes. The types of iterators over user
 * buffers have other numbers on each; only those of io_uring are looked at, by name, because all other buffers are found by the
 * system call. */
#ifndef KEEPWATCH_KERNEL_BPF_H
#define KEEPWATCH_KERNEL_BPF_H

#include "../include/types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define IPPROTO_TCP 6
#define RCV_SHUTDOWN 1

#define SOCK_DEAD 0 /* include/net/sock.h, enum sock_flags: no program holds the socket any more */
#define SOCK_DONE 1 /* tcp_fin() sets it */

#define KW_EXIT_SIGNAL 0x7f /* of task_struct.exit_code: the signal that ended the process, see wait(2) */

#define EINTR 4
#define EAGAIN 11
#define ECONNRESET 104
#define EINPROGRESS 115

#define MSG_OOB 0x1
#define MSG_PEEK 0x2
#define MSG_TRUNC 0x20
#define MSG_ERRQUEUE 0x2000

/* Which way bytes pass at a socket of this host. Whether those are requests or responses is an enum http1_direction, which
 * follows from the socket's role: see kw_direction(). */
enum kw_way {
	KW_RECEIVED,
	KW_SENT,
	KW_WAYS,
};

/* TCP over IPv4 or IPv6. Raw sockets may carry protocol 6 too, hence the type; an MPTCP socket says 262. */
static __always_inline int kw_is_tcp(const struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return sk->sk_protocol == IPPROTO_TCP && sk->sk_type == SOCK_STREAM &&
	       (family == AF_INET || family == AF_INET6);
}

static __always_inline struct tcp_sock *kw_tcp(struct sock *sk)
{
	return bpf_skc_to_tcp_sock(sk);
}

/* Looks at memory as a type of the kernel's, for reading only: at the price of a load, where the helpers that
 * check or copy cost some 20 to 50 ns. From 6.2. */
#ifdef KW_OLD_KERNEL /* refuses calls of functions that it lacks, even where they are never made */
static void *(*const bpf_rdonly_cast)(const void *pointer, __u32 type) = NULL;
#else
extern void *bpf_rdonly_cast(const void *pointer, __u32 type) __ksym __weak;
#endif

/* The same pointer, as one that the verifier does not trust. From then on it takes little time over each pointer that is loaded
 * from it; with a trusted one, Linux 6.18 searches all types of the kernel twice for each, which is a millisecond. */
#define KW_UNTRUSTED(pointer)                                                                                  \
	((typeof(pointer))(bpf_rdonly_cast                                                                     \
				   ? bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(typeof(*(pointer))))     \
				   : (void *)(pointer)))

/* The memory at @address, a number, as a @type of the kernel's: it may be any memory, and reads as 0 where there is none. */
#define KW_AS(type, address)                                                                                   \
	((const type *)bpf_rdonly_cast((const void *)(address), bpf_core_type_id_kernel(type)))

/* The network namespace that a socket is in: its number. */
static __always_inline __u32 kw_netns_of(const struct sock *sk)
{
	const struct sock *plain = KW_UNTRUSTED(sk);

	return plain->__sk_common.skc_net.net->ns.inum;
}

/* The same of a socket that is known to be one of TCP, for the hot path: its storage is there. */
static __always_inline const struct tcp_sock *kw_tcp_known(struct sock *sk)
{
	if (bpf_rdonly_cast)
		return bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct tcp_sock));
	return bpf_skc_to_tcp_sock(sk);
}

/* When the bytes of a send or receive that has just ended passed, by CLOCK_MONOTONIC. TCP itself has looked at the
 * clock when the last segment before the receive arrived, or when it sent what it had: that is nearer to the truth
 * than the time at which the call ends, and saves a look at the clock that costs 50 ns. Bytes that a send has
 * left to be sent later (by Nagle's algorithm, a full window, a queue below) have no such time yet. */
static __always_inline __u64 kw_passed_at(struct sock *sk, enum kw_way way)
{
	const struct tcp_sock *tcp = NULL;
	__u64 stamp = 0;

	if (bpf_rdonly_cast && bpf_core_field_exists(tcp->tcp_clock_cache)) {
		tcp = bpf_rdonly_cast(sk, bpf_core_type_id_kernel(struct tcp_sock));
		if (way == KW_RECEIVED || tcp->snd_nxt == tcp->write_seq)
			stamp = tcp->tcp_clock_cache;
	}
	return stamp ? stamp : bpf_ktime_get_ns();
}

#define SK_USER_DATA_PSOCK 4 /* include/net/sock.h; from 5.18 */

/* Do the socket's bytes pass by ways that the hooks do not show: kTLS, MPTCP, sockmap? */
static __always_inline int kw_is_unsupported(const struct sock *sk, const struct tcp_sock *tcp)
{
	if (!tcp->inet_conn.icsk_ulp_ops && !((unsigned long)sk->sk_user_data & SK_USER_DATA_PSOCK))
		return 0;
	KW_FORGET(); /* keeps this a jump: the verifier allows no arithmetic with the bits of a pointer */
	return 1;
}

/* The peer's FIN has arrived, and is counted in rcv_nxt. */
static __always_inline int kw_fin_arrived(const struct sock *sk)
{
	return sk->__sk_common.skc_flags >> SOCK_DONE & 1;
}

/* Has a program still a descriptor of the socket, so that it could go on reading? */
static __always_inline int kw_is_held(const struct sock *sk)
{
	return !(sk->__sk_common.skc_flags >> SOCK_DEAD & 1);
}

/* The latest error in the socket's error queue, a positive errno; 0 if there is none. An ICMP error that arrives
 * while connect() still holds the socket is reported when it stands there and nowhere else. */
static __always_inline int kw_queued_error(struct sock *sk)
{
	struct sk_buff *latest = BPF_CORE_READ(sk, sk_error_queue.prev);

	if ((void *)latest == (void *)&sk->sk_error_queue)
		return 0;
	return BPF_CORE_READ((struct sock_exterr_skb *)&latest->cb, ee.ee_errno);
}

/* copied_seq without the FIN, which the read that meets it takes along. */
static __always_inline __u32 kw_copied(const struct sock *sk, const struct tcp_sock *tcp)
{
	__u32 copied = tcp->copied_seq;

	return copied == tcp->rcv_nxt && kw_fin_arrived(sk) ? copied - 1 : copied;
}

/* rcv_nxt without the FIN. */
static __always_inline __u32 kw_arrived(const struct sock *sk, const struct tcp_sock *tcp)
{
	return tcp->rcv_nxt - kw_fin_arrived(sk);
}

/* ---- trampolines: how the kernel's own functions are called ------------------------------------------ */

/* Number of arguments that this kernel's tcp_recvmsg() takes. User space sets it before the programs are loaded. */
const volatile __u32 kw_recvmsg_arguments = 5;

/* The argument with this number, from 0. In assembly, because the verifier wants its offset to be a constant, and the compiler would
 * join two such loads to one from a place that differs. */
#define KW_ARGUMENT(ctx, number)                                                                               \
	({                                                                                                     \
		__u64 kw_argument;                                                                             \
                                                                                                               \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(kw_argument) : "r"(ctx), "i"(8 * (number)));      \
		kw_argument;                                                                                   \
	})

/* The function's result, in a program at its exit. Its place is behind the arguments, @arguments in number; the helper
 * knows it too (from 5.17). */
static __always_inline int kw_result(unsigned long long *ctx, __u32 arguments)
{
#ifdef KW_OLD_KERNEL
	return KW_ARGUMENT(ctx, arguments);
#else
	__u64 result = 0;

	bpf_get_func_ret(ctx, &result);
	return result;
#endif
}

/* tcp_recvmsg(sk, message, length, flags, address length): the last argument went in 7.1; until 5.18 another one stood before the
 * flags. */
#define KW_RECVMSG_MOST 6

static __always_inline int kw_recvmsg_flags(const unsigned long long *ctx)
{
	return kw_recvmsg_arguments == KW_RECVMSG_MOST ? KW_ARGUMENT(ctx, 4) : KW_ARGUMENT(ctx, 3);
}

static __always_inline int kw_recvmsg_result(unsigned long long *ctx)
{
	return kw_recvmsg_arguments == KW_RECVMSG_MOST ? kw_result(ctx, KW_RECVMSG_MOST) : kw_result(ctx, 5);
}

/* ---- loops --------------------------------------------------------------------------------------------- */

/* Defines step_loop(context), which calls @step with 0 and up, and the context, until it returns 1, and @most times at most. The
 * verifier reads such a step once. Kernels before 5.17 lack bpf_loop(), but they go through the elements of an array in the same
 * way. */
#ifdef KW_OLD_KERNEL
#define KW_ROUNDS 32768 /* most steps of any loop */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KW_ROUNDS);
	__type(key, __u32);
	__type(value, __u64);
} rounds SEC(".maps");

#define KW_LOOP(step, most)                                                                                    \
	static long step##_each(const void *map, const __u32 *index, const void *value, void *context)         \
	{                                                                                                      \
		return *index < (most) ? step(*index, context) : 1;                                            \
	}                                                                                                      \
	static __always_inline void step##_loop(void *context)                                                 \
	{                                                                                                      \
		bpf_for_each_map_elem(&rounds, step##_each, context, 0);                                       \
	}
#else
#define KW_LOOP(step, most)                                                                                    \
	static __always_inline void step##_loop(void *context)                                                 \
	{                                                                                                      \
		bpf_loop(most, step, context, 0);                                                              \
	}
#endif

/* ---- the system call that carries the bytes ------------------------------------------------------ */

enum kw_carrier {
	KW_CARRIER_NONE,    /* none whose buffers could be found: a blind span */
	KW_CARRIER_BUFFER,  /* address and length: write, read, sendto, recvfrom */
	KW_CARRIER_VECTOR,  /* iovecs and their number: writev, readv */
	KW_CARRIER_MESSAGE, /* struct msghdr: sendmsg, recvmsg */
};

/* Processors differ in the numbers of the calls (arch/x86/entry/syscalls/syscall_64.tbl, and for newer processors
 * include/uapi/asm-generic/unistd.h), and the registers that carry their arguments. */
#if defined(__TARGET_ARCH_x86)

enum kw_call {
	KW_CALL_READ = 0,
	KW_CALL_WRITE = 1,
	KW_CALL_READV = 19,
	KW_CALL_WRITEV = 20,
	KW_CALL_SENDTO = 44,
	KW_CALL_RECVFROM = 45,
	KW_CALL_SENDMSG = 46,
	KW_CALL_RECVMSG = 47,
	KW_CALL_RECVMMSG = 299,
	KW_CALL_SENDMMSG = 307,
};

#define KW_USER_CS_64 0x33 /* arch/x86/include/asm/segment.h: __USER_CS; a 32-bit caller has another */

#define KW_IS_64_BIT(regs) ((regs)->cs == KW_USER_CS_64)
#define KW_NUMBER(regs) ((regs)->orig_ax)
#define KW_FIRST(regs) ((regs)->di)
#define KW_SECOND(regs) ((regs)->si)
#define KW_THIRD(regs) ((regs)->dx)
#define KW_FOURTH(regs) ((regs)->cx) /* of a call of a library, as these two */
#define KW_FIFTH(regs) ((regs)->r8)
#define KW_RETURNED(regs) ((regs)->ax)
#define KW_STACK(regs) ((regs)->sp)
#define KW_PLACE(regs) ((regs)->ip)
#define KW_GO_SECOND(regs) ((regs)->bx) /* of a call of a function of Go: argument, or result */
#define KW_GO_THIRD(regs) ((regs)->cx)
#define KW_GO_FIFTH(regs) ((regs)->si)
#define KW_GO_SIXTH(regs) ((regs)->r8)

#elif defined(__TARGET_ARCH_arm64)

enum kw_call {
	KW_CALL_READ = 63,
	KW_CALL_WRITE = 64,
	KW_CALL_READV = 65,
	KW_CALL_WRITEV = 66,
	KW_CALL_SENDTO = 206,
	KW_CALL_RECVFROM = 207,
	KW_CALL_SENDMSG = 211,
	KW_CALL_RECVMSG = 212,
	KW_CALL_RECVMMSG = 243,
	KW_CALL_SENDMMSG = 269,
};

#define KW_PSTATE_32 0x10 /* arch/arm64/include/uapi/asm/ptrace.h: PSR_MODE32_BIT */

#define KW_IS_64_BIT(r) (!((r)->pstate & KW_PSTATE_32))
#define KW_NUMBER(r) ((r)->syscallno)
#define KW_FIRST(r) ((r)->regs[0])
#define KW_SECOND(r) ((r)->regs[1])
#define KW_THIRD(r) ((r)->regs[2])
#define KW_FOURTH(r) ((r)->regs[3]) /* of a call of a library, as these two */
#define KW_FIFTH(r) ((r)->regs[4])
#define KW_RETURNED(r) ((r)->regs[0])
#define KW_STACK(r) ((r)->sp)
#define KW_PLACE(r) ((r)->pc)
#define KW_GO_SECOND(r) ((r)->regs[1]) /* of a call of a function of Go: argument, or result */
#define KW_GO_THIRD(r) ((r)->regs[2])
#define KW_GO_FIFTH(r) ((r)->regs[4])
#define KW_GO_SIXTH(r) ((r)->regs[5])

#else
#error "the system calls of this processor are not known yet: see enum kw_call"
#endif

/* Is @task in a system call of its own? The threads of io_uring carry a copy of their creator's registers. */
static __always_inline int kw_is_caller(const struct task_struct *task)
{
	return !(task->flags & (PF_KTHREAD | PF_IO_WORKER));
}

/* The descriptor and second argument of the running system call, if it is one that moves bytes this way. */
static __always_inline enum kw_carrier kw_syscall(const struct pt_regs *regs, enum kw_way way, __u32 *ret_fd,
						  __u64 *ret_second, __u64 *ret_third)
{
	if (!KW_IS_64_BIT(regs))
		return KW_CARRIER_NONE;
	*ret_fd = KW_FIRST(regs);
	*ret_second = KW_SECOND(regs);
	*ret_third = KW_THIRD(regs);
	switch (KW_NUMBER(regs)) {
	case KW_CALL_READ:
	case KW_CALL_RECVFROM:
		return way == KW_SENT ? KW_CARRIER_NONE : KW_CARRIER_BUFFER;
	case KW_CALL_WRITE:
	case KW_CALL_SENDTO:
		return way == KW_SENT ? KW_CARRIER_BUFFER : KW_CARRIER_NONE;
	case KW_CALL_READV:
		return way == KW_SENT ? KW_CARRIER_NONE : KW_CARRIER_VECTOR;
	case KW_CALL_WRITEV:
		return way == KW_SENT ? KW_CARRIER_VECTOR : KW_CARRIER_NONE;
	case KW_CALL_SENDMSG:
		return way == KW_SENT ? KW_CARRIER_MESSAGE : KW_CARRIER_NONE;
	case KW_CALL_RECVMSG:
		return way == KW_SENT ? KW_CARRIER_NONE : KW_CARRIER_MESSAGE;
	default:
		return KW_CARRIER_NONE;
	}
}

/* The same of a call that moves several messages: sendmmsg, recvmmsg. */
static __always_inline int kw_is_mmsg(const struct pt_regs *regs, enum kw_way way)
{
	return KW_IS_64_BIT(regs) && KW_NUMBER(regs) == (way == KW_SENT ? KW_CALL_SENDMMSG : KW_CALL_RECVMMSG);
}

/* Is @fd of the current task this very socket? An io_uring completion can run inside somebody's read(), a
 * kernel client inside a write(): then the registers are those of another call. */
static __always_inline int kw_is_descriptor_of(const struct task_struct *task, __u32 fd, const struct sock *sk)
{
	struct fdtable *table = task->files->fdt;
	struct hlist_head *entry;
	struct file *file = NULL;

	if (fd >= table->max_fds)
		return 0;
	if (bpf_rdonly_cast) { /* a table of pointers: any type that begins with one will do */
		entry = bpf_rdonly_cast(table->fd + fd, bpf_core_type_id_kernel(struct hlist_head));
		return entry->first && (void *)entry->first == (void *)sk->sk_socket->file;
	}
	bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd);
	return file && file == sk->sk_socket->file;
}

#endif
