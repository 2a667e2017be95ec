/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEEPWATCH_HELP_H
#define KEEPWATCH_HELP_H

#include "command/options.h"

/* Prints how @command is used to standard output; for KW_COMMAND_HELP, how all of them are. */
void kw_help(enum kw_command command);

#endif
