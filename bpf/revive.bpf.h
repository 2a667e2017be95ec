/* SPDX-License-Identifier: GPL-2.0-only */
/* A client's first bytes are no request line, so the connection is taken for something else than HTTP/1; but the server
 * knows better. If its first bytes are a response of HTTP/1.x, those of the client were a request. */
#ifndef KEEPWATCH_REVIVE_BPF_H
#define KEEPWATCH_REVIVE_BPF_H

#include "role.bpf.h"

/* Is it, by what its client said? */
static __always_inline int kw_is_no_http(const struct kw_connection *c)
{
	return c->http1.protocol == HTTP1_PROTOCOL_OPAQUE || c->http1.protocol == HTTP1_PROTOCOL_TLS;
}

/* Are these the server's first bytes, on such a connection? */
static __always_inline int kw_may_revive(const struct kw_connection *c, enum kw_way way)
{
	return kw_is_no_http(c) && kw_direction(c->role, way) == HTTP1_RESPONSES &&
	       !(way == KW_SENT ? c->tx_bytes : c->rx_bytes) && !c->identity.preexisting;
}

/* The requests' direction is followed from here on. */
static __always_inline void kw_resume_requests(struct kw_connection *c, struct sock *sk)
{
	struct tcp_sock *tcp = kw_tcp(sk);

	if (!tcp)
		return;
	if (c->role == KW_ROLE_SERVER)
		c->rx_bytes = kw_rx_position(c, tcp, kw_copied(sk, tcp));
	else
		c->tx_bytes = kw_tx_position(c, tcp, tcp->write_seq);
	kw_span_close(c);
}

/* All that the client has sent, up to @end, counts as one request, which passed at @now. */
static __always_inline void kw_count_odd_request(struct kw_connection *c, __u64 end, __u64 now)
{
	struct kw_http *http = &c->http;

	http->counts.requests_begun = http->counts.requests = http->counts.requests_ended = 1;
	http->counts.request.none = 1;
	http->first_request_started = http->request_started = http->request_ended = now;
	http->request_begin = 0;
	http->request_end = end;
	http->last_request_version = 1;
	http->http10_only = 0;
	kw_count_errors(&c->sides[HTTP1_REQUESTS], 1 << HTTP1_ERROR_REQUEST_LINE);
}

/* It is HTTP after all. */
static __always_inline void kw_revive_machine(struct kw_connection *c, __u64 end, __u64 now)
{
	if (c->http1.protocol == HTTP1_PROTOCOL_TLS)
		c->sides[HTTP1_REQUESTS].flags |= KW_HTTP_TLS_REQUEST;
	c->http1.streams[HTTP1_RESPONSES].state = HTTP1_START;
	http1_revive(&c->http1);
	kw_count_odd_request(c, end, now);
}

/* Does the call in @room begin with a response of HTTP/1? Returns whether the connection is HTTP after all. */
static __always_inline int kw_revive(struct kw_connection *c, struct sock *sk, struct kw_scratch *room)
{
	if (kw_role_by_call(room) != c->role)
		return 0;
	kw_resume_requests(c, sk);
	kw_revive_machine(c, c->role == KW_ROLE_SERVER ? c->rx_bytes : c->tx_bytes,
			  kw_passed_at(sk, KW_RECEIVED));
	return 1;
}

#endif
