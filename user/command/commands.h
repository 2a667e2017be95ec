/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands. Each runs to its end and returns the program's exit status; what went wrong has been logged. */
#ifndef KEEPWATCH_COMMANDS_H
#define KEEPWATCH_COMMANDS_H

#include <errno.h>

#include "command/options.h"

enum kw_exit {
	KW_EXIT_DONE,
	KW_EXIT_FAILED, /* while running */
	KW_EXIT_USAGE,
	KW_EXIT_HOST,    /* this host cannot run it */
	KW_EXIT_FINDING, /* a finding is as severe as --fail-on says */
};

enum kw_exit kw_command_run(const struct kw_options *options);
enum kw_exit kw_command_trace(const struct kw_options *options);
enum kw_exit kw_command_report(const struct kw_options *options);
enum kw_exit kw_command_record(const struct kw_options *options);
enum kw_exit kw_command_replay(const struct kw_options *options);

/* The part of kw_command_replay() for several files, or for --pair. */
enum kw_exit kw_replay_hosts(const struct kw_options *options);
enum kw_exit kw_command_check(const struct kw_options *options);
enum kw_exit kw_command_explain(const struct kw_options *options);
enum kw_exit kw_command_top(const struct kw_options *options);

/* The exit status for a result of kw_observer_open(), kw_observer_run() and the like. */
static inline enum kw_exit kw_exit_status(int r)
{
	if (r >= 0)
		return KW_EXIT_DONE;
	return r == -EOPNOTSUPP ? KW_EXIT_HOST : KW_EXIT_FAILED;
}

#endif
