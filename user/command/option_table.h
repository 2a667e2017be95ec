/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands and the options, each in one table. The parser, the help and, through the help, the completion of bash
 * all read these, so that none of them can fall behind. */
#ifndef KEEPWATCH_OPTION_TABLE_H
#define KEEPWATCH_OPTION_TABLE_H

#include <stddef.h>

#include "command/options.h"

#define KW_DEFAULT_LISTEN "127.0.0.1:9951"
#define KW_COMMANDS (KW_COMMAND_HELP + 1) /* those that have a name */
#define KW_OPTION_LIVE (1U << 31)         /* not for a replay, because a replay has no kernel and no clock */

#define KW_OPTIONS_MAX 64 /* more than kw_option_count */

struct kw_command_row {
	const char *name;
	const char *argument; /* the help's name for it; NULL if the command takes none */
	const char *help;
	const char *examples[2];
};

/* By enum kw_command. */
extern const struct kw_command_row kw_command_table[KW_COMMANDS];

/* One option: its long name is its key in the configuration file too. */
struct kw_option_row {
	const char *name;
	char letter; /* or 0 */
	const char
		*argument; /* the help's name for it, or all its values with | between; NULL if it takes none */
	unsigned int commands; /* 1 << enum kw_command: where it is known; and KW_OPTION_LIVE */
	int (*set)(struct kw_options *options, const char *value);
	const char *expects; /* for the message about a bad value */
	const char *help;
};

extern const struct kw_option_row kw_option_table[];
extern const size_t kw_option_count;

#endif
