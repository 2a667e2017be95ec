/* SPDX-License-Identifier: GPL-2.0-only */
/* A span: bytes of a body, a tunnel, or something that is not HTTP, in which the machine need not look at any byte. While a
 * span lasts, a send or receive passes after one comparison of sequence numbers, and touches no cache line of the connection's
 * state but the first. Nothing is counted meanwhile. How far the span has come is read off TCP's own numbers once somebody
 * wants to know: the next send or receive that is followed, a record, the close.
 *
 *   function          asks or does                                     compares
 *   kw_span_begin     where does the open span begin?                  nothing: position followed so far, as a sequence number
 *   kw_span_covers    may this call pass without a look?               span_ends with write_seq (sent), copied_seq (received)
 *   kw_span_left      how many bytes until the machine must look?      nothing: the state of the machine's stream
 *   kw_span_open      opens a span behind a call that was followed     sets span_ends from kw_span_left
 *   kw_span_close     ends both spans where they begin                 sets span_ends to the positions followed so far
 *   kw_span_sent      how many of its bytes were sent, up to a place?  a stream position with tx_bytes
 *   kw_span_gap       the same, before the call in hand                write_seq less the call's result with tx_bytes
 *   kw_span_advance   moves the machine's stream over bytes of it      nothing */
#ifndef KEEPWATCH_SPAN_BPF_H
#define KEEPWATCH_SPAN_BPF_H

#include "connection.bpf.h"

#define KW_SPAN_MOST (1U << 30) /* bytes let pass unseen: no sequence number may come round again */
/* Bytes that splice() takes out of a socket show no event, so sequence numbers may come round before the next event. They
 * did not if less than 2 GiB arrived since the last event, because the queue before held less than 1 GiB. */
#define KW_RECEIVED_MIB(tcp) ((__u32)((tcp)->bytes_received >> 20))
#define KW_UNSEEN_MOST 2047U
#define KW_SPAN_ENDLESS (1ULL << 62) /* bytes left of what only the close ends */

/* The sequence number behind the last byte that was followed. */
static __always_inline __u32 kw_span_begin(const struct kw_connection *c, enum kw_way way)
{
	return way == KW_SENT ? c->tx_base + (__u32)c->tx_bytes : c->rx_base + (__u32)c->rx_bytes;
}

/* Were the bytes that have just been sent or received of a body that goes on behind them? */
static __always_inline int kw_span_covers(const struct kw_connection *c, struct sock *sk, enum kw_way way)
{
	const struct tcp_sock *tcp;
	__u32 left;

	if (c->span_ends[way] == kw_span_begin(c, way))
		return 0;
	tcp = kw_tcp_known(sk);
	if (!tcp)
		return 0;
	left = c->span_ends[way] - (way == KW_SENT ? tcp->write_seq : tcp->copied_seq);
	if (!left || left > KW_SPAN_MOST)
		return 0;
	return way == KW_SENT || KW_RECEIVED_MIB(tcp) - c->span_since < KW_UNSEEN_MOST;
}

/* How many bytes are to come that need no look: of a body, a tunnel, or what is no HTTP. 0 if the next one needs one. */
static __always_inline __u64 kw_span_left(const struct kw_connection *c, __u32 direction)
{
	const struct http1_stream *s = &c->http1.streams[direction & 1];

	if (s->state == HTTP1_FRAME)
		return s->remain;
	if (c->http1.protocol > HTTP1_PROTOCOL_HTTP1 || (s->state == HTTP1_TUNNEL && c->http1.tunnel))
		return KW_SPAN_ENDLESS;
	if (c->http1.tunnel || s->flags & HTTP1_FLAG_UNPAIRED)
		return 0;
	if (s->state == HTTP1_BODY_CLOSE)
		return KW_SPAN_ENDLESS;
	return s->state == HTTP1_BODY || s->state == HTTP1_CHUNK_DATA || s->state == HTTP1_BODY_DOUBT
		       ? s->remain
		       : 0;
}

/* A send or receive was followed: from here on what is left of a body may pass. */
static __always_inline void kw_span_open(struct kw_connection *c, struct sock *sk, enum kw_way way)
{
	__u64 left = kw_span_left(c, kw_direction(c->role, way));
	const struct tcp_sock *tcp = left > 1 ? kw_tcp_known(sk) : NULL;

	if (!tcp || kw_is_unsupported(sk, tcp) || c->state == TCP_SYN_SENT)
		left = 0; /* the base of sequence numbers is not known before the connection is established */
	else if (way == KW_RECEIVED)
		c->span_since = KW_RECEIVED_MIB(tcp);
	c->span_ends[way] = kw_span_begin(c, way) + (left < KW_SPAN_MOST ? (__u32)left : KW_SPAN_MOST);
}

/* Of a body that is being sent: how many of its bytes had passed when @position had been sent. The last one is never among
 * them. */
static __always_inline __u64 kw_span_passed(const struct kw_connection *c, __u64 position)
{
	__u64 left = kw_span_left(c, kw_direction(c->role, KW_SENT));
	__s64 passed = left ? position - c->tx_bytes : 0;

	if (passed <= 0)
		return 0;
	return (__u64)passed < left ? (__u64)passed : left - 1;
}

/* The same by the socket. Below kTLS positions are of other bytes. */
static __always_inline __u64 kw_span_sent(const struct kw_connection *c, const struct sock *sk,
					  const struct tcp_sock *tcp, __u64 position)
{
	return kw_is_unsupported(sk, tcp) ? 0 : kw_span_passed(c, position);
}

/* Bytes of a body that were sent before the last @result, and let pass. */
static __always_inline __u64 kw_span_gap(const struct kw_connection *c, struct sock *sk, int result)
{
	const struct tcp_sock *tcp;

	if (!kw_span_left(c, kw_direction(c->role, KW_SENT)))
		return 0;
	tcp = kw_tcp_known(sk);
	return tcp ? kw_span_sent(c, sk, tcp, kw_tx_position(c, tcp, tcp->write_seq - result)) : 0;
}

/* @n bytes of a body have passed, and not its last. */
static __always_inline void kw_span_advance(struct kw_connection *c, __u32 direction, __u64 n)
{
	struct http1_stream *s = &c->http1.streams[direction & 1];

	s->remain -= n;
	s->body += n;
}

/* The part of a record that the state of its connection does not say. */
struct kw_standing {
	__u32 report; /* enum kw_report */
	__u32 reserved;
	__u64 sent;  /* position up to which TCP has been handed bytes, 0 if that does not tell, */
	__u64 taken; /* and up to which the application took them; both of a connection that lives */
};

#endif
