/* SPDX-License-Identifier: GPL-2.0-only */
/* Nearly all calls of a TLS connection once its handshake is done: one record with data, or its beginning, without the
 * machine's steps. */
#ifndef KEEPWATCH_RECORD_BPF_H
#define KEEPWATCH_RECORD_BPF_H

#include "tls.bpf.h"

/* Is this the header of a record that @n bytes are of? Only of one with data: alerts in clear are for the steps. */
static __always_inline int kw_is_data_record(__u64 header, __u64 n)
{
	__u32 length = header & 0xffff;

	return header >> 24 == (TLS_APPLICATION_DATA << 8 | 3) && length <= TLS_LENGTH_MAX && n >= TLS_HEADER &&
	       n <= TLS_HEADER + length;
}

/* Takes the call in @room whole, if its first bytes show that it can be. */
KW_GLOBAL int kw_tls_record(struct kw_connection *c, struct kw_tls *t, struct kw_scratch *room)
{
	struct kw_cursor *cursor;
	struct tls_stream *s;
	__u32 direction;
	__u64 header;

	if (!c || !t || !room)
		return 0;
	cursor = &room->cursor;
	direction = cursor->outcome.direction & 1;
	s = &t->machine.streams[direction];
	header = __builtin_bswap64(kw_load64(room->bytes)) >> (64 - 8 * TLS_HEADER);
	if (t->machine.handshake != TLS_HANDSHAKE_DONE || tls_is_reading(s) || s->headed || s->lost ||
	    c->http1.streams[direction].remain || !kw_is_data_record(header, cursor->left))
		return 0;
	s->header = header;
	cursor->outcome.event = tls_header(&t->machine, s, direction);
	tls_advance(s, cursor->left - TLS_HEADER);
	kw_tls_act(c, t, &cursor->outcome, cursor->way);
	cursor->outcome.event = 0;
	c->http1.streams[direction].remain = s->left;
	kw_take(cursor, cursor->left);
	return 0;
}

#endif
