/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cleanup.h"
#include "base/log.h"
#include "command/commands.h"
#include "command/observation.h"
#include "command/settings.h"
#include "join/both_ends.h"

static int observe(const struct kw_options *options, struct kw_cgroups *cgroups)
{
	struct kw_tracer_settings settings = kw_settings_trace(options, true);
	_cleanup_(kw_observer_close) struct kw_observer observer = {0};
	_cleanup_(kw_tracer_close) struct kw_tracer tracer = {0};
	_cleanup_(kw_both_ends_close) struct kw_both_ends both = {0};
	struct kw_sink sink = kw_both_ends_sink(&both);
	int r = kw_tracer_open(&tracer, &settings, kw_observation_source(&observer.clock, cgroups));

	if (r == 0)
		r = kw_both_ends_open(&both, kw_tracer_sink(&tracer));
	if (r < 0)
		return r;
	r = kw_observation_open(&observer, options, options->open ? KW_SWEEP_OPEN : KW_SWEEP_FINAL, &sink);
	if (r < 0)
		return r;
	r = kw_observation_run(&observer, options->duration);
	if (r == 0)
		r = kw_both_ends_end(&both);
	return r < 0 ? r : kw_tracer_finish(&tracer);
}

enum kw_exit kw_command_trace(const struct kw_options *options)
{
	_cleanup_(kw_cgroups_closep) struct kw_cgroups *cgroups = NULL;
	int r = kw_cgroups_open(&cgroups);

	if (r < 0)
		return kw_exit_status(kw_log_error(r, "out of memory"));
	return kw_exit_status(observe(options, cgroups));
}
