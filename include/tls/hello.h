/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The two hellos, which are in clear: the version, the cipher suite and the protocols of the application. */
#ifndef KEEPWATCH_TLS_HELLO_H
#define KEEPWATCH_TLS_HELLO_H

#include "state.h"

#define TLS_CLIENT_HELLO 1 /* HandshakeType */
#define TLS_SERVER_HELLO 2
#define TLS_RANDOM 32 /* bytes */

/* Extensions, by their IANA numbers. */
#define TLS_EXTENSION_SERVER_NAME 0
#define TLS_EXTENSION_ALPN 16
#define TLS_EXTENSION_EARLY_DATA 42
#define TLS_EXTENSION_VERSIONS 43
#define TLS_EXTENSION_PSK_MODES 45

#define TLS_H2 0x6832                    /* "h2" */
#define TLS_HTTP11 0x687474702f312e31ULL /* "http/1.1" */

/* Next comes a number of @bytes, behind @skip bytes that are not wanted. */
KW_INLINE void tls_expect(struct tls_stream *s, enum tls_field field, __u32 skip, __u8 bytes)
{
	s->field = field;
	s->skip = skip;
	s->need = bytes;
	s->number = 0;
}

/* Nothing more is wanted of this stream's hello. */
KW_INLINE void tls_hello_over(struct tls_stream *s)
{
	s->hello = 1;
	s->field = TLS_FIELD_NONE;
	s->skip = 0;
	s->number = 0; /* so that no text of the traffic stays in memory */
}

/* The next extension, behind what is left of the one in hand. */
KW_INLINE void tls_next_extension(struct tls_stream *s)
{
	__u32 rest = s->inside;

	s->inside = 0;
	tls_expect(s, TLS_FIELD_EXTENSION, rest, 4);
}

/* A number that must lie within the extension in hand; else the next extension comes. */
KW_INLINE void tls_expect_inside(struct tls_stream *s, enum tls_field field, __u8 bytes)
{
	if (bytes > s->inside) {
		tls_next_extension(s);
		return;
	}
	s->inside -= bytes;
	tls_expect(s, field, 0, bytes);
}

KW_INLINE void tls_extension(struct tls_connection *c, struct tls_stream *s, enum tls_direction direction)
{
	__u32 type = s->number >> 16;

	s->inside = s->number;
	if (type == TLS_EXTENSION_ALPN)
		tls_expect_inside(s, TLS_FIELD_ALPN_LIST, 2);
	else if (type == TLS_EXTENSION_VERSIONS && direction == TLS_SERVER)
		tls_expect_inside(s, TLS_FIELD_SELECTED, 2);
	else if (type == TLS_EXTENSION_SERVER_NAME && direction == TLS_CLIENT && c->keep_name)
		tls_expect_inside(s, TLS_FIELD_NAME_LENGTH, 5);
	else
		tls_next_extension(s);
	if (type == TLS_EXTENSION_EARLY_DATA && direction == TLS_CLIENT)
		c->doubts |= TLS_DOUBT_EARLY_DATA;
	if (type == TLS_EXTENSION_PSK_MODES && direction == TLS_CLIENT)
		c->resumable = 1;
}

KW_INLINE void tls_protocol(struct tls_connection *c, __u64 name, enum tls_direction direction)
{
	__u8 bit = name == TLS_H2 ? TLS_ALPN_H2 : name == TLS_HTTP11 ? TLS_ALPN_HTTP11 : TLS_ALPN_OTHER;

	if (direction == TLS_CLIENT)
		c->offered |= bit;
	else
		c->chosen |= bit;
}

/* The length of a protocol's name. Longer names than those that are known need not be read. */
KW_INLINE void tls_protocol_length(struct tls_connection *c, struct tls_stream *s, enum tls_direction direction)
{
	__u32 length = s->number;

	if (length && length <= TLS_NUMBER) {
		tls_expect_inside(s, TLS_FIELD_ALPN_NAME, length);
		return;
	}
	tls_protocol(c, 0, direction);
	if (length >= s->inside) {
		tls_next_extension(s);
		return;
	}
	s->inside -= length + 1;
	tls_expect(s, TLS_FIELD_ALPN_LENGTH, length, 1);
}

/* The server's name follows: s->inside is what is left of its extension. */
KW_INLINE void tls_name_length(struct tls_stream *s)
{
	__u32 length = s->number & 0xffff;

	if ((s->number >> 16 & 0xff) || !length || length > s->inside) {
		tls_next_extension(s);
		return;
	}
	s->inside -= length;
	tls_expect(s, TLS_FIELD_NAME, 0, length < TLS_NAME ? length : TLS_NAME);
	s->inside += length - s->need;
}

KW_INLINE void tls_message(struct tls_stream *s, enum tls_direction direction)
{
	__u32 type = s->number >> 24, length = s->number & 0xffffff;

	if (type != (direction == TLS_CLIENT ? TLS_CLIENT_HELLO : TLS_SERVER_HELLO) || length > TLS_HELLO_MAX) {
		s->lost = 1;
		tls_hello_over(s);
		return;
	}
	s->message = length;
	tls_expect(s, TLS_FIELD_VERSION, 0, 2);
}

/* The hello is complete. */
KW_INLINE void tls_hello_end(struct tls_connection *c, struct tls_stream *s, enum tls_direction direction)
{
	tls_hello_over(s);
	if (direction == TLS_CLIENT && c->handshake == TLS_HANDSHAKE_NONE)
		c->handshake = TLS_HANDSHAKE_CLIENT_HELLO;
	if (direction == TLS_SERVER && c->handshake == TLS_HANDSHAKE_CLIENT_HELLO)
		c->handshake = TLS_HANDSHAKE_SERVER_HELLO;
}

/* The number of the field in hand has come: what is next? */
KW_INLINE void tls_field(struct tls_connection *c, struct tls_stream *s, enum tls_direction direction)
{
	switch (s->field) {
	case TLS_FIELD_MESSAGE:
		tls_message(s, direction);
		break;
	case TLS_FIELD_VERSION:
		if (direction == TLS_SERVER)
			c->version = s->number;
		tls_expect(s, TLS_FIELD_RANDOM, 0, TLS_NUMBER);
		break;
	case TLS_FIELD_RANDOM:
		if (direction == TLS_CLIENT)
			c->random = s->number;
		tls_expect(s, TLS_FIELD_SESSION, TLS_RANDOM - TLS_NUMBER, 1);
		break;
	case TLS_FIELD_SESSION:
		tls_expect(s, TLS_FIELD_SUITES, s->number, 2);
		break;
	case TLS_FIELD_SUITES:
		if (direction == TLS_SERVER)
			c->suite = s->number;
		tls_expect(s, TLS_FIELD_COMPRESSIONS, direction == TLS_SERVER ? 0 : s->number, 1);
		break;
	case TLS_FIELD_COMPRESSIONS:
		tls_expect(s, TLS_FIELD_EXTENSIONS, direction == TLS_SERVER ? 0 : s->number, 2);
		break;
	case TLS_FIELD_EXTENSION:
		tls_extension(c, s, direction);
		break;
	case TLS_FIELD_SELECTED:
		c->version = s->number;
		tls_next_extension(s);
		break;
	case TLS_FIELD_ALPN_LIST:
		tls_expect_inside(s, TLS_FIELD_ALPN_LENGTH, 1);
		break;
	case TLS_FIELD_ALPN_LENGTH:
		tls_protocol_length(c, s, direction);
		break;
	case TLS_FIELD_ALPN_NAME:
		tls_protocol(c, s->number, direction);
		tls_expect_inside(s, TLS_FIELD_ALPN_LENGTH, 1);
		break;
	case TLS_FIELD_NAME_LENGTH:
		tls_name_length(s);
		break;
	default:
		tls_next_extension(s);
		break;
	}
}

#endif
