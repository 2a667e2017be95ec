/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The HTTP/2 machine: it follows the frames of both directions of a connection (RFC 9113) and keeps of them only what decides how
 * the connection and its streams end: which streams are open, ended or reset, GOAWAY, PING, two settings, the status of
 * responses, and whether fields were sent that HTTP/2 forbids. No header's value is kept but the three digits of a status, and
 * no text of a GOAWAY.
 *
 * It is pure, like the HTTP/1.x machine. Whoever drives it owns the bytes and calls, for one direction at a time,
 *
 *     http2_is_due()  and, as long as that says so, http2_step() without bytes: nothing is left undone at the end of a call;
 *     http2_skip()    for bytes that http2_skippable() says need no look (nearly all of them: payloads pass by position);
 *     http2_step()    for the others, at most HTTP2_WINDOW at a time;
 *     http2_lose()    once bytes have passed that need a look and cannot be read;
 *
 * and acts on the HTTP2_EVENT_ bits that they report. A step does one thing: it collects bytes, or understands what was
 * collected, or acts upon it, so that its paths are few for the kernel's verifier. Bytes may be cut anywhere: what the machine
 * says does not depend on where. The two directions may run at once on two processors: each writes its own stream. */
#ifndef KEEPWATCH_HTTP2_H
#define KEEPWATCH_HTTP2_H

#include "http2/state.h"
#include "http2/names.h"
#include "http2/walk.h"
#include "http2/window.h"
#include "http2/frames.h"
#include "http2/join.h"

/* Initialises a connection, which is all zeros, whose client's first @preface bytes of its preface are known to have passed. */
KW_INLINE void http2_init(struct http2_connection *c, __u8 preface)
{
	c->streams[HTTP2_SERVER].state = HTTP2_AT_HEADER;
	c->streams[HTTP2_CLIENT].got = preface;
	if (preface >= HTTP2_PREFACE_LENGTH) {
		c->streams[HTTP2_CLIENT].state = HTTP2_AT_HEADER;
		c->streams[HTTP2_CLIENT].got = 0;
	}
}

/* The connection was upgraded from HTTP/1.1 (RFC 7540 section 3.2): the request that asked for it is stream 1. @s: the client's
 * side, which has sent nothing else so far. */
KW_INLINE void http2_begin_upgraded(struct http2_stream *s)
{
	http2_advance(s, 1);
	http2_mark(s->open, 1);
	http2_mark(s->closed, 1);
	s->begun = s->peak = 1;
}

KW_INLINE void http2_init_upgraded(struct http2_connection *c)
{
	http2_init(c, 0);
	http2_begin_upgraded(&c->streams[HTTP2_CLIENT]);
}

/* Must a step be taken, although there may be no bytes? */
KW_INLINE int http2_is_due(const struct http2_stream *s)
{
	return s->due != HTTP2_DUE_NOTHING;
}

/* Is nothing read of this side? */
KW_INLINE int http2_is_outside(const struct http2_stream *s)
{
	return s->state == HTTP2_AT_LOST || s->state == HTTP2_AT_OUTSIDE;
}

/* How many of the next @n bytes need not be read and may go to http2_skip(). */
KW_INLINE __u64 http2_skippable(const struct http2_stream *s, __u64 n)
{
	__u64 most = 0;

	if (s->due != HTTP2_DUE_NOTHING)
		return 0;
	if (http2_is_outside(s))
		return n;
	if (s->state == HTTP2_AT_PASS)
		most = s->left;
	else if (s->state == HTTP2_AT_BLOCK && s->walk == HTTP2_WALK_OVER)
		most = s->block;
	else if (s->state == HTTP2_AT_BLOCK)
		most = s->skip < s->block ? s->skip : s->block;
	return most < n ? most : n;
}

/* @n bytes, at most http2_skippable(), have passed. */
KW_INLINE void http2_skip(struct http2_stream *s, __u64 n)
{
	if (http2_is_outside(s))
		return;
	if (s->state == HTTP2_AT_BLOCK && s->walk != HTTP2_WALK_OVER)
		s->skip -= n;
	http2_advance_payload(s, n);
}

/* ---- steps --------------------------------------------------------------------------------------- */

/* The client's preface; got bytes of it have come. */
KW_INLINE __u32 http2_step_preface(struct http2_stream *s, __u8 byte, __u32 *event)
{
	static const __u8 preface[HTTP2_PREFACE_LENGTH] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	if (s->got >= HTTP2_PREFACE_LENGTH || byte != preface[s->got]) {
		*event = http2_fail(s, HTTP2_ERROR_PREFACE);
		return 1;
	}
	if (++s->got >= HTTP2_PREFACE_LENGTH) {
		s->state = HTTP2_AT_HEADER;
		s->got = 0;
	}
	return 1;
}

/* Some of the bytes of a frame's header. */
KW_INLINE __u32 http2_step_header(struct http2_stream *s, const __u8 *p, __u32 n)
{
	__u32 i;

	for (i = 0; i < HTTP2_HEADER_LENGTH; i++) {
		__u32 at = s->headed;

		if (i >= n || at >= HTTP2_HEADER_LENGTH)
			break;
		s->header[at] = p[i];
		s->headed = at + 1;
	}
	if (s->headed >= HTTP2_HEADER_LENGTH)
		s->due = HTTP2_DUE_FRAME;
	return i;
}

/* Some of the bytes that text lacks. */
KW_INLINE __u32 http2_step_text(struct http2_stream *s, const __u8 *p, __u32 n)
{
	__u32 most = s->state == HTTP2_AT_BLOCK ? s->block : s->left;
	__u32 i;

	for (i = 0; i < HTTP2_BITE; i++) {
		__u32 at = s->got;

		if (i >= n || i >= most || !s->need || at >= HTTP2_TEXT)
			break;
		s->text[at] = p[i];
		s->got = at + 1;
		s->need--;
	}
	if (!s->need && s->state == HTTP2_AT_BLOCK)
		s->due = s->walk == HTTP2_WALK_NAME ? HTTP2_DUE_NAME : HTTP2_DUE_VALUE;
	http2_advance_payload(s, i);
	if (s->need || s->state == HTTP2_AT_BLOCK)
		return i;
	if (s->type == HTTP2_TYPE_SETTINGS)
		s->due = HTTP2_DUE_SETTING;
	else
		http2_fragment(s); /* the rest of the payload passes */
	return i;
}

/* Does the thing that is due. */
KW_INLINE __u32 http2_do(struct http2_connection *c, struct http2_stream *s, enum http2_direction direction)
{
	switch (s->due) {
	case HTTP2_DUE_FRAME:
		return http2_frame(c, s, direction);
	case HTTP2_DUE_SETTING:
		http2_setting(s);
		return 0;
	case HTTP2_DUE_NAME:
		http2_take_name(s);
		break;
	case HTTP2_DUE_VALUE:
		http2_take_value(s);
		break;
	case HTTP2_DUE_FRAGMENT:
		http2_fragment(s);
		return 0;
	default:
		return http2_end(c, s, direction);
	}
	s->due = s->block ? HTTP2_DUE_NOTHING : HTTP2_DUE_FRAGMENT;
	return 0;
}

/* Does the thing that is due; if nothing is, reads some of the @n bytes at @p, at most HTTP2_WINDOW. Returns how many, which is
 * 0 if something was due, and else at least 1. @p must be readable for @n bytes only. *ret_event is set in any case. */
KW_INLINE __u32 http2_step(struct http2_connection *c, enum http2_direction direction, const __u8 *p, __u32 n,
			   __u32 *ret_event)
{
	struct http2_stream *s = &c->streams[direction & 1];

	*ret_event = 0;
	if (s->due != HTTP2_DUE_NOTHING) {
		*ret_event = http2_do(c, s, direction);
		return 0;
	}
	if (!n)
		return 0;
	switch (s->state) {
	case HTTP2_AT_PREFACE:
		return http2_step_preface(s, *p, ret_event);
	case HTTP2_AT_HEADER:
		return http2_step_header(s, p, n);
	case HTTP2_AT_PAD:
		*ret_event = http2_padding(s, *p);
		return 1;
	case HTTP2_AT_TEXT:
		return http2_step_text(s, p, n);
	case HTTP2_AT_BLOCK:
		if (s->need)
			return http2_step_text(s, p, n);
		http2_walk_byte(s, *p);
		http2_advance_payload(s, 1);
		return 1;
	default:
		return n; /* HTTP2_AT_PASS and the like: http2_skip() takes these */
	}
}

#endif
