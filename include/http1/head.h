/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A whole head at once. Nearly every head arrives in one piece and holds nothing unusual; such a plain head is read
 * here, eight bytes at a time, which is fast. Any other head (cut, with a folded line, a list, a number of nine
 * digits, or malformed) is left to the machine from its first byte on, so the result never depends on which of the
 * two read it. */
#ifndef KEEPWATCH_HTTP1_HEAD_H
#define KEEPWATCH_HTTP1_HEAD_H

#include "start.h"
#include "fields.h"

#define HTTP1_HEAD 1024     /* longest head read so; a power of two */
#define HTTP1_HEAD_SLACK 72 /* bytes behind it that must be readable, whatever they hold */
#define HTTP1_STRIDE 64     /* bytes searched at once for the end of a target or a value */
#define HTTP1_LINES 96 /* most steps of a head: a line takes one, and one more for each HTTP1_STRIDE bytes */
#define HTTP1_NAME_WORDS 5 /* longest name, in words */
#define HTTP1_NAME_MOST 8  /* the next power of two */

/* Special values of http1_head.size, while the size is not known. */
enum http1_plain {
	HTTP1_PLAIN_NOT,   /* the head is for http1_step() to read */
	HTTP1_PLAIN_SO_FAR /* there is more to read of it */
};

/* The part of the head at http1_head.at -> the parts that may follow it. */
enum http1_part {
	HTTP1_PART_TARGET, /* the rest of a request's target, version and end of line -> LINE */
	HTTP1_PART_VALUE,  /* the rest of a line that need not be understood -> LINE */
	HTTP1_PART_LINE,   /* the name of a field -> VALUE, LINE; or the empty line, which is the end */
};

/* The part of a head that has been read so far. The kernel side keeps this struct in a map, whose contents the
 * verifier does not track. */
struct http1_head {
	__u64 length;
	__u32 timeout;
	__u32 max;
	__u32 flags; /* enum http1_flag */
	__u32 status;
	__u32 version;
	__u32 method; /* enum http1_method */
	__u32 part;   /* enum http1_part */
	__u32 at;     /* what is read next */
	__u32 name;   /* bytes of the name in hand */
	__u32 size;   /* of the whole head, once it is known; see enum http1_plain */
};

/* The high bit of each byte of @word that is no letter, digit or hyphen; exact up to the first. */
KW_INLINE __u64 http1_unusual(__u64 word)
{
	__u64 small = word | HTTP1_SPACES;                 /* letters, in one case */
	__u64 letters = small + (0x80 - 'a') * HTTP1_ONES; /* or above */
	__u64 above = small + (0x7f - 'z') * HTTP1_ONES;   /* letters */
	__u64 digits = (word + (0x80 - '0') * HTTP1_ONES) & ~(word + (0x7f - '9') * HTTP1_ONES);
	__u64 others = (word ^ '-' * HTTP1_ONES) + HTTP1_LOWS; /* than hyphens */

	return ((others & ~(letters | digits)) | above | word) & HTTP1_HIGHS;
}

/* How many bytes of the name at @p stand before its colon; 0 if it is not a plain one. */
KW_INLINE __u32 http1_plain_name(const __u8 *p)
{
	for (__u32 i = 0; i < HTTP1_NAME_WORDS; i++) {
		__u64 unusual = http1_unusual(kw_load64(p + 8 * i));

		if (unusual) {
			__u32 length = (8 * i + http1_first_marked(unusual) - 1) & (8 * HTTP1_NAME_MOST - 1);

			return p[length] == ':' ? length : 0;
		}
	}
	return 0;
}

/* A number of up to eight digits at @p. Returns how many there are. */
KW_INLINE __u32 http1_plain_number(const __u8 *p, __u32 *ret_number)
{
	__u64 word = kw_load64(p) ^ '0' * HTTP1_ONES;
	__u64 others = (((word & HTTP1_LOWS) + 0x76 * HTTP1_ONES) | word) & HTTP1_HIGHS;
	__u32 digits = others ? (http1_first_marked(others) - 1) & 7 : 8; /* for the verifier of 6.1 */

	if (!digits)
		return 0;
	word <<= 64 - 8 * digits;
	word = (word * (10 << 8 | 1)) >> 8 & 0x00ff00ff00ff00ffULL;
	word = (word * (100 << 16 | 1)) >> 16 & 0x0000ffff0000ffffULL;
	*ret_number = (word * (10000ULL << 32 | 1)) >> 32;
	return digits;
}

/* Where the line behind the line end at @at begins; 0 if there is none. */
KW_INLINE __u32 http1_plain_line_end(const __u8 *p, __u32 at)
{
	if (at >= HTTP1_HEAD)
		return 0;
	at += p[at] == '\r';
	return p[at] == '\n' ? at + 1 : 0;
}

/* Readers of values, from @at on. They return the end of the value, or 0 if it is not plain. */

KW_INLINE __u32 http1_plain_connection(struct http1_head *head, const __u8 *p, __u32 at)
{
	const __u8 *value = p + at;

	/* With a hyphen made lower case alike, "keep\rlive" would pass. */
	if (http1_is_name(value, 10, HTTP1_WORDS("keep-alive")) && value[4] == '-') {
		head->flags |= HTTP1_FLAG_KEEP_ALIVE;
		return at + 10;
	}
	if (http1_is_name(value, 5, HTTP1_WORDS("close"))) {
		head->flags |= HTTP1_FLAG_CLOSE;
		return at + 5;
	}
	if (http1_is_name(value, 7, HTTP1_WORDS("upgrade"))) {
		head->flags |= HTTP1_FLAG_UPGRADE;
		return at + 7;
	}
	return 0;
}

KW_INLINE __u32 http1_plain_length(struct http1_head *head, const __u8 *p, __u32 at)
{
	__u32 number, digits = http1_plain_number(p + at, &number);

	if (!digits || head->flags & HTTP1_FLAG_LENGTH)
		return 0;
	head->length = number;
	head->flags |= HTTP1_FLAG_LENGTH;
	return at + digits;
}

KW_INLINE __u32 http1_plain_coding(struct http1_head *head, const __u8 *p, __u32 at)
{
	if (!http1_is_name(p + at, 7, HTTP1_WORDS("chunked")))
		return 0;
	head->flags |= HTTP1_FLAG_CODING | HTTP1_FLAG_CHUNKED;
	return at + 7;
}

/* timeout=N, or timeout=N, max=N */
KW_INLINE __u32 http1_plain_parameters(struct http1_head *head, const __u8 *p, __u32 at)
{
	__u32 number, digits;

	if ((kw_load64(p + at) | 0x0020202020202020ULL) != HTTP1_WORD_AT("timeout=", 0))
		return 0;
	digits = http1_plain_number(p + at + 8, &number);
	if (!digits)
		return 0;
	head->timeout = number;
	head->flags |= HTTP1_FLAG_KEEP_ALIVE_FIELD | HTTP1_FLAG_TIMEOUT;
	at += 8 + digits;
	if (at >= HTTP1_HEAD)
		return 0;
	if (p[at] != ',')
		return at;
	at += 1 + (p[at + 1] == ' ');
	if (((kw_load64(p + at) | 0x202020) & HTTP1_UP_TO(4)) != HTTP1_WORD_AT("max=", 0))
		return 0;
	digits = http1_plain_number(p + at + 4, &number);
	if (!digits)
		return 0;
	head->max = number;
	head->flags |= HTTP1_FLAG_MAX;
	return at + 4 + digits;
}

/* Continues after a value that ended at @end: with the next line, or gives up if the value was not plain (0). */
KW_INLINE void http1_plain_next(struct http1_head *head, const __u8 *p, __u32 end)
{
	head->at = end ? http1_plain_line_end(p, end) : 0;
	if (!head->at)
		head->size = HTTP1_PLAIN_NOT;
}

/* The field whose plain name, of @length bytes, is at @at. Where its value matters, it is read with its line end. */
KW_INLINE void http1_plain_field(struct http1_head *head, const __u8 *p, __u32 at, __u32 length)
{
	__u32 value = head->at;

	if (value >= HTTP1_HEAD) {
		head->size = HTTP1_PLAIN_NOT;
		return;
	}
	switch (http1_plain_field_of(p + at, length)) {
	case HTTP1_FIELD_CONNECTION:
		return http1_plain_next(head, p, http1_plain_connection(head, p, value));
	case HTTP1_FIELD_KEEP_ALIVE:
		return http1_plain_next(head, p, http1_plain_parameters(head, p, value));
	case HTTP1_FIELD_CONTENT_LENGTH:
		return http1_plain_next(head, p, http1_plain_length(head, p, value));
	case HTTP1_FIELD_TRANSFER_ENCODING:
		return http1_plain_next(head, p, http1_plain_coding(head, p, value));
	case HTTP1_FIELD_UPGRADE:
		head->flags |= HTTP1_FLAG_UPGRADE_FIELD;
		break;
	case HTTP1_FIELD_PROXY_CONNECTION:
		head->flags |= HTTP1_FLAG_PROXY_CONNECTION_FIELD;
		break;
	default:
		break;
	}
	head->part = HTTP1_PART_VALUE;
}

/* The line at @at: a field's name, and the value if it matters; or the empty line. */
KW_INLINE void http1_plain_line(struct http1_head *head, const __u8 *p, __u32 at)
{
	__u32 length, end, value;

	head->name = http1_plain_name(p + at);
	KW_FORGET();
	length = head->name;
	if (!length || length > 8 * HTTP1_NAME_WORDS) {
		end = http1_plain_line_end(p, at);
		head->size = end ? end : HTTP1_PLAIN_NOT;
		return;
	}
	value = at + length + 1;
	head->at = value + (p[value] == ' ');
	if (http1_has_a_name_of(length))
		http1_plain_field(head, p, at, length);
	else
		head->part = HTTP1_PART_VALUE;
}

/* Looks through HTTP1_STRIDE bytes of a value that does not matter for the end of its line. */
KW_INLINE void http1_plain_value(struct http1_head *head, const __u8 *p, __u32 at)
{
	for (__u32 i = 0; i < HTTP1_STRIDE; i += 8) {
		__u64 marks = http1_zero_bytes(kw_load64(p + at + i) ^ '\n' * HTTP1_ONES);

		if (marks) {
			head->at = at + i + http1_first_marked(marks);
			head->part = HTTP1_PART_LINE;
			return;
		}
	}
	head->at = at + HTTP1_STRIDE;
}

/* The version at @at, then the end of the line. Returns whether it is plain. */
KW_INLINE int http1_plain_version(struct http1_head *head, const __u8 *p, __u32 at)
{
	__u64 word = kw_load64(p + at);

	head->version = word >> 56 > '0';
	return (word & HTTP1_UP_TO(7)) == HTTP1_WORD_AT("HTTP/1.", 0) && http1_is_digit(word >> 56);
}

/* Looks through HTTP1_STRIDE bytes of a target, in which nothing stands below '!', for the SP behind it. */
KW_INLINE void http1_plain_target(struct http1_head *head, const __u8 *p, __u32 at)
{
	for (__u32 i = 0; i < HTTP1_STRIDE; i += 8) {
		__u64 word = kw_load64(p + at + i);
		__u64 marks = (word - '!' * HTTP1_ONES) & ~word & HTTP1_HIGHS; /* exact up to the first */

		if (marks) {
			head->at = at + i + http1_first_marked(marks);
			head->part = HTTP1_PART_LINE;
			return;
		}
	}
	head->at = at + HTTP1_STRIDE;
}

/* Reads the rest of a request line; target and SP end at @at. */
KW_INLINE void http1_plain_request_end(struct http1_head *head, const __u8 *p, __u32 at)
{
	int plain = p[(at - 1) & (HTTP1_HEAD - 1)] == ' ' && http1_plain_version(head, p, at);

	http1_plain_next(head, p, plain ? at + 8 : 0);
}

/* METHOD SP /target. Returns whether it begins so. */
KW_INLINE int http1_plain_request_line(struct http1_head *head, const __u8 *p)
{
	enum http1_method kind = HTTP1_METHOD_OTHER;
	__u32 method = http1_plain_method_of(p, &kind);

	head->method = kind;
	head->part = HTTP1_PART_TARGET;
	head->at = method;
	return method && p[method] == '/';
}

/* HTTP/1.x SP 3DIGIT, then SP or the end of the line. Returns whether it is plain. */
KW_INLINE int http1_plain_status_line(struct http1_head *head, const __u8 *p)
{
	__u64 word = kw_load64(p + 8) ^ HTTP1_WORD_AT(" 000", 0);
	__u32 hundreds = word >> 8 & 0xff, tens = word >> 16 & 0xff, units = word >> 24 & 0xff;
	__u8 behind = word >> 32;

	head->part = HTTP1_PART_VALUE;
	head->at = 12;
	head->status = hundreds * 100 + tens * 10 + units;
	return http1_plain_version(head, p, 0) && !(word & 0xff) && hundreds - 1 < 9 && tens < 10 &&
	       units < 10 && (behind == ' ' || behind == '\r' || behind == '\n');
}

/* Whether a whole head may follow: the stream is at the beginning of a message, and not each of its fields is asked for. */
KW_INLINE int http1_may_be_plain(const struct http1_connection *c, enum http1_direction direction)
{
	const struct http1_stream *s = &c->streams[direction & 1];

	_Static_assert(HTTP1_START == 0, "one comparison shows all");
	return !(c->tunnel | (c->watched >> direction & 1) | s->state | s->number);
}

/* A head is read in steps, in the bytes at @p, of a stream that http1_may_be_plain(): first the beginning of its start
 * line, */
KW_INLINE int http1_plain_start(int responses, const __u8 *p, struct http1_head *ret_head)
{
	int plain;

	ret_head->flags = 0;
	plain = responses ? http1_plain_status_line(ret_head, p) : http1_plain_request_line(ret_head, p);
	ret_head->size = plain ? HTTP1_PLAIN_SO_FAR : HTTP1_PLAIN_NOT;
	return plain;
}

/* then what follows, HTTP1_LINES times at most, for as long as these two say that there is more to read. There are @n
 * bytes, HTTP1_HEAD at most. Nothing but *head is changed. */
KW_INLINE int http1_plain_more(struct http1_head *head, const __u8 *p, __u32 n)
{
	__u32 at;

	KW_FORGET();
	at = head->at;
	if (at >= HTTP1_HEAD || at >= n) {
		head->size = HTTP1_PLAIN_NOT;
		return 0;
	}
	if (head->part != HTTP1_PART_LINE) {
		int target = head->part == HTTP1_PART_TARGET;

		if (target)
			http1_plain_target(head, p, at);
		else
			http1_plain_value(head, p, at);
		KW_FORGET();
		at = head->at;
		if (at >= HTTP1_HEAD || head->part != HTTP1_PART_LINE)
			return 1;
		if (target) {
			http1_plain_request_end(head, p, at);
			return head->size;
		}
	}
	http1_plain_line(head, p, at);
	if (head->size > n)
		head->size = HTTP1_PLAIN_NOT;
	return head->size == HTTP1_PLAIN_SO_FAR;
}

/* The message has begun that @head was read of, and its head is complete. Returns the events; BEGIN went before. */
KW_INLINE __u32 http1_take_head(struct http1_connection *c, int responses, const struct http1_head *head)
{
	struct http1_stream *s = &c->streams[responses];

	http1_begin(s, responses);
	s->flags = head->flags;
	s->version = head->version;
	s->method = responses ? HTTP1_METHOD_OTHER : head->method;
	s->status = responses ? head->status : 0;
	if (head->flags & HTTP1_FLAG_LENGTH)
		s->length = head->length;
	if (head->flags & HTTP1_FLAG_TIMEOUT)
		s->timeout = head->timeout;
	if (head->flags & HTTP1_FLAG_MAX)
		s->max = head->max;
	c->protocol = HTTP1_PROTOCOL_HTTP1;
	return http1_head_end(c, s, responses);
}

#endif
