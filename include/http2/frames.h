/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frames (RFC 9113 sections 4 and 6): which parts of a payload are wanted, and what a frame means once it has passed. */
#ifndef KEEPWATCH_HTTP2_FRAMES_H
#define KEEPWATCH_HTTP2_FRAMES_H

#include "window.h"
#include "walk.h"

#define HTTP2_SETTING_LENGTH 6
#define HTTP2_GOAWAY_LEAST 8    /* last stream and code; text may follow */
#define HTTP2_PRIORITY_LENGTH 5 /* within HEADERS too */

/* Reads nothing more of this side. */
KW_INLINE __u32 http2_lose(struct http2_stream *s)
{
	s->state = HTTP2_AT_LOST;
	s->due = HTTP2_DUE_NOTHING;
	s->need = 0;
	__builtin_memset(s->header, 0, sizeof(s->header)); /* bytes of a peer that speaks something else */
	http2_clear_text(s);
	return HTTP2_EVENT_LOST;
}

KW_INLINE __u32 http2_fail(struct http2_stream *s, enum http2_error error)
{
	s->errors |= 1 << error;
	return http2_lose(s);
}

/* The 32 bits at @p; the first byte is the highest. */
KW_INLINE __u32 http2_word(const __u8 *p)
{
	return (__u32)p[0] << 24 | (__u32)p[1] << 16 | (__u32)p[2] << 8 | p[3];
}

/* ---- the header ---------------------------------------------------------------------------------- */

/* Is the frame one of a header block? */
KW_INLINE int http2_is_block(const struct http2_stream *s)
{
	return s->type == HTTP2_TYPE_HEADERS || s->type == HTTP2_TYPE_CONTINUATION;
}

/* Is anything to be done once the frame has passed? */
KW_INLINE int http2_matters(const struct http2_stream *s)
{
	switch (s->type) {
	case HTTP2_TYPE_DATA:
		return s->flags & HTTP2_FLAG_END_STREAM;
	case HTTP2_TYPE_HEADERS:
	case HTTP2_TYPE_CONTINUATION:
	case HTTP2_TYPE_RST_STREAM:
	case HTTP2_TYPE_SETTINGS:
	case HTTP2_TYPE_PING:
	case HTTP2_TYPE_GOAWAY:
		return 1;
	default:
		return 0;
	}
}

/* Can a frame of this type have this length? */
KW_INLINE int http2_is_length(const struct http2_stream *s)
{
	switch (s->type) {
	case HTTP2_TYPE_HEADERS:
		return s->length >= (__u32) !!(s->flags & HTTP2_FLAG_PADDED) +
					    (s->flags & HTTP2_FLAG_PRIORITY ? HTTP2_PRIORITY_LENGTH : 0);
	case HTTP2_TYPE_RST_STREAM:
	case HTTP2_TYPE_WINDOW_UPDATE:
		return s->length == 4;
	case HTTP2_TYPE_SETTINGS:
		return s->flags & HTTP2_FLAG_ACK ? !s->length : s->length % HTTP2_SETTING_LENGTH == 0;
	case HTTP2_TYPE_PUSH_PROMISE:
		return s->length >= 4;
	case HTTP2_TYPE_PING:
		return s->length == 8;
	case HTTP2_TYPE_GOAWAY:
		return s->length >= HTTP2_GOAWAY_LEAST;
	default:
		return 1;
	}
}

/* May a frame of this type be on this stream? */
KW_INLINE int http2_is_id(const struct http2_stream *s, enum http2_direction direction)
{
	switch (s->type) {
	case HTTP2_TYPE_SETTINGS:
	case HTTP2_TYPE_PING:
	case HTTP2_TYPE_GOAWAY:
		return !s->id;
	case HTTP2_TYPE_PUSH_PROMISE:
		return s->id && direction == HTTP2_SERVER;
	case HTTP2_TYPE_DATA:
	case HTTP2_TYPE_HEADERS:
	case HTTP2_TYPE_PRIORITY:
	case HTTP2_TYPE_RST_STREAM:
	case HTTP2_TYPE_CONTINUATION:
		return !!s->id;
	default:
		return 1;
	}
}

/* Checks the header of a frame, which is not the first one to begin a header block or to go on in one on stream @block. Returns
 * the fault, or HTTP2_ERROR_MAX. */
KW_INLINE enum http2_error http2_check(const struct http2_connection *c, const struct http2_stream *s,
				       enum http2_direction direction, __u32 block)
{
	const struct http2_stream *other = &c->streams[!direction];
	__u32 most = other->max_length ? other->max_length : HTTP2_LENGTH_MAX;

	if (!s->started && (s->type != HTTP2_TYPE_SETTINGS || s->flags & HTTP2_FLAG_ACK))
		return HTTP2_ERROR_PREFACE;
	if (s->length > most || !http2_is_length(s))
		return HTTP2_ERROR_LENGTH;
	if (!http2_is_id(s, direction))
		return HTTP2_ERROR_ID;
	if (!!(s->blocks & HTTP2_BLOCK_OPEN) != (s->type == HTTP2_TYPE_CONTINUATION))
		return HTTP2_ERROR_SEQUENCE;
	return s->type == HTTP2_TYPE_CONTINUATION && s->id != block ? HTTP2_ERROR_SEQUENCE : HTTP2_ERROR_MAX;
}

/* HEADERS: the block begins, behind padding's length and priority. */
KW_INLINE void http2_begin_block(struct http2_stream *s)
{
	s->blocks = s->flags & HTTP2_FLAG_END_STREAM;
	if (!(s->flags & HTTP2_FLAG_END_HEADERS))
		s->blocks |= HTTP2_BLOCK_OPEN;
	s->continuations = 0;
	s->status = 0;
	s->walk = HTTP2_WALK_FIRST;
	s->shift = 0;
	s->skip = s->flags & HTTP2_FLAG_PRIORITY ? HTTP2_PRIORITY_LENGTH : 0;
	s->block = s->length;
	s->state = s->flags & HTTP2_FLAG_PADDED ? HTTP2_AT_PAD : HTTP2_AT_BLOCK;
}

/* CONTINUATION. */
KW_INLINE void http2_go_on_block(struct http2_stream *s)
{
	if (s->flags & HTTP2_FLAG_END_HEADERS)
		s->blocks &= ~HTTP2_BLOCK_OPEN;
	if (s->continuations < HTTP2_CONTINUATIONS) {
		s->continuations++;
	} else if (s->walk != HTTP2_WALK_OVER) {
		s->errors |= 1 << HTTP2_ERROR_CONTINUATIONS;
		s->walk = HTTP2_WALK_OVER;
	}
	s->block = s->length;
	s->state = HTTP2_AT_BLOCK;
}

/* PUSH_PROMISE: its block passes unread. */
KW_INLINE void http2_begin_promise(struct http2_stream *s)
{
	s->blocks = HTTP2_BLOCK_PROMISE;
	if (!(s->flags & HTTP2_FLAG_END_HEADERS))
		s->blocks |= HTTP2_BLOCK_OPEN;
	s->continuations = 0;
	s->walk = HTTP2_WALK_OVER;
}

/* The frame has passed. */
KW_INLINE void http2_frame_over(struct http2_stream *s)
{
	s->state = HTTP2_AT_HEADER;
	s->due = http2_matters(s) ? HTTP2_DUE_END : HTTP2_DUE_NOTHING;
}

/* @need bytes of the payload are wanted, which has as many or more. */
KW_INLINE void http2_expect_payload(struct http2_stream *s, __u32 need)
{
	http2_expect(s, need);
	s->state = HTTP2_AT_TEXT;
}

/* Chooses the part of the payload that is wanted. */
KW_INLINE void http2_begin_payload(struct http2_stream *s)
{
	s->state = HTTP2_AT_PASS;
	if (s->type == HTTP2_TYPE_HEADERS) {
		http2_begin_block(s);
	} else if (s->type == HTTP2_TYPE_CONTINUATION) {
		http2_go_on_block(s);
	} else if (s->type == HTTP2_TYPE_PUSH_PROMISE) {
		http2_begin_promise(s);
	} else if (s->type == HTTP2_TYPE_SETTINGS) {
		s->entries = 0;
		if (s->length)
			http2_expect_payload(s, HTTP2_SETTING_LENGTH);
	} else if (s->type == HTTP2_TYPE_RST_STREAM) {
		http2_expect_payload(s, 4);
	} else if (s->type == HTTP2_TYPE_GOAWAY) {
		http2_expect_payload(s, s->length < HTTP2_TEXT ? s->length : HTTP2_TEXT);
	} else if (s->type == HTTP2_TYPE_PRIORITY && s->length != HTTP2_PRIORITY_LENGTH) {
		s->errors |= 1 << HTTP2_ERROR_SETTING;
	}
}

/* The header of a frame has come. */
KW_INLINE __u32 http2_frame(struct http2_connection *c, struct http2_stream *s, enum http2_direction direction)
{
	__u32 block = s->id, event = HTTP2_EVENT_FRAME;
	enum http2_error error;

	s->due = HTTP2_DUE_NOTHING;
	s->headed = 0;
	s->length = s->left = http2_word(s->header) >> 8;
	s->type = s->header[3];
	s->flags = s->header[4];
	s->id = http2_word(s->header + 5) & HTTP2_ID_MAX;
	error = http2_check(c, s, direction, block);
	if (error != HTTP2_ERROR_MAX)
		return http2_fail(s, error);
	s->started = 1;
	http2_begin_payload(s);
	if (s->type == HTTP2_TYPE_HEADERS && direction == HTTP2_CLIENT)
		event |= http2_client_headers(c);
	if (!s->left && s->state == HTTP2_AT_BLOCK)
		s->due = HTTP2_DUE_FRAGMENT;
	else if (!s->left)
		http2_frame_over(s);
	return event;
}

/* ---- the payload --------------------------------------------------------------------------------- */

/* The length of the padding has come. */
KW_INLINE __u32 http2_padding(struct http2_stream *s, __u8 length)
{
	__u32 priority = s->skip;

	s->left--;
	if (s->left < length + priority)
		return http2_fail(s, HTTP2_ERROR_PADDING);
	s->block = s->left - length;
	s->state = HTTP2_AT_BLOCK;
	if (!s->block)
		s->due = HTTP2_DUE_FRAGMENT;
	return 0;
}

/* One entry of SETTINGS has come. Others may follow. */
KW_INLINE void http2_setting(struct http2_stream *s)
{
	__u32 setting = s->text[0] << 8 | s->text[1], value = http2_word(s->text + 2);

	s->due = HTTP2_DUE_NOTHING;
	if (setting == HTTP2_SETTING_MAX_CONCURRENT_STREAMS) {
		s->max_concurrent = value;
		s->limited = 1;
	} else if (setting == HTTP2_SETTING_MAX_FRAME_SIZE) {
		if (value < HTTP2_LENGTH_LEAST || value > HTTP2_LENGTH_MAX)
			s->errors |= 1 << HTTP2_ERROR_SETTING;
		else if (value > s->max_length)
			s->max_length = value;
	}
	http2_clear_text(s);
	if (!s->left) {
		http2_frame_over(s);
	} else if (++s->entries < HTTP2_ENTRIES) {
		http2_expect_payload(s, HTTP2_SETTING_LENGTH);
	} else {
		s->max_length = HTTP2_LENGTH_MAX; /* whatever follows may say so */
		s->state = HTTP2_AT_PASS;
	}
}

/* The header block, or this frame's part of it, has passed; padding may follow. */
KW_INLINE void http2_fragment(struct http2_stream *s)
{
	s->due = HTTP2_DUE_NOTHING;
	s->state = HTTP2_AT_PASS;
	if (!s->left)
		http2_frame_over(s);
}

/* @n bytes of the payload have come. */
KW_INLINE void http2_advance_payload(struct http2_stream *s, __u32 n)
{
	s->left -= n;
	if (s->state == HTTP2_AT_BLOCK) {
		s->block -= n;
		if (!s->block && s->due == HTTP2_DUE_NOTHING)
			s->due = HTTP2_DUE_FRAGMENT;
	} else if (s->state == HTTP2_AT_PASS && !s->left) {
		http2_frame_over(s);
	}
}

/* ---- the end ------------------------------------------------------------------------------------- */

/* DATA has ended a stream. Streams that the server pushes are no concern. */
KW_INLINE __u32 http2_data_end(struct http2_connection *c, struct http2_stream *s,
			       enum http2_direction direction)
{
	return http2_is_clients(s->id) ? http2_end_stream(c, direction) : 0;
}

/* A frame with a header block has passed. */
KW_INLINE __u32 http2_block_end(struct http2_connection *c, struct http2_stream *s,
				enum http2_direction direction)
{
	__u32 event = 0;

	if (s->blocks & HTTP2_BLOCK_OPEN)
		return 0;
	http2_end_block(s);
	if (s->blocks & HTTP2_BLOCK_PROMISE || !http2_is_clients(s->id) || s->behind)
		return 0;
	if (direction == HTTP2_SERVER)
		event = http2_server_head(c);
	if (s->blocks & HTTP2_BLOCK_END_STREAM)
		event |= http2_end_stream(c, direction);
	return event;
}

KW_INLINE __u8 http2_code(__u32 code)
{
	return code <= HTTP2_CODE_HTTP_1_1_REQUIRED ? code : HTTP2_CODE_OTHER;
}

KW_INLINE __u32 http2_reset(struct http2_connection *c, struct http2_stream *s, enum http2_direction direction)
{
	s->code = http2_code(http2_word(s->text));
	http2_clear_text(s);
	return http2_is_clients(s->id) ? http2_reset_stream(c, direction) : 0;
}

/* The class of the debug text behind the fixed part of a GOAWAY, which is in text. */
KW_INLINE enum http2_debug http2_debug_class(const struct http2_stream *s)
{
	__u64 first = s->words[1];

	if (s->length == HTTP2_GOAWAY_LEAST)
		return HTTP2_DEBUG_NONE;
	if (first == HTTP1_WORD_AT("too_many_pings", 0) &&
	    (s->words[2] & HTTP1_UP_TO(6)) == HTTP1_WORD_AT("too_many_pings", 1))
		return HTTP2_DEBUG_TOO_MANY_PINGS;
	if ((first & HTTP1_UP_TO(7)) == HTTP1_WORD_AT("max_age", 0))
		return HTTP2_DEBUG_MAX_AGE;
	if (first == HTTP1_WORD_AT("max_idle", 0))
		return HTTP2_DEBUG_MAX_IDLE;
	if (first == HTTP1_WORD_AT("enter idle", 0) &&
	    (s->words[2] & HTTP1_UP_TO(2)) == HTTP1_WORD_AT("enter idle", 1))
		return HTTP2_DEBUG_MAX_IDLE;
	return HTTP2_DEBUG_OTHER;
}

KW_INLINE __u32 http2_goaway(struct http2_stream *s)
{
	__u32 id = http2_word(s->text) & HTTP2_ID_MAX;
	__u8 code = http2_code(http2_word(s->text + 4));

	if (!s->goaways) {
		s->goaway_id = id;
		s->graceful = id == HTTP2_ID_MAX && code == HTTP2_CODE_NO_ERROR;
	} else if (id > s->goaway_id) {
		s->errors |= 1 << HTTP2_ERROR_GOAWAY;
	} else {
		s->goaway_id = id;
	}
	s->goaways++;
	if (s->goaway_code == HTTP2_CODE_NO_ERROR)
		s->goaway_code = code;
	if (s->goaway_debug == HTTP2_DEBUG_NONE)
		s->goaway_debug = http2_debug_class(s);
	http2_clear_text(s);
	return HTTP2_EVENT_GOAWAY;
}

KW_INLINE __u32 http2_settings_end(struct http2_stream *s)
{
	if (s->flags & HTTP2_FLAG_ACK)
		return 0;
	if (!s->max_length)
		s->max_length = HTTP2_LENGTH_LEAST;
	return HTTP2_EVENT_SETTINGS;
}

KW_INLINE __u32 http2_ping(struct http2_stream *s)
{
	if (s->flags & HTTP2_FLAG_ACK) {
		s->pongs++;
		return HTTP2_EVENT_PONG;
	}
	s->pings++;
	return HTTP2_EVENT_PING;
}

/* The frame has passed: acts upon it. */
KW_INLINE __u32 http2_end(struct http2_connection *c, struct http2_stream *s, enum http2_direction direction)
{
	s->due = HTTP2_DUE_NOTHING;
	if (s->behind && !http2_is_block(s)) {
		http2_clear_text(s);
		return 0;
	}
	switch (s->type) {
	case HTTP2_TYPE_DATA:
		return http2_data_end(c, s, direction);
	case HTTP2_TYPE_RST_STREAM:
		return http2_reset(c, s, direction);
	case HTTP2_TYPE_SETTINGS:
		return http2_settings_end(s);
	case HTTP2_TYPE_PING:
		return http2_ping(s);
	case HTTP2_TYPE_GOAWAY:
		return http2_goaway(s);
	default:
		return http2_block_end(c, s, direction);
	}
}

#endif
