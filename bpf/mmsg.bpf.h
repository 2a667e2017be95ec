/* SPDX-License-Identifier: GPL-2.0-only */
/* The buffers of sendmmsg() and recvmmsg(): which of its messages did a call just send or receive? The kernel has written how much
 * passed into each message before it, and nothing into the others. A caller who uses the messages again may have left there what
 * looks the same: then several may be the one, and unless their sizes tell, none is taken. */
#ifndef KEEPWATCH_MMSG_BPF_H
#define KEEPWATCH_MMSG_BPF_H

#include "capture.bpf.h"

#define KW_MESSAGES 64 /* of a call, and iovecs of a message, that are looked at */

/* A message: its iovecs, and how much is in them. */
struct kw_extent {
	__u64 iov; /* user address */
	__u64 count;
	__u64 size;
};

/* In loops newer verifiers compare what they know of every value, so that their parts are global functions. */
KW_GLOBAL int kw_add_length(struct kw_extent *extent, __u32 index)
{
	struct user_iovec iov = {};

	if (!extent || index >= extent->count)
		return 1;
	bpf_probe_read_user(&iov, sizeof(iov), (const void *)(extent->iov + index * sizeof(iov)));
	extent->size += iov.length;
	return 0;
}

static long kw_add_segment(__u32 index, struct kw_extent *extent)
{
	return kw_add_length(extent, index) != 0;
}

KW_LOOP(kw_add_segment, KW_MESSAGES)

struct kw_mmsg_search {
	__u64 messages; /* user address of the first */
	__u64 count;
	__u64 size;             /* bytes that passed */
	struct kw_extent found; /* the latest message that may be the one */
	__u32 way;
	__u32 whole; /* how many may be the one, and would have been sent or filled whole */
	__u32 partly;
	__u32 reserved;
};

/* A send passes a message whole, or the call ends with it; a receive passes something. */
static __always_inline int kw_may_have_passed(const struct kw_extent *extent, __u32 way, __u64 length)
{
	return way == KW_SENT ? length == extent->size : length && length <= extent->size;
}

/* May the message be the one? One that is whole is preferred to those that are not. */
static __always_inline void kw_consider(struct kw_mmsg_search *search, const struct kw_extent *extent)
{
	int whole = search->way == KW_RECEIVED || extent->size == search->size;

	if (extent->size < search->size || (!whole && search->whole))
		return;
	search->whole += whole;
	search->partly += !whole;
	search->found = *extent;
}

KW_GLOBAL int kw_look_at_message(struct kw_mmsg_search *search, __u32 index)
{
	struct user_mmsghdr message = {};
	struct kw_extent extent = {};

	if (!search || index >= search->count ||
	    bpf_probe_read_user(&message, sizeof(message),
				(const void *)(search->messages + index * sizeof(message))))
		return 1;
	extent.iov = message.header.iov;
	extent.count = message.header.iov_count;
	kw_add_segment_loop(&extent);
	kw_consider(search, &extent);
	return !kw_may_have_passed(&extent, search->way, message.length);
}

static long kw_ask_message(__u32 index, struct kw_mmsg_search *search)
{
	return kw_look_at_message(search, index) != 0;
}

KW_LOOP(kw_ask_message, KW_MESSAGES)

/* Finds the buffers of the message that sendmmsg() or recvmmsg() on @sk has just passed. Returns 0, or -1 if they cannot be
 * found. */
static __always_inline int kw_locate_mmsg(struct kw_cursor *cursor, struct sock *sk)
{
	struct kw_mmsg_search search = {.way = cursor->way, .size = cursor->left + cursor->skip};
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	if (!kw_is_caller(task) || !kw_is_mmsg(regs, search.way) ||
	    !kw_is_descriptor_of(task, KW_FIRST(regs), sk))
		return -1;
	search.messages = KW_SECOND(regs);
	search.count = (__u32)KW_THIRD(regs);
	kw_ask_message_loop(&search);
	if (search.whole != 1 && (search.whole || search.partly != 1))
		return -1;
	cursor->vector = search.found.iov;
	cursor->vector_left = search.found.count;
	return 0;
}

#endif
