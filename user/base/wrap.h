/* SPDX-License-Identifier: BSD-2-Clause */
/* Running text, broken into lines at spaces. */
#ifndef KEEPWATCH_WRAP_H
#define KEEPWATCH_WRAP_H

#include <stdio.h>

/* Prints @text in lines of at most @width columns; a longer word gets a line of its own. The first line begins with
 * @first, such as "  - ", and the others with as many spaces. */
void kw_wrap(FILE *file, int width, const char *first, const char *text);

#endif
