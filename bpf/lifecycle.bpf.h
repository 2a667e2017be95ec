/* SPDX-License-Identifier: GPL-2.0-only */
/* How a connection ends: who acted first, with what in flight, and what was left when it was gone. */
#ifndef KEEPWATCH_LIFECYCLE_BPF_H
#define KEEPWATCH_LIFECYCLE_BPF_H

#include "exchange.bpf.h"

/* Milliseconds since a time that the kernel noted in ticks (jiffies). */
static __always_inline __u32 kw_ticks_ms(__u32 then)
{
	return (__u64)((__u32)bpf_jiffies64() - then) * kw_config.tick_us / 1000;
}

/* The FINs count one in the kernel's sequence numbers and none in positions. */
static __always_inline void kw_read_positions(struct kw_ending *ending, const struct kw_connection *c,
					      struct sock *sk)
{
	struct tcp_sock *tcp = kw_tcp(sk);

	if (!tcp)
		return;
	ending->tx_sent = kw_tx_position(c, tcp, tcp->write_seq);
	ending->tx_acked = kw_tx_position(c, tcp, tcp->snd_una);
	ending->rx_arrived = kw_rx_position(c, tcp, kw_arrived(sk, tcp));
	ending->rx_read = kw_rx_position(c, tcp, kw_copied(sk, tcp));
	ending->since_sent = kw_ticks_ms(tcp->lsndtime);
	ending->since_received = kw_ticks_ms(tcp->inet_conn.icsk_ack.lrcvtime);
}

/* Notes an act; the first one with all that was in flight then. */
static __always_inline void kw_act(struct kw_connection *c, struct sock *sk, enum kw_act act)
{
	struct kw_ending *ending = &c->ending;

	ending->acts |= 1 << act;
	if (act == KW_ACT_PEER_FIN || act == KW_ACT_PEER_RST)
		ending->reading = kw_is_held(sk);
	if (ending->act)
		return;
	ending->act = act;
	ending->time = bpf_ktime_get_ns();
	kw_read_positions(ending, c, sk);
	if (act == KW_ACT_LOCAL_FIN || act == KW_ACT_LOCAL_RST) {
		struct task_struct *task = bpf_get_current_task_btf();

		ending->half_close = act == KW_ACT_LOCAL_FIN && !(sk->sk_shutdown & RCV_SHUTDOWN);
		ending->exiting = !!(task->flags & PF_EXITING);
		if (ending->exiting)
			ending->signal = task->exit_code & KW_EXIT_SIGNAL;
	}
	if (kw_reads_libraries)
		kw_plaintext_act(c);
}

static __always_inline void kw_peer_fin(struct kw_connection *c, struct sock *sk)
{
	if (!c->peer_fin)
		c->peer_fin = bpf_ktime_get_ns();
	kw_act(c, sk, KW_ACT_PEER_FIN);
}

/* What TCP itself can still say of the connection. */
static __always_inline void kw_read_tcp(struct kw_connection *c, struct sock *sk, const struct tcp_sock *tcp)
{
	struct kw_closing *closing = &c->closing;
	__u32 fin_sent = !!(c->ending.acts & 1 << KW_ACT_LOCAL_FIN);

	if (kw_is_unsupported(sk, tcp)) {
		kw_taint(&c->sides[HTTP1_REQUESTS], KW_TAINT_UNSUPPORTED);
		c->sides[HTTP1_REQUESTS].flags |= KW_HTTP_UNSUPPORTED;
	}
	if (!c->established) /* a connect() that failed got its local port after the move to SYN_SENT */
		c->identity.local_port = bpf_ntohs(tcp->inet_conn.icsk_inet.inet_sport);
	closing->unread = kw_arrived(sk, tcp) - kw_copied(sk, tcp);
	closing->outstanding = tcp->write_seq - tcp->snd_una;
	if (closing->outstanding && fin_sent)
		closing->outstanding--;
	c->tx_end = kw_tx_position(c, tcp, tcp->write_seq - fin_sent);
	c->rx_end = kw_rx_position(c, tcp, kw_copied(sk, tcp));
	closing->retransmits = tcp->total_retrans;
	closing->srtt_us = tcp->srtt_us >> 3;
	closing->probes = tcp->inet_conn.icsk_probes_out;
	closing->unrecovered = tcp->inet_conn.icsk_retransmits;
}

/* The socket has left the kernel's tables. Reads everything that can still be read; the time comes last, because a
 * sweep that sees it may report all this at once. */
static __always_inline void kw_read_closing(struct kw_connection *c, struct sock *sk, int from)
{
	struct tcp_sock *tcp = kw_tcp(sk);
	struct kw_closing *closing = &c->closing;

	closing->from_state = from;
	if (sk->sk_err)
		closing->error = sk->sk_err;
	if (sk->sk_err_soft)
		closing->soft_error = sk->sk_err_soft;
	if (tcp)
		kw_read_tcp(c, sk, tcp);
	__sync_lock_test_and_set(&closing->time, bpf_ktime_get_ns());
}

/* Which act was it, if no FIN or RST came before, that brought the socket to CLOSE? */
static __always_inline enum kw_act kw_last_act(const struct kw_connection *c, struct sock *sk, int from)
{
	if (c->ending.acts & 1 << KW_ACT_PEER_RST)
		return KW_ACT_PEER_RST;
	if (sk->sk_err)
		return KW_ACT_ERROR;
	if (from == TCP_ESTABLISHED || from == TCP_CLOSE_WAIT || from == TCP_SYN_SENT || from == TCP_SYN_RECV)
		return KW_ACT_LOCAL_RST;
	return KW_ACT_NONE;
}

static __always_inline void kw_closed(struct kw_connection *c, struct sock *sk, int from)
{
	enum kw_act act = kw_last_act(c, sk, from);

	if (act != KW_ACT_NONE)
		kw_act(c, sk, act);
	if (act == KW_ACT_LOCAL_RST && !c->owned && !kw_own(c, sk))
		return;
	if (act == KW_ACT_LOCAL_RST)
		kw_learn_end(c);
	c->notice.held = kw_is_held(sk);
	kw_read_closing(c, sk, from);
}

/* ---- the last record ----------------------------------------------------------------------------- */

/* Bytes that the application took since its last receive, by a way that shows no event (splice). When they came
 * is not known: they count as having come with the first byte of their message. */
static __always_inline void kw_last_gap(struct kw_connection *c, struct kw_outcome *outcome)
{
	__u64 gap = c->rx_end - c->rx_bytes;

	if ((__s64)gap <= 0)
		return;
	c->rx_bytes = c->rx_end;
	outcome->position = c->rx_end;
	outcome->direction = kw_direction(c->role, KW_RECEIVED);
	if (gap < kw_span_left(c, outcome->direction)) {
		kw_span_advance(c, outcome->direction, gap);
		return;
	}
	outcome->now =
		outcome->direction == HTTP1_REQUESTS ? c->http.request_started : c->http.response_started;
	outcome->event = kw_pass_unseen(c, outcome->direction, gap);
}

/* Counts the bytes of a body that were sent and passed without being counted, before the end cuts it. */
static __always_inline void kw_last_sent(struct kw_connection *c)
{
	__u64 passed = kw_span_passed(c, c->tx_end);

	kw_span_advance(c, kw_direction(c->role, KW_SENT), passed);
	c->tx_bytes += passed;
}

/* A response that was seen before its request: only the end makes plain what it was. */
static __always_inline void kw_last_response(struct kw_connection *c, struct kw_outcome *outcome)
{
	outcome->now = c->closing.time;
	outcome->position = c->role == KW_ROLE_CLIENT ? c->rx_bytes : c->tx_bytes;
	outcome->direction = HTTP1_RESPONSES;
	outcome->event = http1_call(&c->http1, HTTP1_RESPONSES);
}

/* The steps of an end, in their order. */
enum kw_last {
	KW_LAST_GAP,
	KW_LAST_RESPONSE,
};

/* Acts upon the event that a step has brought. */
KW_GLOBAL int kw_last_event(struct kw_connection *c, const struct kw_pipeline *pipeline,
			    const struct kw_outcome *outcome)
{
	if (!c || !outcome)
		return 0;
	kw_on_errors(c, outcome);
	kw_on_end(c, pipeline, outcome);
	return 0;
}

/* One step of kw_end(). Nothing begins any more. */
KW_GLOBAL int kw_last_step(struct kw_connection *c, const struct kw_pipeline *pipeline, __u32 step)
{
	struct kw_outcome outcome = {.why = KW_TAINT_GAP};

	if (!c)
		return 0;
	if (step == KW_LAST_GAP) {
		kw_last_gap(c, &outcome);
	} else {
		if (!(c->sides[HTTP1_REQUESTS].flags &
		      KW_HTTP_UNSUPPORTED)) /* else TCP's positions are of other bytes */
			kw_last_sent(c);
		kw_last_response(c, &outcome);
	}
	if (outcome.event)
		kw_last_event(c, pipeline, &outcome);
	return 0;
}

/* The last response, if the close may end it. If no message came that would have proven its length, it did, and it
 * announced that. Returns whether the response is an exchange of its own to report: not if a RST cut it. */
KW_GLOBAL int kw_settle_doubt(struct kw_connection *c)
{
	const struct http1_stream *s;

	if (!c || !c->sides[HTTP1_RESPONSES].open)
		return 0;
	s = &c->http1.streams[HTTP1_RESPONSES];
	if (!http1_is_delimited(s))
		return 0;
	if (s->flags & HTTP1_FLAG_DOUBTFUL)
		kw_announce(c, KW_ANNOUNCED_BY_SERVER, KW_ANNOUNCED_DELIMITED, c->http.counts.responses);
	return kw_config.exchanges && !(c->ending.acts & (1 << KW_ACT_LOCAL_RST | 1 << KW_ACT_PEER_RST));
}

/* All that the end itself brings about. */
KW_GLOBAL int kw_last_steps(struct kw_connection *c, const struct kw_pipeline *pipeline)
{
	if (!c)
		return 0;
	kw_guess_role(c);
	kw_last_step(c, pipeline, KW_LAST_GAP);
	kw_last_step(c, pipeline, KW_LAST_RESPONSE);
	if (kw_settle_doubt(c))
		kw_emit_exchange(c, pipeline, c->http.counts.responses_ended + 1, c->closing.time,
				 c->role == KW_ROLE_CLIENT ? c->rx_bytes : c->tx_bytes);
	return 0;
}

/* The same of its plaintext, which the library alone shows: only whether the close ends a response is not known before. */
KW_GLOBAL int kw_last_of_plaintext(struct kw_plaintext *p, const struct kw_connection *c)
{
	if (!kw_reads_libraries || !p || !c)
		return 0;
	p->c.ending = c->ending;
	p->c.closing = c->closing;
	if (kw_settle_doubt(&p->c))
		kw_emit_exchange(&p->c, p->c.pipelined ? &p->pipeline : NULL,
				 p->c.http.counts.responses_ended + 1, c->closing.time,
				 c->role == KW_ROLE_CLIENT ? c->rx_bytes : c->tx_bytes);
	return 0;
}

/* Sends the last record. */
static __always_inline void kw_end(struct kw_connection *c, const struct kw_parts *parts)
{
	kw_last_steps(c, parts->pipeline);
	if (kw_reads_libraries)
		kw_last_of_plaintext(parts->plaintext, c);
	KW_FORGET();
	kw_emit_closed(c, parts);
	if (kw_reads_libraries)
		kw_plaintext_end(c, parts->tls);
}

/* The same, in a program of its own that is tail-called: the socket's state is found again. */
static __always_inline void kw_end_found(struct sock *sk)
{
	struct kw_connection *c = kw_find(sk);
	struct kw_parts parts;

	if (!c)
		return;
	parts = kw_parts_of(c, sk, c->reported ? kw_reported_of(sk) : NULL);
	kw_end(c, &parts);
}

/* The connection is over: whoever comes first, destruction or the sweep, sends its last record; this asks whether
 * that is the caller. If a sweep is just reporting it as alive, that record comes first, and the sweep sends the
 * last one too. */
static __always_inline int kw_takes_last_turn(struct kw_connection *c)
{
	__u32 turn;

	if (!c->closing.time)
		return 0;
	turn = __sync_lock_test_and_set(&c->turn, KW_TURN_LAST);
	if (turn != KW_TURN_LAST)
		kw_count_ended();
	return turn == KW_TURN_NOBODY;
}

/* A record of a connection that lives. Returns whether it ended meanwhile, so that the last record is for the caller
 * to send. */
static __always_inline int kw_report_living(struct kw_connection *c, struct sock *sk,
					    const struct kw_parts *parts, enum kw_report report)
{
	if (__sync_val_compare_and_swap(&c->turn, KW_TURN_NOBODY, KW_TURN_LIVING) != KW_TURN_NOBODY)
		return 0;
	kw_emit_living(c, sk, parts, report);
	return __sync_val_compare_and_swap(&c->turn, KW_TURN_LIVING, KW_TURN_NOBODY) != KW_TURN_LIVING;
}

/* A move went by that no program saw: what it would have said of the close is not known. A program and its twin both
 * miss one where more than one interrupt comes between them, and on kernels that at times run no programs at all:
 * one was met that runs none in an interrupt of a certain process. */
static __always_inline void kw_unseen_move(struct kw_connection *c)
{
	struct kw_side *side = &c->sides[HTTP1_RESPONSES];

	kw_count_lost(KW_LOST_RECURSION);
	kw_taint(side, KW_TAINT_GAP);
	side->flags |= KW_HTTP_RESPONSES_LOST;
}

/* The move to CLOSE was among them. An error names who ended it; but a RST of this socket's own leaves the same one
 * as the peer's, which has a hook of its own. */
static __always_inline void kw_closed_unseen(struct kw_connection *c, struct sock *sk)
{
	int error = sk->sk_err;

	kw_unseen_move(c);
	if (error && error != ECONNRESET)
		kw_act(c, sk, KW_ACT_ERROR);
	kw_read_closing(c, sk, TCP_CLOSE);
	if (error == ECONNRESET && !(c->ending.acts & 1 << KW_ACT_PEER_RST))
		c->closing.error = 0;
}

static __always_inline void kw_destroyed(void *ctx, struct kw_connection *c, struct sock *sk)
{
	if (!c->closing.time)
		kw_closed_unseen(c, sk);
	if (c->notice.held) /* so this is its program's close() */
		kw_learn_end(c);
	if (kw_takes_last_turn(c))
		bpf_tail_call(ctx, &after_destroy, KW_NEXT_LAST);
}

static __always_inline void kw_state(struct kw_connection *c, struct sock *sk, int from, int to)
{
	switch (to) {
	case TCP_FIN_WAIT1: /* close() or shutdown() by the current task, before the peer's FIN */
	case TCP_LAST_ACK:  /* or after it */
		if (!kw_own(c, sk))
			return;
		kw_act(c, sk, KW_ACT_LOCAL_FIN);
		if (sk->sk_shutdown & RCV_SHUTDOWN) /* one that goes on reading has not learnt how it ends */
			kw_learn_end(c);
		break;
	case TCP_CLOSE_WAIT:
		kw_peer_fin(c, sk);
		break;
	case TCP_CLOSING:
		c->ending.simultaneous = 1;
		kw_peer_fin(c, sk);
		break;
	case TCP_CLOSE:
		if (from == TCP_FIN_WAIT2 && kw_fin_arrived(sk))
			kw_peer_fin(c, sk);
		kw_closed(c, sk, from);
		break;
	}
}

/* The socket moves from one TCP state to another. @last: this program runs second of two on its hook. */
static __always_inline int kw_on_state(void *ctx, struct sock *sk, int from, int to, int last)
{
	struct kw_connection *c;

	if (from == to || !kw_is_tcp(sk))
		return 0;
	c = kw_find(sk);
	if (c && c->state == to)
		return 0; /* the twin was here */
	if (c && c->state != from)
		kw_unseen_move(c);
	if (to == TCP_ESTABLISHED && from == TCP_SYN_RECV) {
		kw_handshaken(c, sk, last);
		return 0;
	}
	if (c)
		c->state = to;
	if (to == TCP_SYN_SENT) {
		if (c && kw_takes_last_turn(c)) /* the same socket connects again */
			bpf_tail_call(ctx, &after_move, KW_NEXT_LAST);
		kw_connecting(sk, last);
	} else if (c && to == TCP_ESTABLISHED && from == TCP_SYN_SENT) {
		kw_connected(c, sk);
	} else if (c) {
		kw_state(c, sk, from, to);
	}
	return 0;
}

static __always_inline int kw_on_destroy(void *ctx, struct sock *sk)
{
	struct kw_connection *c = kw_find(sk);

	if (c)
		kw_destroyed(ctx, c, sk);
	return 0;
}

#endif
