/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal, by ncurses: shows a canvas, reads keys, and is as it was before once it is closed. There is one terminal, so there
 * is one screen. */
#ifndef KEEPWATCH_TOP_SCREEN_H
#define KEEPWATCH_TOP_SCREEN_H

#include <stdbool.h>

#include "output/top/canvas.h"

/* Whether characters beyond ASCII can be shown, as the locale says. Reads the locale: call it first. */
bool kw_screen_has_utf8(void);

/* Whether standard input and output are terminals; if not, that has been logged. */
bool kw_screen_is_there(void);

/* Takes the terminal of standard input and output. From here on lines of the log are held back, until kw_screen_close() writes
 * them. Returns 0; or -EINVAL, which has been logged, if the terminal is of an unknown type. */
int kw_screen_open(void);

/* Gives the terminal back. Does nothing if it is not open. */
void kw_screen_close(void);

/* Columns and rows; of a terminal that does not know its size 80 and 24. */
void kw_screen_size(int *ret_width, int *ret_height);

/* Reads the size anew: the user has changed it. */
void kw_screen_resize(void);

/* Shows a canvas. Only what differs is sent to the terminal. */
void kw_screen_show(const struct kw_canvas *canvas);

/* The next key, see enum kw_key; KW_KEY_NONE: no key is waiting. Never blocks for longer than it takes to know an Escape from the
 * beginning of another key. Returns -EIO if the terminal is gone. */
int kw_screen_key(void);

#endif
