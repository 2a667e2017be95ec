/* SPDX-License-Identifier: BSD-2-Clause */
#include <unistd.h>

#include "base/log.h"
#include "command/commands.h"
#include "command/observation.h"
#include "command/settings.h"

/* What connections that stay open did in the last second counts too. */
static int observe(const struct kw_options *options, struct kw_observer *observer, struct kw_reporter *reporter)
{
	struct kw_sink sink = kw_reporter_sink(reporter);
	int r = kw_observation_open(observer, options, KW_SWEEP_OPEN, &sink);

	if (r < 0)
		return r;
	kw_reporter_start(reporter, kw_clock_monotonic());
	reporter->progress = isatty(STDERR_FILENO) && options->verbosity >= 0;
	r = kw_observation_run(observer, options->duration);
	if (r == 0)
		r = kw_reporter_finish(reporter);
	kw_observer_close(observer);
	return r;
}

static int report(const struct kw_options *options, struct kw_cgroups *cgroups)
{
	struct kw_reporter_settings settings = kw_settings_report(options);
	struct kw_observer observer;
	struct kw_reporter reporter;
	int r = kw_reporter_open(&reporter, &settings, kw_observation_source(&observer.clock, cgroups));

	if (r == 0)
		r = observe(options, &observer, &reporter);
	if (r == 0 && reporter.found)
		r = KW_EXIT_FINDING;
	kw_reporter_close(&reporter);
	return r < 0 ? (int)kw_exit_status(r) : r;
}

int kw_command_report(const struct kw_options *options)
{
	struct kw_cgroups *cgroups;
	int r = kw_cgroups_open(&cgroups);

	if (r < 0)
		return kw_exit_status(kw_log_error(r, "out of memory"));
	r = report(options, cgroups);
	kw_cgroups_close(cgroups);
	return r;
}
