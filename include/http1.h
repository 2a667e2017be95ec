/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The HTTP/1.x machine: it follows the framing of both streams of a connection (RFC 9112) and keeps of
 * each message only what decides how the connection lives on: version, status or class of method, framing,
 * and the fields Connection, Keep-Alive, Content-Length, Transfer-Encoding, Upgrade, Proxy-Connection.
 *
 * It is pure: no system call, no BPF helper, no allocation. The same lines run in the kernel and on the
 * host. Whoever drives it owns the bytes and calls, for one direction at a time,
 *
 *     http1_call()    before the first byte of a send or receive;
 *     http1_skip()    for bytes that http1_skippable() says need no look (bodies: mere arithmetic);
 *     http1_step()    for the others, at most HTTP1_WINDOW at a time;
 *     http1_blind()   for bytes that passed but cannot be read;
 *     http1_call_end() behind the last byte;
 *
 * and acts on the HTTP1_EVENT_ bits that each of them returns. Bytes may be cut anywhere: what the machine
 * says does not depend on where. The two directions may run at once on two processors: each writes its own
 * stream; the queue of request classes between them has one writer and one reader. */
#ifndef KEEPWATCH_HTTP1_H
#define KEEPWATCH_HTTP1_H

#include "http1/state.h"
#include "http1/words.h"
#include "http1/framing.h"
#include "http1/start.h"
#include "http1/fields.h"
#include "http1/chunks.h"
#include "http1/head.h"
#include "http1/resync.h"

/* Initialises a connection that was not seen from its start: both streams wait for a message to begin. */
KW_INLINE void http1_init_midway(struct http1_connection *c)
{
	c->looks = 1;
	c->streams[HTTP1_REQUESTS].state = HTTP1_LOST;
	c->streams[HTTP1_RESPONSES].state = HTTP1_LOST;
}

/* Corrects the protocol of a connection whose client did not seem to speak HTTP but whose server answers with HTTP/1:
 * the client's bytes so far count as a request. */
KW_INLINE void http1_revive(struct http1_connection *c)
{
	struct http1_stream *s = &c->streams[HTTP1_REQUESTS];

	c->protocol = HTTP1_PROTOCOL_HTTP1;
	http1_begin(s, 0);
	s->state = HTTP1_START;
	s->number = 0;
	s->version = 1;
	s->method = HTTP1_METHOD_OTHER;
	c->methods[c->pushed & (HTTP1_QUEUE - 1)] = HTTP1_METHOD_OTHER;
	KW_PUBLISH(c->pushed, c->pushed + 1);
}

/* Whether the client has sent CONNECT and waits for the answer. Bytes that it sends meanwhile are not a request. */
KW_INLINE int http1_is_connecting(const struct http1_connection *c)
{
	return c->streams[HTTP1_REQUESTS].state == HTTP1_TUNNEL && !c->tunnel && !http1_is_unasked(c);
}

/* Whether the stream is out of step, so that the beginning of the next message is not known. */
KW_INLINE int http1_is_lost(const struct http1_connection *c, enum http1_direction direction)
{
	const struct http1_stream *s = &c->streams[direction & 1];

	return s->state == HTTP1_LOST || s->state == HTTP1_RESYNC;
}

/* Pairs a response with a request that was seen only after it, because a response to HEAD has no body and one to
 * CONNECT may begin a tunnel. */
KW_INLINE __u32 http1_pair_late(struct http1_connection *c, struct http1_stream *s)
{
	if (!(s->flags & HTTP1_FLAG_UNPAIRED) || (__s32)(KW_ACQUIRE(c->pushed) - c->popped) <= 0)
		return 0;
	s->flags &= ~HTTP1_FLAG_UNPAIRED;
	s->method = c->methods[c->popped & (HTTP1_QUEUE - 1)];
	if (s->body || s->state < HTTP1_BODY || s->state > HTTP1_CHUNK_SIZE)
		return 0;
	if (s->method == HTTP1_METHOD_HEAD) {
		s->framing = HTTP1_FRAMING_NONE;
		return http1_message_end(c, s, 1);
	}
	if (s->method == HTTP1_METHOD_CONNECT && http1_class(s) == 2)
		return http1_body(c, s, 1, HTTP1_FRAMING_TUNNEL) & ~HTTP1_EVENT_HEAD;
	return 0;
}

/* A send or receive begins. Returns the events that follow from that alone. */
KW_GLOBAL int http1_call(struct http1_connection *c, __u32 direction)
{
	struct http1_stream *s;

	if (!c)
		return 0;
	s = &c->streams[direction & 1];
	if (s->state == HTTP1_LOST)
		s->state = HTTP1_RESYNC;
	if (s->state == HTTP1_SURPLUS)
		s->state = HTTP1_START;
	if (c->tunnel && s->state != HTTP1_TUNNEL && s->state != HTTP1_SWITCHED)
		http1_begin_tunnel(c, s);
	else if (!c->tunnel && s->state == HTTP1_TUNNEL && http1_is_unasked(c))
		s->state = HTTP1_START; /* CONNECT made no tunnel */
	if (s->state == HTTP1_DOUBT_END && c->pushed != s->mark)
		return http1_doubt_ends(c, s); /* the client has used the connection again */
	return direction == HTTP1_RESPONSES ? http1_pair_late(c, s) : 0;
}

/* The send or receive has ended. Clears the word that was being read, unless the next call continues it, so that no
 * text of the traffic stays in memory. */
KW_INLINE void http1_call_end(struct http1_connection *c, enum http1_direction direction)
{
	struct http1_stream *s = &c->streams[direction & 1];
	int cut = s->word_length && s->state != HTTP1_LOST && c->protocol <= HTTP1_PROTOCOL_HTTP1;
	int empty_lines = s->state == HTTP1_START && c->protocol == HTTP1_PROTOCOL_NONE;
	int frame = (s->state == HTTP1_FOREIGN || s->state == HTTP1_SWITCHED) &&
		    c->protocol <= HTTP1_PROTOCOL_H2C; /* maybe: see http1_step_foreign() */

	if (!cut && !empty_lines && !frame)
		s->words[0] = s->words[1] = s->words[2] = s->words[3] = 0;
}

/* How many of the next @n bytes need not be read and may go to http1_skip(). */
KW_INLINE __u64 http1_skippable(const struct http1_stream *s, __u64 n)
{
	switch (s->state) {
	case HTTP1_BODY:
	case HTTP1_BODY_DOUBT:
	case HTTP1_CHUNK_DATA:
	case HTTP1_PROXY2_ADDRESSES:
		return s->remain < n ? s->remain : n;
	case HTTP1_BODY_CLOSE:
	case HTTP1_SURPLUS:
	case HTTP1_TUNNEL:
	case HTTP1_LOST:
		return n;
	default:
		return 0;
	}
}

/* @n bytes, at most http1_skippable(), have passed. */
KW_INLINE __u32 http1_skip(struct http1_connection *c, enum http1_direction direction, __u64 n)
{
	struct http1_stream *s = &c->streams[direction & 1];

	if (s->state == HTTP1_PROXY2_ADDRESSES) {
		s->remain -= n;
		if (!s->remain)
			s->state = HTTP1_START;
		return 0;
	}
	if (s->state == HTTP1_SURPLUS)
		s->surplus += n;
	if (s->state == HTTP1_TUNNEL || s->state == HTTP1_LOST || s->state == HTTP1_SURPLUS)
		return 0;
	s->body += n;
	if (s->state == HTTP1_BODY_CLOSE)
		return 0;
	s->remain -= n;
	if (s->remain)
		return 0;
	if (s->state == HTTP1_BODY_DOUBT) {
		s->state = HTTP1_DOUBT_END;
		s->mark = c->pushed;
		return 0;
	}
	if (s->state == HTTP1_BODY)
		return http1_message_end(c, s, direction == HTTP1_RESPONSES);
	s->state = HTTP1_CHUNK_END;
	s->phase = 0;
	return 0;
}

/* How many of the next @n bytes are no loss if they cannot be read. Behind 101 it is not known then whether they are of HTTP/2. */
KW_INLINE __u64 http1_harmless(const struct http1_stream *s, __u64 n)
{
	return s->state == HTTP1_SWITCHED ? n : http1_skippable(s, n);
}

/* @n bytes have passed that could not be read. That is harmless where they need not be read (in bodies); elsewhere
 * the framing is lost. */
KW_INLINE __u32 http1_blind(struct http1_connection *c, enum http1_direction direction, __u64 n)
{
	struct http1_stream *s = &c->streams[direction & 1];
	__u64 harmless = http1_harmless(s, n);
	int known = s->state != HTTP1_RESYNC; /* report the loss only once */
	__u32 event;

	if (s->state == HTTP1_SWITCHED)
		s->state = HTTP1_TUNNEL;
	event = harmless ? http1_skip(c, direction, harmless) : 0;
	if (harmless < n && s->state == HTTP1_DOUBT_END)
		s->state =
			HTTP1_BODY_CLOSE; /* either more of the body or a new message, so the end stays in doubt */
	else if (harmless < n)
		event |= http1_lose(c, s) * known;
	return event;
}

/* Reads some of the @n bytes at @p (1 to HTTP1_WINDOW), and returns how many. It may be 0, but at most twice in a
 * row. @p must be readable for @n bytes only. *ret_event is set in any case. */
KW_INLINE __u32 http1_step(struct http1_connection *c, enum http1_direction direction, const __u8 *p, __u32 n,
			   __u32 *ret_event)
{
	struct http1_stream *s = &c->streams[direction & 1];
	int responses = direction == HTTP1_RESPONSES;

	*ret_event = 0;
	switch (s->state) {
	case HTTP1_START:
		return http1_step_start(c, s, responses, p, n, ret_event);
	case HTTP1_FOREIGN:
		return http1_step_foreign(c, s, p, ret_event);
	case HTTP1_SWITCHED:
		return http1_step_switched(c, s, responses, p, ret_event);
	case HTTP1_METHOD:
		return http1_step_method(c, s, p, n, ret_event);
	case HTTP1_TARGET:
		return http1_step_target(c, s, p, n, ret_event);
	case HTTP1_ODD_TARGET:
		return http1_step_odd_target(c, s, p, n, ret_event);
	case HTTP1_VERSION:
		return http1_step_version(c, s, responses, p, n, ret_event);
	case HTTP1_LINE_END:
		return http1_step_line_end(c, s, p, n, ret_event);
	case HTTP1_STATUS:
		return http1_step_status(c, s, p, n, ret_event);
	case HTTP1_REASON:
	case HTTP1_VALUE:
	case HTTP1_CHUNK_EXTENSION:
	case HTTP1_TRAILER:
		return http1_step_line(s, p, n);
	case HTTP1_FIELD_START:
		return http1_step_field_start(c, s, responses, p, ret_event);
	case HTTP1_NAME:
		return http1_step_name(c, s, responses, p, n, ret_event);
	case HTTP1_OTHER_NAME:
		return http1_step_other_name(s, p, n);
	case HTTP1_BAD_NAME:
		return http1_step_bad_name(c, s, p, n, ret_event);
	case HTTP1_LIST:
		return http1_step_list(s, p, n, ret_event);
	case HTTP1_PARAMETERS:
		return http1_step_parameters(s, p, n);
	case HTTP1_LENGTH:
		return http1_step_length(s, p, n);
	case HTTP1_HEAD_LF:
		return http1_step_head_lf(c, s, responses, p, ret_event);
	case HTTP1_CHUNK_SIZE:
		return http1_step_chunk_size(c, s, p, n, ret_event);
	case HTTP1_CHUNK_END:
		return http1_step_chunk_end(c, s, p, ret_event);
	case HTTP1_TRAILER_START:
		return http1_step_trailer_start(c, s, responses, p, ret_event);
	case HTTP1_DOUBT_END:
		return http1_step_doubt_end(c, s, p, ret_event);
	case HTTP1_PROXY1:
		return http1_step_proxy1(c, s, p, n, ret_event);
	case HTTP1_PROXY2:
		return http1_step_proxy2(c, s, p, ret_event);
	case HTTP1_RESYNC:
		return http1_step_resync(c, s, responses, p, n, ret_event);
	default:
		return n; /* HTTP1_BODY and the like: http1_skip() takes these */
	}
}

#endif
