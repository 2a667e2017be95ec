/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The walk through a header block (RFC 7541): from representation to representation, by their lengths. Nothing is decoded but a
 * status that is written out, and no table is kept; so a field that is sent again, as a number of the sender's table, is not
 * recognised. Its first appearance is, because that is written out. So a TE that is allowed may hide a later one that is not. */
#ifndef KEEPWATCH_HTTP2_WALK_H
#define KEEPWATCH_HTTP2_WALK_H

#include "names.h"

/* Kinds of representations, by the bits of their first byte. */
#define HTTP2_INDEXED 0x80 /* 1xxxxxxx: name and value */
#define HTTP2_INCREMENTAL                                                                                      \
	0x40 /* 01xxxxxx: a literal value, which goes into the table; 0000xxxx, 0001xxxx: which does not */
#define HTTP2_SIZE_UPDATE 0x20 /* 001xxxxx: of the table */

#define HTTP2_HUFFMAN 0x80  /* a string in Huffman code, in the first byte of its length */
#define HTTP2_SHIFT_MORE 1  /* the integer goes on in the next byte, which is its second one */
#define HTTP2_SHIFT_MOST 22 /* the same of its fifth byte, which must be the last one */

KW_INLINE void http2_clear_text(struct http2_stream *s)
{
	s->words[0] = s->words[1] = s->words[2] = 0;
	s->got = 0;
}

/* @need bytes are wanted, in text. */
KW_INLINE void http2_expect(struct http2_stream *s, __u32 need)
{
	http2_clear_text(s);
	s->need = need;
}

/* The block is no HPACK. */
KW_INLINE void http2_give_up_block(struct http2_stream *s)
{
	s->errors |= 1 << HTTP2_ERROR_COMPRESSION;
	s->walk = HTTP2_WALK_OVER;
	s->skip = 0;
}

/* The name in hand is known to be this one, so far as it matters. TE waits for its value. */
KW_INLINE void http2_name_field(struct http2_stream *s, enum http2_name name)
{
	s->name = name;
	s->walk = HTTP2_WALK_VALUE_LENGTH;
	if (name != HTTP2_NAME_OTHER && name != HTTP2_NAME_STATUS && name != HTTP2_NAME_TE)
		s->fields |= 1 << name;
}

KW_INLINE void http2_set_status(struct http2_stream *s, __u16 status)
{
	if (!s->status)
		s->status = status;
}

/* The index of a representation is complete. */
KW_INLINE void http2_representation(struct http2_stream *s)
{
	__u32 index = s->number;

	if (s->kind & HTTP2_INDEXED) {
		if (!index)
			http2_give_up_block(s);
		if (index == HTTP2_INDEX_TRANSFER_ENCODING)
			s->fields |= 1 << HTTP2_NAME_TRANSFER_ENCODING;
		http2_set_status(s, http2_index_status(index));
		return;
	}
	if (!(s->kind & HTTP2_INCREMENTAL) && s->kind & HTTP2_SIZE_UPDATE)
		return;
	if (!index)
		s->walk = HTTP2_WALK_NAME_LENGTH;
	else if (index >= HTTP2_INDEX_STATUS && index <= HTTP2_INDEX_STATUS_LAST)
		http2_name_field(s, HTTP2_NAME_STATUS);
	else if (index == HTTP2_INDEX_TRANSFER_ENCODING)
		http2_name_field(s, HTTP2_NAME_TRANSFER_ENCODING);
	else
		http2_name_field(s, HTTP2_NAME_OTHER);
}

KW_INLINE void http2_name_length(struct http2_stream *s)
{
	if (http2_may_be_known(s->number, s->huffman)) {
		http2_expect(s, s->number);
		s->walk = HTTP2_WALK_NAME;
		return;
	}
	s->skip = s->number;
	http2_name_field(s, HTTP2_NAME_OTHER);
}

KW_INLINE void http2_value_length(struct http2_stream *s)
{
	if (http2_is_value_wanted(s, s->number)) {
		http2_expect(s, s->number);
		s->walk = HTTP2_WALK_VALUE;
		return;
	}
	if (s->name == HTTP2_NAME_TE && s->number)
		s->fields |= 1 << HTTP2_NAME_TE;
	s->skip = s->number;
	s->walk = HTTP2_WALK_FIRST;
}

/* A name has come that may be a known one. */
KW_INLINE void http2_take_name(struct http2_stream *s)
{
	http2_name_field(s, s->huffman ? http2_coded_name(s) : http2_plain_name(s));
	http2_clear_text(s);
}

/* A value has come that matters. */
KW_INLINE void http2_take_value(struct http2_stream *s)
{
	if (s->name == HTTP2_NAME_STATUS)
		http2_set_status(s, http2_text_status(s));
	else if (!http2_is_trailers(s))
		s->fields |= 1 << HTTP2_NAME_TE;
	http2_clear_text(s);
	s->walk = HTTP2_WALK_FIRST;
}

/* The integer in hand is complete. */
KW_INLINE void http2_integer(struct http2_stream *s)
{
	s->shift = 0;
	if (s->walk == HTTP2_WALK_FIRST)
		http2_representation(s);
	else if (s->walk == HTTP2_WALK_NAME_LENGTH)
		http2_name_length(s);
	else
		http2_value_length(s);
}

/* The bits of the first byte of a representation that belong to its index. */
KW_INLINE __u8 http2_prefix(__u8 kind)
{
	return kind & HTTP2_INDEXED       ? 0x7f
	       : kind & HTTP2_INCREMENTAL ? 0x3f
	       : kind & HTTP2_SIZE_UPDATE ? 0x1f
					  : 0x0f;
}

/* The first byte of an integer (RFC 7541 section 5.1), and of all that it belongs to. */
KW_INLINE void http2_first_byte(struct http2_stream *s, __u8 byte)
{
	__u8 prefix = 0x7f;

	if (s->walk == HTTP2_WALK_FIRST) {
		s->kind = byte;
		prefix = http2_prefix(byte);
	} else {
		s->huffman = !!(byte & HTTP2_HUFFMAN);
	}
	s->number = byte & prefix;
	if (s->number == prefix)
		s->shift = HTTP2_SHIFT_MORE;
	else
		http2_integer(s);
}

/* Takes a byte of a header block that stands outside of strings. */
KW_INLINE void http2_walk_byte(struct http2_stream *s, __u8 byte)
{
	if (!s->shift) {
		http2_first_byte(s, byte);
		return;
	}
	s->number += (__u32)(byte & 0x7f) << ((s->shift - HTTP2_SHIFT_MORE) & 31);
	if (!(byte & 0x80))
		http2_integer(s);
	else if (s->shift >= HTTP2_SHIFT_MOST)
		http2_give_up_block(s);
	else
		s->shift += 7;
}

/* The header block ends here, which must be the end of a representation. */
KW_INLINE void http2_end_block(struct http2_stream *s)
{
	if (s->walk != HTTP2_WALK_OVER && (s->walk != HTTP2_WALK_FIRST || s->shift || s->skip))
		http2_give_up_block(s);
	s->need = 0;
	http2_clear_text(s);
}

#endif
