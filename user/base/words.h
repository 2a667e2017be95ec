/* SPDX-License-Identifier: BSD-2-Clause */
/* Small things about text. */
#ifndef KEEPWATCH_WORDS_H
#define KEEPWATCH_WORDS_H

#include <stdint.h>
#include <string.h>

/* The ending of a noun after this count: "" or "s". */
static inline const char *kw_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* Cuts blanks and line ends off both ends, in place. The result points into @text. */
static inline char *kw_trim(char *text)
{
	static const char blanks[] = " \t\r\n";
	size_t length;

	text += strspn(text, blanks);
	length = strlen(text);
	while (length && strchr(blanks, text[length - 1]))
		text[--length] = '\0';
	return text;
}

#endif
