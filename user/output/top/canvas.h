/* SPDX-License-Identifier: BSD-2-Clause */
/* A screen in memory: characters with attributes, at rows and columns. Whoever draws knows no terminal, and whoever shows it
 * knows nothing of what it says. Pure, but for the process's locale, which says how wide a character is. */
#ifndef KEEPWATCH_TOP_CANVAS_H
#define KEEPWATCH_TOP_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The largest screen that is drawn; of a larger terminal the rest stays empty. */
#define KW_CANVAS_WIDTH 500
#define KW_CANVAS_HEIGHT 200

/* How a character looks: one of the first kind, and perhaps KW_LOOK_SELECTED. */
enum kw_look {
	KW_LOOK_PLAIN,
	KW_LOOK_DIM,
	KW_LOOK_STRONG,
	KW_LOOK_BAR, /* headings of tables and the line of keys */
	KW_LOOK_GOOD,
	KW_LOOK_INFO,
	KW_LOOK_WARNING,
	KW_LOOK_CRITICAL,
	KW_LOOK_MAX,
	KW_LOOK_SELECTED = 16, /* a bit */
};

struct kw_cell {
	char text[5]; /* one character in UTF-8, ended by NUL; empty behind one that is two columns wide */
	uint8_t look; /* enum kw_look */
};

struct kw_canvas {
	int width; /* columns */
	int height;
	bool utf8;             /* else all that is not ASCII becomes '?' */
	struct kw_cell *cells; /* row by row; owned */
};

/* Opens an empty canvas of at least 1 by 1 and at most KW_CANVAS_WIDTH by KW_CANVAS_HEIGHT. @utf8: the locale's characters
 * are in UTF-8. Returns 0 or -ENOMEM. */
int kw_canvas_open(struct kw_canvas *canvas, int width, int height, bool utf8);
void kw_canvas_close(struct kw_canvas *canvas);

/* Empties it, or one row. */
void kw_canvas_clear(struct kw_canvas *canvas);
void kw_canvas_clear_row(struct kw_canvas *canvas, int row);

/* Puts text at a place, in at most @width columns; whatever is beyond them, or beyond the canvas, is cut. Characters that have
 * no width or are no characters become '?' or nothing. Returns how many columns it took. */
int kw_canvas_put(struct kw_canvas *canvas, int row, int column, int width, unsigned int look,
		  const char *text);

/* The same of a text that is made first, and as wide as there is room. */
int kw_canvas_print(struct kw_canvas *canvas, int row, int column, unsigned int look, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Puts text so that it ends at column @column + @width. */
void kw_canvas_put_right(struct kw_canvas *canvas, int row, int column, int width, unsigned int look,
			 const char *text);

/* Gives all of a row this look, or adds KW_LOOK_SELECTED to it. */
void kw_canvas_look(struct kw_canvas *canvas, int row, unsigned int look);

/* Writes it as plain lines, without blanks at their ends and without empty lines at the end. */
void kw_canvas_write(const struct kw_canvas *canvas, FILE *file);

#endif
