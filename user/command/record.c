/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cleanup.h"
#include "base/log.h"
#include "command/commands.h"
#include "command/observation.h"
#include "observe/requirements.h"
#include "recording/recorder.h"

#define DEFAULT_FILES 10

static int observe(const struct kw_options *options, struct kw_observer *observer, struct kw_recorder *recorder)
{
	int r = kw_observation_run(observer, options->duration);

	if (r == 0)
		kw_log(KW_LOG_INFO, "recorded %llu events in %llu bytes, to %s",
		       (unsigned long long)recorder->events,
		       (unsigned long long)kw_recording_size(recorder->writer), options->file);
	if (kw_losses_all(&recorder->losses))
		kw_log(KW_LOG_WARNING, "%llu events were lost: %s",
		       (unsigned long long)kw_losses_all(&recorder->losses), kw_losses_hint(&recorder->losses));
	return r;
}

/* Connections that are open at the end are recorded too, because a replay may ask for them. */
static int record(const struct kw_options *options, struct kw_cgroups *cgroups,
		  struct kw_recording_writer *writer)
{
	struct kw_recording_header header;
	_cleanup_(kw_recorder_close) struct kw_recorder recorder = {0};
	_cleanup_(kw_observer_close) struct kw_observer observer = {0};
	struct kw_sink sink = kw_recorder_sink(&recorder);
	int r = kw_observation_open(&observer, options, KW_SWEEP_OPEN, &sink);

	if (r < 0)
		return r;
	kw_recording_describe(options->filter.exchanges, &observer.clock, &header);
	r = kw_recorder_open(&recorder, kw_observation_source(&observer.clock, cgroups), writer, &header);
	return r < 0 ? r : observe(options, &observer, &recorder);
}

static int record_to_file(const struct kw_options *options, struct kw_cgroups *cgroups)
{
	const struct kw_recording_settings settings = {
		.path = options->file,
		.max_size = options->max_size,
		.max_files = options->max_files ? options->max_files : DEFAULT_FILES,
		.compress = options->compress,
	};
	struct kw_recording_writer *writer = NULL;
	int r = kw_host_require();
	int finished;

	/* The file comes before the programs: it fails sooner and for a plainer reason. */
	if (r == 0)
		r = kw_recording_create_set(&settings, &writer);
	if (r < 0)
		return r;
	r = record(options, cgroups, writer);
	finished = kw_recording_finish(writer, r == 0);
	return r < 0 ? r : finished;
}

enum kw_exit kw_command_record(const struct kw_options *options)
{
	_cleanup_(kw_cgroups_closep) struct kw_cgroups *cgroups = NULL;
	int r = kw_cgroups_open(&cgroups);

	if (r < 0)
		return kw_exit_status(kw_log_error(r, "out of memory"));
	return kw_exit_status(record_to_file(options, cgroups));
}
