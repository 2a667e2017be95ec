/* SPDX-License-Identifier: BSD-2-Clause */
/* Standard output, which carries data only and may be closed by whoever reads it. */
#ifndef KEEPWATCH_OUTPUT_H
#define KEEPWATCH_OUTPUT_H

#include <stdbool.h>

#define KW_OUTPUT_ENOUGH 1

/* After something was written with the result @r: hands it to the reader. 0; KW_OUTPUT_ENOUGH if the reader has
 * gone, which is no error; or -errno, and that has been logged. */
int kw_output_flush(int r);

/* May colours be used? Not in a pipe, and not against the user's wish. */
bool kw_output_has_colour(void);

#endif
