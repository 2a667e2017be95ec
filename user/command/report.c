/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <unistd.h>

#include "command/commands.h"
#include "base/log.h"
#include "output/report/reporter.h"

/* What connections that stay open did in the last second counts too. */
static int observe(const struct kw_options *options, struct kw_observer *observer, struct kw_reporter *reporter)
{
	int r = kw_observer_open(observer, &options->filter, options->ring_size, options->front_end,
				 KW_SWEEP_OPEN, kw_reporter_sink(reporter));

	if (r < 0)
		return r;
	kw_reporter_start(reporter, kw_clock_monotonic());
	reporter->progress = isatty(STDERR_FILENO) && options->verbosity >= 0;
	if (options->duration)
		r = kw_loop_stop_after(&observer->loop, options->duration);
	r = r < 0 ? kw_log_error(r, "cannot set a timer: %s", strerror(-r)) : kw_observer_run(observer);
	if (r == 0)
		r = kw_reporter_finish(reporter);
	kw_observer_close(observer);
	return r;
}

static int report(const struct kw_options *options, struct kw_cgroups *cgroups)
{
	struct kw_observer observer;
	struct kw_reporter reporter;
	int r = kw_reporter_open(&reporter, options, kw_source_host(&observer.clock, cgroups));

	if (r == 0)
		r = observe(options, &observer, &reporter);
	if (r == 0 && reporter.found)
		r = KW_EXIT_FINDING;
	kw_reporter_close(&reporter);
	return r < 0 ? (int)kw_exit_status(r) : r;
}

int kw_report(const struct kw_options *options)
{
	struct kw_cgroups *cgroups;
	int r = kw_cgroups_open(&cgroups);

	if (r < 0)
		return kw_exit_status(kw_log_error(r, "out of memory"));
	r = report(options, cgroups);
	kw_cgroups_close(cgroups);
	return r;
}
