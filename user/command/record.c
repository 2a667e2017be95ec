/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "command/commands.h"
#include "observe/requirements.h"
#include "base/log.h"
#include "recording/recorder.h"

static int observe(const struct kw_options *options, struct kw_observer *observer, struct kw_recorder *recorder)
{
	int r = options->duration ? kw_loop_stop_after(&observer->loop, options->duration) : 0;

	if (r < 0)
		return kw_log_error(r, "cannot set a timer: %s", strerror(-r));
	r = kw_observer_run(observer);
	if (r == 0)
		kw_log(KW_LOG_INFO, "recorded %llu events in %llu bytes, to %s",
		       (unsigned long long)recorder->events,
		       (unsigned long long)kw_recording_size(recorder->writer), options->file);
	if (recorder->lost)
		kw_log(KW_LOG_WARNING, "%llu events were lost: a larger --ring-size may help",
		       (unsigned long long)recorder->lost);
	return r;
}

/* What is open at the end is recorded too: a replay may ask for it. */
static int record(const struct kw_options *options, struct kw_cgroups *cgroups,
		  struct kw_recording_writer *writer)
{
	struct kw_recording_header header;
	struct kw_recorder recorder = {0};
	struct kw_observer observer;
	int r = kw_observer_open(&observer, &options->filter, options->ring_size, options->front_end,
				 KW_SWEEP_OPEN, kw_recorder_sink(&recorder));

	if (r < 0)
		return r;
	kw_recording_describe(options, &observer.clock, &header);
	r = kw_recorder_open(&recorder, kw_source_host(&observer.clock, cgroups), writer, &header);
	if (r == 0)
		r = observe(options, &observer, &recorder);
	kw_recorder_close(&recorder);
	kw_observer_close(&observer);
	return r;
}

static int record_to_file(const struct kw_options *options, struct kw_cgroups *cgroups)
{
	struct kw_recording_writer *writer = NULL;
	int r = kw_host_require();
	int finished;

	/* The file comes before the programs: it fails sooner and for a plainer reason. */
	if (r == 0)
		r = kw_recording_create(options->file, &writer);
	if (r < 0)
		return r;
	r = record(options, cgroups, writer);
	finished = kw_recording_finish(writer, r == 0);
	return r < 0 ? r : finished;
}

int kw_record(const struct kw_options *options)
{
	struct kw_cgroups *cgroups;
	int r = kw_cgroups_open(&cgroups);

	if (r < 0)
		return kw_exit_status(kw_log_error(r, "out of memory"));
	r = record_to_file(options, cgroups);
	kw_cgroups_close(cgroups);
	return kw_exit_status(r);
}
