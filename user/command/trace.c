/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "command/commands.h"
#include "base/log.h"
#include "output/trace/tracer.h"

static int observe(const struct kw_options *options, struct kw_cgroups *cgroups)
{
	struct kw_observer observer;
	struct kw_tracer tracer;
	int r;

	kw_tracer_open(&tracer, options, kw_source_host(&observer.clock, cgroups), true);
	r = kw_observer_open(&observer, &options->filter, options->ring_size, options->front_end,
			     options->open ? KW_SWEEP_OPEN : KW_SWEEP_FINAL, kw_tracer_sink(&tracer));
	if (r < 0)
		return r;
	if (options->duration)
		r = kw_loop_stop_after(&observer.loop, options->duration);
	r = r < 0 ? kw_log_error(r, "cannot set a timer: %s", strerror(-r)) : kw_observer_run(&observer);
	if (r == 0)
		r = kw_tracer_finish(&tracer);
	kw_observer_close(&observer);
	return r;
}

int kw_trace(const struct kw_options *options)
{
	struct kw_cgroups *cgroups;
	int r = kw_cgroups_open(&cgroups);

	if (r < 0)
		return kw_exit_status(kw_log_error(r, "out of memory"));
	r = observe(options, cgroups);
	kw_cgroups_close(cgroups);
	return kw_exit_status(r);
}
