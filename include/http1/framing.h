/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a message ends (RFC 9112 section 6.3), and the handling of messages whose end cannot be determined. */
#ifndef KEEPWATCH_HTTP1_FRAMING_H
#define KEEPWATCH_HTTP1_FRAMING_H

#include "words.h"

/* ---- ends and errors ---------------------------------------------------------------------------- */

KW_INLINE __u32 http1_lose(struct http1_connection *c, struct http1_stream *s)
{
	s->state = HTTP1_LOST;
	s->mark = c->pushed;
	return HTTP1_EVENT_LOST;
}

KW_INLINE __u32 http1_malformed(struct http1_connection *c, struct http1_stream *s, enum http1_error error)
{
	s->errors |= 1 << error;
	return http1_lose(c, s);
}

/* Decides that the stream is @protocol. If the other direction has shown by now that it is HTTP, this is an error of
 * HTTP instead. */
KW_INLINE __u32 http1_not_http(struct http1_connection *c, struct http1_stream *s, enum http1_protocol protocol)
{
	if (c->protocol == HTTP1_PROTOCOL_HTTP1)
		return http1_malformed(c, s, HTTP1_ERROR_START_LINE);
	if (c->protocol == HTTP1_PROTOCOL_NONE)
		c->protocol = protocol;
	return HTTP1_EVENT_NOT_HTTP;
}

/* There is no start line where one should be. A connection that was seen from its start and has shown no HTTP is
 * opaque; an older one is examined further. */
KW_INLINE __u32 http1_bad_start(struct http1_connection *c, struct http1_stream *s)
{
	if (c->protocol == HTTP1_PROTOCOL_NONE && c->looks && ++c->looks < HTTP1_LOOKS)
		return http1_lose(c, s);
	return http1_not_http(c, s, HTTP1_PROTOCOL_OPAQUE);
}

/* Whether no request waits for a response, as far as was seen. */
KW_INLINE int http1_is_unasked(const struct http1_connection *c)
{
	return (__s32)(c->pushed - c->popped) <= 0;
}

/* Other bytes stand where a response may begin. @first is their first byte, and @n of them have been taken. Behind a
 * complete response, with no request outstanding, they are surplus. */
KW_INLINE __u32 http1_no_response(struct http1_connection *c, struct http1_stream *s, __u8 first, __u32 n)
{
	if (!http1_is_unasked(c)) {
		s->parameter = first;
		return http1_malformed(c, s, HTTP1_ERROR_NOT_A_RESPONSE);
	}
	s->errors |= 1 << HTTP1_ERROR_SURPLUS;
	s->state = HTTP1_SURPLUS;
	s->surplus += n;
	return HTTP1_EVENT_SURPLUS;
}

KW_INLINE __u32 http1_message_end(struct http1_connection *c, struct http1_stream *s, int responses)
{
	s->state = HTTP1_START;
	s->number = 0;
	if (responses && !(s->flags & HTTP1_FLAG_INTERIM))
		c->popped++;
	return HTTP1_EVENT_END;
}

/* Whether this message, for its part, lets the connection live on. RFC 9112 section 9.3, and section 6.1: after an
 * HTTP/1.0 message with Transfer-Encoding it ends. A body delimited by the close is another matter. */
KW_INLINE int http1_is_persistent(const struct http1_stream *s)
{
	if ((s->flags & HTTP1_FLAG_CLOSE) || (s->errors & 1 << HTTP1_ERROR_CODING_IN_HTTP10))
		return 0;
	return s->version || (s->flags & HTTP1_FLAG_KEEP_ALIVE);
}

/* The first digit of a status of three: a division would cost as much as a head of forty bytes. */
KW_INLINE __u32 http1_class(const struct http1_stream *s)
{
	return (__u32)s->status * 1311 >> 17;
}

/* ---- framing: RFC 9112 section 6.3 -------------------------------------------------------------- */

/* The last coding is not chunked, so the close ends the body (RFC 9112 section 6.3); but many peers take the length and
 * use the connection again. A message that begins at its end will say that they did. */
KW_INLINE void http1_doubt(struct http1_connection *c, struct http1_stream *s)
{
	s->flags |= HTTP1_FLAG_DOUBTFUL;
	s->remain = s->length;
	s->state = s->remain ? HTTP1_BODY_DOUBT : HTTP1_DOUBT_END;
	s->mark = c->pushed;
}

/* Whether the close ends the current body, or may end it. */
KW_INLINE int http1_is_delimited(const struct http1_stream *s)
{
	return s->state == HTTP1_BODY_CLOSE || s->state == HTTP1_BODY_DOUBT || s->state == HTTP1_DOUBT_END;
}

/* Completes a message with a doubtful length (see http1_doubt()): its body has ended by Content-Length. */
KW_INLINE __u32 http1_doubt_ends(struct http1_connection *c, struct http1_stream *s)
{
	s->framing = HTTP1_FRAMING_LENGTH;
	s->flags &= ~HTTP1_FLAG_DOUBTFUL;
	return http1_message_end(c, s, 1);
}

KW_INLINE __u32 http1_step_doubt_end(struct http1_connection *c, struct http1_stream *s, const __u8 *p,
				     __u32 *event)
{
	if (p[0] == 'H')
		*event = http1_doubt_ends(c, s);
	else
		s->state = HTTP1_BODY_CLOSE;
	return 0;
}

/* The stream is a tunnel from its next byte on, which may be the first of HTTP/2. */
KW_INLINE void http1_begin_tunnel(const struct http1_connection *c, struct http1_stream *s)
{
	s->state = c->tunnel == HTTP1_TUNNEL_SWITCHED ? HTTP1_SWITCHED : HTTP1_TUNNEL;
	s->phase = 0;
}

KW_INLINE __u32 http1_body(struct http1_connection *c, struct http1_stream *s, int responses,
			   enum http1_framing framing)
{
	s->framing = framing;
	switch (framing) {
	case HTTP1_FRAMING_LENGTH:
		s->remain = s->length;
		s->state = HTTP1_BODY;
		if (s->remain)
			return HTTP1_EVENT_HEAD;
		break;
	case HTTP1_FRAMING_CHUNKED:
		s->state = HTTP1_CHUNK_SIZE;
		s->phase = HTTP1_SIZE_EMPTY;
		s->number = 0;
		return HTTP1_EVENT_HEAD;
	case HTTP1_FRAMING_CLOSE:
		s->state = HTTP1_BODY_CLOSE;
		if (s->flags & HTTP1_FLAG_LENGTH)
			http1_doubt(c, s);
		return HTTP1_EVENT_HEAD;
	case HTTP1_FRAMING_TUNNEL:
		c->tunnel = s->status == 101 ? HTTP1_TUNNEL_SWITCHED : HTTP1_TUNNEL_CONNECT;
		http1_message_end(c, s, responses);
		http1_begin_tunnel(c, s);
		return HTTP1_EVENT_HEAD | HTTP1_EVENT_END;
	default:
		break;
	}
	return HTTP1_EVENT_HEAD | http1_message_end(c, s, responses);
}

/* Frames a message that may have a body, by its fields; the same for requests and responses. */
KW_INLINE __u32 http1_body_by_fields(struct http1_connection *c, struct http1_stream *s, int responses)
{
	if (s->flags & HTTP1_FLAG_CODING) {
		if (s->flags & (HTTP1_FLAG_LENGTH | HTTP1_FLAG_BAD_LENGTH))
			s->errors |= 1 << HTTP1_ERROR_AMBIGUOUS_LENGTH;
		if (!s->version)
			s->errors |= 1 << HTTP1_ERROR_CODING_IN_HTTP10;
		if (s->flags & HTTP1_FLAG_CHUNKED)
			return http1_body(c, s, responses, HTTP1_FRAMING_CHUNKED);
		if (!responses)
			return http1_malformed(c, s, HTTP1_ERROR_TRANSFER_ENCODING);
		return http1_body(c, s, responses, HTTP1_FRAMING_CLOSE);
	}
	if (s->flags & HTTP1_FLAG_BAD_LENGTH)
		return http1_malformed(c, s, HTTP1_ERROR_CONTENT_LENGTH);
	if (s->flags & HTTP1_FLAG_LENGTH)
		return http1_body(c, s, responses, HTTP1_FRAMING_LENGTH);
	return http1_body(c, s, responses, responses ? HTTP1_FRAMING_CLOSE : HTTP1_FRAMING_NONE);
}

KW_INLINE __u32 http1_request_head(struct http1_connection *c, struct http1_stream *s)
{
	int connect = s->method == HTTP1_METHOD_CONNECT;
	__u32 event = connect ? http1_body(c, s, 0, HTTP1_FRAMING_NONE) : http1_body_by_fields(c, s, 0);

	if (event & HTTP1_EVENT_LOST)
		return event;
	if (connect)
		s->state =
			HTTP1_TUNNEL; /* bytes after the head belong to the tunnel, if the server accepts it */
	c->methods[c->pushed & (HTTP1_QUEUE - 1)] = s->method;
	KW_PUBLISH(c->pushed, c->pushed + 1); /* the class is there before its number is */
	return event;
}

KW_INLINE __u32 http1_response_head(struct http1_connection *c, struct http1_stream *s)
{
	/* As a signed number negative, if responses ran ahead. */
	__u32 waiting = KW_ACQUIRE(c->pushed) - c->popped;

	if ((__s32)waiting > HTTP1_QUEUE)
		return http1_lose(c, s) | HTTP1_EVENT_OVERFLOW;
	if ((__s32)waiting > 0) {
		s->method = c->methods[c->popped & (HTTP1_QUEUE - 1)];
	} else {
		s->method = HTTP1_METHOD_OTHER;
		s->flags |= HTTP1_FLAG_UNPAIRED;
	}
	if (s->status == 101 || (s->method == HTTP1_METHOD_CONNECT && http1_class(s) == 2))
		return http1_body(c, s, 1, HTTP1_FRAMING_TUNNEL);
	if (http1_class(s) == 1)
		s->flags |= HTTP1_FLAG_INTERIM;
	if (s->method == HTTP1_METHOD_HEAD || http1_class(s) == 1 || s->status == 204 || s->status == 304)
		return http1_body(c, s, 1, HTTP1_FRAMING_NONE);
	return http1_body_by_fields(c, s, 1);
}

KW_INLINE __u32 http1_head_end(struct http1_connection *c, struct http1_stream *s, int responses)
{
	if ((s->flags & HTTP1_FLAG_KEEP_ALIVE_FIELD) && !(s->flags & HTTP1_FLAG_KEEP_ALIVE))
		s->errors |= 1 << HTTP1_ERROR_KEEP_ALIVE_UNNAMED;
	s->body = 0;
	return responses ? http1_response_head(c, s) : http1_request_head(c, s);
}

#endif
