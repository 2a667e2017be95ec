/* SPDX-License-Identifier: BSD-2-Clause */
#include "command/settings.h"

#include <unistd.h>

#include "base/terminal.h"

struct kw_intake_settings kw_settings_intake(const struct kw_options *options, uint64_t window)
{
	return (struct kw_intake_settings){
		.namer = &options->namer, .services = options->services, .window = window};
}

struct kw_reporter_settings kw_settings_report(const struct kw_options *options)
{
	return (struct kw_reporter_settings){.intake = kw_settings_intake(options, 0),
					     .json = options->json,
					     .width = kw_terminal_width(STDOUT_FILENO),
					     .every = options->every,
					     .fail_on = options->fail_on};
}

struct kw_viewer_settings kw_settings_viewer(const struct kw_options *options, const char *host)
{
	return (struct kw_viewer_settings){.intake = kw_settings_intake(options, options->window),
					   .interval = options->interval,
					   .once = options->once,
					   .host = host};
}

struct kw_tracer_settings kw_settings_trace(const struct kw_options *options, bool at_once)
{
	return (struct kw_tracer_settings){.namer = &options->namer,
					   .json = options->json,
					   .at_once = at_once,
					   .evidence = options->verbosity > 0,
					   .exchanges = options->filter.exchanges,
					   .open = options->open,
					   .premature = options->premature,
					   .reasons = options->reasons,
					   .count = options->count};
}
