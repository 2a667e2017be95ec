/* SPDX-License-Identifier: BSD-2-Clause */
/* Escapes text for HTML. Names of processes and services are hostile text, so all text that is not a constant of this
 * program must go through here. */
#ifndef KEEPWATCH_HTML_H
#define KEEPWATCH_HTML_H

#include <stdio.h>

#define KW_HTML_TEXT 1024 /* most bytes of a text that are written, counted before escaping */

/* Writes @text as text, fit for an element and for an attribute in quotes: markup escaped, control characters and
 * bytes that are no UTF-8 as '?'. Longer text is cut at KW_HTML_TEXT. */
void kw_html_text(FILE *file, const char *text);

#endif
