/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MOST 10000 /* columns; more is no width of a terminal */

int kw_terminal_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	long width = columns ? strtol(columns, NULL, 10) : 0;
	struct winsize size;

	if (!isatty(fd))
		return 0;
	if (width <= 0 || width > MOST)
		width = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : KW_TERMINAL_USUAL;
	return width > KW_TERMINAL_LEAST ? (int)width : KW_TERMINAL_LEAST;
}
