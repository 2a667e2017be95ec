/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sanitize.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define KEY_MOST 16  /* a longer one is cut */
#define KEY_BEGINS 8 /* to so much */

struct sequence {
	size_t length;    /* bytes of the character */
	uint32_t initial; /* payload bits of its first byte */
	uint32_t least;   /* the smallest code point that may be written so */
};

static struct sequence sequence_of(unsigned char lead)
{
	if (lead < 0x80)
		return (struct sequence){1, lead, 0};
	if ((lead & 0xe0) == 0xc0)
		return (struct sequence){2, lead & 0x1f, 0x80};
	if ((lead & 0xf0) == 0xe0)
		return (struct sequence){3, lead & 0x0f, 0x800};
	if ((lead & 0xf8) == 0xf0)
		return (struct sequence){4, lead & 0x07, 0x10000};
	return (struct sequence){0};
}

/* Bytes of the printable character at @text, or 0 if there is none. */
static size_t printable(const char *text, size_t length)
{
	struct sequence sequence = sequence_of((unsigned char)text[0]);
	uint32_t point = sequence.initial;

	if (!sequence.length || sequence.length > length)
		return 0;
	for (size_t i = 1; i < sequence.length; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (point < sequence.least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	if (point < 0x20 || (point >= 0x7f && point < 0xa0))
		return 0;
	/* Marks that reorder the text around them on a terminal. */
	if ((point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) || point == 0x2028 ||
	    point == 0x2029)
		return 0;
	return sequence.length;
}

size_t kw_sanitize(const char *text, size_t length, char *ret_clean, size_t size)
{
	size_t to = 0;

	length = strnlen(text, length);
	for (size_t from = 0; from < length;) {
		size_t bytes = printable(text + from, length - from);
		size_t needed = bytes ? bytes : 1;

		if (to + needed >= size)
			break;
		if (bytes)
			memcpy(ret_clean + to, text + from, bytes);
		else
			ret_clean[to] = '?';
		to += needed;
		from += needed;
	}
	ret_clean[to] = '\0';
	return to;
}

const char *kw_key_excerpt(const char *key, char ret_excerpt[KW_KEY_EXCERPT])
{
	size_t letters = strspn(key, "abcdefghijklmnopqrstuvwxyz-_");

	if (!key[letters] && letters <= KEY_MOST)
		snprintf(ret_excerpt, KW_KEY_EXCERPT, "%s", key);
	else
		snprintf(ret_excerpt, KW_KEY_EXCERPT, "%.*s...",
			 (int)(letters < KEY_BEGINS ? letters : KEY_BEGINS), key);
	return ret_excerpt;
}

void kw_sanitize_word(char *name)
{
	for (; *name; name++)
		if (strchr(" =\"", *name))
			*name = '?';
}
