/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/top/canvas.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/arithmetic.h"

static int bounded(int number, int most)
{
	if (number < 1)
		return 1;
	return number < most ? number : most;
}

int kw_canvas_open(struct kw_canvas *canvas, int width, int height, bool utf8)
{
	*canvas = (struct kw_canvas){.width = bounded(width, KW_CANVAS_WIDTH),
				     .height = bounded(height, KW_CANVAS_HEIGHT),
				     .utf8 = utf8};
	canvas->cells = calloc((size_t)canvas->width * (size_t)canvas->height, sizeof(*canvas->cells));
	if (!canvas->cells)
		return -ENOMEM;
	kw_canvas_clear(canvas);
	return 0;
}

void kw_canvas_close(struct kw_canvas *canvas)
{
	free(canvas->cells);
	canvas->cells = NULL;
}

static struct kw_cell *cell_at(const struct kw_canvas *canvas, int row, int column)
{
	return &canvas->cells[(size_t)row * (size_t)canvas->width + (size_t)column];
}

void kw_canvas_clear(struct kw_canvas *canvas)
{
	for (int i = 0; i < canvas->width * canvas->height; i++)
		canvas->cells[i] = (struct kw_cell){.text = " "};
}

void kw_canvas_clear_row(struct kw_canvas *canvas, int row)
{
	for (int column = 0; row >= 0 && row < canvas->height && column < canvas->width; column++)
		*cell_at(canvas, row, column) = (struct kw_cell){.text = " "};
}

/* ---- one character ---- */

struct character {
	char text[5];
	int width;     /* columns */
	size_t length; /* bytes of the source; above 0 */
};

static struct character ascii(char letter, size_t length)
{
	bool printable = letter >= ' ' && letter < 127;

	return (struct character){.text = {printable ? letter : '?'}, .width = 1, .length = length};
}

/* Bytes of the character that begins at @text, by its first byte alone. */
static size_t length_of(const char *text)
{
	size_t length = 1;

	while (((unsigned char)text[length] & 0xc0) == 0x80)
		length++;
	return length;
}

static struct character next_character(const struct kw_canvas *canvas, const char *text)
{
	struct character character = {.length = 0};
	mbstate_t state = {0};
	wchar_t wide;
	size_t length;

	if ((unsigned char)text[0] < 0x80)
		return ascii(text[0], 1);
	if (!canvas->utf8)
		return ascii('\0', length_of(text));
	length = mbrtowc(&wide, text, strlen(text), &state);
	if (length == 0 || length > 4 || wcwidth(wide) < 0)
		return ascii('\0', length_of(text));
	character.width = wcwidth(wide);
	character.length = length;
	memcpy(character.text, text, length);
	return character;
}

/* ---- text ---- */

int kw_canvas_put(struct kw_canvas *canvas, int row, int column, int width, unsigned int look, const char *text)
{
	int end = (int)kw_least((uint64_t)canvas->width,
				column < 0 || width < 0 ? 0 : (uint64_t)column + (uint64_t)width);
	int at = column;

	if (row < 0 || row >= canvas->height)
		return 0;
	while (*text && at < end) {
		struct character character = next_character(canvas, text);

		text += character.length;
		if (!character.width)
			continue;
		if (at + character.width > end)
			break;
		*cell_at(canvas, row, at) = (struct kw_cell){.look = (uint8_t)look};
		memcpy(cell_at(canvas, row, at)->text, character.text, sizeof(character.text));
		if (character.width == 2)
			*cell_at(canvas, row, at + 1) = (struct kw_cell){.look = (uint8_t)look};
		at += character.width;
	}
	return at - column;
}

int kw_canvas_print(struct kw_canvas *canvas, int row, int column, unsigned int look, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return kw_canvas_put(canvas, row, column, canvas->width, look, text);
}

static int columns_of(const struct kw_canvas *canvas, const char *text)
{
	int columns = 0;

	while (*text) {
		struct character character = next_character(canvas, text);

		text += character.length;
		columns += character.width;
	}
	return columns;
}

void kw_canvas_put_right(struct kw_canvas *canvas, int row, int column, int width, unsigned int look,
			 const char *text)
{
	int columns = columns_of(canvas, text), before = columns < width ? width - columns : 0;

	kw_canvas_put(canvas, row, column + before, width - before, look, text);
}

void kw_canvas_look(struct kw_canvas *canvas, int row, unsigned int look)
{
	for (int i = 0; row >= 0 && row < canvas->height && i < canvas->width; i++) {
		struct kw_cell *cell = cell_at(canvas, row, i);

		cell->look = (uint8_t)(look == KW_LOOK_SELECTED ? cell->look | look : look);
	}
}

/* ---- plain lines ---- */

static bool is_blank(const struct kw_cell *cell)
{
	return strcmp(cell->text, " ") == 0;
}

static int last_column(const struct kw_canvas *canvas, int row)
{
	int last = canvas->width;

	while (last > 0 && is_blank(cell_at(canvas, row, last - 1)))
		last--;
	return last;
}

void kw_canvas_write(const struct kw_canvas *canvas, FILE *file)
{
	int rows = canvas->height;

	while (rows > 0 && last_column(canvas, rows - 1) == 0)
		rows--;
	for (int row = 0; row < rows; row++) {
		int last = last_column(canvas, row);

		for (int column = 0; column < last; column++)
			fputs(cell_at(canvas, row, column)->text, file);
		fputc('\n', file);
	}
}
