/* SPDX-License-Identifier: GPL-2.0-only */
/* A server closes, and a request of its client may cross that: such a connection is kept for it, beyond its last record. The request is
 * met in late.bpf.h. */
#ifndef KEEPWATCH_CROSSED_BPF_H
#define KEEPWATCH_CROSSED_BPF_H

#include "plaintext.bpf.h"
#include "../include/tls/records.h"

/* Every request that was read has its response; one delimited by the close is complete with it. */
static __always_inline int kw_is_answered(const struct kw_connection *c)
{
	const struct kw_counts *counts = &c->http.counts;
	__u32 delimited =
		c->sides[HTTP1_RESPONSES].open && http1_is_delimited(&c->http1.streams[HTTP1_RESPONSES]);

	return counts->requests_begun <= counts->responses_ended + delimited;
}

/* Is it known where the requests that the server had end? Of a request body that is still on its way, after an early
 * response, Content-Length says it; the chunked coding does not. */
static __always_inline int kw_knows_requests_end(const struct kw_connection *c, __u64 *ret_owed)
{
	const struct http1_stream *s = &c->http1.streams[HTTP1_REQUESTS];

	*ret_owed = 0;
	if (!c->sides[HTTP1_REQUESTS].open)
		return 1;
	if (s->state != HTTP1_BODY || s->remain > KW_SPAN_MOST)
		return 0;
	*ret_owed = s->remain;
	return 1;
}

/* May a request cross the close of a server, so that it is known as one? @t: the records of TLS, or NULL. */
static __always_inline int kw_may_be_crossed(const struct kw_connection *c, const struct kw_tls *t)
{
	if (t && t->facts.notified_by == 1 + TLS_CLIENT)
		return 0;
	if (!t || kw_is_plaintext(c))
		return c->http1.protocol <= HTTP1_PROTOCOL_HTTP1 && !c->http1.tunnel;
	return t->facts.done && !t->machine.doubts && !(t->machine.offered & TLS_ALPN_H2) &&
	       c->http1.streams[0].state == HTTP1_FRAME;
}

/* How many bytes of records the client may still send that are no request: the rest of one, and an alert. */
static __always_inline __u64 kw_tls_owed(const struct kw_connection *c, const struct kw_tls *t)
{
	__u64 rest = kw_is_plaintext(c) ? 0 : c->http1.streams[HTTP1_REQUESTS].remain;

	return rest + tls_alert_size(t->machine.version, t->machine.suite);
}

/* Keeps a connection that its server closed with nothing to answer, for the request that may have crossed. On TLS an alert may
 * cross too, which is none; and of a body that is on its way nothing says how many bytes its records will have. */
KW_GLOBAL int kw_keep_closed(const struct kw_connection *c, const struct kw_tls *t)
{
	struct kw_closed_by_server closed = {};
	struct kw_tuple tuple = {};
	__u64 owed;

	if (!c || c->role != KW_ROLE_SERVER || c->ending.act != KW_ACT_LOCAL_FIN || c->closing.unread ||
	    !kw_may_be_crossed(c, t) || !kw_is_answered(c) || !kw_knows_requests_end(c, &owed))
		return 0;
	if (t && owed && kw_is_plaintext(c))
		return 0;
	if (t)
		owed = kw_tls_owed(c, t);
	kw_identify(c, &closed.identity);
	closed.closed = c->ending.time;
	closed.expected = c->rx_base + (__u32)(c->rx_bytes + owed);
	__builtin_memcpy(tuple.local, c->identity.local, sizeof(tuple.local));
	__builtin_memcpy(tuple.remote, c->identity.remote, sizeof(tuple.remote));
	tuple.local_port = c->identity.local_port;
	tuple.remote_port = c->identity.remote_port;
	tuple.netns = c->identity.netns;
	bpf_map_update_elem(&closed_by_server, &tuple, &closed, BPF_ANY);
	return 0;
}

#endif
