/* SPDX-License-Identifier: GPL-2.0-only */
/* Each second a sweep over the connections that live: the progress of those that changed, and sockets that are kept open
 * after their close. */
#ifndef KEEPWATCH_SWEEP_BPF_H
#define KEEPWATCH_SWEEP_BPF_H

#include "lifecycle.bpf.h"

#define KW_KEPT_AFTER_CLOSE KW_S /* ns a closed socket may be held before it is reported */

#define KW_FILL_CHECK 64 /* objects of a sweep between two looks at the ring; a power of two */

/* The reader takes what this writes as "the ring is filling up", and empties it before it reads on. */
static __always_inline void kw_mark(struct bpf_iter_meta *meta)
{
	__u8 mark = 1;

	if (kw_is_filling())
		bpf_seq_write(meta->seq, &mark, sizeof(mark));
}

/* The library's state of a connection, or NULL. */
static __always_inline const struct kw_plaintext *kw_plaintext_inside(const struct kw_connection *c)
{
	return kw_reads_libraries && c->http1.protocol == HTTP1_PROTOCOL_TLS ? kw_plaintext_of(c) : NULL;
}

/* Has something happened since the last record that one would show? Of plaintext the socket's own counts say less. */
static __always_inline int kw_has_news(const struct kw_connection *c)
{
	const struct kw_plaintext *p;

	if (c->activity != kw_activity(c))
		return 1;
	p = kw_plaintext_inside(c);
	return p && p->told && p->c.activity != kw_activity(&p->c);
}

/* Has this sweep anything to say of a connection? One that nobody has used yet has no owner, so no service, and one
 * whose side is not known has no role: it waits until it has. */
static __always_inline int kw_is_due(const struct kw_connection *c)
{
	if (c->turn == KW_TURN_LAST)
		return 0;
	if (c->closing.time)
		return kw_sweep_mode != KW_SWEEP_PROGRESS ||
		       bpf_ktime_get_ns() - c->closing.time > KW_KEPT_AFTER_CLOSE;
	if (kw_sweep_mode == KW_SWEEP_OPEN)
		return !c->told_open;
	return c->established && c->owned && c->role != KW_ROLE_UNKNOWN && (!c->reported || kw_has_news(c));
}

/* @c, of @sk, may have something to say. If it lives, what is reported now is kept for the next record. */
static __always_inline void kw_report_due(struct kw_connection *c, struct sock *sk)
{
	int open = kw_sweep_mode == KW_SWEEP_OPEN, over = 0;
	struct kw_parts parts =
		kw_parts_of(c, sk, bpf_sk_storage_get(&reports, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE));

	c->told_open = open;
	kw_watch(c);
	if (c->closing.time)
		over = kw_takes_last_turn(c);
	else if (parts.reported)
		over = kw_report_living(c, sk, &parts, open ? KW_REPORT_OPEN : KW_REPORT_PROGRESS);
	if (over)
		kw_end(c, &parts);
}

#define KW_UNFINISHED_AGE (200 * KW_MS) /* a close that takes longer waits for something */

/* A socket that only its program has shut down still has a struct socket. */
static __always_inline void kw_count_unfinished(const struct kw_connection *seen, const struct sock *sk)
{
	const struct kw_counts *counts = &seen->http.counts;
	const struct kw_plaintext *p;

	if (seen->state != TCP_FIN_WAIT1 && seen->state != TCP_LAST_ACK && seen->state != TCP_CLOSING)
		return;
	if (seen->closing.time || sk->sk_socket || bpf_ktime_get_ns() - seen->ending.time < KW_UNFINISHED_AGE)
		return;
	kw_unfinished.connections++;
	p = kw_plaintext_inside(seen);
	if (p && p->object && !p->lost)
		counts = &p->c.http.counts;
	if (counts->requests_begun > counts->responses_ended)
		kw_unfinished.requests += counts->requests_begun - counts->responses_ended;
}

#endif
