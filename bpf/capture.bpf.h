/* SPDX-License-Identifier: GPL-2.0-only */
/* The bytes of a finished send or receive: finds the caller's buffers by the running system call, and reads as little of
 * them as is wanted. */
#ifndef KEEPWATCH_CAPTURE_BPF_H
#define KEEPWATCH_CAPTURE_BPF_H

#include "exchange.bpf.h"

#define KW_LINE 64 /* bytes that are wiped at once */

/* A call of @n bytes begins, on @sk. Nothing of it has been followed. */
static __always_inline void kw_begin_call(struct kw_cursor *cursor, const struct kw_connection *c,
					  struct sock *sk, __u64 n, enum kw_way way)
{
	cursor->outcome.now = kw_passed_at(sk, way);
	cursor->outcome.position = way == KW_SENT ? c->tx_bytes : c->rx_bytes;
	cursor->end = cursor->outcome.position + n;
	cursor->left = n;
	cursor->way = way;
	cursor->outcome.direction = kw_direction(c->role, way);
	cursor->stage = KW_STAGE_CALL;
	cursor->outcome.why = KW_TAINT_BLIND;
	cursor->segment_left = cursor->vector_left = cursor->skip = 0;
	cursor->used = cursor->early = cursor->form = cursor->outcome.event = 0;
	cursor->segments = cursor->next = cursor->at = cursor->length = 0;
}

/* The call's first @n bytes are done, before any step: the steps pass over them. */
static __always_inline void kw_take(struct kw_cursor *cursor, __u64 n)
{
	cursor->left -= n;
	cursor->outcome.position += n;
	cursor->skip = n;
}

/* The next @n bytes need no look. They are in scratch, or in the segments behind it. */
static __always_inline void kw_skip(struct kw_cursor *cursor, __u64 n)
{
	__u32 here = cursor->length - cursor->at;

	if (n < here) {
		cursor->at += n;
	} else {
		cursor->at = cursor->length = 0;
		cursor->skip += n - here;
	}
}

/* Finds the buffers of the running call. Returns 0, or -1 if they cannot be found: a blind span. */
static __always_inline int kw_locate(struct sock *sk, enum kw_way way, struct kw_cursor *cursor)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct user_msghdr message;
	__u64 second = 0, third = 0;
	enum kw_carrier carrier;
	__u32 fd = 0;

	if (!kw_is_caller(task))
		return -1;
	carrier = kw_syscall(regs, way, &fd, &second, &third);
	if (carrier == KW_CARRIER_NONE || !kw_is_descriptor_of(task, fd, sk))
		return -1;
	if (carrier == KW_CARRIER_BUFFER) {
		cursor->segment = second;
		cursor->segment_left = third;
		return 0;
	}
	if (carrier == KW_CARRIER_MESSAGE) {
		if (bpf_probe_read_user(&message, sizeof(message), (void *)second))
			return -1;
		second = message.iov;
		third = message.iov_count;
	}
	cursor->vector = second;
	cursor->vector_left = third;
	return 0;
}

/* The call is done: its bytes count as passed, and what is left of a body behind them needs no look. */
static __always_inline void kw_end_call(struct kw_connection *c, struct sock *sk,
					const struct kw_cursor *cursor, enum kw_way way)
{
	if (way == KW_SENT)
		c->tx_bytes = cursor->end;
	else
		c->rx_bytes = cursor->end;
	kw_span_open(c, sk, way);
}

/* Looks for the buffers, once a call. */
static __always_inline void kw_find_buffers(struct sock *sk, struct kw_cursor *cursor, enum kw_way way)
{
	if (!cursor->located)
		cursor->blind = kw_locate(sk, way, cursor) != 0;
	cursor->located = 1;
}

/* The same in a function of its own, so that the verifier keeps nothing of it in mind for the loop that follows. */
static __noinline int kw_find_buffers_aside(struct sock *sk, struct kw_cursor *cursor)
{
	kw_find_buffers(sk, cursor, cursor->way);
	return 0;
}

/* Leaves a call whose buffers are not those of the running system call to the program that looks for them elsewhere, which then
 * goes on in @resume. Returns if there is nothing left to look for. */
static __always_inline void kw_seek(void *ctx, struct kw_cursor *cursor, void *programs, enum kw_next resume)
{
	if (!cursor->blind || cursor->sought)
		return;
	cursor->sought = 1;
	cursor->resume = resume;
	cursor->task = (__u64)bpf_get_current_task_btf();
	bpf_tail_call(ctx, programs, KW_NEXT_SEEK);
	cursor->task = 0;
}

/* Reads the beginning of what a call of @n bytes brought. Returns how many bytes; 0 if that did not succeed. */
static __always_inline __u32 kw_peek(struct kw_scratch *room, __u64 n)
{
	__u64 address = room->cursor.segment, size = room->cursor.segment_left;

	if (!size) {
		if (!room->cursor.vector_left ||
		    bpf_probe_read_user(room->segments, sizeof(room->segments[0]), (void *)room->cursor.vector))
			return 0;
		address = room->segments[0].base;
		size = room->segments[0].length;
	}
	if (size > n)
		size = n;
	KW_OPAQUE(size);
	if (size > KW_PIECE)
		size = KW_PIECE;
	KW_OPAQUE(size);
	room->cursor.used = size;
	return bpf_probe_read_user(room->bytes, size, (void *)address) ? 0 : size;
}

/* Fetches one of the iovecs of a 32-bit program, which are half as long. */
static __always_inline long kw_read_iovec_32(struct kw_scratch *room)
{
	struct user_iovec_32 iov = {};
	long r = bpf_probe_read_user(&iov, sizeof(iov), (const void *)room->cursor.vector);

	room->segments[0].base = iov.base;
	room->segments[0].length = iov.length;
	room->cursor.vector += sizeof(iov);
	room->cursor.segments = 1;
	return r;
}

/* Fetches iovecs, up to KW_SEGMENTS. */
static __always_inline long kw_read_vector(struct kw_scratch *room)
{
	struct kw_cursor *cursor = &room->cursor;
	__u64 count = cursor->vector_left < KW_SEGMENTS ? cursor->vector_left : KW_SEGMENTS;
	const void *vector = (const void *)cursor->vector;
	__u32 size = count * sizeof(room->segments[0]);

	if (cursor->form == KW_IOVECS_32)
		return kw_read_iovec_32(room);
	cursor->vector += size;
	cursor->segments = count;
	return cursor->form == KW_IOVECS_KERNEL ? bpf_probe_read_kernel(room->segments, size, vector)
						: bpf_probe_read_user(room->segments, size, vector);
}

/* The next segment, from the iovecs in scratch; fetches more of them when they are used up. */
static __always_inline int kw_next_segment(struct kw_scratch *room)
{
	struct kw_cursor *cursor = &room->cursor;
	struct user_iovec *iov;

	if (cursor->next >= cursor->segments) {
		if (!cursor->vector_left || kw_read_vector(room))
			return -1;
		cursor->vector_left -= cursor->segments;
		cursor->next = 0;
	}
	iov = &room->segments[cursor->next & (KW_SEGMENTS - 1)];
	cursor->next++;
	cursor->segment = iov->base;
	cursor->segment_left = iov->length;
	return 0;
}

/* Brings scratch forward: passes over what is to be skipped, then reads a piece of @most bytes, up to KW_PIECE. Does one of
 * these at a time, so that each step is bounded. Returns -1 if the buffers cannot be read. */
static __always_inline int kw_refill(struct kw_scratch *room, __u64 most)
{
	struct kw_cursor *cursor = &room->cursor;
	__u64 skip = cursor->skip < cursor->segment_left ? cursor->skip : cursor->segment_left;
	__u64 size;

	cursor->skip -= skip;
	cursor->segment += skip;
	cursor->segment_left -= skip;
	if (!cursor->segment_left)
		return kw_next_segment(room);
	size = cursor->segment_left < cursor->left ? cursor->segment_left : cursor->left;
	if (size > most)
		size = most;
	if (size > cursor->used)
		cursor->used = size;
	if (bpf_probe_read_user(room->bytes, size, (void *)cursor->segment))
		return -1;
	cursor->segment += size;
	cursor->segment_left -= size;
	cursor->at = 0;
	cursor->length = size;
	return 0;
}

/* Leaves nothing of the call where a look into the maps would find it. */
static __always_inline void kw_forget(struct kw_scratch *room)
{
	__u32 used = room->cursor.used;

#pragma clang loop unroll(disable)
	for (__u32 at = 0; at < KW_PIECE && at < used; at += KW_LINE) {
		__u64 *line = (__u64 *)(room->bytes + at);

		KW_OPAQUE(line);
		line[0] = line[1] = line[2] = line[3] = line[4] = line[5] = line[6] = line[7] = 0;
	}
}

#endif
