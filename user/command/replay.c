/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/standard_output.h"
#include "command/commands.h"
#include "command/settings.h"
#include "join/both_ends.h"
#include "output/metrics/metrics.h"
#include "recording/player.h"

/* The end of the output is printed for a damaged file too; then the damage decides the result. */
static int both_results(int played, int finished)
{
	return played < 0 ? played : finished;
}

static bool may_finish(int played)
{
	return played == 0 || played == -EBADMSG;
}

/* Plays the recording into @next, as an observation would. */
static int play(struct kw_player *player, struct kw_sink next)
{
	_cleanup_(kw_both_ends_close) struct kw_both_ends both = {0};
	struct kw_sink sink = kw_both_ends_sink(&both);
	int r = kw_both_ends_open(&both, next);

	if (r < 0)
		return r;
	r = kw_player_play(player, &sink);
	return may_finish(r) ? both_results(r, kw_both_ends_end(&both)) : r;
}

static int as_trace(struct kw_player *player, const struct kw_options *options)
{
	struct kw_tracer_settings settings = kw_settings_trace(options, false);
	_cleanup_(kw_tracer_close) struct kw_tracer tracer = {0};
	int r = kw_tracer_open(&tracer, &settings, kw_player_source(player));

	if (r < 0)
		return r;
	r = play(player, kw_tracer_sink(&tracer));
	return may_finish(r) ? both_results(r, kw_tracer_finish(&tracer)) : r;
}

/* @ret_found: a finding is as severe as --fail-on says. */
static int as_report(struct kw_player *player, const struct kw_options *options, uint64_t started,
		     bool *ret_found)
{
	_cleanup_(kw_reporter_close) struct kw_reporter reporter = {0};
	struct kw_reporter_settings settings = kw_settings_report(options);
	int r = kw_reporter_open(&reporter, &settings, kw_player_source(player));

	if (r == 0) {
		kw_reporter_start(&reporter, started);
		r = play(player, kw_reporter_sink(&reporter));
	}
	if (may_finish(r))
		r = both_results(r, kw_reporter_finish(&reporter));
	*ret_found = reporter.found;
	return r;
}

/* Connections that are still open at the end of a recording are left out, because the daemon gets no such event. */
static int count(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	if (event->connection && event->connection->report == KW_REPORT_OPEN)
		return 0;
	return kw_intake_event(context, event, verdict);
}

static int print_metrics(struct kw_intake *intake)
{
	struct kw_metrics metrics = {.aggregate = &intake->aggregate};
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = kw_intake_settle(intake);

	if (r == 0)
		r = kw_metrics_write(&metrics, false, &text, &length);
	if (r == 0 && fwrite(text, 1, length, stdout) != length)
		r = -EIO;
	r = kw_output_flush(r);
	return r < 0 ? r : 0;
}

static int as_metrics(struct kw_player *player, const struct kw_options *options, uint64_t started)
{
	struct kw_intake_settings settings = kw_settings_intake(options, options->window);
	_cleanup_(kw_intake_close) struct kw_intake intake = {0};
	int r = kw_intake_open(&intake, &settings, kw_player_source(player));

	if (r == 0) {
		intake.aggregate.started = started;
		r = play(player, (struct kw_sink){.context = &intake, .event = count});
	}
	if (may_finish(r))
		r = both_results(r, print_metrics(&intake));
	return r;
}

enum kw_exit kw_command_replay(const struct kw_options *options)
{
	struct kw_recording_header header;
	_cleanup_(kw_player_close) struct kw_player player = {0};
	bool found = false;
	int r;

	if (options->more_file_count || options->pair)
		return kw_replay_hosts(options);
	r = kw_player_open(&player, options->file, &header);
	if (r < 0)
		return KW_EXIT_FAILED;
	kw_log(KW_LOG_DEBUG, "%s: recorded by keepwatch %s on %s (%s, Linux %s)", options->file,
	       header.keepwatch, header.host, header.machine, header.kernel);
	if (options->replay_as == KW_COMMAND_TRACE)
		r = as_trace(&player, options);
	else if (options->replay_as == KW_COMMAND_REPORT)
		r = as_report(&player, options, header.started, &found);
	else
		r = as_metrics(&player, options, header.started);
	if (r < 0)
		return KW_EXIT_FAILED;
	return found ? KW_EXIT_FINDING : KW_EXIT_DONE;
}
