/* SPDX-License-Identifier: GPL-2.0-only */
/* A send or a receive has ended: what the connection learns by it, whichever front end tells. */
#ifndef KEEPWATCH_TRANSFER_BPF_H
#define KEEPWATCH_TRANSFER_BPF_H

#include "revive.bpf.h"

/* No data yet, a signal came first, or the SYN has gone without data: nothing passed and nothing went wrong. Programs that wait for events meet this
 * often. */
static __always_inline int kw_is_no_news(int result)
{
	return result == -EAGAIN || result == -EINTR || result == -EINPROGRESS;
}

static __always_inline void kw_app_error(struct kw_connection *c, int result)
{
	if (result < 0)
		c->http.app_error = -result;
}

/* Takes the @result bytes of a call through the machine. Returns 0 if the connection is not to be observed after all. */
static __always_inline int kw_follow(struct kw_connection *c, struct sock *sk, int result, enum kw_way way,
				     int readable)
{
	int observed;

	if (c->http1.protocol > HTTP1_PROTOCOL_HTTP1 &&
	    (!readable || !kw_may_revive(c, way) || !kw_revive(c, sk, result, way)))
		return 1;
	if (!kw_own(c, sk))
		return 0;
	if (kw_has_role(c, sk, result, way, readable, &observed))
		kw_feed(c, sk, result, way, readable);
	return observed;
}

/* A call that sends on @sk has ended with @result, as it returns to its caller. @readable: its bytes are in buffers. */
static __always_inline int kw_sent(struct sock *sk, int result, int readable)
{
	struct kw_connection *c;
	__u64 passed;

	if (kw_is_no_news(result))
		return 0;
	c = kw_find_or_accept(sk);
	if (!c)
		return 0;
	if (result <= 0) {
		kw_app_error(c, result);
		return 0;
	}
	if (kw_span_covers(c, sk, KW_SENT))
		return 0;
	passed = kw_span_gap(c, sk, result);
	if (passed) {
		kw_span_advance(c, kw_direction(c->role, KW_SENT), passed);
		c->tx_bytes += passed;
	}
	if (!kw_follow(c, sk, result, KW_SENT, readable))
		return 0;
	c->tx_bytes += result;
	kw_span_open(c, sk, KW_SENT);
	return 0;
}

/* Bytes that the application took by a way that shows no event (splice, zero copy) have moved copied_seq. */
static __always_inline __u64 kw_gap(const struct kw_connection *c, struct sock *sk, int result)
{
	const struct tcp_sock *tcp = kw_tcp_known(sk);
	__s64 gap;

	if (!tcp)
		return 0;
	gap = kw_rx_position(c, tcp, kw_copied(sk, tcp)) - c->rx_bytes - result;
	return gap > 0 ? gap : 0;
}

/* These @gap bytes: nobody looked at them, which matters where they were not of a body. They stand for a call of their own. */
static __always_inline void kw_take_gap(struct kw_connection *c, struct sock *sk, __u64 gap)
{
	struct kw_cursor cursor = {
		.position = c->rx_bytes + gap,
		.direction = kw_direction(c->role, KW_RECEIVED),
		.why = KW_TAINT_GAP,
	};

	if (gap < kw_span_left(c, cursor.direction)) {
		kw_span_advance(c, cursor.direction, gap);
	} else {
		cursor.now = kw_passed_at(sk, KW_RECEIVED);
		cursor.event = http1_call(&c->http1, cursor.direction);
		cursor.event |= kw_pass_unseen(c, cursor.direction, gap);
		if (cursor.event)
			kw_on_event(c, sk, &cursor);
	}
	c->rx_bytes += gap;
}

/* A call that receives from @sk has ended with @result, as it returns to its caller. @flags: those of recvmsg(). */
static __always_inline int kw_received(struct sock *sk, int result, int flags)
{
	struct kw_connection *c;
	__u64 gap;

	if (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE) || kw_is_no_news(result))
		return 0;
	c = kw_find_or_accept(sk);
	if (!c)
		return 0;
	if (result <= 0) {
		kw_app_error(c, result);
		if (!result && sk->sk_shutdown & RCV_SHUTDOWN)
			c->sides[kw_direction(c->role, KW_RECEIVED)].flags |= KW_HTTP_EOF_READ;
		return 0;
	}
	if (kw_span_covers(c, sk, KW_RECEIVED))
		return 0;
	gap = kw_gap(c, sk, result);
	if (gap)
		kw_take_gap(c, sk, gap);
	if (!kw_follow(c, sk, result, KW_RECEIVED, !(flags & MSG_TRUNC)))
		return 0;
	c->rx_bytes += result;
	kw_span_open(c, sk, KW_RECEIVED);
	return 0;
}

#endif
