/* SPDX-License-Identifier: GPL-2.0-only */
/* HTTP/1.x, step by step: whatever a call brings that is no plain head and no body. A program of its own, because its steps
 * cost the verifier more than all else: kw_sent() and kw_received() tail-call it. */
#ifndef KEEPWATCH_STEPS_BPF_H
#define KEEPWATCH_STEPS_BPF_H

#include "frames.bpf.h"
#include "revive.bpf.h"

#define KW_STEPS 32768 /* most steps of one call, so that its work is bounded: some 260 KB of heads */

/* @n bytes need no look. */
static __always_inline __u32 kw_pass(struct kw_connection *c, struct kw_cursor *cursor, __u64 n)
{
	kw_skip(cursor, n);
	cursor->left -= n;
	cursor->outcome.position += n;
	return http1_skip(&c->http1, cursor->outcome.direction, n);
}

/* @n bytes cannot be read. */
static __always_inline __u32 kw_pass_blind(struct kw_connection *c, struct kw_cursor *cursor, __u64 n)
{
	cursor->left -= n;
	cursor->outcome.position += n;
	return kw_pass_unseen(c, cursor->outcome.direction, n);
}

/* Shows the machine what is in scratch. */
static __always_inline __u32 kw_look(struct kw_connection *c, struct kw_scratch *room)
{
	struct kw_cursor *cursor = &room->cursor;
	__u32 at = cursor->at & (KW_PIECE - 1);
	__u32 n = cursor->length - at, taken, event;

	if (n > HTTP1_WINDOW)
		n = HTTP1_WINDOW;
	taken = http1_step(&c->http1, cursor->outcome.direction, room->bytes + at, n, &event);
	cursor->at = at + taken;
	cursor->left -= taken;
	cursor->outcome.position += taken;
	return event;
}

/* Does with the call's bytes one thing, the first that is due. The cursor has the result. */
KW_GLOBAL int kw_advance(struct kw_connection *c, struct kw_scratch *room, __u32 index)
{
	struct kw_cursor *cursor;
	__u64 skippable;

	if (!c || !room)
		return 0;
	cursor = &room->cursor;
	cursor->outcome.why = KW_TAINT_BLIND;
	if (index == KW_STEPS - 1) {
		cursor->blind = 1;
		cursor->outcome.why = KW_TAINT_BUDGET;
	}
	skippable = http1_skippable(&c->http1.streams[cursor->outcome.direction & 1], cursor->left);
	if (cursor->blind)
		cursor->outcome.event = kw_pass_blind(c, cursor, cursor->left);
	else if (skippable)
		cursor->outcome.event = kw_pass(c, cursor, skippable);
	else if (cursor->at < cursor->length)
		cursor->outcome.event = kw_look(c, room);
	else
		cursor->blind = kw_refill(room, KW_PIECE) != 0;
	return 0;
}

/* The things that a step works on. The numbers are in scratch and not on the stack, because the verifier follows every
 * value on the stack from step to step, and would never see two alike. */
struct kw_reader {
	struct kw_connection *c;
	struct kw_scratch *scratch;
	struct sock *sk;
};

/* Bytes before this call passed by a way that shows no event, and were not all of a body. They stand for a call of their
 * own. */
static __always_inline __u32 kw_take_gap(struct kw_connection *c, struct kw_cursor *cursor)
{
	__u32 event = http1_call(&c->http1, cursor->outcome.direction);

	cursor->outcome.why = KW_TAINT_GAP;
	cursor->outcome.position += cursor->gap;
	return event | kw_pass_unseen(c, cursor->outcome.direction, cursor->gap);
}

/* A connection that is older than the observer, and has not shown what it carries, may do so now: then the HTTP/1 machine has nothing to
 * do with the call. */
KW_GLOBAL int kw_try_http2(struct kw_connection *c, struct kw_scratch *room)
{
	if (!c || !room || !c->identity.preexisting || c->http1.protocol != HTTP1_PROTOCOL_NONE ||
	    room->cursor.gap || room->cursor.blind || !kw_begins_frame(room))
		return 0;
	c->http1.protocol = HTTP1_PROTOCOL_H2C;
	room->cursor.stage = KW_STAGE_BYTES;
	return 0;
}

/* Which side, and is it HTTP? Returns whether the call is to be followed. */
static __always_inline int kw_settle_side(const struct kw_reader *reader)
{
	struct kw_cursor *cursor = &reader->scratch->cursor;
	struct kw_connection *c = reader->c;

	if (c->http1.protocol > HTTP1_PROTOCOL_HTTP1)
		return kw_revive(c, reader->sk, reader->scratch);
	if (!kw_has_role(c, reader->sk, reader->scratch))
		return 0;
	cursor->outcome.direction = kw_direction(c->role, cursor->way);
	return 1;
}

/* Does the next thing that is due with the call, and notes what came of it. Returns 0 when nothing is left to do. */
static __always_inline int kw_proceed(const struct kw_reader *reader, __u32 index)
{
	struct kw_cursor *cursor = &reader->scratch->cursor;
	struct kw_connection *c = reader->c;

	switch (cursor->stage) {
	case KW_STAGE_GAP:
		cursor->stage = KW_STAGE_SIDE;
		if (cursor->gap)
			cursor->outcome.event = kw_take_gap(c, cursor);
		return 1;
	case KW_STAGE_SIDE:
		cursor->stage = KW_STAGE_JOIN;
		return kw_settle_side(reader);
	case KW_STAGE_JOIN:
		cursor->stage = KW_STAGE_CALL;
		kw_try_http2(c, reader->scratch);
		return 1;
	case KW_STAGE_CALL:
		cursor->stage = KW_STAGE_BYTES;
		cursor->outcome.event = http1_call(&c->http1, cursor->outcome.direction);
		return 1;
	default:
		if (!cursor->left || c->http1.protocol > HTTP1_PROTOCOL_HTTP1)
			return 0;
		kw_advance(c, reader->scratch, index);
		return 1;
	}
}

/* One step; bpf_loop() calls it until it returns 1. In a loop newer verifiers compare what they know of every value, so that
 * its parts are global functions: these are verified outside. */
static long kw_step(__u32 index, struct kw_reader *reader)
{
	struct kw_outcome *outcome = &reader->scratch->cursor.outcome;

	if (!kw_proceed(reader, index))
		return 1;
	KW_FORGET();
	if (outcome->event)
		kw_act_upon(reader->c, kw_before_event(reader->c, reader->sk, outcome), outcome);
	outcome->event = 0;
	return 0;
}

KW_LOOP(kw_step, KW_STEPS)

/* The slot of this way, if it holds a call of @task that a program has left to be gone on with. */
static __always_inline struct kw_scratch *kw_slot_left(__u32 way, __u64 task)
{
	struct kw_scratch *room = bpf_map_lookup_elem(&scratch, &way);

	return room && room->cursor.task == task ? room : NULL;
}

/* The call that the current task is in. A task is in one send or receive at a time. */
static __always_inline struct kw_scratch *kw_slot_in_hand(void)
{
	__u64 task = (__u64)bpf_get_current_task_btf();
	struct kw_scratch *room = kw_slot_left(KW_RECEIVED, task);

	return room ? room : kw_slot_left(KW_SENT, task);
}

#define KW_TLS_SHOWN 2 /* bytes of a record by which TLS is known */

/* A call on @sk has shown that the connection carries TLS: another program takes it from the record's first byte, which may have
 * come in the call before. Returns only if it cannot. */
static __always_inline void kw_leave_to_tls(void *ctx, struct sock *sk, const struct kw_connection *c,
					    struct kw_cursor *cursor, void *programs)
{
	__u64 start = cursor->way == KW_SENT ? c->tx_bytes : c->rx_bytes;
	__s64 ahead = kw_is_framed(c) ? 0 : cursor->outcome.position - KW_TLS_SHOWN - start;

	kw_begin_call(cursor, c, sk, cursor->end - start, cursor->way);
	cursor->located = cursor->sought = 0;
	if (ahead < 0)
		cursor->early = 1;
	else
		kw_take(cursor, ahead);
	cursor->task = (__u64)bpf_get_current_task_btf();
	bpf_tail_call(ctx, programs, KW_NEXT_TLS);
}

/* A call on @sk has shown that the connection carries HTTP/2: another program takes what is left of it. */
static __always_inline void kw_leave_to_http2(void *ctx, struct kw_cursor *cursor, void *programs)
{
	cursor->task = (__u64)bpf_get_current_task_btf();
	bpf_tail_call(ctx, programs, KW_NEXT_HTTP2);
}

/* Goes on with a call on @sk. */
static __always_inline void kw_go_on(void *ctx, struct sock *sk, void *programs)
{
	struct kw_reader reader = {.sk = sk, .scratch = kw_slot_in_hand()};
	struct kw_cursor *cursor;

	if (!reader.scratch)
		return;
	cursor = &reader.scratch->cursor;
	cursor->task = 0;
	reader.c = kw_find(sk);
	if (!reader.c)
		return;
	kw_find_buffers_aside(sk, cursor);
	kw_seek(ctx, cursor, programs, KW_NEXT_HTTP1);
	KW_FORGET();
	kw_step_loop(&reader);
	http1_call_end(&reader.c->http1, cursor->outcome.direction);
	if (kw_may_follow(reader.c, HTTP1_PROTOCOL_H2C))
		kw_leave_to_http2(ctx, cursor, programs);
	kw_forget(reader.scratch);
	if (kw_may_follow(reader.c, HTTP1_PROTOCOL_TLS))
		kw_leave_to_tls(ctx, sk, reader.c, cursor, programs);
	kw_end_call(reader.c, sk, cursor, cursor->way & 1);
}

#endif
