/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The field names and the methods that matter, each in one table. The general machine and the reader of plain heads both
 * expand it, so that they cannot disagree on a name. */
#ifndef KEEPWATCH_HTTP1_TABLES_H
#define KEEPWATCH_HTTP1_TABLES_H

#include "words.h"

/* The use of a field. It decides how a line counts whose name is this one but for blanks or control bytes, because some
 * peers drop those. */
#define HTTP1_USE_FRAMES 1 /* frames the message or says how long the connection lives: the framing is lost */
#define HTTP1_USE_DOUBT 2 /* says something of the connection: peers may disagree, so the message is doubtful */
#define HTTP1_USE_NOTHING 0 /* the line passes as any other */

/* X(identifier, name in lower case, use); the reader of plain heads tries them in this order. */
#define HTTP1_FIELDS(X)                                                                                        \
	X(CONNECTION, "connection", HTTP1_USE_FRAMES)                                                          \
	X(CONTENT_LENGTH, "content-length", HTTP1_USE_FRAMES)                                                  \
	X(TRANSFER_ENCODING, "transfer-encoding", HTTP1_USE_FRAMES)                                            \
	X(KEEP_ALIVE, "keep-alive", HTTP1_USE_DOUBT)                                                           \
	X(UPGRADE, "upgrade", HTTP1_USE_DOUBT)                                                                 \
	X(PROXY_CONNECTION, "proxy-connection", HTTP1_USE_NOTHING)

/* X(method, suffix of enum http1_method); those that are used most come first. Any other method is HTTP1_METHOD_OTHER. */
#define HTTP1_METHODS(X)                                                                                       \
	X("GET", SAFE)                                                                                         \
	X("POST", OTHER)                                                                                       \
	X("HEAD", HEAD)                                                                                        \
	X("PUT", IDEMPOTENT)                                                                                   \
	X("DELETE", IDEMPOTENT)                                                                                \
	X("OPTIONS", SAFE)                                                                                     \
	X("PATCH", OTHER)                                                                                      \
	X("TRACE", SAFE)                                                                                       \
	X("CONNECT", CONNECT)

enum http1_field {
	HTTP1_FIELD_NONE,
	HTTP1_FIELD_OTHER,
#define X(id, name, use) HTTP1_FIELD_##id,
	HTTP1_FIELDS(X)
#undef X
};

/* A name is compared as three words, and stands in http1_stream.word. A plain one is searched for its colon as five. */
#define X(id, name, use) _Static_assert(sizeof(name) - 1 <= 24 && sizeof(name) - 1 < HTTP1_WORD, name);
HTTP1_FIELDS(X)
#undef X

/* A method and the SP behind it are compared as one word. */
#define X(method, kind) _Static_assert(sizeof(method) <= 8, method);
HTTP1_METHODS(X)
#undef X

/* The field whose name was read into the stream's word. */
KW_INLINE enum http1_field http1_field_of(const struct http1_stream *s)
{
#define X(id, name, use)                                                                                       \
	if (http1_word_is(s, HTTP1_WORDS(name)))                                                               \
		return HTTP1_FIELD_##id;
	HTTP1_FIELDS(X)
#undef X
	return HTTP1_FIELD_OTHER;
}

/* The use of the field whose name was read into the stream's word. */
KW_INLINE int http1_use_of(const struct http1_stream *s)
{
#define X(id, name, use)                                                                                       \
	if ((use) != HTTP1_USE_NOTHING && http1_word_is(s, HTTP1_WORDS(name)))                                 \
		return use;
	HTTP1_FIELDS(X)
#undef X
	return HTTP1_USE_NOTHING;
}

/* May a name that begins with this letter be one of those in the table? */
KW_INLINE int http1_may_matter(__u8 letter)
{
	letter |= 0x20;
#define X(id, name, use) || letter == (__u8)(name)[0]
	return 0 HTTP1_FIELDS(X);
#undef X
}

/* May the word that is being read become this name? */
KW_INLINE int http1_may_become(const struct http1_stream *s, __u64 first, __u64 second, __u64 third)
{
	__u32 n = s->word_length & (HTTP1_WORD - 1);
	__u64 masks[3];

	for (__u32 i = 0; i < 3; i++) {
		__u32 here = n > 8 * i ? n - 8 * i : 0;

		masks[i] = here >= 8 ? ~0ULL : (1ULL << 8 * here) - 1;
	}
	return s->word_length <= 24 && s->words[0] == (first & masks[0]) &&
	       s->words[1] == (second & masks[1]) && s->words[2] == (third & masks[2]);
}

/* May an odd name that is being read still become one with a use? Else it may be anything, a secret too. */
KW_INLINE int http1_may_matter_yet(const struct http1_stream *s)
{
#define X(id, name, use) || ((use) != HTTP1_USE_NOTHING && http1_may_become(s, HTTP1_WORDS(name)))
	return 0 HTTP1_FIELDS(X);
#undef X
}

/* The class of the method that was read into the stream's word. */
KW_GLOBAL int http1_method_of(const struct http1_stream *s)
{
	if (!s)
		return HTTP1_METHOD_OTHER;
#define X(method, kind)                                                                                        \
	if (http1_word_is(s, HTTP1_WORDS(method)))                                                             \
		return HTTP1_METHOD_##kind;
	HTTP1_METHODS(X)
#undef X
	return HTTP1_METHOD_OTHER;
}

/* ---- the same for plain heads, whose bytes lie at @p ------------------------------------------------------------- */

/* A set of the lengths of the names in the table: bit n for n bytes. */
#define X(id, name, use) | 1U << (sizeof(name) - 1)
#define HTTP1_FIELD_LENGTHS (0U HTTP1_FIELDS(X))
KW_INLINE int http1_has_a_name_of(__u32 length)
{
	return length < 32 && HTTP1_FIELD_LENGTHS >> length & 1;
}
#undef X

/* Do the bytes at @p, whose case does not matter, begin with this name of @length bytes? */
KW_INLINE int http1_is_name(const __u8 *p, __u32 length, __u64 first, __u64 second, __u64 third)
{
	if (((kw_load64(p) | HTTP1_SPACES) & HTTP1_UP_TO(length)) != first)
		return 0;
	if (length > 8 && ((kw_load64(p + 8) | HTTP1_SPACES) & HTTP1_UP_TO(length - 8)) != second)
		return 0;
	return length <= 16 || ((kw_load64(p + 16) | HTTP1_SPACES) & HTTP1_UP_TO(length - 16)) == third;
}

/* The field whose plain name of @length bytes is at @p. */
KW_INLINE enum http1_field http1_plain_field_of(const __u8 *p, __u32 length)
{
#define X(id, name, use)                                                                                       \
	if (length == sizeof(name) - 1 && http1_is_name(p, sizeof(name) - 1, HTTP1_WORDS(name)))               \
		return HTTP1_FIELD_##id;
	HTTP1_FIELDS(X)
#undef X
	return HTTP1_FIELD_OTHER;
}

/* Reads the method at @p. Returns its length with the SP behind it; 0 if it is none of the table. */
KW_INLINE __u32 http1_plain_method_of(const __u8 *p, enum http1_method *ret_method)
{
	__u64 word = kw_load64(p);

#define X(method, kind)                                                                                        \
	if ((word & HTTP1_UP_TO(sizeof(method))) == HTTP1_WORD_AT(method " ", 0)) {                            \
		*ret_method = HTTP1_METHOD_##kind;                                                             \
		return sizeof(method);                                                                         \
	}
	HTTP1_METHODS(X)
#undef X
	return 0;
}

#endif
