/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the command line and the configuration file into the options. */
#ifndef KEEPWATCH_PARSE_H
#define KEEPWATCH_PARSE_H

#include "command/options.h"

/* Reads the command line, and the file that its --config names. On failure one line has been logged that says
 * what is wrong, and the result is -EINVAL for bad usage; nothing is left to be freed. */
int kw_options_parse(int argc, char **argv, struct kw_options *ret_options);

void kw_options_free(struct kw_options *options);

#endif
