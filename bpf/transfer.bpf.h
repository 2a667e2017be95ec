/* SPDX-License-Identifier: GPL-2.0-only */
/* A send or a receive has ended: what the connection learns by it, whichever front end tells. */
#ifndef KEEPWATCH_TRANSFER_BPF_H
#define KEEPWATCH_TRANSFER_BPF_H

#include "frames.bpf.h"
#include "frame.bpf.h"
#include "plain.bpf.h"
#include "record.bpf.h"
#include "revive.bpf.h"

/* No data yet, a signal came first, or the SYN has gone without data: nothing passed and nothing went wrong. Programs that wait for events meet this
 * often. */
static __always_inline int kw_is_no_news(int result)
{
	return result == -EAGAIN || result == -EINTR || result == -EINPROGRESS;
}

/* An error says that the connection ends once an act has ended it: others, such as EFAULT, say nothing of it. */
static __always_inline void kw_app_error(struct kw_connection *c, int result)
{
	if (result >= 0)
		return;
	c->http.app_error = -result;
	if (c->ending.act)
		kw_learn_end(c);
}

/* Should a call that has passed bytes on @sk, a socket without state, give it one? */
static __always_inline int kw_is_to_be_adopted(struct sock *sk, int result)
{
	__u8 state = sk->__sk_common.skc_state;

	return kw_adopting && result > 0 && (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT) &&
	       kw_is_tcp(sk);
}

/* With TCP Fast Open a server may send or receive before the handshake is complete: its connection begins with that. A
 * function of its own, so that the verifier need not read what follows once more for it. */
static __noinline struct kw_connection *kw_accept_early(struct sock *sk)
{
	return sk->__sk_common.skc_state == TCP_SYN_RECV && kw_is_tcp(sk) ? kw_accepted(sk, TCP_SYN_RECV, 1)
									  : NULL;
}

/* The connection of a socket on which a call has sent or received. */
static __always_inline struct kw_connection *kw_find_or_accept(struct sock *sk)
{
	struct kw_connection *c = kw_find(sk);

	return c || sk->__sk_common.skc_state != TCP_SYN_RECV ? c : kw_accept_early(sk);
}

/* Leaves the rest of a call to the program @next. Returns only where the call is lost. */
static __always_inline int kw_leave(void *ctx, struct kw_cursor *cursor, void *programs, enum kw_next next)
{
	cursor->task = (__u64)bpf_get_current_task_btf();
	bpf_tail_call(ctx, programs, next);
	return 0;
}

/* Is the call for the steps from its beginning? It has something to say of the connection, before its messages. */
static __always_inline int kw_is_unsettled(const struct kw_connection *c)
{
	return c->role == KW_ROLE_UNKNOWN || c->http1.protocol > HTTP1_PROTOCOL_HTTP1 ||
	       (c->http1.protocol == HTTP1_PROTOCOL_NONE && c->identity.preexisting);
}

/* Is there anything to learn from a call? Not on a connection that is no HTTP. */
static __always_inline int kw_is_wanted(const struct kw_connection *c, enum kw_way way, int readable)
{
	if (c->http1.protocol <= HTTP1_PROTOCOL_HTTP1)
		return 1;
	return readable && (kw_is_framed(c) || kw_may_revive(c, way));
}

#define KW_FRAME_PEEK 16 /* bytes that hold the header of a record, and of a frame */

/* Takes a call of TLS records or HTTP/2 frames whole, without their program, if its first bytes show that it can be. */
static __always_inline void kw_take_whole(struct kw_connection *c, struct sock *sk, struct kw_scratch *room,
					  enum kw_way way)
{
	const struct tcp_sock *tcp = kw_tcp_known(sk);
	struct kw_cursor *cursor = &room->cursor;
	__u64 n = cursor->left;
	struct kw_tls *t;

	if (!tcp || kw_is_unsupported(sk, tcp))
		return;
	kw_find_buffers(sk, cursor, way);
	if (cursor->blind || kw_peek(room, n < KW_FRAME_PEEK ? n : KW_FRAME_PEEK) < TLS_HEADER)
		return;
	if (c->http1.protocol == HTTP1_PROTOCOL_H2C) {
		kw_http2_frame(c, bpf_sk_storage_get(&http2, sk, NULL, 0), room);
		return;
	}
	t = bpf_sk_storage_get(&tls, sk, NULL, 0);
	if (!t)
		return;
	if (way == KW_RECEIVED)
		t->sent = kw_tx_position(c, tcp, tcp->write_seq);
	kw_tls_record(c, t, room);
	if (way == KW_SENT)
		kw_tls_look_unread(t, sk, tcp, &cursor->outcome);
}

/* The program that a call goes on in. */
static __always_inline enum kw_next kw_next_of(const struct kw_connection *c, int framed)
{
	if (!framed)
		return KW_NEXT_HTTP1;
	return c->http1.protocol == HTTP1_PROTOCOL_TLS ? KW_NEXT_TLS : KW_NEXT_HTTP2;
}

/* Takes the @result bytes of a call through the machine, with @gap bytes before them. */
static __always_inline int kw_follow(void *ctx, struct kw_connection *c, struct sock *sk, int result, __u64 gap,
				     enum kw_way way, int readable, void *programs)
{
	__u32 index = way;
	struct kw_scratch *room = bpf_map_lookup_elem(&scratch, &index);
	int framed = kw_is_framed(c) && !kw_may_revive(c, way), unsettled = gap || kw_is_unsettled(c);
	struct kw_cursor *cursor;

	if (!room)
		return 0;
	cursor = &room->cursor;
	kw_begin_call(cursor, c, sk, result, way);
	cursor->located = cursor->blind = cursor->sought = !readable;
	cursor->gap = gap;
	cursor->end += gap;
	KW_FORGET();
	if (unsettled)
		cursor->stage = KW_STAGE_GAP;
	if (framed && !gap)
		kw_take_whole(c, sk, room, way);
	else if (!unsettled)
		kw_take_plain(c, sk, room, way);
	if (cursor->left)
		return kw_leave(ctx, cursor, programs, kw_next_of(c, framed));
	kw_end_call(c, sk, cursor, way);
	kw_forget(room);
	return 0;
}

/* The bytes of a body that were sent since the last call that was followed, before the last @result. */
static __always_inline void kw_pass_sent(struct kw_connection *c, struct sock *sk, int result)
{
	__u64 passed = kw_span_gap(c, sk, result);

	if (!passed)
		return;
	kw_span_advance(c, kw_direction(c->role, KW_SENT), passed);
	c->tx_bytes += passed;
}

/* The connection of a call that sends on @sk and has ended with @result, if its bytes are to be followed. */
static __always_inline struct kw_connection *kw_sender(void *ctx, struct sock *sk, int result, int readable)
{
	struct kw_connection *c;

	if (kw_is_no_news(result))
		return NULL;
	c = kw_find_or_accept(sk);
	if (!c) {
		if (readable && kw_is_to_be_adopted(sk, result))
			bpf_tail_call(ctx, &after_send, KW_NEXT_ADOPT);
		return NULL;
	}
	if (result <= 0) {
		kw_app_error(c, result);
		return NULL;
	}
	if (kw_span_covers(c, sk, KW_SENT))
		return NULL;
	kw_pass_sent(c, sk, result);
	if (!kw_ends_frame(c, KW_SENT, result) && kw_is_wanted(c, KW_SENT, readable))
		return kw_own(c, sk) ? c : NULL;
	kw_pass_frame(c, KW_SENT, result);
	c->tx_bytes += result;
	kw_span_open(c, sk, KW_SENT);
	return NULL;
}

/* A call that sends on @sk has ended with @result, as it returns to its caller. */
static __always_inline int kw_sent(void *ctx, struct sock *sk, int result)
{
	struct kw_connection *c = kw_sender(ctx, sk, result, 1);

	return c ? kw_follow(ctx, c, sk, result, 0, KW_SENT, 1, &after_send) : 0;
}

/* Takes @result bytes that are in no buffers of their caller through the machine; they passed at @now. Nothing begins. */
KW_GLOBAL int kw_follow_unread(struct kw_connection *c, const struct kw_pipeline *pipeline, int result,
			       __u64 now)
{
	struct kw_outcome outcome = {.why = KW_TAINT_BLIND, .now = now};

	if (!c)
		return 0;
	if (c->role == KW_ROLE_UNKNOWN) {
		kw_role_missed(c);
		return 0;
	}
	outcome.position = c->tx_bytes;
	outcome.direction = kw_direction(c->role, KW_SENT);
	outcome.event = http1_call(&c->http1, outcome.direction);
	if (outcome.event)
		kw_act_upon(c, pipeline, &outcome);
	outcome.position += result;
	outcome.event = kw_pass_unseen(c, outcome.direction, result);
	if (outcome.event)
		kw_act_upon(c, pipeline, &outcome);
	return 0;
}

/* The same of a call whose bytes are in no buffers of its caller. */
static __always_inline int kw_sent_unread(struct sock *sk, int result)
{
	struct kw_connection *c = kw_sender(NULL, sk, result, 0);

	if (!c)
		return 0;
	kw_follow_unread(c, kw_pipeline_of(c, sk), result, kw_passed_at(sk, KW_SENT));
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

/* Before a call that received @result bytes: a gap in a body passes. Returns the bytes of any other one. */
static __always_inline __u64 kw_pass_gap(struct kw_connection *c, struct sock *sk, int result)
{
	__u64 gap = kw_gap(c, sk, result);
	__u32 direction = kw_direction(c->role, KW_RECEIVED);

	if (!gap || gap >= kw_span_left(c, direction))
		return gap;
	kw_span_advance(c, direction, gap);
	c->rx_bytes += gap;
	return 0;
}

/* A call received nothing: an error, or the end of the stream. */
static __always_inline void kw_received_nothing(struct kw_connection *c, struct sock *sk, int result)
{
	kw_app_error(c, result);
	if (result || !(sk->sk_shutdown & RCV_SHUTDOWN))
		return;
	c->sides[kw_direction(c->role, KW_RECEIVED)].flags |= KW_HTTP_EOF_READ;
	kw_learn_end(c);
}

/* A call that receives from @sk has ended with @result, as it returns to its caller. @flags: those of recvmsg(). */
static __always_inline int kw_received(void *ctx, struct sock *sk, int result, int flags)
{
	int readable = !(flags & MSG_TRUNC);
	struct kw_connection *c;
	__u64 gap;

	if (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE) || kw_is_no_news(result))
		return 0;
	c = kw_find_or_accept(sk);
	if (!c) {
		if (kw_is_to_be_adopted(sk, result))
			bpf_tail_call(ctx, &after_receive, KW_NEXT_ADOPT);
		return 0;
	}
	if (result <= 0) {
		kw_received_nothing(c, sk, result);
		return 0;
	}
	if (kw_span_covers(c, sk, KW_RECEIVED))
		return 0;
	gap = kw_pass_gap(c, sk, result);
	if ((!gap && kw_ends_frame(c, KW_RECEIVED, result)) || !kw_is_wanted(c, KW_RECEIVED, readable)) {
		kw_pass_frame(c, KW_RECEIVED, gap + result);
		c->rx_bytes += gap + result;
		kw_span_open(c, sk, KW_RECEIVED);
		return 0;
	}
	return kw_own(c, sk) ? kw_follow(ctx, c, sk, result, gap, KW_RECEIVED, readable, &after_receive) : 0;
}

#endif
