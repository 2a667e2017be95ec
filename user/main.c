/* SPDX-License-Identifier: BSD-2-Clause */
/* keepwatch: watches every HTTP/1.x connection of a host from inside its kernel, and says why each closed and
 * whether it should have. Here: read the command line, do what it says. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "command/commands.h"
#include "command/help.h"
#include "command/parse.h"

static enum kw_exit (*const commands[KW_COMMAND_MAX])(const struct kw_options *options) = {
	[KW_COMMAND_RUN] = kw_command_run,         [KW_COMMAND_TRACE] = kw_command_trace,
	[KW_COMMAND_REPORT] = kw_command_report,   [KW_COMMAND_RECORD] = kw_command_record,
	[KW_COMMAND_REPLAY] = kw_command_replay,   [KW_COMMAND_CHECK] = kw_command_check,
	[KW_COMMAND_EXPLAIN] = kw_command_explain, [KW_COMMAND_TOP] = kw_command_top,
};

static enum kw_exit perform(const struct kw_options *options)
{
	if (options->command == KW_COMMAND_VERSION)
		printf("keepwatch %s\n", KEEPWATCH_VERSION);
	else if (options->command == KW_COMMAND_HELP)
		kw_help(options->help_for);
	else
		return commands[options->command](options);
	return KW_EXIT_DONE;
}

/* No file that is opened may become standard output or error, if these are closed. */
static void hold_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY); /* so that writing still fails */
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	_cleanup_(kw_options_free) struct kw_options options = {0};

	hold_standard_descriptors();
	kw_log_open(0);
	if (kw_options_parse(argc, argv, &options) < 0)
		return KW_EXIT_USAGE;
	kw_log_open(options.verbosity);
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is noticed where it is written to */
	signal(SIGXFSZ, SIG_IGN); /* and so is a file that may not grow */
	return perform(&options);
}
