/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The names that are known, and the two values that are looked at, as they stand in a header block: as plain text, or in the
 * Huffman code of RFC 7541 appendix B, which writes each text in one way only. So nothing need be decoded but a status. */
#ifndef KEEPWATCH_HTTP2_NAMES_H
#define KEEPWATCH_HTTP2_NAMES_H

#include "state.h"
#include "../http1/words.h"

/* Indices of the static table (RFC 7541 appendix A). The first entries of :status have a value too. */
#define HTTP2_INDEX_STATUS 8
#define HTTP2_INDEX_STATUS_LAST 14
#define HTTP2_INDEX_TRANSFER_ENCODING 57

#define HTTP2_STATUS_LENGTH 3 /* digits; in Huffman code two or three bytes */
#define HTTP2_TRAILERS_LENGTH 8
#define HTTP2_TRAILERS_CODED 6 /* the same in Huffman code */

/* Lengths of names that are known, as bits; in Huffman code they have other lengths. */
#define HTTP2_LENGTHS (1 << 2 | 1 << 7 | 1 << 10 | 1 << 11 | 1 << 16 | 1 << 17)
#define HTTP2_LENGTHS_CODED (1 << 2 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 12)

KW_INLINE int http2_may_be_known(__u32 length, int huffman)
{
	return length < HTTP2_TEXT && (huffman ? HTTP2_LENGTHS_CODED : HTTP2_LENGTHS) >> length & 1;
}

/* Does text hold these bytes, with zeros behind them, and nothing else? */
KW_INLINE int http2_text_is(const struct http2_stream *s, __u64 first, __u64 second, __u64 third)
{
	return s->words[0] == first && s->words[1] == second && s->words[2] == third;
}

KW_INLINE enum http2_name http2_plain_name(const struct http2_stream *s)
{
	switch (s->got) {
	case 2:
		return http2_text_is(s, HTTP1_WORDS("te")) ? HTTP2_NAME_TE : HTTP2_NAME_OTHER;
	case 7:
		if (http2_text_is(s, HTTP1_WORDS("upgrade")))
			return HTTP2_NAME_UPGRADE;
		return http2_text_is(s, HTTP1_WORDS(":status")) ? HTTP2_NAME_STATUS : HTTP2_NAME_OTHER;
	case 10:
		if (http2_text_is(s, HTTP1_WORDS("connection")))
			return HTTP2_NAME_CONNECTION;
		return http2_text_is(s, HTTP1_WORDS("keep-alive")) ? HTTP2_NAME_KEEP_ALIVE : HTTP2_NAME_OTHER;
	case 11:
		return http2_text_is(s, HTTP1_WORDS("grpc-status")) ? HTTP2_NAME_GRPC_STATUS : HTTP2_NAME_OTHER;
	case 16:
		return http2_text_is(s, HTTP1_WORDS("proxy-connection")) ? HTTP2_NAME_PROXY_CONNECTION
									 : HTTP2_NAME_OTHER;
	case 17:
		return http2_text_is(s, HTTP1_WORDS("transfer-encoding")) ? HTTP2_NAME_TRANSFER_ENCODING
									  : HTTP2_NAME_OTHER;
	default:
		return HTTP2_NAME_OTHER;
	}
}

KW_INLINE enum http2_name http2_coded_name(const struct http2_stream *s)
{
	switch (s->got) {
	case 2:
		return http2_text_is(s, HTTP1_WORDS("\x49\x7f")) ? HTTP2_NAME_TE : HTTP2_NAME_OTHER;
	case 5:
		if (http2_text_is(s, HTTP1_WORDS("\xb6\xb9\xac\x1c\x85")))
			return HTTP2_NAME_UPGRADE;
		return http2_text_is(s, HTTP1_WORDS("\xb8\x84\x8d\x36\xa3")) ? HTTP2_NAME_STATUS
									     : HTTP2_NAME_OTHER;
	case 7:
		return http2_text_is(s, HTTP1_WORDS("\x21\xea\xa8\xa4\x49\x8f\x57")) ? HTTP2_NAME_CONNECTION
										     : HTTP2_NAME_OTHER;
	case 8:
		if (http2_text_is(s, HTTP1_WORDS("\x9a\xca\xc8\xb2\x12\x34\xda\x8f")))
			return HTTP2_NAME_GRPC_STATUS;
		return http2_text_is(s, HTTP1_WORDS("\xea\x52\xd6\xb0\xe8\x37\x72\xff")) ? HTTP2_NAME_KEEP_ALIVE
											 : HTTP2_NAME_OTHER;
	case 12:
		if (http2_text_is(s, HTTP1_WORDS("\xae\xc3\xf9\xf4\xb1\x0f\x55\x45\x22\x4c\x7a\xbf")))
			return HTTP2_NAME_PROXY_CONNECTION;
		return http2_text_is(s, HTTP1_WORDS("\x4d\x83\xa9\x12\x96\xc5\x8b\x51\x0f\x21\xaa\x9b"))
			       ? HTTP2_NAME_TRANSFER_ENCODING
			       : HTTP2_NAME_OTHER;
	default:
		return HTTP2_NAME_OTHER;
	}
}

/* Is the value in text "trailers"? No other one is allowed to TE (RFC 9113 section 8.2.2). */
KW_INLINE int http2_is_trailers(const struct http2_stream *s)
{
	if (s->huffman)
		return http2_text_is(s, HTTP1_WORDS("\x4d\x83\x35\x05\xb1\x1f"));
	return http2_text_is(s, HTTP1_WORDS("trailers"));
}

/* Must the value of this length be looked at, because of the field's name? */
KW_INLINE int http2_is_value_wanted(const struct http2_stream *s, __u32 length)
{
	if (s->name == HTTP2_NAME_STATUS)
		return length == HTTP2_STATUS_LENGTH || (s->huffman && length == HTTP2_STATUS_LENGTH - 1);
	if (s->name == HTTP2_NAME_TE)
		return length == (s->huffman ? HTTP2_TRAILERS_CODED : HTTP2_TRAILERS_LENGTH);
	return 0;
}

/* The digit that the top of the 32 bits at *@bits has in Huffman code, which then are moved on; 10 if it is none. */
KW_INLINE __u32 http2_coded_digit(__u32 *bits)
{
	__u32 digit = *bits >> 27; /* 0 to 2 have five bits, 3 to 9 have six, from 011001 on */

	if (digit <= 2) {
		*bits = *bits << 5 | 0x1f;
		return digit;
	}
	digit = *bits >> 26;
	*bits = *bits << 6 | 0x3f;
	return digit >= 0x19 && digit <= 0x1f ? digit - 0x19 + 3 : 10;
}

/* The number that three digits make; 0 if they are no status. */
KW_INLINE __u16 http2_status(__u32 hundreds, __u32 tens, __u32 units)
{
	if (!hundreds || hundreds > 9 || tens > 9 || units > 9)
		return 0;
	return hundreds * 100 + tens * 10 + units;
}

/* The status in text, in Huffman code. Behind the digits stand ones, up to the end of the byte. */
KW_INLINE __u16 http2_coded_status(const struct http2_stream *s)
{
	__u32 third = s->got > 2 ? s->text[2] : 0xff;
	__u32 bits = (__u32)s->text[0] << 24 | (__u32)s->text[1] << 16 | third << 8 | 0xff;
	__u32 hundreds = http2_coded_digit(&bits);
	__u32 tens = http2_coded_digit(&bits);
	__u32 units = http2_coded_digit(&bits);
	__u32 length = 15 + (hundreds > 2) + (tens > 2) + (units > 2);

	return bits == ~0U && (length + 7) / 8 == s->got ? http2_status(hundreds, tens, units) : 0;
}

/* The status in text; 0 if it is none. */
KW_INLINE __u16 http2_text_status(const struct http2_stream *s)
{
	if (s->huffman)
		return http2_coded_status(s);
	return http2_status(s->text[0] - '0', s->text[1] - '0', s->text[2] - '0');
}

/* The status of an entry of the static table. */
KW_INLINE __u16 http2_index_status(__u32 index)
{
	switch (index) {
	case HTTP2_INDEX_STATUS:
		return 200;
	case HTTP2_INDEX_STATUS + 1:
		return 204;
	case HTTP2_INDEX_STATUS + 2:
		return 206;
	case HTTP2_INDEX_STATUS + 3:
		return 304;
	case HTTP2_INDEX_STATUS + 4:
		return 400;
	case HTTP2_INDEX_STATUS + 5:
		return 404;
	case HTTP2_INDEX_STATUS_LAST:
		return 500;
	default:
		return 0;
	}
}

#endif
