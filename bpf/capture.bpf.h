/* SPDX-License-Identifier: GPL-2.0-only */
/* From a finished send or receive to the machine: finds the caller's buffers by the running system call,
 * reads as little of them as the machine wants to see, and passes over the rest by arithmetic. */
#ifndef KEEPWATCH_CAPTURE_BPF_H
#define KEEPWATCH_CAPTURE_BPF_H

#include "exchange.bpf.h"

#define KW_STEPS 16384 /* most steps of one call: bounded work, up to 1 MiB of heads */

/* What a step works on. The numbers are in scratch, not on the stack: the verifier follows every value on the
 * stack from step to step, and would never see two alike. */
struct kw_reader {
	struct kw_connection *c;
	struct kw_scratch *scratch;
	struct sock *sk;
};

/* @n bytes need no look. They are in scratch, or in the segments behind it. */
static __always_inline __u32 kw_pass(const struct kw_reader *reader, __u64 n)
{
	struct kw_cursor *cursor = &reader->scratch->cursor;
	__u32 here = cursor->length - cursor->at;

	if (n < here) {
		cursor->at += n;
	} else {
		cursor->at = cursor->length = 0;
		cursor->skip += n - here;
	}
	cursor->left -= n;
	cursor->position += n;
	return http1_skip(&reader->c->http1, cursor->direction, n);
}

/* @n bytes cannot be read. */
static __always_inline __u32 kw_pass_blind(const struct kw_reader *reader, __u64 n)
{
	struct kw_cursor *cursor = &reader->scratch->cursor;

	cursor->left -= n;
	cursor->position += n;
	__sync_fetch_and_add(&reader->c->http.blind_bytes, n);
	return http1_blind(&reader->c->http1, cursor->direction, n);
}

/* The next segment, from the iovecs in scratch; fetches more of them when they are used up. */
static __always_inline int kw_next_segment(struct kw_scratch *room)
{
	struct kw_cursor *cursor = &room->cursor;
	struct user_iovec *iov;

	if (cursor->next >= cursor->segments) {
		__u64 count = cursor->vector_left < KW_SEGMENTS ? cursor->vector_left : KW_SEGMENTS;

		if (!count || bpf_probe_read_user(room->segments, count * sizeof(*iov), (void *)cursor->vector))
			return -1;
		cursor->vector += count * sizeof(*iov);
		cursor->vector_left -= count;
		cursor->segments = count;
		cursor->next = 0;
	}
	iov = &room->segments[cursor->next & (KW_SEGMENTS - 1)];
	cursor->next++;
	cursor->segment = iov->base;
	cursor->segment_left = iov->length;
	return 0;
}

/* Brings scratch forward: passes over what is to be skipped, then reads a piece. Does one of these a time,
 * so that each step is bounded. Returns -1 if the buffers cannot be read. */
static __always_inline int kw_refill(struct kw_scratch *room)
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
	if (size > KW_PIECE)
		size = KW_PIECE;
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

/* Shows the machine what is in scratch. */
static __always_inline __u32 kw_look(const struct kw_reader *reader)
{
	struct kw_cursor *cursor = &reader->scratch->cursor;
	__u32 at = cursor->at & (KW_PIECE - 1);
	__u32 n = cursor->length - at, taken, event;

	if (n > HTTP1_WINDOW)
		n = HTTP1_WINDOW;
	taken = http1_step(&reader->c->http1, cursor->direction, reader->scratch->bytes + at, n, &event);
	cursor->at = at + taken;
	cursor->left -= taken;
	cursor->position += taken;
	return event;
}

/* Does one thing, the first that is due, and returns what came of it. */
static __always_inline __u32 kw_advance(const struct kw_reader *reader, __u32 index)
{
	struct kw_cursor *cursor = &reader->scratch->cursor;
	struct http1_connection *http1 = &reader->c->http1;
	__u64 skippable;

	if (cursor->gap) {
		__u64 gap = cursor->gap;

		cursor->gap = 0;
		return kw_pass_blind(reader, gap);
	}
	cursor->why = KW_TAINT_BLIND;
	if (index == KW_STEPS - 1) {
		cursor->blind = 1;
		cursor->why = KW_TAINT_BUDGET;
	}
	if (cursor->blind)
		return kw_pass_blind(reader, cursor->left);
	skippable = http1_skippable(&http1->streams[cursor->direction & 1], cursor->left);
	if (skippable)
		return kw_pass(reader, skippable);
	if (cursor->at < cursor->length)
		return kw_look(reader);
	cursor->blind = kw_refill(reader->scratch) != 0;
	return 0;
}

/* One step; bpf_loop() calls it until it returns 1. What came of it goes through memory: so the verifier
 * forgets by which of the machine's many ways it was reached, and follows the consequences once. */
static long kw_step(__u32 index, struct kw_reader *reader)
{
	struct kw_cursor *cursor = &reader->scratch->cursor;
	struct kw_connection *c = reader->c;

	if (!cursor->left || c->http1.protocol > HTTP1_PROTOCOL_HTTP1)
		return 1;
	if (!cursor->event)
		cursor->event = kw_advance(reader, index);
	barrier();
	if (cursor->event)
		kw_on_event(c, reader->sk, cursor);
	cursor->event = 0;
	return 0;
}

/* Finds the buffers of the running call. Returns 0, or -1 if they cannot be found: a blind span. */
static __always_inline int kw_locate(const struct kw_reader *reader, int sending)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct kw_cursor *cursor = &reader->scratch->cursor;
	struct user_msghdr message;
	__u64 second = 0, third = 0;
	enum kw_carrier carrier;
	__u32 fd = 0;

	if (!kw_is_caller(task))
		return -1;
	carrier = kw_syscall(regs, sending, &fd, &second, &third);
	if (carrier == KW_CARRIER_NONE || !kw_is_descriptor_of(task, fd, reader->sk))
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

/* Leaves nothing of the call where a look into the maps would find it. Reading from where no user memory can be
 * fails at once, and by that zeroes the room: the cheapest way to do it. */
static __always_inline void kw_forget(const struct kw_reader *reader)
{
	struct kw_cursor *cursor = &reader->scratch->cursor;
	__u64 used = cursor->used;

	if (used > KW_PIECE)
		used = KW_PIECE;
	bpf_probe_read_user(reader->scratch->bytes, used, (void *)-1L);
	http1_call_end(&reader->c->http1, cursor->direction);
}

/* @n bytes were sent or received on @sk by a call that has just ended. @readable: they are in its buffers.
 * @gap: bytes that went before them, by a way that shows no event. */
static __always_inline void kw_feed(struct kw_connection *c, struct sock *sk, __u64 n, int sending,
				    int readable, __u64 gap)
{
	__u32 index = sending ? KW_SCRATCH_SEND : KW_SCRATCH_RECEIVE;
	struct kw_scratch *room = bpf_map_lookup_elem(&scratch, &index);
	struct kw_reader reader = {.c = c, .scratch = room, .sk = sk};
	struct kw_cursor *cursor;

	if (!room)
		return;
	cursor = &room->cursor;
	cursor->now = bpf_ktime_get_ns();
	cursor->position = sending ? c->http.tx_bytes : c->http.rx_bytes;
	cursor->left = gap + n;
	cursor->gap = gap;
	cursor->why = KW_TAINT_GAP;
	cursor->direction = kw_direction(c->identity.role, sending);
	cursor->segment_left = cursor->skip = cursor->vector_left = 0;
	cursor->segments = cursor->next = cursor->at = cursor->length = cursor->used = 0;
	cursor->blind = !readable || kw_locate(&reader, sending);
	cursor->event = http1_call(&c->http1, cursor->direction);
	bpf_loop(KW_STEPS, kw_step, &reader, 0);
	kw_forget(&reader);
}

#endif
