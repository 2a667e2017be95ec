/* SPDX-License-Identifier: GPL-2.0-only */
/* From state to events on the ring buffer; what finds no room is counted. */
#ifndef KEEPWATCH_EMIT_BPF_H
#define KEEPWATCH_EMIT_BPF_H

#include "crossed.bpf.h"
#include "../include/http2/window.h"
#include "../include/tls/records.h"

#define KW_WAKEUP_BAND 4096 /* bytes: more than any record, so that no quarter of the ring is passed unseen */

/* The reader comes by time. Only a ring that is filling up wakes it, and only with each quarter that is full: a wake-up
 * for every record from there on would cost more than the records do. */
static __always_inline __u64 kw_wakeup(void)
{
	__u64 waiting = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
	__u64 quarter = bpf_ringbuf_query(&events, BPF_RB_RING_SIZE) / 4;

	return waiting > quarter && (waiting & (quarter - 1)) < KW_WAKEUP_BAND ? BPF_RB_FORCE_WAKEUP
									       : BPF_RB_NO_WAKEUP;
}

/* More than a sweep may add to: what happens meanwhile needs room too. */
static __always_inline int kw_is_filling(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > bpf_ringbuf_query(&events, BPF_RB_RING_SIZE) / 2;
}

/* A number that moves whenever something happened that a progress record would show. */
static __always_inline __u32 kw_activity(const struct kw_connection *c)
{
	return c->http.counts.requests_begun + c->http.counts.requests + c->http.counts.responses +
	       c->http.counts.responses_ended + (c->peer_fin ? 1 : 0);
}

/* One request in a sum: 8 bits for each class by what sending it again would do. A method that is not here has none. */
#define KW_ONE_SAFE 1
#define KW_ONE_IDEMPOTENT (1 << 8)
#define KW_ONE_OTHER (1 << 16)
#define KW_METHODS 8 /* a power of two, not below HTTP1_METHOD_MAX */
_Static_assert(HTTP1_METHOD_MAX <= KW_METHODS, "each method has a place");

/* In words of 64 bits, because a table of 32 bytes goes to a section for constants that the loader does not know. */
static const __u64 kw_one_of[KW_METHODS] = {
	[HTTP1_METHOD_OTHER] = KW_ONE_OTHER,           [HTTP1_METHOD_SAFE] = KW_ONE_SAFE,
	[HTTP1_METHOD_IDEMPOTENT] = KW_ONE_IDEMPOTENT, [HTTP1_METHOD_HEAD] = KW_ONE_SAFE,
	[HTTP1_METHOD_CONNECT] = KW_ONE_OTHER,
};

/* The requests that nobody answered, by what sending them again would do. */
KW_GLOBAL int kw_count_outstanding(struct kw_http *http, const struct http1_connection *http1)
{
	__u64 sum = 0;

	if (!http || !http1)
		return 0;
	for (__u32 i = 0; i < HTTP1_QUEUE; i++) {
		__u32 number = http1->popped + i;

		if ((__s32)(http1->pushed - number) <= 0)
			break;
		sum += kw_one_of[http1->methods[number & (HTTP1_QUEUE - 1)] & (KW_METHODS - 1)];
	}
	http->lost_safe = sum / KW_ONE_SAFE;
	http->lost_idempotent = sum / KW_ONE_IDEMPOTENT;
	http->lost_other = sum / KW_ONE_OTHER;
	return 0;
}

static __always_inline struct kw_pipeline *kw_pipeline_of(const struct kw_connection *c, struct sock *sk)
{
	return c->pipelined ? bpf_sk_storage_get(&pipelines, sk, NULL, 0) : NULL;
}

/* Where the oldest unanswered request ends; the judge compares it with what was acknowledged. Where there was no
 * memory to keep it, nothing is known of where the requests stand. */
static __always_inline void kw_settle_oldest(struct kw_http *http, const struct kw_connection *c,
					     const struct kw_pipeline *pipeline)
{
	__u32 waiting = c->http1.pushed - c->http1.popped;

	http->oldest_end = 0;
	if ((__s32)waiting <= 0)
		return;
	if (waiting == 1)
		http->oldest_end = c->http.request_end;
	else if (pipeline)
		http->oldest_end = pipeline->requests[c->http1.popped & (HTTP1_QUEUE - 1)].end;
	else
		http->flags |= KW_HTTP_REQUESTS_LOST;
}

/* Bytes that were handed over by a way that shows no event are noticed last of all, here: send events come
 * after the data has left, so earlier they might only be late. */
static __always_inline void kw_check_gap(struct kw_http *http, const struct kw_connection *c)
{
	struct kw_totals *t = kw_totals();

	if (!c->closing.time || c->tx_end == http->tx_bytes || http->protocol != HTTP1_PROTOCOL_HTTP1)
		return;
	http->taints |= 1 << KW_TAINT_GAP;
	http->flags |= c->role == KW_ROLE_CLIENT ? KW_HTTP_REQUESTS_LOST : KW_HTTP_RESPONSES_LOST;
	if (t)
		kw_count(&t->tainted[KW_TAINT_GAP], 1);
}

static __always_inline void kw_read_standing(struct kw_standing *ret_standing, const struct kw_connection *c,
					     struct sock *sk, enum kw_report report)
{
	const struct tcp_sock *tcp = kw_tcp_known(sk);

	ret_standing->report = report;
	ret_standing->reserved = 0;
	ret_standing->sent = ret_standing->taken = 0;
	if (!tcp)
		return;
	if (!kw_is_unsupported(sk, tcp))
		ret_standing->sent = kw_tx_position(c, tcp, tcp->write_seq);
	ret_standing->taken = kw_rx_position(c, tcp, kw_copied(sk, tcp));
}

/* The record of a connection that lives is made in the middle of a body, and some of its bytes passed without being counted:
 * counts them. */
static __always_inline void kw_catch_up(struct kw_http *http, const struct kw_connection *c,
					const struct kw_standing *standing)
{
	if (c->closing.time)
		return;
	http->tx_bytes += kw_span_passed(c, standing->sent);
	if (kw_span_left(c, kw_direction(c->role, KW_RECEIVED)))
		http->rx_bytes = standing->taken;
}

/* Counts bytes of the server that belong to no response. A whole response that nobody had asked for, behind another one, is
 * among it: but only the end says that no request came; 408 alone has a meaning of its own (RFC 9110 section 15.5.9). */
static __always_inline void kw_settle_surplus(struct kw_http *http, const struct http1_stream *responses)
{
	http->surplus = responses->surplus;
	if (!http->taints && http->counts.requests_begun &&
	    http->counts.responses_ended > http->counts.requests_begun && http->last_status != 408 &&
	    http->response_end > http->response_begin)
		http->surplus += http->response_end - http->response_begin;
	if (http->surplus)
		http->errors |= 1 << HTTP1_ERROR_SURPLUS;
}

/* Puts together in the record what the two directions wrote apart, and what the machine's state implies. */
static __always_inline void kw_settle(struct kw_http *http, const struct kw_connection *c)
{
	const struct kw_side *requests = &c->sides[HTTP1_REQUESTS], *responses = &c->sides[HTTP1_RESPONSES];

	http->flags = requests->flags | responses->flags;
	http->errors = requests->errors | responses->errors;
	http->taints = requests->taints | responses->taints;
	http->protocol = c->http1.protocol;
	if (!http->counts.requests && !http->counts.responses)
		http->http10_only = !(c->http1.streams[0].version | c->http1.streams[1].version);
	http->proxied = c->http1.proxied;
	if (requests->open)
		http->flags |= KW_HTTP_REQUEST_OPEN;
	if (responses->open)
		http->flags |= KW_HTTP_RESPONSE_OPEN;
	if (c->http1.tunnel)
		http->flags |= KW_HTTP_TUNNEL;
	if (responses->open && http1_is_delimited(&c->http1.streams[HTTP1_RESPONSES]))
		http->flags |= KW_HTTP_DELIMITED;
	if (http1_is_lost(&c->http1, HTTP1_REQUESTS))
		http->flags |= KW_HTTP_REQUESTS_LOST;
	if (http1_is_lost(&c->http1, HTTP1_RESPONSES))
		http->flags |= KW_HTTP_RESPONSES_LOST;
	kw_settle_surplus(http, &c->http1.streams[HTTP1_RESPONSES]);
	http->errors |=
		(c->http1.streams[0].errors | c->http1.streams[1].errors) & 1 << HTTP1_ERROR_CHUNK_WORDS;
	kw_check_gap(http, c);
	kw_count_outstanding(http, &c->http1);
}

static __always_inline int kw_is_half_closed(const struct kw_connection *c)
{
	return c->peer_fin && !(c->ending.acts & 1 << KW_ACT_LOCAL_FIN);
}

/* The least that may follow the chunk in hand: its CR LF, and a last chunk with no trailer (RFC 9112 section 7.1). */
#define KW_LEAST_CHUNKS (sizeof("\r\n0\r\n\r\n") - 1)

/* Bytes of the body in hand that are still to come, at the least. */
static __always_inline __u64 kw_owed(const struct http1_stream *s)
{
	switch (s->state) {
	case HTTP1_BODY:
	case HTTP1_FRAME:
		return s->remain;
	case HTTP1_CHUNK_DATA:
		return s->remain + KW_LEAST_CHUNKS;
	case HTTP1_CHUNK_SIZE:
	case HTTP1_CHUNK_EXTENSION:
	case HTTP1_CHUNK_END:
	case HTTP1_TRAILER_START:
	case HTTP1_TRAILER:
		return 1;
	default:
		return 0;
	}
}

/* The body of the latest message in @direction. While its head is not complete, nothing is known of it. */
static __always_inline void kw_fill_body(struct kw_body *body, const struct kw_connection *c, __u32 direction)
{
	const struct http1_stream *s = &c->http1.streams[direction & 1];

	body->bytes = s->framing == HTTP1_FRAMING_NONE ? 0 : s->body;
	body->declared = KW_UNDECLARED;
	if (s->framing == HTTP1_FRAMING_LENGTH)
		body->declared = s->length;
	else if (s->framing == HTTP1_FRAMING_NONE && !c->sides[direction & 1].open)
		body->declared = 0;
	body->owed = kw_owed(s);
}

/* The part that all records have; header.type and header.size are for the caller to set. */
KW_GLOBAL int kw_fill(struct kw_event_connection *event, struct kw_connection *c,
		      const struct kw_pipeline *pipeline, const struct kw_standing *standing)
{
	if (!event || !c || !standing)
		return 0;
	event->header.time = bpf_ktime_get_ns();
	event->header.reserved = 0;
	event->report = standing->report;
	event->reported = c->reported;
	event->half_closed_before = c->half_closed;
	event->half_closed = c->half_closed = standing->report != KW_REPORT_CLOSED && kw_is_half_closed(c);
	event->peer_isn = c->rx_base - 1;
	for (__u32 i = 0; i < KW_HISTOGRAM_MAX; i++) {
		event->samples[i] = c->samples[i].count;
		event->sample[i] = c->samples[i].sum;
	}
	event->opened = c->opened;
	event->established = c->established;
	event->peer_fin = c->peer_fin;
	kw_identify(c, &event->identity);
	event->ending = c->ending;
	event->closing = c->closing;
	event->notice = c->notice;
	event->http = c->http;
	event->http.tx_bytes = c->tx_bytes;
	event->http.rx_bytes = c->rx_bytes;
	kw_settle(&event->http, c);
	kw_settle_oldest(&event->http, c, pipeline);
	for (__u32 direction = 0; direction < 2; direction++)
		kw_fill_body(&event->bodies[direction], c, direction);
	kw_catch_up(&event->http, c, standing);
	return 0;
}

/* The samples of one histogram that have come since the last report. @before has those of all reports, this one included at the end. */
static __always_inline void kw_take_histogram(__u16 *ret_buckets, __u64 *ret_sum,
					      const struct kw_samples *samples, struct kw_samples *before)
{
	const __u64 *counts = (const __u64 *)samples->buckets;
	__u64 *reported = (__u64 *)before->buckets, *news = (__u64 *)ret_buckets;
	__u64 sum = samples->sum;

	*ret_sum = sum - before->sum;
	before->sum = sum;
	for (__u32 i = 0; i < KW_HISTOGRAM_BUCKETS / 4; i++) {
		__u64 four = counts[i];

		news[i] = kw_histogram_news(four, reported[i]);
		reported[i] = four;
	}
}

/* The samples since the last report; the hot path may be adding to them. Only what is told is noted as told. */
KW_GLOBAL int kw_take_samples(struct kw_event_history *event, const struct kw_connection *c,
			      struct kw_reported *before)
{
	if (!event || !c)
		return 0;
	for (__u32 i = 0; i < KW_HISTOGRAM_MAX; i++) {
		if (before) {
			kw_take_histogram(event->histograms[i], &event->sums[i], &c->samples[i],
					  &before->samples[i]);
		} else {
			event->sums[i] = c->samples[i].sum;
			__builtin_memcpy(event->histograms[i], c->samples[i].buckets,
					 sizeof(event->histograms[i]));
		}
	}
	return 0;
}

/* The names of a connection, or NULL. */
static __always_inline struct kw_names *kw_names_of(const struct kw_connection *c, struct sock *sk)
{
	return c->named ? bpf_sk_storage_get(&names, sk, NULL, 0) : NULL;
}

static __always_inline void kw_take_names(struct kw_event_history *event, struct kw_names *kept)
{
	if (!kept) {
		event->names_more = event->name_kinds = 0;
		event->names[0].name[0] = 0;
		return;
	}
	event->names_more = __sync_lock_test_and_set(&kept->more, 0);
	__builtin_memcpy(event->names, kept->names, sizeof(event->names));
	event->name_kinds = kept->kinds;
	for (__u32 i = 0; i < KW_NAMES; i++)
		kept->names[i].count = 0;
}

/* The part of a history that shows what is new. */
static __always_inline void kw_fill_history(struct kw_event_history *event, const struct kw_connection *c,
					    struct kw_reported *before)
{
	if (before) {
		event->before = before->counts;
		before->counts = event->connection.http.counts;
	} else {
		__builtin_memset(&event->before, 0, sizeof(event->before));
	}
	kw_take_samples(event, c, before);
}

/* All that the records of TLS say: the facts that were kept, and those that the machine knows. */
static __always_inline void kw_fill_tls(struct kw_tls_facts *facts, const struct kw_tls *t,
					const struct kw_connection *c)
{
	const struct tls_connection *machine = &t->machine;
	__u32 latest;

	*facts = t->facts;
	facts->version = machine->version;
	facts->suite = machine->suite;
	facts->handshake = machine->handshake;
	facts->doubts = machine->doubts;
	facts->offered = machine->offered;
	facts->chosen = machine->chosen;
	facts->alert_by = machine->alert_by;
	facts->alert_code = machine->alert_code;
	facts->flight = machine->flight;
	latest = (facts->latest_by - 1) & 1;
	facts->latest_open = machine->streams[latest].headed || machine->streams[latest].field ||
			     c->http1.streams[latest].remain;
	facts->lost = c->closing.time && c->tx_end != c->tx_bytes;
	if (!kw_is_plaintext(c))
		facts->lost |= c->http1.streams[HTTP1_REQUESTS].state != HTTP1_FRAME;
	__builtin_memcpy(facts->name, machine->name, sizeof(facts->name));
}

/* All that the frames of one side say. */
static __always_inline void kw_fill_http2_side(struct kw_http2_side *side, const struct http2_stream *s,
					       const struct kw_http2_times *times)
{
	__builtin_memcpy(side->open, s->open, sizeof(side->open));
	__builtin_memcpy(side->closed, s->closed, sizeof(side->closed));
	__builtin_memcpy(side->reset, s->reset, sizeof(side->reset));
	__builtin_memcpy(side->resets, s->resets, sizeof(side->resets));
	side->goaway = times->goaway;
	side->ping = times->ping;
	side->ping_gap = times->ping_gap;
	side->latest = s->latest;
	side->begun = s->begun;
	side->finished = s->finished;
	side->answered = s->answered;
	side->trailers_only = s->trailers_only;
	side->late = s->late;
	side->peak = s->peak;
	side->pings = s->pings;
	side->pongs = s->pongs;
	side->goaways = s->goaways;
	side->goaway_id = s->goaway_id;
	side->max_concurrent = s->max_concurrent;
	side->fields = s->fields;
	side->errors = s->errors;
	side->goaway_code = s->goaway_code;
	side->goaway_debug = s->goaway_debug;
	side->graceful = s->graceful;
	side->limited = s->limited;
	side->lost = s->state == HTTP2_AT_LOST;
	side->started = s->started;
	__builtin_memset(side->reserved, 0, sizeof(side->reserved));
}

/* The facts of both sides, and those that were reported before of a connection that lives. */
KW_GLOBAL int kw_fill_http2(struct kw_http2_facts *facts, struct kw_http2 *h, const struct kw_connection *c)
{
	struct kw_http2_reported *before;
	__s32 open;

	if (!facts || !h || !c)
		return 0;
	before = &h->reported;
	facts->latest = h->latest;
	facts->begun = h->begun;
	facts->cut = h->cut;
	facts->flags = 0;
	facts->given_up = h->given_up;
	if (c->http1.tunnel)
		facts->flags |= KW_HTTP2_UPGRADED;
	if (h->machine.streams[HTTP2_CLIENT].midway)
		facts->flags |= KW_HTTP2_MIDWAY;
	facts->open_before = before->open;
	open = http2_unfinished(&h->machine);
	before->open = open > 0 ? open : 0;
	for (__u32 i = 0; i < 2; i++) {
		const struct http2_stream *s = &h->machine.streams[i];

		kw_fill_http2_side(&facts->sides[i], s, &h->times[i]);
		__builtin_memcpy(facts->resets_before[i], before->resets[i], sizeof(before->resets[i]));
		__builtin_memcpy(before->resets[i], facts->sides[i].resets, sizeof(before->resets[i]));
		facts->goaways_before[i] = before->goaways[i];
		before->goaways[i] = facts->sides[i].goaways;
		facts->fields_before[i] = before->fields[i];
		before->fields[i] = facts->sides[i].fields;
	}
	if (c->http1.streams[HTTP1_REQUESTS].state != HTTP1_FRAME)
		facts->sides[0].lost = facts->sides[1].lost = 1;
	if (c->closing.time && c->tx_end != c->tx_bytes) /* what was sent was not all seen */
		facts->sides[c->role != KW_ROLE_CLIENT].lost = 1;
	return 0;
}

/* Makes a record, of one of three forms: each returns 0, or a negative number if there was no room. They are functions that the
 * verifier reads once, so they take no socket: all that is found by it is found before. */
KW_GLOBAL int kw_emit_short(struct kw_connection *c, const struct kw_pipeline *pipeline,
			    const struct kw_standing *standing)
{
	struct kw_event_connection *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return -1;
	event->header.type = KW_EVENT_CONNECTION;
	event->header.size = sizeof(*event);
	kw_fill(event, c, pipeline, standing);
	bpf_ringbuf_submit(event, kw_wakeup());
	return 0;
}

/* @before: what was reported of the connection while it lived, or NULL. */
KW_GLOBAL int kw_emit_history(struct kw_connection *c, const struct kw_pipeline *pipeline,
			      struct kw_names *kept, struct kw_reported *before,
			      const struct kw_standing *standing)
{
	struct kw_event_history *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return -1;
	event->connection.header.type = KW_EVENT_HISTORY;
	event->connection.header.size = sizeof(*event);
	kw_fill(&event->connection, c, pipeline, standing);
	kw_fill_history(event, c, before);
	kw_take_names(event, kept);
	bpf_ringbuf_submit(event, kw_wakeup());
	return 0;
}

/* The same of a connection that carries TLS. @p: its plaintext, or NULL: then it has no names and no pipeline. */
KW_GLOBAL int kw_emit_tls(struct kw_connection *c, const struct kw_tls *t, struct kw_plaintext *p,
			  struct kw_reported *before, const struct kw_standing *standing)
{
	struct kw_event_tls *event;

	if (!c || !t)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return -1;
	event->history.connection.header.type = KW_EVENT_TLS;
	event->history.connection.header.size = sizeof(*event);
	kw_fill(&event->history.connection, c, p && c->pipelined ? &p->pipeline : NULL, standing);
	kw_fill_history(&event->history, c, before);
	kw_take_names(&event->history, p && c->named ? &p->names : NULL);
	kw_fill_tls(&event->tls, t, c);
	bpf_ringbuf_submit(event, kw_wakeup());
	return 0;
}

/* The same of a connection that carries HTTP/2. */
KW_GLOBAL int kw_emit_http2(struct kw_connection *c, struct kw_http2 *h, struct kw_reported *before,
			    const struct kw_standing *standing)
{
	struct kw_event_http2 *event;

	if (!c || !h)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return -1;
	event->history.connection.header.type = KW_EVENT_HTTP2;
	event->history.connection.header.size = sizeof(*event);
	kw_fill(&event->history.connection, c, NULL, standing);
	kw_fill_history(&event->history, c, before);
	kw_take_names(&event->history, NULL);
	kw_fill_http2(&event->http2, h, c);
	bpf_ringbuf_submit(event, kw_wakeup());
	return 0;
}

/* The same of one that carries HTTP/2 within TLS. */
KW_GLOBAL int kw_emit_tls_http2(struct kw_connection *c, struct kw_http2 *h, const struct kw_tls *t,
				struct kw_reported *before, const struct kw_standing *standing)
{
	struct kw_event_tls_http2 *event;

	if (!kw_reads_libraries || !c || !h || !t)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return -1;
	event->tls.history.connection.header.type = KW_EVENT_TLS_HTTP2;
	event->tls.history.connection.header.size = sizeof(*event);
	kw_fill(&event->tls.history.connection, c, NULL, standing);
	kw_fill_history(&event->tls.history, c, before);
	kw_take_names(&event->tls.history, NULL);
	kw_fill_tls(&event->tls.tls, t, c);
	kw_fill_http2(&event->http2, h, c);
	bpf_ringbuf_submit(event, kw_wakeup());
	return 0;
}

/* The same of one whose plaintext is read: @p has been settled. @h: its frames, or NULL. */
static __always_inline int kw_emit_plaintext(struct kw_plaintext *p, struct kw_http2 *h, const struct kw_tls *t,
					     struct kw_reported *before, const struct kw_standing *standing)
{
	if (!p)
		return -1;
	if (p->c.http1.protocol == HTTP1_PROTOCOL_H2C)
		return kw_emit_tls_http2(&p->c, h, t, before, standing);
	return kw_emit_tls(&p->c, t, p, before, standing);
}

/* The counts that were reported of a connection, or NULL. */
static __always_inline struct kw_reported *kw_reported_of(struct sock *sk)
{
	return bpf_sk_storage_get(&reports, sk, NULL, 0);
}

/* Does the short form have room for all that is new of a connection? */
static __always_inline int kw_is_short(const struct kw_connection *c)
{
	return !c->reported && !c->named && c->samples[0].count <= 1 && c->samples[1].count <= 1;
}

/* All that is kept of a connection beside its state; each part may be NULL. The sweep finds the parts before it reports a living
 * connection, because the socket, by which they are found, may be freed meanwhile; they themselves stay until the program ends. */
struct kw_parts {
	struct kw_pipeline *pipeline;
	struct kw_names *names;
	struct kw_reported *reported;
	struct kw_tls *tls;
	struct kw_http2 *http2; /* of clear text, or of plaintext */
	struct kw_plaintext *plaintext;
};

/* Finds the parts that a connection of its protocol can have. None is compared with NULL here, so that the verifier follows no path
 * for each. */
static __always_inline struct kw_parts kw_parts_of(const struct kw_connection *c, struct sock *sk,
						   struct kw_reported *reported)
{
	struct kw_parts parts = {.reported = reported};

	if (c->http1.protocol == HTTP1_PROTOCOL_H2C) {
		parts.http2 = bpf_sk_storage_get(&http2, sk, NULL, 0);
	} else if (c->http1.protocol == HTTP1_PROTOCOL_TLS) {
		parts.tls = bpf_sk_storage_get(&tls, sk, NULL, 0);
		if (kw_reads_libraries) {
			parts.plaintext = kw_plaintext_of(c);
			parts.http2 = kw_plaintext_http2_of(c);
		}
	} else {
		parts.pipeline = kw_pipeline_of(c, sk);
		parts.names = kw_names_of(c, sk);
	}
	return parts;
}

/* Can plaintext be there? If it is of HTTP/2, its frames must be. */
static __always_inline int kw_is_read(const struct kw_parts *parts)
{
	return parts->tls && parts->plaintext &&
	       (parts->http2 || parts->plaintext->c.http1.protocol != HTTP1_PROTOCOL_H2C);
}

/* Makes a record in the form that has room for it. */
static __always_inline int kw_emit(struct kw_connection *c, const struct kw_parts *parts,
				   const struct kw_standing *standing)
{
	if (kw_reads_libraries && kw_is_read(parts) &&
	    kw_plaintext_settle(parts->plaintext, c, parts->tls, parts->reported, standing))
		return kw_emit_plaintext(parts->plaintext, parts->http2, parts->tls, parts->reported, standing);
	if (parts->tls)
		return kw_emit_tls(c, parts->tls, NULL, parts->reported, standing);
	if (parts->http2)
		return kw_emit_http2(c, parts->http2, parts->reported, standing);
	if (standing->report == KW_REPORT_CLOSED && kw_is_short(c))
		return kw_emit_short(c, parts->pipeline, standing);
	return kw_emit_history(c, parts->pipeline, parts->names, parts->reported, standing);
}

/* A closing record found no room: what it would have said of totals is kept, exactly. @open_streams: streams that were last reported as
 * open. */
KW_GLOBAL int kw_drop(const struct kw_connection *c, const struct kw_reported *before, __u32 open_streams)
{
	struct kw_totals *t = kw_totals();
	__u32 role = c ? c->role : KW_ROLE_MAX;
	struct kw_total *dropped;

	if (!t || !c || role >= KW_ROLE_MAX)
		return 0;
	kw_count(&t->lost[KW_LOST_CLOSED], 1);
	if (!c->established)
		return 0;
	dropped = &t->dropped[role];
	kw_count(&t->dropped_half_closed[role], c->half_closed);
	kw_count(&t->dropped_streams[role], open_streams);
	kw_count(&dropped->closed, 1);
	kw_count(&dropped->opened, !c->reported && !c->identity.preexisting);
	kw_count(&dropped->preexisting, !c->reported && c->identity.preexisting);
	kw_count(&dropped->requests, c->http.counts.requests - (before ? before->counts.requests : 0));
	kw_count(&dropped->responses, c->http.counts.responses - (before ? before->counts.responses : 0));
	return 0;
}

/* The counts that a record of @c has are those of its plaintext, if that is read. */
static __always_inline const struct kw_connection *kw_told_of(const struct kw_connection *c,
							      const struct kw_parts *parts)
{
	return kw_reads_libraries && parts->plaintext && parts->plaintext->told ? &parts->plaintext->c : c;
}

/* The last record of a connection. */
static __always_inline void kw_emit_closed(struct kw_connection *c, const struct kw_parts *parts)
{
	const struct kw_standing standing = {.report = KW_REPORT_CLOSED};
	const struct kw_connection *told;
	int failed;

	if (!c->owned && !kw_owner_passes(&c->identity))
		return; /* nobody ever used it, so it is nobody's that is asked for */
	if (!kw_role_passes(c->role))
		return;
	failed = kw_emit(c, parts, &standing);
	told = kw_told_of(c, parts);
	if (failed)
		kw_drop(told, parts->reported, parts->http2 ? parts->http2->reported.open : 0);
	kw_keep_closed(told, parts->tls);
}

/* A record of a connection that lives. One that finds no room is no loss: the next sweep tries again. */
static __always_inline void kw_emit_living(struct kw_connection *c, struct sock *sk,
					   const struct kw_parts *parts, enum kw_report report)
{
	struct kw_plaintext *p = kw_reads_libraries ? parts->plaintext : NULL;
	__u32 activity = kw_activity(c), within = p ? kw_activity(&p->c) : 0;
	struct kw_standing standing;

	if (kw_reads_libraries && report == KW_REPORT_PROGRESS && kw_plaintext_is_awaited(parts->plaintext, c))
		return;
	kw_read_standing(&standing, c, sk, report);
	if (kw_emit(c, parts, &standing))
		return;
	if (p)
		p->c.activity = within;
	c->activity = activity;
	c->reported = 1;
}

#endif
