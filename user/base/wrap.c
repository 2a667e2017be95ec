/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/wrap.h"

#include <stdbool.h>
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

#define HANGING 4 /* columns by which the rest of a broken line is indented */

/* The columns that @length bytes take on a terminal. */
static int columns_of(const char *text, size_t length)
{
	int columns = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\033')
			while (i < length && text[i] != 'm')
				i++;
		else
			columns++;
	}
	return columns;
}

static void print_broken(FILE *file, int width, const char *line, size_t length)
{
	int indent = (int)strspn(line, " ") + HANGING, column = 0;
	bool begun = false;

	for (size_t at = 0; at < length;) {
		size_t gap = strspn(line + at, " "), word = strcspn(line + at + gap, " \n");
		int taken = (int)gap + columns_of(line + at + gap, word);

		if (begun && column + taken > width) {
			fprintf(file, "\n%*s", indent, "");
			column = indent - (int)gap;
			at += gap;
			gap = 0;
		}
		fwrite(line + at, 1, gap + word, file);
		column += taken;
		begun = true;
		at += gap + word;
	}
	fputc('\n', file);
}

void kw_wrap_lines(FILE *file, int width, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (columns_of(text, length) > width)
			print_broken(file, width, text, length);
		else
			fprintf(file, "%.*s\n", (int)length, text);
		text += length + (text[length] == '\n');
	}
}
