/* SPDX-License-Identifier: BSD-2-Clause */
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/terminal.h"
#include "command/commands.h"
#include "command/observation.h"
#include "command/settings.h"
#include "join/both_ends.h"

/* The last sweep reports open connections, so that their last second counts too. */
static int observe(const struct kw_options *options, struct kw_observer *observer, struct kw_reporter *reporter)
{
	_cleanup_(kw_both_ends_close) struct kw_both_ends both = {0};
	struct kw_sink sink = kw_both_ends_sink(&both);
	int progress = options->verbosity >= 0 ? kw_terminal_width(STDERR_FILENO) : 0;
	int r = kw_both_ends_open(&both, kw_reporter_sink(reporter));

	if (r == 0)
		r = kw_observation_open(observer, options, KW_SWEEP_OPEN, &sink);
	if (r < 0)
		return r;
	kw_reporter_start(reporter, kw_clock_monotonic());
	reporter->progress = progress;
	r = kw_observation_run(observer, options->duration);
	if (r == 0)
		r = kw_both_ends_end(&both);
	return r < 0 ? r : kw_reporter_finish(reporter);
}

/* @ret_found: a finding is as severe as --fail-on says. */
static int report(const struct kw_options *options, struct kw_cgroups *cgroups, bool *ret_found)
{
	_cleanup_(kw_observer_close) struct kw_observer observer = {0};
	_cleanup_(kw_reporter_close) struct kw_reporter reporter = {0};
	struct kw_reporter_settings settings = kw_settings_report(options);
	int r = kw_reporter_open(&reporter, &settings, kw_observation_source(&observer.clock, cgroups));

	if (r == 0)
		r = observe(options, &observer, &reporter);
	*ret_found = reporter.found;
	return r;
}

enum kw_exit kw_command_report(const struct kw_options *options)
{
	_cleanup_(kw_cgroups_closep) struct kw_cgroups *cgroups = NULL;
	int r = kw_cgroups_open(&cgroups);
	bool found = false;

	if (r < 0)
		return kw_exit_status(kw_log_error(r, "out of memory"));
	r = report(options, cgroups, &found);
	return r == 0 && found ? KW_EXIT_FINDING : kw_exit_status(r);
}
