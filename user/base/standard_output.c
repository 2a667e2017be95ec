/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/standard_output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

int kw_output_flush(int r)
{
	if (r == 0 && fflush(stdout) == 0)
		return 0;
	if (r == -ENOMEM)
		return kw_log_error(r, "out of memory");
	if (errno == EPIPE)
		return KW_OUTPUT_ENOUGH;
	return kw_log_error(-EIO, "cannot write to standard output: %s", strerror(errno));
}

bool kw_output_has_colour(void)
{
	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
}
