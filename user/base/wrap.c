/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/wrap.h"

#include <string.h>

void kw_wrap(FILE *file, int width, const char *first, const char *text)
{
	int indent = (int)strlen(first), column = fprintf(file, "%s", first);

	for (;;) {
		int length = (int)strcspn(text, " ");

		if (column > indent && column + 1 + length > width)
			column = fprintf(file, "\n%*s", indent, "") - 1;
		column += fprintf(file, "%s%.*s", column > indent ? " " : "", length, text);
		if (!text[length])
			break;
		text += length + 1;
	}
	fputc('\n', file);
}
