/* SPDX-License-Identifier: GPL-2.0-only */
/* The plaintext of TLS connections: the bytes that a call of a library took or gave go through the same machine as those of clear text,
 * whichever library it is. */
#ifndef KEEPWATCH_FEED_BPF_H
#define KEEPWATCH_FEED_BPF_H

#include "feed_http2.bpf.h"

struct kw_feeder {
	struct kw_plaintext *p;
	struct kw_scratch *room;
};

/* Keeps the latest request where a later one will not overwrite it. */
static __always_inline void kw_feed_keep(struct kw_plaintext *p)
{
	struct kw_connection *c = &p->c;
	struct kw_pending *pending;

	if (!kw_is_request_complete(&c->http) || (__s32)(c->http1.pushed - c->http1.popped) <= 0)
		return;
	pending = &p->pipeline.requests[(c->http.counts.requests_ended - 1) & (HTTP1_QUEUE - 1)];
	pending->started = c->http.request_started;
	pending->ended = c->http.request_ended;
	pending->idle_before = c->http.idle_before_last;
	pending->begin = c->http.request_begin;
	pending->end = c->http.request_end;
	c->pipelined = 1;
}

/* Acts upon what the machine has said. */
KW_GLOBAL int kw_feed_act(struct kw_plaintext *p, const struct kw_outcome *outcome)
{
	if (!p || !outcome)
		return 0;
	if (outcome->event & HTTP1_EVENT_BEGIN && outcome->direction == HTTP1_REQUESTS)
		kw_feed_keep(p);
	return kw_act_upon(&p->c, p->c.pipelined ? &p->pipeline : NULL, outcome);
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

/* @n bytes of plaintext have passed, the first at @begin of the stream; the current process has them at @address. Needs the room for its
 * work alone, until it returns. */
static __always_inline void kw_feed(struct kw_plaintext *p, struct kw_scratch *room, enum kw_way way,
				    __u64 begin, __u64 address, __u64 n)
{
	struct kw_feeder feeder = {.p = p, .room = room};
	struct kw_cursor *cursor = &room->cursor;

	__builtin_memset(cursor, 0, sizeof(*cursor));
	cursor->outcome.now = bpf_ktime_get_ns();
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
	if (!kw_is_framed(&p->c)) {
		kw_feed_step_loop(&feeder);
		http1_call_end(&p->c.http1, cursor->outcome.direction);
	}
	if (kw_feeds_http2(&p->c))
		kw_feed_http2(p, room);
	p->taken[way & 1] = begin + n;
	p->fed[way & 1] += n;
	kw_forget(room);
}

#endif
