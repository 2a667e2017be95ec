/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal that somebody reads the output on. */
#ifndef KEEPWATCH_TERMINAL_H
#define KEEPWATCH_TERMINAL_H

#define KW_TERMINAL_LEAST 40 /* columns; a narrower terminal counts as this wide */
#define KW_TERMINAL_USUAL 80 /* columns of a terminal that does not know its width */

/* The width of the terminal at descriptor @fd in columns: that of the environment variable COLUMNS if it is set to a number, else
 * that of the window. Returns 0 if @fd is no terminal. A process that is confined can no longer ask, so ask before. */
int kw_terminal_width(int fd);

#endif
