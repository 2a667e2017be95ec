/* SPDX-License-Identifier: GPL-2.0-only */
/* HTTP/2 in plaintext: the frames of a call go through the steps that those of clear text take. Their state lies in a hash, as that of
 * the connection does: see plaintext.bpf.h. */
#ifndef KEEPWATCH_FEED_HTTP2_BPF_H
#define KEEPWATCH_FEED_HTTP2_BPF_H

#include "http2.bpf.h"

/* Is there anything to read for these steps? A client's preface, or a server's first frame, has shown that. */
static __always_inline int kw_feeds_http2(const struct kw_connection *c)
{
	return kw_is_framed(c) || kw_may_follow(c, HTTP1_PROTOCOL_H2C);
}

/* Has the last record of @p been sent meanwhile? It removes the state of the plaintext before it removes what belongs to that, so whoever
 * has just added something asks, and removes it again. */
static __always_inline int kw_feed_is_over(__u64 cookie)
{
	return !bpf_map_lookup_elem(&plaintexts, &cookie);
}

/* State for the frames of @p, whose first has just been met. */
static __always_inline struct kw_http2 *kw_feed_begin_http2(struct kw_plaintext *p,
							    const struct kw_cursor *cursor)
{
	const union kw_blank *blank = kw_blank();
	__u64 cookie = p->cookie;
	struct kw_http2 *h;

	if (!blank || bpf_map_update_elem(&plaintext_http2, &cookie, &blank->http2, BPF_NOEXIST)) {
		kw_count_lost(KW_LOST_STATE);
		p->lost = 1;
		return NULL;
	}
	h = bpf_map_lookup_elem(&plaintext_http2, &cookie);
	if (h)
		kw_http2_begin(&p->c, h, cursor, p->requested);
	if (kw_feed_is_over(cookie))
		bpf_map_delete_elem(&plaintext_http2, &cookie);
	return h;
}

/* The latest streams of @p one by one, if they are to be reported; or NULL. */
static __always_inline struct kw_http2_streams *kw_feed_streams_of(const struct kw_plaintext *p)
{
	const union kw_blank *blank = kw_blank();
	__u64 cookie = p->cookie;
	struct kw_http2_streams *streams;

	if (!kw_config.exchanges || !blank)
		return NULL;
	streams = bpf_map_lookup_elem(&plaintext_streams, &cookie);
	if (streams)
		return streams;
	bpf_map_update_elem(&plaintext_streams, &cookie, &blank->streams, BPF_NOEXIST);
	streams = bpf_map_lookup_elem(&plaintext_streams, &cookie);
	if (kw_feed_is_over(cookie))
		bpf_map_delete_elem(&plaintext_streams, &cookie);
	return streams;
}

/* How far the other way's ciphertext has come: what has arrived of it; or what was handed to TCP, or is about to be by the library's
 * program. */
static __always_inline __u64 kw_feed_opposite(const struct kw_plaintext *p, __u32 way)
{
	struct tcp_sock *tcp = (struct tcp_sock *)p->socket;
	__u64 sent;

	if (way == KW_SENT)
		return kw_position(kw_arrived_at((struct sock *)p->socket, tcp), p->c.rx_base,
				   p->taken[KW_RECEIVED]);
	sent = kw_position(BPF_CORE_READ(tcp, write_seq), p->c.tx_base, p->taken[KW_SENT]);
	return sent > p->taken[KW_SENT] ? sent : p->taken[KW_SENT];
}

/* Follows the frames of the call in @room, as far as its bytes have not been taken. Verified once, whichever library the call is of. */
KW_GLOBAL int kw_feed_http2(struct kw_plaintext *p, struct kw_scratch *room)
{
	struct kw_http2_reader reader = {.c = p ? &p->c : NULL, .scratch = room};
	struct kw_cursor *cursor;

	if (!kw_reads_libraries || !p || !room)
		return 0;
	cursor = &room->cursor;
	reader.http2 = kw_is_framed(&p->c) ? kw_plaintext_http2_of(&p->c) : kw_feed_begin_http2(p, cursor);
	if (!reader.http2)
		return 0;
	reader.streams = kw_feed_streams_of(p);
	kw_http2_place(&p->c, reader.http2, cursor, kw_feed_opposite(p, cursor->way));
	KW_FORGET();
	kw_http2_step_loop(&reader);
	kw_http2_check(&p->c, reader.http2, cursor);
	return 0;
}

#endif
