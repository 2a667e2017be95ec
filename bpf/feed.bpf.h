/* SPDX-License-Identifier: GPL-2.0-only */
/* The plaintext of TLS connections: the bytes that a call of a library took or gave go through the same machine as those of clear text,
 * whichever library it is. */
#ifndef KEEPWATCH_FEED_BPF_H
#define KEEPWATCH_FEED_BPF_H

#include "feed_http2.bpf.h"
#include "plain.bpf.h"
#include "revive.bpf.h"
#include "steps.bpf.h"

struct kw_feeder {
	struct kw_plaintext *p;
	struct kw_scratch *room;
};

/* A request begins: see kw_before_request(). */
static __always_inline void kw_feed_before(struct kw_plaintext *p)
{
	if (kw_must_keep(&p->c))
		kw_keep_request(&p->c, &p->pipeline);
}

/* Connection listed a name, or a field has such a name: see kw_before_event(). */
static __always_inline void kw_feed_name(struct kw_plaintext *p, const struct kw_outcome *outcome)
{
	struct http1_stream *s = &p->c.http1.streams[outcome->direction & 1];

	if (outcome->event & HTTP1_EVENT_NAME)
		kw_note_name(&p->c, &p->names, s, outcome->direction);
	if (outcome->event & HTTP1_EVENT_FIELD && kw_is_received(&p->c, s, HTTP1_REQUESTS))
		kw_note_field(&p->c, &p->names, s);
}

/* Acts upon what the machine has said. */
KW_GLOBAL int kw_feed_act(struct kw_plaintext *p, const struct kw_outcome *outcome)
{
	if (!kw_reads_libraries || !p || !outcome)
		return 0;
	if (outcome->event & HTTP1_EVENT_BEGIN && outcome->direction == HTTP1_REQUESTS)
		kw_feed_before(p);
	kw_feed_name(p, outcome);
	return kw_act_upon(&p->c, p->c.pipelined ? &p->pipeline : NULL, outcome);
}

/* Takes of a call what can be taken without steps: see kw_take_plain(). */
static __always_inline void kw_feed_plain(struct kw_plaintext *p, struct kw_scratch *room)
{
	struct kw_cursor *cursor = &room->cursor;
	struct kw_connection *c = &p->c;
	__u64 passed;

	if (!kw_needs_no_look(c, cursor) && kw_may_be_plain(c, cursor)) {
		passed = kw_see_head(room);
		KW_FORGET();
		if (passed > HTTP1_PLAIN_SO_FAR) {
			if (cursor->outcome.direction != HTTP1_RESPONSES)
				kw_feed_before(p);
			kw_take_head(c, room, passed);
		}
	}
	KW_FORGET();
	if (cursor->outcome.event)
		kw_on_event(c, c->pipelined ? &p->pipeline : NULL, &cursor->outcome);
	cursor->outcome.event = 0;
}

static long kw_feed_step(__u32 index, struct kw_feeder *feeder)
{
	struct kw_cursor *cursor = &feeder->room->cursor;
	struct kw_connection *c = &feeder->p->c;

	if (cursor->stage != KW_STAGE_BYTES) {
		cursor->stage = KW_STAGE_BYTES;
		cursor->outcome.event = http1_call(&c->http1, cursor->outcome.direction);
	} else {
		if (!cursor->left || c->http1.protocol > HTTP1_PROTOCOL_HTTP1)
			return 1;
		kw_advance(c, feeder->room, index);
	}
	KW_FORGET();
	if (cursor->outcome.event)
		kw_feed_act(feeder->p, &cursor->outcome);
	cursor->outcome.event = 0;
	return 0;
}

KW_LOOP(kw_feed_step, KW_STEPS)

/* Takes the call through the HTTP/1 machine, which stops where it meets another protocol. */
static __always_inline void kw_feed_http1(struct kw_plaintext *p, struct kw_scratch *room)
{
	struct kw_feeder feeder = {.p = p, .room = room};

	kw_feed_plain(p, room);
	KW_FORGET();
	if (room->cursor.left)
		kw_feed_step_loop(&feeder);
	http1_call_end(&p->c.http1, room->cursor.outcome.direction);
}

/* When a call's bytes passed, which end at @end: see kw_passed_at(). A call of a library returns later than the system call within it, so
 * that the answer to its bytes may have arrived meanwhile. */
static __always_inline __u64 kw_feed_passed_at(const struct kw_plaintext *p, enum kw_way way, __u64 end)
{
	struct tcp_sock *tcp = (struct tcp_sock *)p->socket;
	__u32 written = BPF_CORE_READ(tcp, write_seq);
	__u64 now = bpf_ktime_get_ns(), stamp = 0;

	if (way == KW_RECEIVED || (BPF_CORE_READ(tcp, snd_nxt) == written &&
				   kw_position(written, p->c.tx_base, p->taken[KW_SENT]) >= end))
		stamp = BPF_CORE_READ(tcp, tcp_clock_cache);
	return stamp && stamp < now ? stamp : now;
}

/* As kw_revive(), where the client's plaintext was no request line: if the server's first is a response, it was a request. */
KW_GLOBAL int kw_feed_revive(struct kw_plaintext *p, struct kw_scratch *room)
{
	__u32 way;

	if (!kw_reads_libraries || !p || !room)
		return 0;
	way = room->cursor.way & 1;
	if (room->cursor.outcome.direction == HTTP1_RESPONSES && !p->taken[way] &&
	    kw_role_by_call(room) == p->c.role)
		kw_revive_machine(&p->c, p->taken[way ^ 1], room->cursor.outcome.now);
	return 0;
}

/* @n bytes of plaintext have passed, the first at @begin of the stream; the current process has them at @address. Needs the room for its
 * work alone, until it returns. */
static __always_inline void kw_feed(struct kw_plaintext *p, struct kw_scratch *room, enum kw_way way,
				    __u64 begin, __u64 address, __u64 n)
{
	struct kw_cursor *cursor = &room->cursor;

	__builtin_memset(cursor, 0, sizeof(*cursor));
	cursor->outcome.now = kw_feed_passed_at(p, way, begin + n);
	cursor->outcome.position = begin;
	cursor->outcome.direction = kw_direction(p->c.role, way);
	cursor->outcome.why = KW_TAINT_BLIND;
	cursor->end = begin + n;
	cursor->left = n;
	cursor->way = way;
	cursor->segment = address;
	cursor->segment_left = n;
	cursor->located = cursor->sought = 1;
	KW_FORGET();
	if (kw_is_no_http(&p->c))
		kw_feed_revive(p, room);
	if (!kw_is_framed(&p->c))
		kw_feed_http1(p, room);
	if (kw_feeds_http2(&p->c))
		kw_feed_http2(p, room);
	p->taken[way & 1] = begin + n;
	if (cursor->outcome.direction == HTTP1_REQUESTS)
		p->requested += n;
	kw_forget(room);
}

#endif
