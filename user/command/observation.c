/* SPDX-License-Identifier: BSD-2-Clause */
#include "command/observation.h"

#include <string.h>

#include "base/log.h"
#include "observe/accept_queue.h"

static const char *cgroup_path(void *cgroups, uint64_t id)
{
	return kw_cgroups_path(cgroups, id);
}

struct kw_source kw_observation_source(const struct kw_clock *clock, struct kw_cgroups *cgroups)
{
	return (struct kw_source){.clock = clock,
				  .names = cgroups,
				  .cgroup = cgroup_path,
				  .overflows = kw_listen_overflows,
				  .programs = kw_programs_find};
}

static int on_event(void *context, const void *data, size_t size)
{
	return kw_sink_feed(context, data, size);
}

int kw_observation_open(struct kw_observer *observer, const struct kw_options *options,
			enum kw_sweep_mode last_sweep, struct kw_sink *sink)
{
	struct kw_observer_settings settings = {.filter = &options->filter,
						.ring_size = options->ring_size,
						.front_end = options->front_end,
						.btf = options->btf,
						.tls = options->tls,
						.last_sweep = last_sweep,
						.has_screen = options->command == KW_COMMAND_TOP,
						.event = on_event,
						.context = sink};

	return kw_observer_open(observer, &settings);
}

int kw_observation_run(struct kw_observer *observer, uint64_t duration)
{
	int r = duration ? kw_loop_stop_after(&observer->loop, duration) : 0;

	return r < 0 ? kw_log_error(r, "cannot set a timer: %s", strerror(-r)) : kw_observer_run(observer);
}
