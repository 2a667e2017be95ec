/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The header section: names, and the values of the few fields that matter here. */
#ifndef KEEPWATCH_HTTP1_FIELDS_H
#define KEEPWATCH_HTTP1_FIELDS_H

#include "framing.h"
#include "tables.h"

/* ---- fields ------------------------------------------------------------------------------------- */

/* A member of Connection is complete (RFC 9110 section 7.6.1). */
KW_INLINE __u32 http1_connection_member(struct http1_stream *s)
{
	if (http1_word_is(s, HTTP1_WORDS("close")))
		s->flags |= HTTP1_FLAG_CLOSE;
	else if (http1_word_is(s, HTTP1_WORDS("keep-alive")))
		s->flags |= HTTP1_FLAG_KEEP_ALIVE;
	else if (http1_word_is(s, HTTP1_WORDS("upgrade")))
		s->flags |= HTTP1_FLAG_UPGRADE;
	else if (http1_word_is(s, HTTP1_WORDS("te")))
		s->flags |= HTTP1_FLAG_TE;
	else if (!http1_word_is(s, HTTP1_WORDS("http2-settings")) &&
		 !http1_word_is(s, HTTP1_WORDS("proxy-connection")))
		return HTTP1_EVENT_NAME;
	return 0;
}

/* A member of a list is complete, by a comma or by the field's end; empty ones are none. */
KW_INLINE __u32 http1_member(struct http1_stream *s)
{
	__u32 length = s->word_length;

	s->word_length = 0;
	s->phase = 0;
	if (!length)
		return 0;
	if (s->field == HTTP1_FIELD_CONNECTION)
		return http1_connection_member(s);
	s->flags &= ~HTTP1_FLAG_CHUNKED;
	if (http1_word_is(s, HTTP1_WORDS("chunked")))
		s->flags |= HTTP1_FLAG_CHUNKED;
	return 0;
}

/* A parameter of Keep-Alive is complete (RFC 2068 section 19.7.1.1). */
KW_INLINE void http1_parameter_end(struct http1_stream *s)
{
	__u32 phase = s->phase;
	__u32 parameter = s->parameter;
	int good = (phase == HTTP1_PHASE_DIGITS || phase == HTTP1_PHASE_AFTER) &&
		   s->number <= HTTP1_PARAMETER_LIMIT && !(parameter & HTTP1_PARAMETER_QUOTED);

	parameter &= HTTP1_PARAMETER_QUOTED - 1;
	s->phase = HTTP1_PHASE_NAME;
	s->parameter = HTTP1_PARAMETER_OTHER;
	s->word_length = 0;
	if (phase <= HTTP1_PHASE_NAME_END || parameter == HTTP1_PARAMETER_OTHER)
		return;
	if (!good) {
		s->errors |= 1 << HTTP1_ERROR_KEEP_ALIVE_VALUE;
	} else if (parameter == HTTP1_PARAMETER_TIMEOUT) {
		s->timeout = s->number;
		s->flags |= HTTP1_FLAG_TIMEOUT;
	} else {
		s->max = s->number;
		s->flags |= HTTP1_FLAG_MAX;
	}
}

/* One number of Content-Length is complete: the same again does no harm. */
KW_INLINE void http1_length_end(struct http1_stream *s)
{
	int good = s->phase == HTTP1_PHASE_DIGITS || s->phase == HTTP1_PHASE_AFTER;

	if (!good || s->number > HTTP1_LENGTH_MAX || ((s->flags & HTTP1_FLAG_LENGTH) && s->length != s->number))
		s->flags |= HTTP1_FLAG_BAD_LENGTH;
	s->length = s->number;
	s->flags |= HTTP1_FLAG_LENGTH;
	s->phase = HTTP1_PHASE_VALUE;
	s->number = 0;
}

/* The line of a field has ended and is not continued. */
KW_INLINE __u32 http1_field_end(struct http1_stream *s)
{
	__u32 event = 0;

	if (s->field == HTTP1_FIELD_CONNECTION || s->field == HTTP1_FIELD_TRANSFER_ENCODING)
		event = http1_member(s);
	else if (s->field == HTTP1_FIELD_KEEP_ALIVE)
		http1_parameter_end(s);
	else if (s->field == HTTP1_FIELD_CONTENT_LENGTH)
		http1_length_end(s);
	s->field = HTTP1_FIELD_NONE;
	return event;
}

/* The state that reads the value of the field in s->field. */
KW_INLINE __u8 http1_value_state(const struct http1_stream *s)
{
	switch (s->field) {
	case HTTP1_FIELD_CONNECTION:
	case HTTP1_FIELD_TRANSFER_ENCODING:
		return HTTP1_LIST;
	case HTTP1_FIELD_KEEP_ALIVE:
		return HTTP1_PARAMETERS;
	case HTTP1_FIELD_CONTENT_LENGTH:
		return HTTP1_LENGTH;
	default:
		return HTTP1_VALUE;
	}
}

/* The colon after a name that began like one that matters, or any name of a watched message. */
KW_INLINE void http1_name_end(struct http1_stream *s)
{
	s->field = http1_field_of(s);
	s->phase = 0;
	switch (s->field) {
	case HTTP1_FIELD_CONTENT_LENGTH:
		s->phase = HTTP1_PHASE_VALUE;
		s->number = 0;
		break;
	case HTTP1_FIELD_KEEP_ALIVE:
		s->phase = HTTP1_PHASE_NAME;
		s->parameter = HTTP1_PARAMETER_OTHER;
		s->flags |= HTTP1_FLAG_KEEP_ALIVE_FIELD;
		break;
	case HTTP1_FIELD_TRANSFER_ENCODING:
		s->flags |= HTTP1_FLAG_CODING;
		break;
	case HTTP1_FIELD_UPGRADE:
		s->flags |= HTTP1_FLAG_UPGRADE_FIELD;
		break;
	case HTTP1_FIELD_PROXY_CONNECTION:
		s->flags |= HTTP1_FLAG_PROXY_CONNECTION_FIELD;
		break;
	default:
		break;
	}
	s->word_length = 0;
	s->state = http1_value_state(s);
}

/* Are the names of all fields of this direction's messages asked for? */
KW_INLINE int http1_is_watched(const struct http1_connection *c, int responses)
{
	return c->watched >> responses & 1;
}

/* ---- odd names: the line is skipped as a field, as peers do, unless the name is one of those that frame ------- */

/* Where within an odd name; bits of phase. */
enum http1_odd {
	HTTP1_ODD_BLANK = 1 << 0, /* a blank within the name or behind it */
	HTTP1_ODD_OTHER = 1 << 1, /* anything else that makes it odd */
	HTTP1_ODD_FOLD = 1 << 2,  /* the line begins as a folded one, and continues nothing */
	HTTP1_ODD_ANY = 1 << 3,   /* it is none of the names that matter, so nothing of it is kept */
};

KW_INLINE void http1_count_odd_name(struct http1_stream *s, int colon)
{
	__u32 phase = s->phase;

	if (phase & HTTP1_ODD_FOLD)
		s->errors |= 1 << HTTP1_ERROR_FOLD;
	if (!colon)
		s->errors |= 1 << HTTP1_ERROR_NO_COLON;
	else if (phase & HTTP1_ODD_OTHER || !(s->word_length || phase & HTTP1_ODD_ANY))
		s->errors |= 1 << HTTP1_ERROR_FIELD_NAME;
	else if (phase & HTTP1_ODD_BLANK)
		s->errors |= 1 << HTTP1_ERROR_SPACE_BEFORE_COLON;
}

/* An odd name has ended, by a colon or by the end of its line. */
KW_INLINE __u32 http1_odd_name_end(struct http1_connection *c, struct http1_stream *s, int colon)
{
	int use = s->word_length ? http1_use_of(s) : HTTP1_USE_NOTHING;

	http1_count_odd_name(s, colon);
	if (use == HTTP1_USE_FRAMES)
		return http1_malformed(c, s, HTTP1_ERROR_FRAMING_FIELD);
	if (use == HTTP1_USE_DOUBT)
		s->flags |= HTTP1_FLAG_DOUBTFUL;
	s->word_length = 0;
	s->phase = 0;
	s->field = HTTP1_FIELD_OTHER; /* so that what is folded behind it continues a value that is skipped */
	s->state = colon ? HTTP1_VALUE : HTTP1_FIELD_START;
	return 0;
}

/* A name that began as one that matters turns out to be odd. Returns how it is to be read on: HTTP1_ODD_ANY or 0. While
 * nothing of it is kept, the word is still that of an earlier line. */
KW_INLINE __u32 http1_odd_begins(struct http1_stream *s)
{
	if (!s->word_length || http1_may_matter_yet(s))
		return 0;
	s->word_length = 0;
	s->words[0] = s->words[1] = s->words[2] = s->words[3] = 0;
	return HTTP1_ODD_ANY;
}

/* Notes by one byte of a name, which is no end of it, what makes the name odd. */
KW_GLOBAL int http1_note_odd(struct http1_stream *s, __u8 byte)
{
	if (!s)
		return 0;
	if (http1_is_space(byte) || byte == '\r')
		s->phase |= HTTP1_ODD_BLANK;
	else if (!http1_is_token(byte) || s->phase & HTTP1_ODD_BLANK)
		s->phase |= HTTP1_ODD_OTHER; /* a blank within the name is no blank before the colon */
	return 0;
}

/* A byte of an odd name that may still be one of those that matter. Blanks are not kept, nor are control bytes: a peer may
 * strip them alike. */
KW_INLINE __u32 http1_odd_name_byte(struct http1_connection *c, struct http1_stream *s, __u8 byte)
{
	if (byte == '\n' || byte == ':')
		return http1_odd_name_end(c, s, byte == ':');
	http1_note_odd(s, byte);
	if (byte > ' ' && byte != 0x7f)
		http1_append(s, http1_is_token(byte) ? http1_lower(byte) : '?');
	s->phase |= http1_odd_begins(s);
	return 0;
}

KW_INLINE __u32 http1_step_field_start(struct http1_connection *c, struct http1_stream *s, int responses,
				       const __u8 *p, __u32 *event)
{
	__u8 byte = p[0];

	if (http1_is_space(byte)) {
		if (s->field == HTTP1_FIELD_NONE) {
			s->word_length = 0;
			s->phase = HTTP1_ODD_FOLD;
			s->state = HTTP1_BAD_NAME;
			return 1;
		}
		s->state = http1_value_state(s);
		return 0; /* this white space stands for the fold and belongs to the value */
	}
	*event = http1_field_end(s);
	if (byte == '\n') {
		*event |= http1_head_end(c, s, responses);
		return 1;
	}
	if (byte == '\r') {
		s->state = HTTP1_HEAD_LF;
		return 1;
	}
	s->word_length = 0;
	s->phase = 0;
	s->state = http1_may_matter(byte) || http1_is_watched(c, responses) ? HTTP1_NAME : HTTP1_OTHER_NAME;
	return 0;
}

KW_INLINE __u32 http1_step_name(struct http1_connection *c, struct http1_stream *s, int responses,
				const __u8 *p, __u32 n, __u32 *event)
{
	for (__u32 i = 0; i < HTTP1_BITE; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];

		if (byte == ':' && s->word_length) {
			http1_name_end(s);
			if (s->field == HTTP1_FIELD_OTHER && http1_is_watched(c, responses))
				*event = HTTP1_EVENT_FIELD;
			return i + 1;
		}
		if (!http1_is_token(byte)) {
			s->state = HTTP1_BAD_NAME;
			return i;
		}
		http1_append(s, http1_lower(byte));
	}
	return HTTP1_BITE;
}

KW_INLINE __u32 http1_step_other_name(struct http1_stream *s, const __u8 *p, __u32 n)
{
	for (__u32 i = 0; i < 2 * HTTP1_BITE; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];

		if (http1_is_token(byte)) {
			s->phase = 1; /* not empty */
		} else if (byte == ':' && s->phase) {
			s->field = HTTP1_FIELD_OTHER;
			s->state = HTTP1_VALUE;
			return i + 1;
		} else {
			s->phase = s->phase ? HTTP1_ODD_ANY : 0; /* none that matters begins so */
			s->state = HTTP1_BAD_NAME;
			return i;
		}
	}
	return 2 * HTTP1_BITE;
}

/* An odd name is read on byte by byte, or to its end at once where nothing of it matters. */
KW_INLINE __u32 http1_step_bad_name(struct http1_connection *c, struct http1_stream *s, const __u8 *p, __u32 n,
				    __u32 *event)
{
	if (!(s->phase & HTTP1_ODD_ANY)) {
		*event = http1_odd_name_byte(c, s, p[0]);
		return 1;
	}
	for (__u32 i = 0; i < HTTP1_BITE; i++) {
		if (i >= n)
			return n;
		if (p[i] == '\n' || p[i] == ':') {
			*event = http1_odd_name_end(c, s, p[i] == ':');
			return i + 1;
		}
		http1_note_odd(s, p[i]);
	}
	return HTTP1_BITE;
}

/* Members are trimmed; what no token may hold is kept as '?', so that it equals nothing. */
KW_GLOBAL int http1_member_byte(struct http1_stream *s, __u8 byte)
{
	if (!s)
		return 0;
	if (http1_is_space(byte) || byte == '\r') {
		s->phase = 1;
		return 0;
	}
	if (s->phase && s->word_length)
		http1_append(s, '?');
	s->phase = 0;
	return http1_append(s, byte > 0x20 && byte < 0x7f ? http1_lower(byte) : '?');
}

/* Members are cut at commas. */
KW_INLINE __u32 http1_step_list(struct http1_stream *s, const __u8 *p, __u32 n, __u32 *event)
{
	for (__u32 i = 0; i < HTTP1_BITE; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];

		if (byte == '\n') {
			s->state = HTTP1_FIELD_START;
			return i + 1;
		}
		if (byte == ',') {
			*event = http1_member(s);
			return i + 1;
		}
		http1_member_byte(s, byte);
	}
	return HTTP1_BITE;
}

KW_INLINE void http1_parameter_name(struct http1_stream *s)
{
	s->parameter = HTTP1_PARAMETER_OTHER;
	if (!s->word_length)
		;
	else if (http1_word_is(s, HTTP1_WORDS("timeout")))
		s->parameter = HTTP1_PARAMETER_TIMEOUT;
	else if (http1_word_is(s, HTTP1_WORDS("max")))
		s->parameter = HTTP1_PARAMETER_MAX;
	s->phase = HTTP1_PHASE_VALUE;
	s->number = 0;
}

/* One byte of a value that must be a number; @limit is what the number may not pass. */
KW_GLOBAL int http1_number_byte(struct http1_stream *s, __u8 byte, __u64 limit)
{
	if (!s)
		return 0;
	if (http1_is_digit(byte) && (s->phase == HTTP1_PHASE_VALUE || s->phase == HTTP1_PHASE_DIGITS)) {
		__u32 digit = byte - '0';

		s->phase = HTTP1_PHASE_DIGITS;
		if (s->number > limit / 10 || s->number * 10 + digit > limit)
			s->number = limit + 1;
		else
			s->number = s->number * 10 + digit;
	} else if (http1_is_space(byte) || byte == '\r') {
		if (s->phase == HTTP1_PHASE_DIGITS)
			s->phase = HTTP1_PHASE_AFTER;
	} else {
		s->phase = HTTP1_PHASE_BAD;
	}
	return 0;
}

/* A quoted string opens or ends. As a number it may hold nothing but one. */
KW_INLINE void http1_parameter_quote(struct http1_stream *s)
{
	int closes = s->parameter & HTTP1_PARAMETER_QUOTED;

	s->parameter ^= HTTP1_PARAMETER_QUOTED;
	if (s->phase <= HTTP1_PHASE_NAME_END)
		http1_append(s, '?');
	else if (closes && (s->phase == HTTP1_PHASE_DIGITS || s->phase == HTTP1_PHASE_AFTER))
		s->phase = HTTP1_PHASE_AFTER;
	else if (closes || s->phase != HTTP1_PHASE_VALUE)
		s->phase = HTTP1_PHASE_BAD;
}

/* A byte of a parameter's name: white space around it is trimmed, what no token may hold equals nothing. */
KW_INLINE void http1_parameter_name_byte(struct http1_stream *s, __u8 byte)
{
	if (http1_is_space(byte) || byte == '\r') {
		if (s->word_length)
			s->phase = HTTP1_PHASE_NAME_END;
		return;
	}
	if (s->phase == HTTP1_PHASE_NAME_END)
		http1_append(s, '?');
	s->phase = HTTP1_PHASE_NAME;
	http1_append(s, http1_is_token(byte) ? http1_lower(byte) : '?');
}

KW_GLOBAL int http1_parameter_byte(struct http1_stream *s, __u8 byte)
{
	int quoted = s ? s->parameter & HTTP1_PARAMETER_QUOTED : 0;

	if (!s)
		return 0;
	if (s->parameter & HTTP1_PARAMETER_ESCAPED) {
		s->parameter &= ~HTTP1_PARAMETER_ESCAPED;
	} else if (byte == '"') {
		http1_parameter_quote(s);
	} else if (quoted && byte == '\\') {
		s->parameter |= HTTP1_PARAMETER_ESCAPED;
		if (s->phase > HTTP1_PHASE_NAME_END)
			s->phase = HTTP1_PHASE_BAD;
	} else if (byte == ',' && !quoted) {
		http1_parameter_end(s);
	} else if (s->phase > HTTP1_PHASE_NAME_END) {
		http1_number_byte(s, byte, HTTP1_PARAMETER_LIMIT);
	} else if (byte == '=' && !quoted) {
		http1_parameter_name(s);
	} else {
		http1_parameter_name_byte(s, byte);
	}
	return 0;
}

KW_INLINE __u32 http1_step_parameters(struct http1_stream *s, const __u8 *p, __u32 n)
{
	for (__u32 i = 0; i < HTTP1_BITE; i++) {
		if (i >= n)
			return n;
		if (p[i] == '\n') {
			s->state = HTTP1_FIELD_START;
			return i + 1;
		}
		http1_parameter_byte(s, p[i]);
	}
	return HTTP1_BITE;
}

KW_INLINE __u32 http1_step_length(struct http1_stream *s, const __u8 *p, __u32 n)
{
	for (__u32 i = 0; i < HTTP1_BITE; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];

		if (byte == '\n') {
			s->state = HTTP1_FIELD_START;
			return i + 1;
		}
		if (byte == ',')
			http1_length_end(s);
		else
			http1_number_byte(s, byte, HTTP1_LENGTH_MAX);
	}
	return HTTP1_BITE;
}

KW_INLINE __u32 http1_step_head_lf(struct http1_connection *c, struct http1_stream *s, int responses,
				   const __u8 *p, __u32 *event)
{
	*event = p[0] == '\n' ? http1_head_end(c, s, responses)
			      : http1_malformed(c, s, HTTP1_ERROR_FRAMING_FIELD);
	return 1;
}

#endif
