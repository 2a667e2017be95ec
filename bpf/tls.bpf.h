/* SPDX-License-Identifier: GPL-2.0-only */
/* TLS records: a call that brings the header of one, or a hello. A program of its own, as the steps of HTTP are. Records with data
 * make exchanges: data of the client behind data of the server begins one. */
#ifndef KEEPWATCH_TLS_BPF_H
#define KEEPWATCH_TLS_BPF_H

#include "steps.bpf.h"
#include "../include/tls.h"

#define KW_TLS_PEEK 16    /* bytes read at the beginning of a record */
#define KW_TLS_STEPS 2048 /* most steps of one call: some 500 records */

/* ---- exchanges ------------------------------------------------------------------------------------ */

#define KW_TLS_AT_ONCE                                                                                         \
	(100 * KW_MS) /* data that follows the other side's so soon may have been sent before that came */

/* The client's next data shows that what may have been a ticket was the response, or that the request goes on. Returns whether
 * there was such a doubt. */
static __always_inline int kw_tls_settle(struct kw_connection *c, struct kw_tls *t)
{
	if (!(t->machine.doubts & TLS_DOUBT_TICKET))
		return 0;
	t->machine.doubts &= ~TLS_DOUBT_TICKET;
	t->records++;
	c->http.counts.responses_ended = c->http.counts.requests_begun;
	return 1;
}

/* A request begins; or it is the rest of the one before, to which the server has answered early. */
static __always_inline void kw_tls_doubt(const struct kw_connection *c, struct kw_tls *t, __u64 now)
{
	t->machine.doubts &= ~TLS_DOUBT_UPLOAD;
	if (t->records > 1 && now < c->http.response_ended + KW_TLS_AT_ONCE)
		t->machine.doubts |= TLS_DOUBT_UPLOAD;
}

/* A record of the server that may be its response, or a ticket. */
static __always_inline void kw_tls_maybe(struct kw_connection *c, const struct kw_outcome *outcome)
{
	c->http.response_started = c->http.response_ended = outcome->now;
	c->http.response_begin = c->http.response_end = outcome->position;
}

/* The client's data from @outcome->position on. A response may pass meanwhile, on another processor: it sees a request that has
 * begun with its times, because the count comes last. Data that was handed to TCP before the server's latest data came (@before) is
 * answered already, although it is seen later. */
static __always_inline void kw_tls_request(struct kw_connection *c, struct kw_tls *t,
					   const struct kw_outcome *outcome, int before)
{
	struct kw_http *http = &c->http;
	struct kw_counts *counts = &http->counts;
	int begins = kw_tls_settle(c, t) || counts->requests_begun == counts->responses_ended;

	if (begins) {
		kw_tls_doubt(c, t, outcome->now);
		http->idle_before_last = 0;
		if (counts->requests_begun)
			kw_reuse_once(c, outcome->now);
		else
			http->first_request_started = outcome->now;
		t->records = 0;
		http->request_started = outcome->now;
		http->request_begin = outcome->position;
	}
	t->records++;
	http->request_ended = outcome->now;
	http->request_end = outcome->position + TLS_HEADER + t->machine.streams[TLS_CLIENT].length;
	if (begins) {
		counts->responses_ended += before;
		KW_PUBLISH(counts->requests_begun, counts->requests_begun + 1);
	}
	counts->requests_ended = counts->requests_begun;
}

/* The server's data. Where it was handed to TCP before the client's latest data came (@before), it does not answer that. */
static __always_inline void kw_tls_response(struct kw_connection *c, const struct kw_tls *t,
					    const struct kw_outcome *outcome, int before)
{
	struct kw_http *http = &c->http;
	__u32 begun = KW_ACQUIRE(http->counts.requests_begun);

	if (http->counts.responses_ended != begun && !before) {
		http->counts.responses_ended = begun;
		http->response_started = outcome->now;
		http->response_begin = outcome->position;
		kw_sample_once(c, KW_HISTOGRAM_WAIT,
			       outcome->now > http->request_ended ? outcome->now - http->request_ended : 0);
	}
	http->response_ended = outcome->now;
	http->response_end = outcome->position + TLS_HEADER + t->machine.streams[TLS_SERVER].length;
}

static __always_inline void kw_tls_data(struct kw_connection *c, struct kw_tls *t,
					const struct kw_outcome *outcome, enum kw_way way)
{
	int before = way == KW_SENT && outcome->position < KW_ACQUIRE(t->answered);

	if (outcome->direction == HTTP1_REQUESTS)
		kw_tls_request(c, t, outcome, before);
	else
		kw_tls_response(c, t, outcome, before);
	if (way == KW_RECEIVED)
		KW_PUBLISH(t->answered, t->sent);
}

/* ---- events ---------------------------------------------------------------------------------------- */

/* An alert behind the handshake. */
static __always_inline void kw_tls_notified(struct kw_tls *t, const struct kw_outcome *outcome)
{
	struct kw_tls_facts *facts = &t->facts;

	facts->notifiers |= 1 << outcome->direction;
	if (facts->notified)
		return;
	facts->notified = outcome->now;
	facts->notified_at = outcome->position;
	facts->notified_by = 1 + outcome->direction;
}

/* Was the alert among the bytes that this side has just sent? Then an alert of the other side may lie unread. */
static __always_inline void kw_tls_look_unread(struct kw_tls *t, const struct sock *sk,
					       const struct tcp_sock *tcp, const struct kw_outcome *outcome)
{
	if (t->facts.notified == outcome->now && kw_arrived(sk, tcp) - kw_copied(sk, tcp) > TLS_HEADER)
		t->facts.notifiers |= KW_TLS_OVER_UNREAD;
}

/* Acts upon events of the machine; a record begins at @outcome->position. */
KW_GLOBAL int kw_tls_act(struct kw_connection *c, struct kw_tls *t, const struct kw_outcome *outcome, __u32 way)
{
	__u32 event;

	if (!c || !t || !outcome)
		return 0;
	event = outcome->event;
	if (!t->facts.hello)
		t->facts.hello = outcome->now;
	if (!t->facts.done) {
		t->facts.latest = outcome->now;
		t->facts.latest_by = 1 + (outcome->direction & 1);
	}
	if (event & TLS_EVENT_RECORD) {
		__u8 meaning = t->machine.streams[outcome->direction & 1].meaning;

		if (kw_reads_libraries && t->facts.done &&
		    t->machine.streams[outcome->direction & 1].type == TLS_HANDSHAKE)
			t->renegotiated = 1;
		if (meaning == TLS_MEANS_DATA && t->facts.notified)
			kw_tls_not_notified(t, outcome->direction & 1);
		if (meaning == TLS_MEANS_DATA)
			kw_tls_data(c, t, outcome, way);
		else if (meaning == TLS_MEANS_TICKET && t->machine.doubts & TLS_DOUBT_TICKET)
			kw_tls_maybe(c, outcome);
		else if (meaning == TLS_MEANS_ALERT && t->facts.done)
			kw_tls_notified(t, outcome);
	}
	if (event & TLS_EVENT_DONE)
		t->facts.done = outcome->now;
	if (event & TLS_EVENT_LOST)
		kw_end_frames(c);
	return 0;
}

/* ---- steps ------------------------------------------------------------------------------------------ */

/* Does with the call's bytes one thing, the first that is due. The cursor has the result. */
KW_GLOBAL int kw_tls_advance(struct kw_tls *t, struct kw_scratch *room)
{
	struct kw_cursor *cursor;
	struct tls_stream *s;
	__u32 direction, at, n;
	__u64 skippable;

	if (!t || !room)
		return 0;
	cursor = &room->cursor;
	direction = cursor->outcome.direction & 1;
	s = &t->machine.streams[direction];
	skippable = tls_skippable(s, cursor->left);
	n = skippable;
	at = cursor->at & (KW_PIECE - 1);
	if (skippable) {
		tls_skip(&t->machine, direction, n);
		kw_skip(cursor, n);
	} else if (cursor->at < cursor->length) {
		n = cursor->length - at;
		n = tls_step(&t->machine, direction, room->bytes + at, n > TLS_WINDOW ? TLS_WINDOW : n,
			     &cursor->outcome.event);
		cursor->at = at + n;
	} else {
		cursor->blind = kw_refill(room, tls_is_reading(s) ? KW_PIECE : KW_TLS_PEEK) != 0;
	}
	cursor->left -= n;
	cursor->outcome.position += n;
	return 0;
}

/* The things that a step works on: see struct kw_reader. */
struct kw_tls_reader {
	struct kw_connection *c;
	struct kw_tls *tls;
	struct kw_scratch *scratch;
};

static long kw_tls_step(__u32 index, struct kw_tls_reader *reader)
{
	struct kw_cursor *cursor = &reader->scratch->cursor;
	struct kw_outcome *outcome = &cursor->outcome;

	if (!cursor->left || cursor->blind || !kw_is_framed(reader->c))
		return 1;
	kw_tls_advance(reader->tls, reader->scratch);
	KW_FORGET();
	if (!outcome->event)
		return 0;
	outcome->position -= TLS_HEADER; /* records are known by their first byte */
	kw_tls_act(reader->c, reader->tls, outcome, cursor->way);
	outcome->position += TLS_HEADER;
	outcome->event = 0;
	return 0;
}

KW_LOOP(kw_tls_step, KW_TLS_STEPS)

/* The first record begins in the call in hand, or one byte before. */
static __always_inline void kw_tls_note_base(const struct kw_connection *c, struct kw_tls *t,
					     const struct kw_cursor *cursor)
{
	__u64 position = cursor->outcome.position - cursor->early;

	t->base[KW_SENT] = cursor->way == KW_SENT ? position : c->tx_bytes;
	t->base[KW_RECEIVED] = cursor->way == KW_SENT ? c->rx_bytes : position;
}

/* The state of the records on @sk; with its first record it gets one. */
static __always_inline struct kw_tls *kw_tls_of(struct kw_connection *c, struct sock *sk,
						const struct kw_cursor *cursor)
{
	struct kw_tls *t;

	if (kw_is_framed(c))
		return bpf_sk_storage_get(&tls, sk, NULL, 0);
	t = bpf_sk_storage_get(&tls, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!t) {
		kw_count_lost(KW_LOST_STATE);
		return NULL;
	}
	t->machine.keep_name = kw_config.server_names;
	if (kw_reads_libraries)
		kw_tls_note_base(c, t, cursor);
	kw_begin_frames(c);
	return t;
}

/* A body may have passed in part or whole since the machine saw the call before. */
static __always_inline void kw_tls_resume(struct kw_connection *c, struct kw_tls *t,
					  const struct kw_cursor *cursor)
{
	struct tls_stream *s = &t->machine.streams[cursor->outcome.direction & 1];

	if (cursor->early) {
		s->header = TLS_HANDSHAKE;
		s->headed = 1;
	}
	if (!tls_is_reading(s))
		s->left = c->http1.streams[cursor->outcome.direction & 1].remain;
	if (cursor->gap || cursor->blind)
		kw_end_frames(c);
}

/* The rest of a body may pass. */
static __always_inline void kw_tls_leave(struct kw_connection *c, const struct kw_tls *t,
					 const struct kw_cursor *cursor)
{
	const struct tls_stream *s = &t->machine.streams[cursor->outcome.direction & 1];

	c->http1.streams[cursor->outcome.direction & 1].remain = tls_is_reading(s) ? 0 : s->left;
	if (cursor->left)
		kw_end_frames(c);
}

/* Follows the records of a call on @sk, whose buffers have been looked for. */
static __always_inline void kw_tls_follow(struct kw_connection *c, struct sock *sk, struct kw_scratch *room)
{
	struct kw_cursor *cursor = &room->cursor;
	struct kw_tls_reader reader = {.c = c, .scratch = room, .tls = kw_tls_of(c, sk, cursor)};
	const struct tcp_sock *tcp = kw_tcp_known(sk);

	if (!reader.tls || !tcp || kw_is_unsupported(sk, tcp)) {
		kw_end_frames(c);
		return;
	}
	if (cursor->way == KW_RECEIVED)
		reader.tls->sent = kw_tx_position(c, tcp, tcp->write_seq);
	kw_tls_resume(c, reader.tls, cursor);
	KW_FORGET();
	kw_tls_step_loop(&reader);
	if (cursor->way == KW_SENT)
		kw_tls_look_unread(reader.tls, sk, tcp, &cursor->outcome);
	if (kw_reads_libraries)
		kw_plaintext_expect(c, reader.tls, sk);
	kw_tls_leave(c, reader.tls, cursor);
}

/* Goes on with a call on @sk, which carries TLS. */
static __always_inline void kw_go_on_tls(void *ctx, struct sock *sk, void *programs)
{
	struct kw_scratch *room = kw_slot_in_hand();
	struct kw_connection *c = kw_find(sk);

	if (!room)
		return;
	room->cursor.task = 0;
	if (!c)
		return;
	kw_find_buffers_aside(sk, &room->cursor);
	kw_seek(ctx, &room->cursor, programs, KW_NEXT_TLS);
	kw_tls_follow(c, sk, room);
	KW_FORGET();
	kw_end_call(c, sk, &room->cursor, room->cursor.way & 1);
	kw_forget(room);
}

#endif
