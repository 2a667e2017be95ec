/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a message starts: request line, status line, and what may come before the first of them. */
#ifndef KEEPWATCH_HTTP1_START_H
#define KEEPWATCH_HTTP1_START_H

#include "framing.h"
#include "tables.h"

#define HTTP1_TLS_HANDSHAKE 0x16 /* ContentType of a record (RFC 8446 section 5.1), */
#define HTTP1_TLS_ALERT 0x15
#define HTTP1_TLS_MAJOR 3 /* and the first byte of its version */

#define HTTP1_H2_TYPE 3     /* offset of the type in the header of a frame (RFC 9113 section 4.1), */
#define HTTP1_H2_LAST 8     /* and of the header's last byte */
#define HTTP1_H2_SETTINGS 4 /* the type of a SETTINGS frame (RFC 9113 section 6.5) */
#define HTTP1_H2_PREFACE 14 /* bytes of a client's preface by which it is known (section 3.4) */

#define HTTP1_PROXY2_BEGIN 0x0d0a0d0a /* CR LF CR LF: the first four bytes of the signature */

/* ---- the states, one function each: what they return is how many bytes they took ----------------- */

KW_INLINE __u32 http1_begin(struct http1_stream *s, int responses)
{
	s->flags = 0;
	s->errors = 0;
	s->status = 0;
	s->field = HTTP1_FIELD_NONE;
	s->phase = 0;
	s->word_length = 0;
	s->framing = HTTP1_FRAMING_NONE;
	s->state = responses ? HTTP1_VERSION : HTTP1_METHOD;
	return HTTP1_EVENT_BEGIN;
}

/* Skips empty lines, at most @n bytes. Notes that it did, because another protocol (PROXY version 2) may begin with
 * them. */
KW_INLINE __u32 http1_empty_lines(struct http1_stream *s, const __u8 *p, __u32 n)
{
	for (__u32 i = 0; i < HTTP1_BITE; i++) {
		if (i >= n || (p[i] != '\r' && p[i] != '\n'))
			return i;
		s->words[0] = s->words[0] << 8 | p[i];
		if (s->number < HTTP1_DECIDE)
			s->number++;
	}
	return HTTP1_BITE;
}

/* The signature of version 2 of the PROXY protocol begins with two empty lines, then a NUL. */
KW_INLINE int http1_begins_proxy2(const struct http1_connection *c, const struct http1_stream *s, __u8 byte)
{
	return !byte && s->number == 4 && (__u32)s->words[0] == HTTP1_PROXY2_BEGIN && !c->proxied;
}

KW_INLINE __u32 http1_step_start(struct http1_connection *c, struct http1_stream *s, int responses,
				 const __u8 *p, __u32 n, __u32 *event)
{
	int fresh = c->protocol == HTTP1_PROTOCOL_NONE;
	__u32 most = fresh ? HTTP1_DECIDE - s->number : HTTP1_WINDOW;
	__u32 i = http1_empty_lines(s, p, n < most ? n : most);

	if (fresh && s->number >= HTTP1_DECIDE) {
		*event = http1_bad_start(c, s);
		return i;
	}
	if (i >= n || i >= HTTP1_BITE)
		return i;
	if (fresh && !responses && http1_begins_proxy2(c, s, p[i])) {
		s->state = HTTP1_PROXY2;
		s->phase = 0;
		return i + 1;
	}
	if (fresh && !s->number &&
	    (p[i] == HTTP1_TLS_HANDSHAKE || (responses && (!p[i] || p[i] == HTTP1_TLS_ALERT)))) {
		s->state = HTTP1_FOREIGN;
		s->phase = 0;
		return i;
	}
	if (responses && !fresh && p[i] != 'H') {
		s->errors = 0;
		*event = http1_no_response(c, s, p[i], 0);
		return i;
	}
	*event = http1_begin(s, responses);
	return i;
}

/* A server's first bytes are a TLS alert, if @byte is its version: the client did not speak TLS, but the server does. */
KW_INLINE __u32 http1_tls_alert(struct http1_connection *c, struct http1_stream *s, __u8 byte)
{
	s->parameter = byte == HTTP1_TLS_MAJOR ? HTTP1_TLS_ALERT : 0;
	return http1_not_http(c, s, HTTP1_PROTOCOL_OPAQUE);
}

/* TLS: a record of type handshake, version 3. HTTP/2: its servers begin with a SETTINGS frame on stream 0 (RFC
 * 9113 section 3.4), often before they have read the client's preface. */
/* Is @byte, at @phase of a server's first bytes, one of a SETTINGS frame's header? */
KW_INLINE int http1_is_settings(__u32 phase, __u8 byte)
{
	if (!phase)
		return !byte; /* of its length */
	return phase < HTTP1_H2_TYPE || byte == (phase == HTTP1_H2_TYPE ? HTTP1_H2_SETTINGS : 0);
}

/* The same of a client's preface. */
KW_INLINE int http1_is_preface(__u32 phase, __u8 byte)
{
	__u64 word = phase < 8 ? HTTP1_WORD_AT("PRI * HTTP/2.0", 0) : HTTP1_WORD_AT("PRI * HTTP/2.0", 1);

	return byte == (__u8)(word >> 8 * (phase & 7));
}

/* Behind 101: is it HTTP/2 that the sides have switched to (RFC 7540 section 3.2)? Either side's first bytes tell. */
KW_INLINE __u32 http1_step_switched(struct http1_connection *c, struct http1_stream *s, int responses,
				    const __u8 *p, __u32 *event)
{
	__u32 phase = s->phase;
	__u8 byte = p[0];
	int fits = responses ? http1_is_settings(phase, byte) : http1_is_preface(phase, byte);

	s->phase = phase + 1;
	s->words[0] = s->words[0] << 8 | byte;
	if (!phase)
		s->number = byte;
	if (!fits) {
		s->state = HTTP1_TUNNEL;
	} else if (phase == (responses ? HTTP1_H2_LAST : HTTP1_H2_PREFACE - 1)) {
		c->protocol = HTTP1_PROTOCOL_H2C;
		*event = HTTP1_EVENT_NOT_HTTP;
	}
	return 1;
}

KW_INLINE __u32 http1_step_foreign(struct http1_connection *c, struct http1_stream *s, const __u8 *p,
				   __u32 *event)
{
	__u32 phase = s->phase;
	__u8 byte = p[0];

	s->phase = phase + 1;
	s->words[0] =
		s->words[0] << 8 | byte; /* the header of a frame is read again once it is known to be one */
	if (!phase)
		s->number = byte;
	else if (s->number == HTTP1_TLS_HANDSHAKE)
		*event = http1_not_http(c, s,
					byte == HTTP1_TLS_MAJOR ? HTTP1_PROTOCOL_TLS : HTTP1_PROTOCOL_OPAQUE);
	else if (s->number == HTTP1_TLS_ALERT)
		*event = http1_tls_alert(c, s, byte);
	else if (!http1_is_settings(phase, byte))
		*event = http1_not_http(c, s, HTTP1_PROTOCOL_OPAQUE);
	else if (phase == HTTP1_H2_LAST)
		*event = http1_not_http(c, s, HTTP1_PROTOCOL_H2C);
	return 1;
}

/* Counts unusual white space, because peers accept several blanks, and tabs, between the parts of a start line. */
KW_INLINE void http1_count_blank(struct http1_stream *s, int odd)
{
	if (odd)
		s->errors |= 1 << HTTP1_ERROR_BLANKS;
}

KW_INLINE void http1_method_end(struct http1_connection *c, struct http1_stream *s)
{
	s->method = http1_method_of(s);
	s->state = HTTP1_TARGET;
	s->phase = HTTP1_TARGET_EMPTY;
	s->number += s->word_length + 1;
	if (http1_word_is(s, HTTP1_WORDS("PRI")))
		s->method = HTTP1_METHOD_MAX; /* the HTTP/2 preface, if its version agrees */
	else if (http1_word_is(s, HTTP1_WORDS("PROXY")) && c->protocol == HTTP1_PROTOCOL_NONE && !c->proxied)
		s->state = HTTP1_PROXY1;
	s->word_length = 0;
}

KW_INLINE __u32 http1_step_method(struct http1_connection *c, struct http1_stream *s, const __u8 *p, __u32 n,
				  __u32 *event)
{
	int sure = c->protocol == HTTP1_PROTOCOL_HTTP1;

	for (__u32 i = 0; i < HTTP1_BITE; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];

		if (http1_is_token(byte) && (sure || s->number + s->word_length + 1 < HTTP1_DECIDE)) {
			http1_append(s, byte);
		} else if (http1_is_space(byte) && s->word_length) {
			http1_method_end(c, s);
			http1_count_blank(s, byte == '\t');
			return i + 1;
		} else {
			*event = http1_bad_start(c, s);
			return i + 1;
		}
	}
	return HTTP1_BITE;
}

KW_INLINE void http1_target_end(struct http1_stream *s)
{
	if (s->method == HTTP1_METHOD_MAX && s->phase != HTTP1_TARGET_STAR)
		s->method = HTTP1_METHOD_OTHER; /* PRI, but not the preface */
	s->state = HTTP1_VERSION;
	s->phase = 0;
}

/* A connection's first target that is neither a path nor an asterisk. */
KW_INLINE int http1_is_odd_target(const struct http1_connection *c, const struct http1_stream *s, __u8 first)
{
	return c->protocol == HTTP1_PROTOCOL_NONE && s->phase == HTTP1_TARGET_EMPTY &&
	       s->method != HTTP1_METHOD_CONNECT && first != '/' && first != '*';
}

KW_INLINE __u32 http1_step_target(struct http1_connection *c, struct http1_stream *s, const __u8 *p, __u32 n,
				  __u32 *event)
{
	__u32 taken, length;
	__u8 end;

	if (s->phase == HTTP1_TARGET_EMPTY && http1_is_space(p[0])) {
		http1_count_blank(s, 1);
		return 1;
	}
	if (http1_is_odd_target(c, s, p[0])) {
		s->state = HTTP1_ODD_TARGET;
		return 0;
	}
	taken = http1_find(p, n, ' ', '\t', '\n');
	length = taken > n ? n : taken - 1;
	if (length)
		s->phase = s->phase || length > 1 || p[0] != '*' ? HTTP1_TARGET_MORE : HTTP1_TARGET_STAR;
	if (taken > n)
		return n;
	end = p[length & (HTTP1_WINDOW - 1)];
	http1_count_blank(s, end == '\t');
	if (end != '\n' && s->phase)
		http1_target_end(s);
	else
		*event = http1_bad_start(c, s);
	return taken;
}

/* Many text protocols begin with two words, so to count as HTTP an odd target must show the colon of a scheme, or
 * end, within the first bytes. */
KW_INLINE __u32 http1_step_odd_target(struct http1_connection *c, struct http1_stream *s, const __u8 *p,
				      __u32 n, __u32 *event)
{
	for (__u32 i = 0; i < HTTP1_BITE; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];

		if (http1_is_space(byte) && s->phase) {
			http1_count_blank(s, byte == '\t');
			http1_target_end(s);
			return i + 1;
		}
		if (byte <= ' ' || byte >= 0x7f || ++s->number >= HTTP1_DECIDE) {
			*event = http1_bad_start(c, s);
			return i + 1;
		}
		s->phase = HTTP1_TARGET_MORE;
		if (byte == ':') {
			s->state = HTTP1_TARGET;
			return i + 1;
		}
	}
	return HTTP1_BITE;
}

/* HTTP/ DIGIT . DIGIT (RFC 9112 section 2.3), told from anything else at the first byte that differs. A client that is
 * @sure to speak HTTP/1 may say HTTP/2.0: peers take it for 1.1. */
KW_GLOBAL int http1_version_byte(struct http1_stream *s, __u8 byte, __u32 sure)
{
	if (!s)
		return 0;
	switch (s->phase) {
	case 0:
		return byte == 'H';
	case 1:
	case 2:
		return byte == 'T';
	case 3:
		return byte == 'P';
	case 4:
		return byte == '/';
	case 5:
		s->number = byte;
		return byte == '1' || (byte == '2' && (s->method == HTTP1_METHOD_MAX || sure));
	case 6:
		return byte == '.';
	default:
		s->version = byte > '0';
		return http1_is_digit(byte);
	}
}

KW_INLINE __u32 http1_version_end(struct http1_connection *c, struct http1_stream *s, int responses)
{
	s->phase = 0;
	if (s->number == '2' && c->protocol == HTTP1_PROTOCOL_HTTP1) {
		s->errors |= 1 << HTTP1_ERROR_VERSION;
		s->version = 1;
	} else if (s->number == '2')
		return c->protocol == HTTP1_PROTOCOL_NONE && !s->version
			       ? http1_not_http(c, s, HTTP1_PROTOCOL_H2C)
			       : http1_bad_start(c, s);
	if (s->method == HTTP1_METHOD_MAX)
		s->method = HTTP1_METHOD_OTHER;
	c->protocol = HTTP1_PROTOCOL_HTTP1;
	s->state = responses ? HTTP1_STATUS : HTTP1_LINE_END;
	s->phase = 0;
	return 0;
}

/* A byte that is none of a version's. */
KW_INLINE __u32 http1_no_version(struct http1_connection *c, struct http1_stream *s, int responses)
{
	return responses && c->protocol == HTTP1_PROTOCOL_HTTP1 ? http1_no_response(c, s, 'H', s->phase + 1)
								: http1_bad_start(c, s);
}

KW_INLINE __u32 http1_step_version(struct http1_connection *c, struct http1_stream *s, int responses,
				   const __u8 *p, __u32 n, __u32 *event)
{
	int sure = !responses && c->protocol == HTTP1_PROTOCOL_HTTP1;

	if (responses)
		s->method = HTTP1_METHOD_OTHER;
	for (__u32 i = 0; i < 8; i++) {
		if (i >= n)
			return n;
		if (!s->phase && !responses && http1_is_space(p[i])) {
			http1_count_blank(s, 1);
			return i + 1;
		}
		if (!http1_version_byte(s, p[i], sure)) {
			*event = http1_no_version(c, s, responses);
			return i + 1;
		}
		if (++s->phase == 8) {
			*event = http1_version_end(c, s, responses);
			return i + 1;
		}
	}
	return 8;
}

/* More digits of the minor version: HTTP/1.32 is 1.1 to every peer. */
KW_INLINE void http1_more_version(struct http1_stream *s, __u8 digit)
{
	s->errors |= 1 << HTTP1_ERROR_VERSION;
	s->version |= digit > '0';
}

KW_INLINE __u32 http1_step_line_end(struct http1_connection *c, struct http1_stream *s, const __u8 *p, __u32 n,
				    __u32 *event)
{
	for (__u32 i = 0; i < HTTP1_BITE; i++) {
		if (i >= n)
			return n;
		if (p[i] == '\n') {
			s->state = HTTP1_FIELD_START;
			return i + 1;
		}
		if (http1_is_digit(p[i]) && !s->phase) {
			http1_more_version(s, p[i]);
			continue;
		}
		s->phase = 1; /* behind the version */
		if (p[i] != '\r' && !http1_is_space(p[i])) {
			*event = http1_malformed(c, s, HTTP1_ERROR_START_LINE);
			return i + 1;
		}
	}
	return HTTP1_BITE;
}

/* Accepts unusual bytes between the version and the status: more blanks, or more digits of the version. */
KW_INLINE int http1_before_status(struct http1_stream *s, __u8 byte)
{
	if (!s->phase && http1_is_digit(byte)) {
		http1_more_version(s, byte);
		return 1;
	}
	if (s->phase > 1 || !http1_is_space(byte))
		return 0;
	http1_count_blank(s, s->phase || byte == '\t');
	s->phase = 1;
	return 1;
}

/* SP, three digits, then SP or the line's end. */
KW_INLINE __u32 http1_step_status(struct http1_connection *c, struct http1_stream *s, const __u8 *p, __u32 n,
				  __u32 *event)
{
	for (__u32 i = 0; i < 5; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];
		__u32 phase;
		int good;

		if (http1_before_status(s, byte))
			continue;
		phase = s->phase;
		good = phase && http1_is_digit(byte);
		if (phase == 4)
			good = (http1_is_space(byte) || byte == '\r' || byte == '\n') && s->status >= 100;
		if (!good) {
			*event = http1_malformed(c, s, HTTP1_ERROR_START_LINE);
			return i + 1;
		}
		s->phase = phase + 1;
		if (phase == 4) {
			s->state = byte == '\n' ? HTTP1_FIELD_START : HTTP1_REASON;
			return i + 1;
		}
		s->status = s->status * 10 + (byte - '0');
	}
	return 5;
}

/* ---- PROXY protocol ----------------------------------------------------------------------------- */

#define HTTP1_PROXY2_REST HTTP1_WORD_AT("\r\nQUIT\n", 0)

/* Seven more bytes of the signature, then version and command, family, and a length of two bytes. */
KW_INLINE __u32 http1_step_proxy2(struct http1_connection *c, struct http1_stream *s, const __u8 *p,
				  __u32 *event)
{
	__u32 phase = s->phase;
	__u8 byte = p[0];

	s->phase = phase + 1;
	if (phase < 7 ? byte != (__u8)(HTTP1_PROXY2_REST >> 8 * phase) : phase == 7 && byte >> 4 != 2)
		*event = http1_not_http(c, s, HTTP1_PROTOCOL_OPAQUE);
	if (*event)
		return 1;
	s->number = s->number << 8 | byte;
	if (phase == 10) {
		s->remain = s->number & 0xffff;
		s->number = 0;
		s->state = s->remain ? HTTP1_PROXY2_ADDRESSES : HTTP1_START;
		c->proxied = 1;
	}
	return 1;
}

/* "PROXY " may still be a method; what follows tells: TCP4, TCP6 or UNKNOWN, where no target begins so. */
KW_INLINE __u32 http1_step_proxy1(struct http1_connection *c, struct http1_stream *s, const __u8 *p, __u32 n,
				  __u32 *event)
{
	__u32 most = HTTP1_PROXY - s->number;
	__u32 taken;

	if (!c->proxied) {
		if (p[0] != 'T' && p[0] != 'U') {
			s->state = http1_is_odd_target(c, s, p[0]) ? HTTP1_ODD_TARGET : HTTP1_TARGET;
			return 0;
		}
		*event = HTTP1_EVENT_PROXY;
		c->proxied = 1;
	}
	if (n > most)
		n = most;
	taken = http1_find(p, n, '\n', '\n', '\n');
	if (taken <= n) {
		s->state = HTTP1_START;
		s->number = 0;
		return taken;
	}
	s->number += n;
	if (s->number >= HTTP1_PROXY)
		*event |= http1_not_http(c, s, HTTP1_PROTOCOL_OPAQUE);
	return n;
}

#endif
