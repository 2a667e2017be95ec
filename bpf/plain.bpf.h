/* SPDX-License-Identifier: GPL-2.0-only */
/* The calls that nearly all traffic consists of, without the machine's steps: a whole plain head, with what the call has of its
 * body, and nothing but body. */
#ifndef KEEPWATCH_PLAIN_BPF_H
#define KEEPWATCH_PLAIN_BPF_H

#include "capture.bpf.h"

/* Asks for the cache lines that a message will need, all at once: they come while its buffers are being found. */
static __always_inline void kw_touch(const struct kw_connection *c, __u32 direction)
{
	const volatile __u8 *first = (const volatile __u8 *)c + KW_FIRST_LINE;

	for (__u32 at = 0; at < __builtin_offsetof(struct kw_connection, samples) - KW_FIRST_LINE;
	     at += KW_CACHE_LINE)
		(void)first[at];
	(void)*(const volatile __u64 *)&c->samples[direction & 1].sum;
}

#define KW_STEPS_A_ROUND 4 /* divides HTTP1_LINES */

/* The bytes that a plain head is looked for in. */
struct kw_sight {
	struct kw_scratch *room;
	__u32 size;
};

/* Some steps a round, because a round costs a call and a return; the verifier reads each. */
static long kw_read_on(__u32 index, struct kw_sight *sight)
{
	for (__u32 i = 0; i < KW_STEPS_A_ROUND; i++)
		if (!http1_plain_more(&sight->room->head, sight->room->bytes, sight->size))
			return 1;
	return 0;
}

KW_LOOP(kw_read_on, HTTP1_LINES / KW_STEPS_A_ROUND)

/* Reads the head at the beginning of the @size bytes in scratch. Returns its size; up to HTTP1_PLAIN_SO_FAR if it is not a plain
 * one. A function of its own, so that the verifier reads it once; it costs the message one return. */
KW_GLOBAL int kw_read_head(struct kw_scratch *room, __u32 size, __u32 responses)
{
	struct kw_sight sight = {.room = room, .size = size};

	if (!room)
		return 0;
	if (http1_plain_start(responses, room->bytes, &room->head))
		kw_read_on_loop(&sight);
	return room->head.size;
}

/* The size of the plain head that the call begins with; up to HTTP1_PLAIN_SO_FAR if it does not begin with a whole one. */
static __always_inline __u64 kw_see_head(struct kw_scratch *room)
{
	__u32 size = kw_peek(room, room->cursor.left);

	return size ? kw_read_head(room, size, room->cursor.outcome.direction == HTTP1_RESPONSES) : 0;
}

/* Takes a head of @passed bytes, with as much of the body as the call has, in one go. The result is in cursor->outcome.event; the rest is
 * for the steps. */
static __always_inline void kw_take_head(struct kw_connection *c, struct kw_scratch *room, __u64 passed)
{
	struct kw_cursor *cursor = &room->cursor;
	int responses = cursor->outcome.direction == HTTP1_RESPONSES;
	__u64 body;

	cursor->stage = KW_STAGE_BYTES;
	if (responses)
		kw_response_begin(c, &cursor->outcome);
	else
		kw_request_begin(c, &cursor->outcome);
	cursor->outcome.event = http1_take_head(&c->http1, responses, &room->head);
	if (!(cursor->outcome.event & (HTTP1_EVENT_END | HTTP1_EVENT_LOST))) {
		body = http1_skippable(&c->http1.streams[responses], cursor->left - passed);
		if (body)
			cursor->outcome.event |= http1_skip(&c->http1, responses, body);
		passed += body;
	}
	kw_take(cursor, passed);
}

/* A call that begins with a whole plain head, as nearly all do that begin with one. */
static __always_inline void kw_whole_head(struct kw_connection *c, struct sock *sk, struct kw_scratch *room)
{
	__u64 passed = kw_see_head(room);

	if (passed <= HTTP1_PLAIN_SO_FAR)
		return;
	KW_FORGET();
	if (room->cursor.outcome.direction != HTTP1_RESPONSES)
		kw_before_request(c, sk);
	kw_take_head(c, room, passed);
}

/* Nothing but bytes that need no look, maybe with the last of a body: they need not be found or read. */
static __always_inline int kw_needs_no_look(struct kw_connection *c, struct kw_cursor *cursor)
{
	__u64 n = cursor->left;

	if (n > kw_span_left(c, cursor->outcome.direction))
		return 0;
	cursor->outcome.event = http1_skip(&c->http1, cursor->outcome.direction, n);
	kw_take(cursor, n);
	return 1;
}

/* May a plain head begin here? Then no call has anything to say to the machine beforehand: see http1_call(). */
static __always_inline int kw_may_be_plain(const struct kw_connection *c, const struct kw_cursor *cursor)
{
	return http1_may_be_plain(&c->http1, cursor->outcome.direction);
}

/* Takes of a call what can be taken without steps; the rest is in the cursor. */
static __always_inline void kw_take_plain(struct kw_connection *c, struct sock *sk, struct kw_scratch *room,
					  enum kw_way way)
{
	struct kw_cursor *cursor = &room->cursor;

	kw_touch(c, cursor->outcome.direction);
	if (!kw_needs_no_look(c, cursor) && kw_may_be_plain(c, cursor)) {
		kw_find_buffers(sk, cursor, way);
		if (!cursor->blind)
			kw_whole_head(c, sk, room);
	}
	KW_FORGET();
	if (cursor->outcome.event)
		kw_on_event(c, kw_pipeline_of(c, sk), &cursor->outcome);
	cursor->outcome.event = 0;
}

#endif
