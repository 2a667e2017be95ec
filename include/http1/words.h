/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bytes, eight at a time, and the name or token that is being read. */
#ifndef KEEPWATCH_HTTP1_WORDS_H
#define KEEPWATCH_HTTP1_WORDS_H

#include "state.h"

/* ---- bytes and words ---------------------------------------------------------------------------- */

#define HTTP1_ONES 0x0101010101010101ULL
#define HTTP1_HIGHS 0x8080808080808080ULL
#define HTTP1_LOWS 0x7f7f7f7f7f7f7f7fULL

#define HTTP1_SPACES 0x2020202020202020ULL /* makes letters lower case */

/* A mask of a word's first @n bytes; of all for 8 and more. @n is 1 or more. */
#define HTTP1_UP_TO(n) (~0ULL >> ((n) < 8 ? 64 - 8 * (n) : 0))

/* Characters 8 * @n and on of a string literal, as the word that a load of these eight bytes gives; zeros behind its end. */
#define HTTP1_WORD_AT(text, n)                                                                                 \
	(HTTP1_CHARACTER(text, 8 * (n)) | HTTP1_CHARACTER(text, 8 * (n) + 1) |                                 \
	 HTTP1_CHARACTER(text, 8 * (n) + 2) | HTTP1_CHARACTER(text, 8 * (n) + 3) |                             \
	 HTTP1_CHARACTER(text, 8 * (n) + 4) | HTTP1_CHARACTER(text, 8 * (n) + 5) |                             \
	 HTTP1_CHARACTER(text, 8 * (n) + 6) | HTTP1_CHARACTER(text, 8 * (n) + 7))
#define HTTP1_CHARACTER(text, at)                                                                              \
	((__u64)(__u8)(text)[(at) < sizeof(text) ? (at) : sizeof(text) - 1] << 8 * ((at)&7))

/* A name or token of up to 24 characters, as the three words that http1_word_is() compares. */
#define HTTP1_WORDS(text) HTTP1_WORD_AT(text, 0), HTTP1_WORD_AT(text, 1), HTTP1_WORD_AT(text, 2)

/* RFC 9110 section 5.6.2: tchar, one bit a byte value. The fifth word is needed because clang puts a table of exactly
 * 32 bytes into a section of mergeable constants, which is missing in the object's type information. */
static const __u64 http1_token_bits[5] = {0x03ff6cfa00000000ULL, 0x57ffffffc7fffffeULL};

KW_INLINE int http1_is_token(__u8 byte)
{
	return http1_token_bits[byte >> 6] >> (byte & 63) & 1;
}

KW_INLINE int http1_is_space(__u8 byte)
{
	return byte == ' ' || byte == '\t';
}

KW_INLINE int http1_is_digit(__u8 byte)
{
	return byte >= '0' && byte <= '9';
}

KW_INLINE __u8 http1_lower(__u8 byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

/* The high bit of each byte of @word that is zero, exact up to and including the first such byte. */
KW_INLINE __u64 http1_zero_bytes(__u64 word)
{
	return (word - HTTP1_ONES) & ~word & HTTP1_HIGHS;
}

/* The high bit of each byte of @word that is neither a capital letter nor a hyphen; exact up to the first. */
KW_INLINE __u64 http1_no_capitals(__u64 word)
{
	__u64 from_a = word + (0x80 - 'A') * HTTP1_ONES;
	__u64 above_z = word + (0x7f - 'Z') * HTTP1_ONES;
	__u64 others = (word ^ '-' * HTTP1_ONES) + HTTP1_LOWS; /* than hyphens */

	return ((others & (above_z | ~from_a)) | word) & HTTP1_HIGHS;
}

/* How many bytes there are up to and including the first marked one; @marks is not zero. */
KW_INLINE __u32 http1_first_marked(__u64 marks)
{
	return (((marks & -marks) - 1) & HTTP1_ONES) * HTTP1_ONES >> 56;
}

/* The first @n bytes at @p, at most 8, as a word, with anything behind them: in the kernel the window that is looked at lies
 * in memory of ours, and 8 bytes more can always be read. */
KW_INLINE __u64 http1_load(const __u8 *p, __u32 n)
{
#ifdef __bpf__
	(void)n;
	return kw_load64(p);
#else
	__u64 word = 0;

	__builtin_memcpy(&word, p, n < 8 ? n : 8);
	return word;
#endif
}

/* The bytes that a step looks at: a type, so that the verifier knows the size in a function of its own. */
struct http1_window {
	__u8 bytes[HTTP1_WINDOW];
};

/* How many of @n bytes there are up to and including the first @a, @b or @c; n + 1 if there is none. */
KW_GLOBAL int http1_find_in(const struct http1_window *p, __u32 n, __u8 a, __u8 b, __u8 c)
{
	__u32 found = n + 1;

	if (!p)
		return 0;
	for (__u32 i = 0; i < HTTP1_WINDOW && i < n; i += 8) {
		__u64 word = http1_load(p->bytes + i, n - i);
		__u64 marks = http1_zero_bytes(word ^ a * HTTP1_ONES) |
			      http1_zero_bytes(word ^ b * HTTP1_ONES) | http1_zero_bytes(word ^ c * HTTP1_ONES);

		if (marks) {
			found = i + http1_first_marked(marks);
			break;
		}
	}
	return found <= n ? found : n + 1;
}

KW_INLINE __u32 http1_find(const __u8 *p, __u32 n, __u8 a, __u8 b, __u8 c)
{
	return http1_find_in((const struct http1_window *)p, n, a, b, c);
}

/* ---- the word being read ------------------------------------------------------------------------ */

KW_GLOBAL int http1_append(struct http1_stream *s, __u8 byte)
{
	__u32 length = s ? s->word_length : 0;

	if (!s)
		return 0;
	if (!length)
		s->words[0] = s->words[1] = s->words[2] = s->words[3] = 0;
	if (length < HTTP1_WORD)
		s->word[length & (HTTP1_WORD - 1)] = byte;
	if (length <= HTTP1_WORD)
		s->word_length = length + 1;
	return 0;
}

KW_INLINE int http1_word_is(const struct http1_stream *s, __u64 first, __u64 second, __u64 third)
{
	return s->words[0] == first && s->words[1] == second && s->words[2] == third && !s->words[3];
}

#endif
