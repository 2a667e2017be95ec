/* SPDX-License-Identifier: GPL-2.0-only */
/* From a finished send or receive to the machine: finds the caller's buffers by the running system call,
 * reads as little of them as the machine wants to see, and passes over the rest by arithmetic. */
#ifndef KEEPWATCH_CAPTURE_BPF_H
#define KEEPWATCH_CAPTURE_BPF_H

#include "exchange.bpf.h"

#define KW_LINE 64     /* bytes that are wiped at once */
#define KW_STEPS 16384 /* most steps of one call, so that its work is bounded: some 180 KB of heads */

/* The things that a step works on. The numbers are in scratch and not on the stack, because the verifier follows every
 * value on the stack from step to step, and would never see two alike. */
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
	return kw_pass_unseen(reader->c, cursor->direction, n);
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

/* One step; bpf_loop() calls it until it returns 1. Its result goes through memory, because the machine reaches it by many
 * paths: see KW_FORGET(). */
static long kw_step(__u32 index, struct kw_reader *reader)
{
	struct kw_cursor *cursor = &reader->scratch->cursor;
	struct kw_connection *c = reader->c;

	if (!cursor->left || c->http1.protocol > HTTP1_PROTOCOL_HTTP1)
		return 1;
	if (!cursor->event)
		cursor->event = kw_advance(reader, index);
	KW_FORGET();
	if (cursor->event)
		kw_on_event(c, reader->sk, cursor);
	cursor->event = 0;
	return 0;
}

/* The caller's buffers: one, or a vector of them. */
struct kw_buffers {
	__u64 address;
	__u64 size;
	__u64 vector; /* user address of the iovecs, if there is no size */
	__u64 count;
};

/* Finds the buffers of the running call. Returns 0, or -1 if they cannot be found: a blind span. */
static __always_inline int kw_locate(struct sock *sk, enum kw_way way, struct kw_buffers *ret_buffers)
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
		ret_buffers->address = second;
		ret_buffers->size = third;
		return 0;
	}
	if (carrier == KW_CARRIER_MESSAGE) {
		if (bpf_probe_read_user(&message, sizeof(message), (void *)second))
			return -1;
		second = message.iov;
		third = message.iov_count;
	}
	ret_buffers->vector = second;
	ret_buffers->count = third;
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

/* Reads the beginning of what a call of @n bytes brought. Returns how many bytes; 0 if that did not succeed. */
static __always_inline __u32 kw_peek(struct kw_scratch *room, const struct kw_buffers *buffers, __u64 n)
{
	__u64 address = buffers->address, size = buffers->size;

	if (!size) {
		if (!buffers->count ||
		    bpf_probe_read_user(room->segments, sizeof(room->segments[0]), (void *)buffers->vector))
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

/* The bytes that a plain head is looked for in. */
struct kw_sight {
	struct kw_scratch *room;
	__u32 size;
};

static long kw_read_on(__u32 index, struct kw_sight *sight)
{
	return !http1_plain_more(&sight->room->head, sight->room->bytes, sight->size);
}

/* The call's first @n bytes are done, before any step: the steps pass over them. */
static __always_inline void kw_take(struct kw_cursor *cursor, __u64 n)
{
	cursor->left -= n;
	cursor->position += n;
	cursor->skip = n;
}

/* A call that begins with a whole plain head, as nearly all do that begin with one: the head, and as much of the
 * body as the call has, in one go. The result is in cursor->event; the rest is for the steps. */
static __always_inline void kw_whole_head(struct kw_connection *c, struct sock *sk, struct kw_scratch *room,
					  const struct kw_buffers *buffers)
{
	struct kw_sight sight = {.room = room};
	struct kw_cursor *cursor = &room->cursor;
	__u64 passed, body;
	int responses;

	if (!http1_may_be_plain(&c->http1.streams[cursor->direction & 1]))
		return;
	sight.size = kw_peek(room, buffers, cursor->left);
	if (!sight.size)
		return;
	if (http1_plain_start(cursor->direction == HTTP1_RESPONSES, room->bytes, &room->head))
		bpf_loop(HTTP1_LINES, kw_read_on, &sight, 0);
	KW_FORGET();
	passed = room->head.size;
	if (passed <= HTTP1_PLAIN_SO_FAR)
		return;
	responses = cursor->direction == HTTP1_RESPONSES;
	if (responses)
		kw_response_begin(c, cursor);
	else
		kw_request_begin(c, sk, cursor);
	cursor->event = http1_take_head(&c->http1, responses, &room->head);
	if (!(cursor->event & (HTTP1_EVENT_END | HTTP1_EVENT_LOST))) {
		body = http1_skippable(&c->http1.streams[responses], cursor->left - passed);
		if (body)
			cursor->event |= http1_skip(&c->http1, responses, body);
		passed += body;
	}
	kw_take(cursor, passed);
}

/* Nothing but bytes that need no look, maybe with the last of a body: they need not be found or read. */
static __always_inline int kw_needs_no_look(struct kw_connection *c, struct kw_cursor *cursor)
{
	__u64 n = cursor->left;

	if (n > kw_span_left(c, cursor->direction))
		return 0;
	cursor->event = http1_skip(&c->http1, cursor->direction, n);
	kw_take(cursor, n);
	return 1;
}

/* Asks for the cache lines that a message will need, all at once: they come while its buffers are being found. */
static __always_inline void kw_touch(const struct kw_connection *c, __u32 direction)
{
	const volatile __u8 *first = (const volatile __u8 *)c + KW_FIRST_LINE;

	for (__u32 at = 0; at < __builtin_offsetof(struct kw_connection, samples) - KW_FIRST_LINE;
	     at += KW_CACHE_LINE)
		(void)first[at];
	(void)*(const volatile __u64 *)&c->samples[direction & 1].sum;
}

/* All that is left of a call, by the machine's steps. */
static __always_inline void kw_take_steps(struct kw_reader *reader, const struct kw_buffers *buffers)
{
	struct kw_cursor *cursor = &reader->scratch->cursor;

	cursor->segment = buffers->address;
	cursor->segment_left = buffers->size;
	cursor->vector = buffers->vector;
	cursor->vector_left = buffers->count;
	cursor->segments = cursor->next = cursor->at = cursor->length = 0;
	bpf_loop(KW_STEPS, kw_step, reader, 0);
	http1_call_end(&reader->c->http1, cursor->direction);
}

/* @n bytes were sent or received on @sk by a call that has just ended. @readable: they are in its buffers. */
static __always_inline void kw_feed(struct kw_connection *c, struct sock *sk, __u64 n, enum kw_way way,
				    int readable)
{
	__u32 index = way == KW_SENT && !readable ? KW_SLOT_UNREADABLE : way;
	__u32 direction = kw_direction(c->role, way);
	struct kw_reader reader = {.c = c, .sk = sk};
	struct kw_buffers buffers = {};
	struct kw_cursor *cursor;

	kw_touch(c, direction);
	reader.scratch = bpf_map_lookup_elem(&scratch, &index);
	if (!reader.scratch)
		return;
	cursor = &reader.scratch->cursor;
	cursor->now = kw_passed_at(sk, way);
	cursor->position = way == KW_SENT ? c->tx_bytes : c->rx_bytes;
	cursor->left = n;
	cursor->direction = direction;
	cursor->why = KW_TAINT_BLIND;
	cursor->used = cursor->skip = 0;
	cursor->event = http1_call(&c->http1, direction);
	if (cursor->event || !kw_needs_no_look(c, cursor)) {
		cursor->blind = !readable || kw_locate(sk, way, &buffers);
		if (!cursor->blind && !cursor->event)
			kw_whole_head(c, sk, reader.scratch, &buffers);
	}
	KW_FORGET();
	if (cursor->event)
		kw_on_event(c, sk, cursor);
	cursor->event = 0;
	if (cursor->left)
		kw_take_steps(&reader, &buffers);
	kw_forget(reader.scratch);
}

#endif
