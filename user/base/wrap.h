/* SPDX-License-Identifier: BSD-2-Clause */
/* Running text, broken into lines at spaces. */
#ifndef KEEPWATCH_WRAP_H
#define KEEPWATCH_WRAP_H

#include <stdio.h>

/* Prints @text in lines of at most @width columns; a longer word gets a line of its own. The first line begins with
 * @first, such as "  - ", and the others with as many spaces. */
void kw_wrap(FILE *file, int width, const char *first, const char *text);

/* Prints the lines of @text. A line of more than @width columns is broken at spaces, and goes on four columns to the right of where
 * it began; a longer word gets a line of its own. Escape sequences that set colours take no column. */
void kw_wrap_lines(FILE *file, int width, const char *text);

#endif
