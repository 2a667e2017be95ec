/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "command/commands.h"
#include "base/log.h"
#include "output/metrics/metrics.h"
#include "base/standard_output.h"
#include "recording/recording.h"
#include "recording/cgroup_names.h"
#include "output/report/reporter.h"
#include "base/sanitize.h"
#include "output/trace/tracer.h"

struct replay {
	struct kw_recording_reader *reader;
	struct kw_recording_names names;
	struct kw_clock clock;
	struct kw_sink sink;
};

static const char *cgroup_of(void *names, uint64_t id)
{
	const char *path = NULL;

	return kw_recording_names_find(names, id, &path) ? path : NULL;
}

static int on_event(struct replay *replay, const struct kw_frame *frame)
{
	struct kw_verdict verdict;
	struct kw_event event;
	bool closed;

	/* The frame is filled up to a multiple of 8, and so are events, by themselves. */
	if (kw_decode(frame->payload, frame->size, &event) < 0)
		return kw_recording_damaged(replay->reader, frame);
	closed = event.connection && event.connection->report == KW_REPORT_CLOSED;
	if (closed)
		kw_judge(event.connection, &verdict);
	return replay->sink.event(replay->sink.context, &event, closed ? &verdict : NULL);
}

static int on_name(struct replay *replay, const struct kw_frame *frame)
{
	const char *path = (const char *)frame->payload + sizeof(uint64_t);
	char clean[PATH_MAX];
	uint64_t id;

	if (frame->size <= sizeof(id) || !memchr(path, '\0', frame->size - sizeof(id)))
		return kw_recording_damaged(replay->reader, frame);
	memcpy(&id, frame->payload, sizeof(id));
	kw_sanitize(path, frame->size - sizeof(id), clean, sizeof(clean)); /* whoever made the file */
	if (kw_recording_names_set(&replay->names, id, clean) < 0)
		return kw_log_error(-ENOMEM, "out of memory");
	return 0;
}

static int on_clock(struct replay *replay, const struct kw_frame *frame)
{
	if (frame->size != sizeof(replay->clock.offset))
		return kw_recording_damaged(replay->reader, frame);
	memcpy(&replay->clock.offset, frame->payload, sizeof(replay->clock.offset));
	return 0;
}

static int on_frame(struct replay *replay, const struct kw_frame *frame)
{
	switch (frame->type) {
	case KW_FRAME_EVENT:
		return on_event(replay, frame);
	case KW_FRAME_NAME:
		return on_name(replay, frame);
	case KW_FRAME_CLOCK:
		return on_clock(replay, frame);
	default:
		return kw_recording_damaged(replay->reader, frame);
	}
}

/* To the end, or until the sink has enough. -EBADMSG where the file is damaged: what came before has been
 * told. */
static int play(struct replay *replay)
{
	struct kw_frame frame;
	int r;

	while ((r = kw_recording_next(replay->reader, &frame)) > 0) {
		r = on_frame(replay, &frame);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return r;
}

/* What is told at the end is told of a damaged file too; that it is damaged has the last word. */
static int both(int played, int finished)
{
	return played < 0 ? played : finished;
}

static bool may_finish(int played)
{
	return played == 0 || played == -EBADMSG;
}

static int as_trace(struct replay *replay, const struct kw_options *options, struct kw_source source)
{
	struct kw_tracer tracer;
	int r;

	kw_tracer_open(&tracer, options, source, false);
	replay->sink = kw_tracer_sink(&tracer);
	r = play(replay);
	return may_finish(r) ? both(r, kw_tracer_finish(&tracer)) : r;
}

static int as_report(struct replay *replay, const struct kw_options *options, struct kw_source source,
		     uint64_t started)
{
	struct kw_reporter reporter;
	int r = kw_reporter_open(&reporter, options, source);

	if (r == 0) {
		kw_reporter_start(&reporter, started);
		replay->sink = kw_reporter_sink(&reporter);
		r = play(replay);
	}
	if (may_finish(r))
		r = both(r, kw_reporter_finish(&reporter));
	if (r == 0 && reporter.found)
		r = KW_EXIT_FINDING;
	kw_reporter_close(&reporter);
	return r;
}

/* What is still open at the end of a recording is no event of the daemon's. */
static int count(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	if (event->connection && event->connection->report == KW_REPORT_OPEN)
		return 0;
	return kw_tally_event(context, event, verdict);
}

static int print_metrics(struct kw_tally *tally)
{
	struct kw_metrics metrics = {.aggregate = &tally->aggregate};
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = kw_aggregate_settle(&tally->aggregate, UINT64_MAX);

	if (r == 0)
		r = kw_metrics_write(&metrics, false, &text, &length);
	if (r == 0 && fwrite(text, 1, length, stdout) != length)
		r = -EIO;
	r = kw_output_flush(r);
	return r < 0 ? r : 0;
}

static int as_metrics(struct replay *replay, const struct kw_options *options, struct kw_source source,
		      uint64_t started)
{
	struct kw_tally tally;
	int r = kw_tally_open(&tally, options, options->window, source);

	if (r == 0) {
		tally.aggregate.started = started;
		replay->sink = (struct kw_sink){.context = &tally, .event = count};
		r = play(replay);
	}
	if (may_finish(r))
		r = both(r, print_metrics(&tally));
	kw_tally_close(&tally);
	return r;
}

int kw_replay(const struct kw_options *options)
{
	struct kw_recording_header header;
	struct replay replay = {0};
	struct kw_source source = {.clock = &replay.clock, .names = &replay.names, .cgroup = cgroup_of};
	int r = kw_recording_open(options->file, &replay.reader, &header);

	if (r < 0)
		return KW_EXIT_FAILED;
	replay.clock = header.clock;
	kw_log(KW_LOG_DEBUG, "%s: recorded by keepwatch %s on %s (%s, Linux %s)", options->file,
	       header.keepwatch, header.host, header.machine, header.kernel);
	if (options->replay_as == KW_COMMAND_TRACE)
		r = as_trace(&replay, options, source);
	else if (options->replay_as == KW_COMMAND_REPORT)
		r = as_report(&replay, options, source, header.started);
	else
		r = as_metrics(&replay, options, source, header.started);
	kw_recording_names_clear(&replay.names);
	kw_recording_close(replay.reader);
	return r < 0 ? KW_EXIT_FAILED : r;
}
