/* SPDX-License-Identifier: BSD-2-Clause */
/* Text into HTML. Names of processes and services are whatever their owners made them: all text that is not a
 * constant of this program goes through here. */
#ifndef KEEPWATCH_HTML_H
#define KEEPWATCH_HTML_H

#include <stdio.h>

#define KW_HTML_TEXT 1024 /* bytes of a text that are written, before they are escaped */

/* Writes @text as text, fit for an element and for an attribute in quotes: markup escaped, control characters
 * and bytes that are no UTF-8 as '?'. What is longer than KW_HTML_TEXT is cut. */
void kw_html_text(FILE *file, const char *text);

#endif
