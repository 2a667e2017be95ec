/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The meaning of a record, by its type, its length and its place. In TLS 1.3 all records behind the hellos look alike but for
 * their length: type application data, with the true type in the encrypted part. */
#ifndef KEEPWATCH_TLS_RECORDS_H
#define KEEPWATCH_TLS_RECORDS_H

#include "state.h"

#define TLS_AES_256_GCM_SHA384 0x1302
#define TLS_AES_128_CCM_8_SHA256 0x1305
#define TLS_TICKET_MOST 2048 /* bytes of a record; a longer one is no session ticket */
#define TLS_FLIGHT_MOST 2    /* records of a client before its Finished: Certificate, CertificateVerify */

#define TLS_CODE_CLOSE_NOTIFY 0
#define TLS_CODE_USER_CANCELED 90
#define TLS_LEVEL_FATAL 2

/* The length of an encrypted record of TLS 1.3 whose content has @n bytes: its type and a tag are added. */
KW_INLINE __u32 tls_sealed(const struct tls_connection *c, __u32 n)
{
	return n + 1 + (c->suite == TLS_AES_128_CCM_8_SHA256 ? 8 : 16);
}

/* A message head of 4 bytes, and a hash. */
KW_INLINE __u32 tls_finished_length(const struct tls_connection *c)
{
	return tls_sealed(c, 4 + (c->suite == TLS_AES_256_GCM_SHA384 ? 48 : 32));
}

/* Bytes on the wire of an alert behind the handshake, at the most. Before TLS 1.3 that follows from the kind of cipher: an AEAD
 * adds 8 bytes of nonce, if any, and a tag of 16; CBC adds padding and up to 48 bytes of MAC. */
KW_INLINE __u32 tls_alert_size(__u16 version, __u16 suite)
{
	int gcm = (suite >= 0x009c && suite <= 0x00a7) || (suite >= 0xc02b && suite <= 0xc032);
	int ccm = suite >= 0xc09c && suite <= 0xc0af;
	int chacha = suite >= 0xcca8 && suite <= 0xccae;

	if (version == TLS_1_3)
		return TLS_HEADER + 2 + 1 + 16;
	return TLS_HEADER + (gcm || ccm || chacha ? 2 + 8 + 16 : 80);
}

/* An alert that ends the handshake. Before TLS 1.3 a warning does not; from then on its level means nothing. */
KW_INLINE void tls_fail(struct tls_connection *c, enum tls_direction direction, __u8 level, __u8 code)
{
	int warning = level != TLS_LEVEL_FATAL && c->version && c->version != TLS_1_3;

	if (c->alert_by || warning || code == TLS_CODE_CLOSE_NOTIFY || code == TLS_CODE_USER_CANCELED)
		return;
	c->alert_by = 1 + direction;
	c->alert_level = level;
	c->alert_code = code;
}

KW_INLINE __u32 tls_done(struct tls_connection *c)
{
	if (c->handshake == TLS_HANDSHAKE_DONE)
		return 0;
	c->handshake = TLS_HANDSHAKE_DONE;
	return TLS_EVENT_DONE;
}

/* ---- TLS 1.3 ------------------------------------------------------------------------------------- */

/* The client sends data. If the server's only record so far may have been a ticket, more of these will not come now. */
KW_INLINE void tls13_ask(struct tls_connection *c)
{
	if (c->doubts & TLS_DOUBT_TICKET)
		c->tickets = TLS_TICKETS_OVER;
	c->doubts &= ~TLS_DOUBT_UNWANTED;
	c->asked = 1;
}

/* A record of the client behind the hellos: its certificate if the server asked for one, then its Finished, then data. */
KW_INLINE __u32 tls13_client(struct tls_connection *c, struct tls_stream *s)
{
	if (s->length == tls_sealed(c, 2)) {
		s->meaning = TLS_MEANS_ALERT;
		return 0;
	}
	if (c->handshake != TLS_HANDSHAKE_DONE) {
		s->meaning = TLS_MEANS_HANDSHAKE;
		if (s->length == tls_finished_length(c)) {
			if (c->tickets)
				c->tickets = TLS_TICKETS_OVER; /* they came with the greeting, all of them */
			return tls_done(c);
		}
		if (c->flight++ >= TLS_FLIGHT_MOST)
			c->doubts |= TLS_DOUBT_FINISHED;
		return 0;
	}
	s->meaning = s->length == tls_sealed(c, 5) ? TLS_MEANS_HANDSHAKE : TLS_MEANS_DATA; /* KeyUpdate */
	if (s->meaning == TLS_MEANS_DATA)
		tls13_ask(c);
	return 0;
}

/* A record of the server behind the handshake. Those of the first one's length are session tickets, if they are two; one alone
 * behind the first request may be a ticket or the response, and so may the last of more than two. */
KW_INLINE enum tls_meaning tls13_answer(struct tls_connection *c, const struct tls_stream *s)
{
	if (!c->tickets)
		c->ticket = s->length;
	c->doubts &= ~(TLS_DOUBT_TICKET | TLS_DOUBT_UNWANTED);
	if (c->tickets == TLS_TICKETS_OVER || s->length != c->ticket || s->length > TLS_TICKET_MOST) {
		c->tickets = TLS_TICKETS_OVER;
		return TLS_MEANS_DATA;
	}
	if (c->tickets < TLS_TICKETS_OVER - 1)
		c->tickets++;
	if (c->asked && c->tickets != 2)
		c->doubts |= c->resumable ? TLS_DOUBT_TICKET : TLS_DOUBT_TICKET | TLS_DOUBT_UNWANTED;
	return TLS_MEANS_TICKET;
}

/* A record of the server before the client's Finished: its certificate and its Finished. Some send tickets right behind that. */
KW_INLINE void tls13_greet(struct tls_connection *c, struct tls_stream *s)
{
	if (c->flight)
		c->doubts |= TLS_DOUBT_FINISHED;
	if (s->finished)
		tls13_answer(c, s);
	s->finished |= c->sealed && s->length == tls_finished_length(c);
	c->sealed = 1;
}

/* A record of the server behind the hellos. An alert that is the first one behind the client's certificate refuses that. */
KW_INLINE void tls13_server(struct tls_connection *c, struct tls_stream *s)
{
	int replied = c->replied;

	s->meaning = TLS_MEANS_HANDSHAKE;
	if (c->handshake == TLS_HANDSHAKE_DONE)
		c->replied = 1;
	if (s->length == tls_sealed(c, 2)) {
		s->meaning = TLS_MEANS_ALERT;
		if (c->handshake == TLS_HANDSHAKE_DONE && c->flight && !replied)
			tls_fail(c, TLS_SERVER, TLS_LEVEL_FATAL, TLS_CODE_HIDDEN);
	} else if (c->handshake == TLS_HANDSHAKE_DONE) {
		s->meaning = tls13_answer(c, s);
	} else {
		tls13_greet(c, s);
	}
}

/* ---- all versions ---------------------------------------------------------------------------------- */

/* Application data, or what looks like it. */
KW_INLINE __u32 tls_data(struct tls_connection *c, struct tls_stream *s, enum tls_direction direction)
{
	__u32 event = 0;

	s->meaning = TLS_MEANS_HANDSHAKE;
	if (c->handshake < TLS_HANDSHAKE_SERVER_HELLO) {
		c->doubts |= TLS_DOUBT_EARLY_DATA;
		return 0;
	}
	if (c->version != TLS_1_3) {
		s->meaning = TLS_MEANS_DATA;
		c->asked |= direction == TLS_CLIENT;
		return 0;
	}
	if (direction == TLS_CLIENT)
		event = tls13_client(c, s);
	else
		tls13_server(c, s);
	if (s->meaning == TLS_MEANS_ALERT && c->handshake != TLS_HANDSHAKE_DONE)
		tls_fail(c, direction, TLS_LEVEL_FATAL, TLS_CODE_HIDDEN);
	return event;
}

/* Before TLS 1.3 the Finished follows the ChangeCipherSpec. */
KW_INLINE __u32 tls_handshake_record(struct tls_connection *c, struct tls_stream *s)
{
	s->meaning = TLS_MEANS_HANDSHAKE;
	if (!s->changed || c->version == TLS_1_3)
		return 0;
	s->finished = 1;
	return c->streams[TLS_CLIENT].finished && c->streams[TLS_SERVER].finished ? tls_done(c) : 0;
}

/* An alert whose type is in clear, and its code too if it has no more than its two bytes. */
KW_INLINE void tls_alert(struct tls_connection *c, struct tls_stream *s, enum tls_direction direction)
{
	s->meaning = TLS_MEANS_ALERT;
	if (s->length > 2 && c->handshake != TLS_HANDSHAKE_DONE)
		tls_fail(c, direction, TLS_LEVEL_FATAL, TLS_CODE_HIDDEN);
}

/* The header of a record is complete. */
KW_INLINE __u32 tls_record(struct tls_connection *c, struct tls_stream *s, enum tls_direction direction)
{
	switch (s->type) {
	case TLS_APPLICATION_DATA:
		return tls_data(c, s, direction);
	case TLS_HANDSHAKE:
		return tls_handshake_record(c, s);
	case TLS_ALERT:
		tls_alert(c, s, direction);
		return 0;
	case TLS_CHANGE_CIPHER_SPEC:
		s->changed = 1;
		break;
	default:
		break;
	}
	s->meaning = TLS_MEANS_HANDSHAKE;
	return 0;
}

#endif
