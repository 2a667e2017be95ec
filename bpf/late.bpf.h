/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests that come too late: a segment with payload that draws a RST, for a connection that its server has
 * closed. There may be a dying socket, a TIME_WAIT minisocket, or none at all: the segment's own headers name
 * the connection in every case. */
#ifndef KEEPWATCH_LATE_BPF_H
#define KEEPWATCH_LATE_BPF_H

#include "emit.bpf.h"

#define KW_TCP_SYN 0x02
#define KW_TCP_RST 0x04

/* The fixed headers, as they stand in a segment (RFC 791, RFC 8200, RFC 9293). */
struct kw_ipv4_header {
	__u8 version_length;
	__u8 service;
	__be16 total_length;
	__u8 middle[8];
	__be32 source;
	__be32 destination;
};

struct kw_ipv6_header {
	__be32 version_class_flow;
	__be16 payload_length;
	__u8 middle[2];
	__u8 source[16];
	__u8 destination[16];
};

struct kw_tcp_header {
	__be16 source;
	__be16 destination;
	__be32 sequence;
	__be32 acknowledgment;
	__u8 offset;
	__u8 flags;
};

/* Bytes of TCP header and payload, and the tuple as the receiver names it; 0 if it cannot be read. */
static __always_inline __u32 kw_read_ip(const unsigned char *at, struct kw_tuple *ret_tuple)
{
	struct kw_ipv4_header ipv4;
	struct kw_ipv6_header ipv6;
	__u8 version = 0;

	bpf_probe_read_kernel(&version, sizeof(version), at);
	if (version >> 4 == 4 && !bpf_probe_read_kernel(&ipv4, sizeof(ipv4), at)) {
		kw_map_ipv4(ret_tuple->local, ipv4.destination);
		kw_map_ipv4(ret_tuple->remote, ipv4.source);
		return bpf_ntohs(ipv4.total_length) - (version & 15) * 4;
	}
	if (version >> 4 == 6 && !bpf_probe_read_kernel(&ipv6, sizeof(ipv6), at)) {
		__builtin_memcpy(ret_tuple->local, ipv6.destination, sizeof(ret_tuple->local));
		__builtin_memcpy(ret_tuple->remote, ipv6.source, sizeof(ret_tuple->remote));
		return bpf_ntohs(ipv6.payload_length);
	}
	return 0;
}

/* Payload bytes of a segment, the sequence number behind them, and the connection; 0 if it carries none, opens a
 * connection, or is a RST, which draws none. */
static __always_inline __u32 kw_read_segment(const struct sk_buff *skb, struct kw_tuple *ret_tuple,
					     __u32 *ret_end)
{
	const unsigned char *head = skb->head;
	struct kw_tcp_header tcp;
	__u32 length = kw_read_ip(head + skb->network_header, ret_tuple), header;

	if (!length || bpf_probe_read_kernel(&tcp, sizeof(tcp), head + skb->transport_header))
		return 0;
	ret_tuple->local_port = bpf_ntohs(tcp.destination);
	ret_tuple->remote_port = bpf_ntohs(tcp.source);
	header = (tcp.offset >> 4) * 4;
	if ((tcp.flags & (KW_TCP_SYN | KW_TCP_RST)) || length <= header)
		return 0;
	*ret_end = bpf_ntohl(tcp.sequence) + (length - header);
	return length - header;
}

static __always_inline void kw_emit_late(const struct kw_closed_by_server *closed, __u32 bytes, __u64 now)
{
	struct kw_event_late *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		kw_count_lost(KW_LOST_LATE);
		return;
	}
	event->header.type = KW_EVENT_LATE;
	event->header.size = sizeof(*event);
	event->header.reserved = 0;
	event->header.time = now;
	event->identity = closed->identity;
	event->closed = closed->closed;
	event->bytes = bytes;
	event->reserved = 0;
	bpf_ringbuf_submit(event, kw_wakeup());
}

/* A segment draws a RST in a network namespace: that of its socket, if there is one. */
static __always_inline void kw_on_refused_segment(const struct sk_buff *skb, __u32 netns)
{
	struct kw_closed_by_server *closed;
	struct kw_tuple tuple = {};
	__u64 now = bpf_ktime_get_ns();
	__u32 end, bytes = kw_read_segment(skb, &tuple, &end);
	__s32 late;

	if (!bytes)
		return;
	tuple.netns = netns;
	closed = bpf_map_lookup_elem(&closed_by_server, &tuple);
	if (!closed)
		return;
	late = end - closed->expected; /* the rest is of requests that the server had: a body, or sent again */
	if (late <= KW_EMPTY_LINES)
		return;
	if ((__u32)late < bytes)
		bytes = late;
	if (now - closed->closed < KW_LATE_WINDOW)
		kw_emit_late(closed, bytes, now);
	bpf_map_delete_elem(&closed_by_server, &tuple);
}

static __always_inline void kw_refused(const struct sock *sk, const struct sk_buff *skb)
{
	kw_on_refused_segment(skb, sk ? sk->__sk_common.skc_net.net->ns.inum : skb->dev->nd_net.net->ns.inum);
}

#endif
