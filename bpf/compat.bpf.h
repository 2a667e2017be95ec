/* SPDX-License-Identifier: GPL-2.0-only */
/* The buffers of 32-bit programs on x86_64. Their calls have numbers and registers of their own, and some go through socketcall();
 * the kernel keeps all of it as it does for others (arch/x86/entry/entry_64_compat.S: "Construct struct pt_regs on stack"). */
#ifndef KEEPWATCH_COMPAT_BPF_H
#define KEEPWATCH_COMPAT_BPF_H

#include "capture.bpf.h"

#ifdef __TARGET_ARCH_x86

#define KW_USER_CS_32 0x23 /* arch/x86/include/asm/segment.h: __USER32_CS */
#define KW_SOCKETCALL 102

/* arch/x86/entry/syscalls/syscall_32.tbl, and what socketcall() stands for (include/uapi/linux/net.h), which is added to it. */
enum kw_call_32 {
	KW_CALL_32_READ = 3,
	KW_CALL_32_WRITE = 4,
	KW_CALL_32_READV = 145,
	KW_CALL_32_WRITEV = 146,
	KW_CALL_32_SENDTO = 369,
	KW_CALL_32_SENDMSG = 370,
	KW_CALL_32_RECVFROM = 371,
	KW_CALL_32_RECVMSG = 372,
	KW_SOCKETCALL_BASE = 1000,
	KW_SOCKETCALL_SEND = KW_SOCKETCALL_BASE + 9,
	KW_SOCKETCALL_RECV = KW_SOCKETCALL_BASE + 10,
	KW_SOCKETCALL_SENDTO = KW_SOCKETCALL_BASE + 11,
	KW_SOCKETCALL_RECVFROM = KW_SOCKETCALL_BASE + 12,
	KW_SOCKETCALL_SENDMSG = KW_SOCKETCALL_BASE + 16,
	KW_SOCKETCALL_RECVMSG = KW_SOCKETCALL_BASE + 17,
};

/* Its descriptor and the next two arguments, as socketcall() has them in memory. */
struct kw_arguments_32 {
	__u32 fd;
	__u32 second;
	__u32 third;
};

/* Returns the number of the running call, an enum kw_call_32 if it is one that can move bytes; 0 if it is no 32-bit program's. */
static __always_inline __u32 kw_read_call_32(const struct pt_regs *regs, struct kw_arguments_32 *ret)
{
	if (regs->cs != KW_USER_CS_32)
		return 0;
	if (regs->orig_ax == KW_SOCKETCALL)
		return bpf_probe_read_user(ret, sizeof(*ret), (const void *)(__u64)(__u32)regs->cx)
			       ? 0
			       : KW_SOCKETCALL_BASE + regs->bx;
	ret->fd = regs->bx;
	ret->second = regs->cx;
	ret->third = regs->dx;
	return regs->orig_ax;
}

static __always_inline enum kw_carrier kw_carrier_32(__u32 number, __u32 way)
{
	switch (number) {
	case KW_CALL_32_READ:
	case KW_CALL_32_RECVFROM:
	case KW_SOCKETCALL_RECV:
	case KW_SOCKETCALL_RECVFROM:
		return way == KW_SENT ? KW_CARRIER_NONE : KW_CARRIER_BUFFER;
	case KW_CALL_32_WRITE:
	case KW_CALL_32_SENDTO:
	case KW_SOCKETCALL_SEND:
	case KW_SOCKETCALL_SENDTO:
		return way == KW_SENT ? KW_CARRIER_BUFFER : KW_CARRIER_NONE;
	case KW_CALL_32_READV:
		return way == KW_SENT ? KW_CARRIER_NONE : KW_CARRIER_VECTOR;
	case KW_CALL_32_WRITEV:
		return way == KW_SENT ? KW_CARRIER_VECTOR : KW_CARRIER_NONE;
	case KW_CALL_32_SENDMSG:
	case KW_SOCKETCALL_SENDMSG:
		return way == KW_SENT ? KW_CARRIER_MESSAGE : KW_CARRIER_NONE;
	case KW_CALL_32_RECVMSG:
	case KW_SOCKETCALL_RECVMSG:
		return way == KW_SENT ? KW_CARRIER_NONE : KW_CARRIER_MESSAGE;
	default:
		return KW_CARRIER_NONE;
	}
}

/* The same as kw_locate(), of a 32-bit program. */
static __always_inline int kw_locate_32(struct kw_cursor *cursor, struct sock *sk)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct user_msghdr_32 message = {};
	struct kw_arguments_32 arguments = {};
	enum kw_carrier carrier;

	if (!kw_is_caller(task))
		return -1;
	carrier = kw_carrier_32(kw_read_call_32(regs, &arguments), cursor->way);
	if (carrier == KW_CARRIER_NONE || !kw_is_descriptor_of(task, arguments.fd, sk))
		return -1;
	if (carrier == KW_CARRIER_BUFFER) {
		cursor->segment = arguments.second;
		cursor->segment_left = arguments.third;
		return 0;
	}
	message.iov = arguments.second;
	message.iov_count = arguments.third;
	if (carrier == KW_CARRIER_MESSAGE &&
	    bpf_probe_read_user(&message, sizeof(message), (const void *)(__u64)arguments.second))
		return -1;
	cursor->vector = message.iov;
	cursor->vector_left = message.iov_count;
	cursor->form = KW_IOVECS_32;
	return 0;
}

#else

/* Those of other processors are not looked at. */
static __always_inline int kw_locate_32(struct kw_cursor *cursor, struct sock *sk)
{
	return -1;
}

#endif

#endif
