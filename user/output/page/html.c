/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/page/html.h"

#include <string.h>

#include "base/sanitize.h"

static const char *escaped(char character)
{
	switch (character) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void kw_html_text(FILE *file, const char *text)
{
	char clean[KW_HTML_TEXT + 1];

	kw_sanitize(text, strlen(text), clean, sizeof(clean));
	for (const char *at = clean; *at; at++) {
		const char *instead = escaped(*at);

		if (instead)
			fputs(instead, file);
		else
			fputc(*at, file);
	}
}
