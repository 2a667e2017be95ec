/* SPDX-License-Identifier: GPL-2.0-only */
/* HTTP/2 frames: a program of its own, as TLS records have. Streams count as requests and responses do. */
#ifndef KEEPWATCH_HTTP2_BPF_H
#define KEEPWATCH_HTTP2_BPF_H

#include "steps.bpf.h"
#include "../include/http2.h"

#define KW_HTTP2_PEEK 64 /* bytes read at the beginning of a frame: the whole of most that are not data */
#define KW_HTTP2_STEPS (1 << 16) /* most steps of one call, so that its work is bounded: some 20,000 frames */

/* ---- events ---------------------------------------------------------------------------------------- */

/* A stream begins. Only where no other one is open was the connection idle before. */
static __always_inline void kw_http2_began(struct kw_connection *c, struct kw_http2 *h, __u64 now)
{
	struct kw_http *http = &c->http;

	http->idle_before_last = 0;
	if (!http->counts.requests_begun)
		http->first_request_started = now;
	else if (http2_unfinished(&h->machine) == 1)
		kw_reuse_once(c, now);
	http->counts.reused += !!http->counts.requests_begun;
	http->counts.requests_begun++;
	http->counts.requests++;
	http->request_started = h->begun = now;
}

/* The head of a response is complete. Only of a stream that is alone is it known how long the client waited. */
static __always_inline void kw_http2_headed(struct kw_connection *c, const struct kw_http2 *h, __u64 now)
{
	struct kw_http *http = &c->http;
	__u32 class = h->machine.streams[HTTP2_SERVER].status / 100 - 1;

	http->response_started = now;
	http->counts.responses = h->machine.streams[HTTP2_SERVER].begun;
	if (class < 5)
		http->counts.codes[class]++;
	http->last_status = h->machine.streams[HTTP2_SERVER].status;
	if (http2_unfinished(&h->machine) == 1)
		kw_sample_once(c, KW_HISTOGRAM_WAIT, now > http->request_ended ? now - http->request_ended : 0);
}

/* One side has sent the last of a stream. */
static __always_inline void kw_http2_ended(struct kw_connection *c, const struct kw_http2 *h, __u32 direction,
					   __u64 now)
{
	if (direction == HTTP2_CLIENT) {
		c->http.counts.requests_ended++;
		c->http.request_ended = now;
	} else {
		c->http.counts.responses_ended = h->machine.streams[HTTP2_SERVER].answered;
		c->http.response_ended = now;
	}
}

static __always_inline void kw_http2_pinged(struct kw_http2 *h, __u32 direction, __u64 now)
{
	const struct http2_stream *own = &h->machine.streams[direction & 1];
	const struct http2_stream *other = &h->machine.streams[!direction];
	struct kw_http2_times *times = &h->times[direction & 1];
	__u64 gap = now - times->pinged;

	if (times->pinged && (!times->ping_gap || gap < times->ping_gap))
		times->ping_gap = gap;
	times->pinged = now;
	if (!times->ping && (__s32)(own->pings - other->pongs) > 0)
		times->ping = now;
}

/* One side has answered the other one's oldest PING. Of the next one it is only known that it is not younger than the latest. */
static __always_inline void kw_http2_answered(struct kw_http2 *h, __u32 direction)
{
	const struct http2_stream *other = &h->machine.streams[!direction];
	struct kw_http2_times *times = &h->times[!direction];

	times->ping = (__s32)(other->pings - h->machine.streams[direction & 1].pongs) > 0 ? times->pinged : 0;
}

#define KW_HTTP2_OF_STREAM (HTTP2_EVENT_BEGIN | HTTP2_EVENT_HEAD | HTTP2_EVENT_END | HTTP2_EVENT_RESET)

/* A client that gives its connection up may reset its streams first: these were open when it did. */
static __always_inline void kw_http2_note_given_up(struct kw_http2 *h, const struct kw_outcome *outcome)
{
	__u32 resets = outcome->event & HTTP2_EVENT_RESET && outcome->direction == HTTP2_CLIENT;

	if (!resets || outcome->now - h->latest > KW_HTTP2_ONE_GO)
		h->given_up = 0;
	h->given_up += resets;
}

/* Events of one stream. */
static __always_inline void kw_http2_on_stream(struct kw_connection *c, struct kw_http2 *h,
					       const struct kw_outcome *outcome)
{
	kw_http2_note_given_up(h, outcome);
	h->latest = outcome->now;
	if (outcome->event & HTTP2_EVENT_BEGIN)
		kw_http2_began(c, h, outcome->now);
	if (outcome->event & HTTP2_EVENT_RESET && outcome->direction == HTTP2_SERVER &&
	    h->machine.streams[HTTP2_SERVER].code != HTTP2_CODE_REFUSED_STREAM)
		h->cut = outcome->now;
	if (outcome->event & HTTP2_EVENT_HEAD)
		kw_http2_headed(c, h, outcome->now);
	if (outcome->event & HTTP2_EVENT_END)
		kw_http2_ended(c, h, outcome->direction, outcome->now);
}

/* Acts upon events of the machine. */
KW_GLOBAL int kw_http2_act(struct kw_connection *c, struct kw_http2 *h, const struct kw_outcome *outcome)
{
	__u32 direction, event;

	if (!c || !h || !outcome)
		return 0;
	direction = outcome->direction & 1;
	event = outcome->event;
	if (event & KW_HTTP2_OF_STREAM)
		kw_http2_on_stream(c, h, outcome);
	if (event & (HTTP2_EVENT_RESET | HTTP2_EVENT_GOAWAY))
		c->activity--; /* the next sweep reports it */
	if (event & HTTP2_EVENT_GOAWAY && !h->times[direction].goaway) {
		h->times[direction].goaway = outcome->now;
		if (direction == HTTP2_SERVER)
			h->unaware = h->opposite;
	}
	if (event & HTTP2_EVENT_PING)
		kw_http2_pinged(h, direction, outcome->now);
	if (event & HTTP2_EVENT_PONG)
		kw_http2_answered(h, direction);
	if (event & HTTP2_EVENT_LOST)
		kw_taint(&c->sides[direction], KW_TAINT_MALFORMED);
	return 0;
}

/* ---- single streams --------------------------------------------------------------------------------- */

/* A stream is finished. */
static __always_inline void kw_emit_stream(const struct kw_connection *c, const struct http2_stream *s,
					   const struct kw_http2_stream *stream,
					   const struct kw_outcome *outcome)
{
	struct kw_event_exchange *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		kw_count_lost(KW_LOST_EXCHANGE);
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->header.type = KW_EVENT_EXCHANGE;
	event->header.size = sizeof(*event);
	event->header.time = outcome->now;
	kw_identify(c, &event->identity);
	event->started = stream->started;
	if (stream->headed)
		event->wait = stream->wait;
	if (stream->started && outcome->now > stream->started)
		event->duration = outcome->now - stream->started;
	event->number = http2_number(s->id);
	event->status = stream->status;
	event->is_stream = 1;
	if (outcome->event & HTTP2_EVENT_RESET) {
		event->reset_by = 1 + (outcome->direction & 1);
		event->reset_code = s->code;
	}
	bpf_ringbuf_submit(event, kw_wakeup());
}

/* Notes the times of the stream in hand; reports it once it is finished. A socket has little room for storage, of all observers
 * together (net.core.optmem_max). */
KW_GLOBAL int kw_http2_note(const struct kw_connection *c, const struct kw_http2 *h,
			    struct kw_http2_streams *streams, const struct kw_outcome *outcome)
{
	const struct http2_stream *s;
	struct kw_http2_stream *stream;
	__u32 event;

	if (!c || !h || !outcome)
		return 0;
	event = outcome->event;
	if (!streams) {
		if (event & HTTP2_EVENT_RESET ||
		    (event & HTTP2_EVENT_END && outcome->direction == HTTP2_SERVER))
			kw_count_lost(KW_LOST_EXCHANGE);
		return 0;
	}
	s = &h->machine.streams[outcome->direction & 1];
	stream = &streams->streams[http2_number(s->id) & (HTTP2_STREAMS - 1)];
	if (event & HTTP2_EVENT_BEGIN) {
		__builtin_memset(stream, 0, sizeof(*stream));
		stream->started = outcome->now;
	}
	if (event & HTTP2_EVENT_HEAD) {
		if (!stream->headed && stream->wait)
			stream->wait = outcome->now - stream->wait;
		stream->headed = 1;
		stream->status = s->status;
	}
	if (event & HTTP2_EVENT_END && outcome->direction == HTTP2_CLIENT)
		stream->wait = stream->headed ? stream->wait : outcome->now;
	else if (event & (HTTP2_EVENT_END | HTTP2_EVENT_RESET))
		kw_emit_stream(c, s, stream, outcome);
	return 0;
}

/* ---- steps ------------------------------------------------------------------------------------------ */

/* Does with the call's bytes one thing, the first that is due. The cursor has the result. */
KW_GLOBAL int kw_http2_advance(struct kw_http2 *h, struct kw_scratch *room)
{
	struct kw_cursor *cursor;
	struct http2_stream *s;
	__u32 direction, at, n;
	__u64 skippable;

	if (!h || !room)
		return 0;
	cursor = &room->cursor;
	direction = cursor->outcome.direction & 1;
	s = &h->machine.streams[direction];
	s->behind = cursor->outcome.position > h->limits[direction];
	s->unaware = cursor->outcome.position <= h->unaware;
	skippable = http2_skippable(s, cursor->left);
	at = cursor->at & (KW_PIECE - 1);
	if (skippable) {
		n = skippable;
		http2_skip(s, n);
		kw_skip(cursor, n);
	} else if (http2_is_due(s) || cursor->at < cursor->length) {
		n = cursor->length - at;
		n = http2_step(&h->machine, direction, room->bytes + at, n > HTTP2_WINDOW ? HTTP2_WINDOW : n,
			       &cursor->outcome.event);
		cursor->at += n; /* at is 0 behind a full piece */
	} else {
		n = 0;
		cursor->blind = kw_refill(room, s->state == HTTP2_AT_HEADER ? KW_HTTP2_PEEK : KW_PIECE) != 0;
	}
	cursor->left -= n;
	cursor->outcome.position += n;
	return 0;
}

/* The things that a step works on: see struct kw_reader. */
struct kw_http2_reader {
	struct kw_connection *c;
	struct kw_http2 *http2;
	struct kw_scratch *scratch;
	struct kw_http2_streams
		*streams; /* or NULL: they are not reported, or the socket has no room for them */
};

static long kw_http2_step(__u32 index, struct kw_http2_reader *reader)
{
	struct kw_cursor *cursor = &reader->scratch->cursor;
	const struct http2_stream *s = &reader->http2->machine.streams[cursor->outcome.direction & 1];

	if (cursor->blind || (!cursor->left && !http2_is_due(s)))
		return 1;
	kw_http2_advance(reader->http2, reader->scratch);
	KW_FORGET();
	if (cursor->outcome.event)
		kw_http2_act(reader->c, reader->http2, &cursor->outcome);
	if (kw_config.exchanges && cursor->outcome.event & KW_HTTP2_OF_STREAM)
		kw_http2_note(reader->c, reader->http2, reader->streams, &cursor->outcome);
	cursor->outcome.event = 0;
	return 0;
}

KW_LOOP(kw_http2_step, KW_HTTP2_STEPS)

/* ---- a call ----------------------------------------------------------------------------------------- */

/* The server's side of a connection that has just been found to carry HTTP/2. The HTTP/1 machine may have seen some bytes of its
 * first frame. */
static __always_inline void kw_http2_begin_server(struct http2_stream *s, const struct http1_stream *seen)
{
	__u32 n = seen->state == HTTP1_FOREIGN || seen->state == HTTP1_SWITCHED ? seen->phase : 0;

	s->state = HTTP2_AT_HEADER;
	for (__u32 i = 0; i < HTTP2_HEADER_LENGTH; i++)
		if (i < n)
			s->header[i] = i ? seen->words[0] >> 8 * ((n - 1 - i) & 7) : seen->number;
	s->headed = n;
	if (n == HTTP2_HEADER_LENGTH)
		s->due = HTTP2_DUE_FRAME;
}

/* The client's side: its preface has come in part. @passed: bytes of the client that had come before this call. Behind a header of the
 * PROXY protocol the preface's beginning is known only if the preface itself gave it away. */
static __always_inline void kw_http2_begin_client(struct http2_stream *s, const struct kw_connection *c,
						  const struct kw_cursor *cursor, __u64 passed)
{
	const struct http1_stream *seen = &c->http1.streams[HTTP1_REQUESTS];

	if (c->http1.tunnel)
		http2_begin_upgraded(s);
	if (cursor->outcome.direction == HTTP1_REQUESTS)
		s->got = HTTP1_H2_PREFACE;
	else if (c->http1.tunnel)
		s->got = seen->state == HTTP1_SWITCHED ? seen->phase : 0;
	else if (c->http1.proxied || passed > HTTP1_H2_PREFACE)
		http2_lose(s);
	else
		s->got = passed;
}

/* The call in hand has shown that a connection carries HTTP/2, from its first byte on: @h is new. */
static __always_inline void kw_http2_begin(struct kw_connection *c, struct kw_http2 *h,
					   const struct kw_cursor *cursor, __u64 passed)
{
	kw_http2_begin_server(&h->machine.streams[HTTP2_SERVER], &c->http1.streams[HTTP1_RESPONSES]);
	kw_http2_begin_client(&h->machine.streams[HTTP2_CLIENT], c, cursor, passed);
	kw_begin_frames(c);
}

/* The state of the frames on @sk; with its first frame it gets one. */
static __always_inline struct kw_http2 *kw_http2_of(struct kw_connection *c, struct sock *sk,
						    const struct kw_cursor *cursor)
{
	struct kw_http2 *h;

	if (kw_is_framed(c))
		return bpf_sk_storage_get(&http2, sk, NULL, 0);
	h = bpf_sk_storage_get(&http2, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!h) {
		kw_count_lost(KW_LOST_STATE);
		return NULL;
	}
	if (c->identity.preexisting) {
		http2_init_midway(&h->machine.streams[HTTP2_SERVER]);
		http2_init_midway(&h->machine.streams[HTTP2_CLIENT]);
		kw_begin_frames(c);
	} else {
		kw_http2_begin(c, h, cursor, c->role == KW_ROLE_CLIENT ? c->tx_bytes : c->rx_bytes);
	}
	return h;
}

/* Reads nothing more of a side, because of @why. */
static __always_inline void kw_http2_lose(struct kw_connection *c, struct kw_http2 *h, __u32 direction,
					  enum kw_taint why)
{
	struct http2_stream *s = &h->machine.streams[direction & 1];

	if (http2_is_outside(s))
		return;
	http2_lose(s);
	kw_taint(&c->sides[direction & 1], why);
}

/* The place of the call in hand: how far the other way's bytes have come (@opposite), and where the connection's end stands, if it has
 * begun. A send returns later than its bytes passed, so the FIN that answers them may have come meanwhile: they passed before it. */
static __always_inline void kw_http2_place(const struct kw_connection *c, struct kw_http2 *h,
					   struct kw_cursor *cursor, __u64 opposite)
{
	__u64 end = cursor->way == KW_SENT ? c->ending.tx_sent : c->ending.rx_arrived;

	h->opposite = opposite;
	h->limits[cursor->outcome.direction & 1] = c->ending.act ? end : ~0ULL;
	if (cursor->way == KW_SENT && c->ending.act && cursor->outcome.position + cursor->left <= end &&
	    cursor->outcome.now >= c->ending.time)
		cursor->outcome.now = c->ending.time - 1;
}

/* Bytes of the stream may have passed since the call before. */
static __always_inline void kw_http2_resume(struct kw_connection *c, struct kw_http2 *h,
					    const struct kw_cursor *cursor)
{
	__u32 direction = cursor->outcome.direction & 1;
	struct http2_stream *s = &h->machine.streams[direction];

	if (h->passing[direction])
		http2_skip(s, h->passing[direction] - c->http1.streams[direction].remain);
	h->passing[direction] = 0;
	if (cursor->gap)
		kw_http2_lose(c, h, direction, KW_TAINT_GAP);
}

/* A side that is not followed yet may be from here on, if the call begins with a frame. */
static __always_inline void kw_http2_try_to_join(struct http2_stream *s, struct kw_scratch *room)
{
	if (s->state == HTTP2_AT_OUTSIDE && !room->cursor.blind && kw_begins_frame(room))
		http2_join(s);
}

/* The steps are over: have they come to the call's end? */
static __always_inline void kw_http2_check(struct kw_connection *c, struct kw_http2 *h,
					   const struct kw_cursor *cursor)
{
	if (cursor->blind || cursor->left)
		kw_http2_lose(c, h, cursor->outcome.direction,
			      cursor->blind ? KW_TAINT_BLIND : KW_TAINT_BUDGET);
}

/* Bytes that need no look may pass without this program. The last of a frame that means something is not among them. */
static __always_inline void kw_http2_leave(struct kw_connection *c, struct kw_http2 *h,
					   const struct kw_cursor *cursor)
{
	__u32 direction = cursor->outcome.direction & 1;
	const struct http2_stream *s = &h->machine.streams[direction];
	__u64 passing = s->state == HTTP2_AT_OUTSIDE ? 0 : http2_skippable(s, KW_SPAN_ENDLESS);

	if (passing && (s->state == HTTP2_AT_BLOCK || (s->state == HTTP2_AT_PASS && http2_matters(s))))
		passing--;
	h->passing[direction] = c->http1.streams[direction].remain = passing;
}

/* Follows the frames of a call on @sk, whose buffers have been looked for. */
static __always_inline void kw_http2_follow(struct kw_connection *c, struct sock *sk, struct kw_scratch *room)
{
	struct kw_cursor *cursor = &room->cursor;
	const struct tcp_sock *tcp = kw_tcp_known(sk);
	struct kw_http2_reader reader = {.c = c, .scratch = room, .http2 = kw_http2_of(c, sk, cursor)};

	if (!reader.http2 || !tcp || kw_is_unsupported(sk, tcp)) {
		kw_end_frames(c);
		return;
	}
	if (kw_config.exchanges)
		reader.streams = bpf_sk_storage_get(&http2_streams, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	kw_http2_place(c, reader.http2, cursor,
		       cursor->way == KW_SENT ? kw_rx_position(c, tcp, kw_arrived(sk, tcp))
					      : kw_tx_position(c, tcp, tcp->write_seq));
	kw_http2_resume(c, reader.http2, cursor);
	kw_http2_try_to_join(&reader.http2->machine.streams[cursor->outcome.direction & 1], room);
	KW_FORGET();
	kw_http2_step_loop(&reader);
	kw_http2_check(c, reader.http2, cursor);
	kw_http2_leave(c, reader.http2, cursor);
}

/* Goes on with a call on @sk, which carries HTTP/2. */
static __always_inline void kw_go_on_http2(void *ctx, struct sock *sk, void *programs)
{
	struct kw_scratch *room = kw_slot_in_hand();
	struct kw_connection *c = kw_find(sk);

	if (!room)
		return;
	room->cursor.task = 0;
	if (!c)
		return;
	kw_find_buffers_aside(sk, &room->cursor);
	kw_seek(ctx, &room->cursor, programs, KW_NEXT_HTTP2);
	kw_http2_follow(c, sk, room);
	KW_FORGET();
	kw_end_call(c, sk, &room->cursor, room->cursor.way & 1);
	kw_forget(room);
}

#endif
