/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The TLS machine: it follows the records of both directions of a connection, without keys. Of the hellos it keeps the version,
 * the cipher suite and the names of protocols; of all other records nothing but type, length and place, by which it says what
 * they mean.
 *
 * It is pure, like the HTTP/1.x machine, and driven in the same way, for one direction at a time:
 *
 *     tls_skip()      for bytes that tls_skippable() says need no look (nearly all of each body);
 *     tls_step()      for the others, at most TLS_WINDOW at a time;
 *     tls_lose()      once bytes have passed that could not be read.
 *
 * Bytes may be cut anywhere: what the machine says does not depend on where. */
#ifndef KEEPWATCH_TLS_H
#define KEEPWATCH_TLS_H

#include "tls/state.h"
#include "tls/hello.h"
#include "tls/records.h"

/* Nothing can be said of this direction any more. */
KW_INLINE __u32 tls_lose(struct tls_stream *s)
{
	s->lost = 1;
	return TLS_EVENT_LOST;
}

/* Is anything of the body in hand to be read? */
KW_INLINE int tls_is_reading(const struct tls_stream *s)
{
	return s->field != TLS_FIELD_NONE;
}

/* How many of the next @n bytes need not be read and may go to tls_skip(). */
KW_INLINE __u64 tls_skippable(const struct tls_stream *s, __u64 n)
{
	__u64 most = s->left;

	if (s->lost)
		return n;
	if (tls_is_reading(s) && s->skip < most)
		most = s->skip;
	return most < n ? most : n;
}

/* Is a hello being read, whose length is known? */
KW_INLINE int tls_is_in_hello(const struct tls_stream *s)
{
	return s->field > TLS_FIELD_MESSAGE;
}

/* @n bytes of the body in hand, and of the hello if it is one, have come. */
KW_INLINE void tls_advance(struct tls_stream *s, __u32 n)
{
	s->left -= n;
	if (tls_is_in_hello(s))
		s->message = s->message > n ? s->message - n : 0;
}

/* @n bytes, at most tls_skippable(), have passed. */
KW_INLINE void tls_skip(struct tls_connection *c, enum tls_direction direction, __u64 n)
{
	struct tls_stream *s = &c->streams[direction & 1];

	if (s->lost)
		return;
	if (tls_is_reading(s))
		s->skip -= n;
	tls_advance(s, n);
	if (tls_is_in_hello(s) && !s->message)
		tls_hello_end(c, s, direction);
}

/* Chooses the part of a record's body that is wanted. A hello goes on in the next record if it was cut. */
KW_INLINE void tls_begin_body(struct tls_stream *s)
{
	if (s->type == TLS_ALERT && s->length == 2)
		tls_expect(s, TLS_FIELD_ALERT, 0, 2);
	else if (s->type != TLS_HANDSHAKE && !s->hello && tls_is_reading(s))
		tls_hello_over(s);
	else if (s->type == TLS_HANDSHAKE && !s->hello && !tls_is_reading(s))
		tls_expect(s, TLS_FIELD_MESSAGE, 0, 4);
}

KW_INLINE __u32 tls_header(struct tls_connection *c, struct tls_stream *s, enum tls_direction direction)
{
	__u64 header = s->header;

	s->headed = 0;
	s->header = 0;
	s->type = header >> 32;
	s->length = s->left = header;
	if (s->type < TLS_CHANGE_CIPHER_SPEC || s->type > TLS_HEARTBEAT || (header >> 24 & 0xff) != 3 ||
	    s->length > TLS_LENGTH_MAX)
		return tls_lose(s);
	tls_begin_body(s);
	return tls_record(c, s, direction) | TLS_EVENT_RECORD;
}

/* Some of the bytes of a record's header. */
KW_INLINE __u32 tls_step_header(struct tls_connection *c, struct tls_stream *s, enum tls_direction direction,
				const __u8 *p, __u32 n, __u32 *event)
{
	for (__u32 i = 0; i < TLS_HEADER; i++) {
		if (i >= n)
			return n;
		s->header = s->header << 8 | p[i];
		if (++s->headed >= TLS_HEADER) {
			*event = tls_header(c, s, direction);
			return i + 1;
		}
	}
	return TLS_HEADER;
}

/* The two bytes of an alert in clear. */
KW_INLINE __u32 tls_clear_alert(struct tls_connection *c, struct tls_stream *s, enum tls_direction direction)
{
	s->field = TLS_FIELD_NONE;
	if (c->handshake != TLS_HANDSHAKE_DONE)
		tls_fail(c, direction, s->number >> 8, s->number);
	return TLS_EVENT_ALERT;
}

/* Bytes that may belong to the number in hand: no more than the record has, and the hello. */
KW_INLINE __u32 tls_number_most(const struct tls_stream *s)
{
	return tls_is_in_hello(s) && s->message < s->left ? s->message : s->left;
}

/* One byte of a number, or of the server's name. A function of its own for the verifier, because it is called for one after the other. */
KW_GLOBAL int tls_take_byte(struct tls_connection *c, __u32 direction, __u8 byte)
{
	struct tls_stream *s;

	if (!c)
		return 0;
	s = &c->streams[direction & 1];
	if (s->field == TLS_FIELD_NAME && s->named < TLS_NAME)
		c->name[s->named++ & (TLS_NAME - 1)] = byte;
	s->number = s->number << 8 | byte;
	s->need--;
	return 0;
}

/* Some of the bytes of a number, or of the server's name. */
KW_INLINE __u32 tls_step_body(struct tls_connection *c, struct tls_stream *s, enum tls_direction direction,
			      const __u8 *p, __u32 n, __u32 *event)
{
	__u32 most = tls_number_most(s), i;

	for (i = 0; i < TLS_NUMBER; i++) {
		if (i >= n || i >= most || !s->need)
			break;
		tls_take_byte(c, direction, p[i]);
	}
	tls_advance(s, i);
	if (!s->need && s->field == TLS_FIELD_ALERT)
		*event = tls_clear_alert(c, s, direction);
	else if (!s->need)
		tls_field(c, s, direction);
	if (tls_is_in_hello(s) && !s->message)
		tls_hello_end(c, s, direction);
	if (s->lost)
		*event |= TLS_EVENT_LOST;
	return i;
}

/* Reads some of the @n bytes at @p (1 to TLS_WINDOW) and returns how many, at least 1. @p must be readable for @n bytes only.
 * *ret_event is set in any case. */
KW_INLINE __u32 tls_step(struct tls_connection *c, enum tls_direction direction, const __u8 *p, __u32 n,
			 __u32 *ret_event)
{
	struct tls_stream *s = &c->streams[direction & 1];

	*ret_event = 0;
	if (s->lost)
		return n;
	if (!s->left)
		return tls_step_header(c, s, direction, p, n, ret_event);
	return tls_step_body(c, s, direction, p, n, ret_event);
}

#endif
