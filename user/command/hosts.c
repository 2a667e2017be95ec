/* SPDX-License-Identifier: BSD-2-Clause */
/* Replays several recordings together. They are read twice: first to find how far the hosts' clocks are apart and which connections
 * have two ends, then in the order of their times. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/standard_output.h"
#include "base/terminal.h"
#include "base/words.h"
#include "command/commands.h"
#include "command/settings.h"
#include "join/both_ends.h"
#include "output/report/paths.h"
#include "output/trace/pairer.h"
#include "recording/hosts.h"

struct replay;

/* One host's part in the replay: its events go through here. */
struct host {
	struct replay *replay;
	size_t number;
	struct kw_both_ends both;    /* as trace or report */
	struct kw_tracer tracer;     /* as trace */
	struct kw_reporter reporter; /* as report */
	struct kw_audit audit;       /* for pairs */
};

struct replay {
	const struct kw_options *options;
	struct kw_recorded_hosts recorded;
	struct kw_survey survey;
	struct kw_across across;
	struct kw_pairer pairer;
	struct kw_pairer_host *labels; /* owned, as the next two */
	struct host *hosts;
	struct kw_sink *sinks;
	struct kw_path_counts *counts; /* as report: from each host to each; owned */
	bool damaged;                  /* a file is: the rest was shown, and the exit status says it */
	bool found;                    /* a finding is as severe as --fail-on says */
};

static size_t count_of(const struct kw_options *options)
{
	return options->more_file_count + 1;
}

static void close_replay(struct replay *replay)
{
	for (size_t i = 0; replay->hosts && i < count_of(replay->options); i++) {
		struct host *host = &replay->hosts[i];

		kw_both_ends_close(&host->both);
		kw_tracer_close(&host->tracer);
		kw_reporter_close(&host->reporter);
		kw_audit_close(&host->audit);
	}
	kw_across_close(&replay->across);
	kw_survey_close(&replay->survey);
	kw_recorded_hosts_close(&replay->recorded);
	free(replay->labels);
	free(replay->hosts);
	free(replay->sinks);
	free(replay->counts);
}

static int open_files(struct replay *replay)
{
	const struct kw_options *options = replay->options;
	const char *paths[KW_HOSTS_MAX] = {options->file};

	for (size_t i = 0; i < options->more_file_count; i++)
		paths[i + 1] = options->more_files[i];
	return kw_recorded_hosts_open(&replay->recorded, paths, count_of(options));
}

/* A damaged file does not end the replay. */
static int play(struct replay *replay)
{
	int r = kw_recorded_hosts_play(&replay->recorded, replay->sinks);

	replay->damaged |= r == -EBADMSG;
	return r == -EBADMSG ? 0 : r;
}

/* ---- first: the survey ---- */

static int on_survey(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct host *host = context;
	int r = kw_survey_take(&host->replay->survey, host->number, event);

	(void)verdict;
	return r < 0 ? kw_log_error(r, "out of memory") : 0;
}

static void log_skew(const struct replay *replay, size_t number)
{
	const struct kw_skew *skew = &replay->survey.hosts[number].skew;
	const struct kw_recorded_host *list = replay->recorded.list;
	double ahead = (double)skew->ns / 1e9;

	if (!skew->known)
		kw_log(KW_LOG_WARNING, "%s: no connection shows how far its clock is from that of %s",
		       list[number].label, list[0].label);
	else if (number > 0)
		kw_log(KW_LOG_INFO, "%s: its clock is %.6f s %s that of %s, by %zu connection%s",
		       list[number].label, ahead < 0 ? -ahead : ahead, ahead < 0 ? "behind" : "ahead of",
		       list[0].label, skew->pairs, kw_plural(skew->pairs));
}

static int survey(struct replay *replay)
{
	struct kw_recorded_hosts *recorded = &replay->recorded;
	int r;

	for (size_t i = 0; i < recorded->count; i++) {
		const struct kw_recording_header *header = &recorded->list[i].header;

		kw_survey_add_host(&replay->survey, header->clock.offset, header->started);
		replay->sinks[i] = (struct kw_sink){.context = &replay->hosts[i], .event = on_survey};
	}
	r = play(replay);
	if (r < 0)
		return r;
	r = kw_survey_settle(&replay->survey);
	if (r < 0)
		return kw_log_error(r, "out of memory");
	for (size_t i = 0; i < recorded->count; i++)
		log_skew(replay, i);
	kw_recorded_hosts_close(recorded);
	r = open_files(replay);
	for (size_t i = 0; i < recorded->count && r == 0; i++)
		recorded->list[i].shift = kw_survey_shift(&replay->survey, i);
	return r;
}

/* ---- pairs ---- */

static int on_pair_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct host *host = context;
	struct replay *replay = host->replay;
	const struct kw_source *source = &replay->labels[host->number].source;
	struct kw_forwarded forwarded = {0};
	int r;

	kw_audit_take(&host->audit, event);
	while (kw_audit_next(&host->audit, &forwarded))
		;
	if (!event->connection)
		return 0;
	kw_audit_of(&host->audit, event->connection, &forwarded);
	r = kw_across_take(&replay->across, host->number, event, verdict, &forwarded,
			   kw_source_cgroup(source, event->connection->identity.cgroup));
	return r == -ENOMEM ? kw_log_error(r, "out of memory") : r;
}

static int open_pairs(struct replay *replay, int (*pair)(void *, const struct kw_across_pair *), void *context)
{
	replay->across = (struct kw_across){.survey = &replay->survey, .pair = pair, .context = context};
	for (size_t i = 0; i < replay->recorded.count; i++) {
		if (kw_audit_open(&replay->hosts[i].audit) < 0)
			return kw_log_error(-ENOMEM, "out of memory");
		replay->labels[i] = (struct kw_pairer_host){replay->recorded.list[i].label,
							    kw_player_source(&replay->recorded.list[i].player)};
	}
	return 0;
}

static int as_pairs(struct replay *replay)
{
	struct kw_tracer_settings settings = kw_settings_trace(replay->options, false);
	int r;

	kw_pairer_open(&replay->pairer, &settings, replay->labels);
	r = open_pairs(replay, kw_pairer_take, &replay->pairer);
	for (size_t i = 0; i < replay->recorded.count; i++)
		replay->sinks[i] = (struct kw_sink){.context = &replay->hosts[i], .event = on_pair_event};
	if (r == 0)
		r = play(replay);
	if (r == 0 && !kw_pairer_has_enough(&replay->pairer))
		r = kw_across_end(&replay->across);
	if (r == -ENOMEM)
		kw_log_error(r, "out of memory");
	return r < 0 ? r : kw_pairer_finish(&replay->pairer);
}

/* ---- as trace ---- */

/* All hosts together have printed as many closes as --count asks for. */
static bool has_enough(const struct replay *replay)
{
	uint64_t printed = 0;

	for (size_t i = 0; i < replay->recorded.count; i++)
		printed += replay->hosts[i].tracer.printed;
	return replay->options->count && printed >= replay->options->count;
}

static int on_traced(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct host *host = context;
	struct kw_sink next = kw_tracer_sink(&host->tracer);
	int r = next.event(next.context, event, verdict);

	return r == 0 && has_enough(host->replay) ? KW_OUTPUT_ENOUGH : r;
}

static int open_trace(struct host *host, const struct kw_recorded_host *recorded, struct kw_source source)
{
	struct kw_tracer_settings settings = kw_settings_trace(host->replay->options, false);
	int r;

	settings.host = recorded->label;
	r = kw_tracer_open(&host->tracer, &settings, source);
	if (r == 0)
		r = kw_both_ends_open(&host->both, (struct kw_sink){.context = host, .event = on_traced});
	return r;
}

static int as_trace(struct replay *replay)
{
	struct kw_recorded_hosts *recorded = &replay->recorded;
	int r = 0;

	for (size_t i = 0; i < recorded->count && r == 0; i++) {
		r = open_trace(&replay->hosts[i], &recorded->list[i],
			       kw_player_source(&recorded->list[i].player));
		replay->sinks[i] = kw_both_ends_sink(&replay->hosts[i].both);
	}
	if (r == 0)
		r = play(replay);
	for (size_t i = 0; i < recorded->count && r == 0 && !has_enough(replay); i++)
		r = kw_both_ends_end(&replay->hosts[i].both);
	for (size_t i = 0; i < recorded->count && r == 0; i++)
		r = kw_tracer_finish(&replay->hosts[i].tracer);
	return r;
}

/* ---- as report ---- */

static int count_pair(void *context, const struct kw_across_pair *pair)
{
	struct replay *replay = context;
	const struct kw_across_end *client = &pair->client, *server = &pair->server;
	size_t from = client->present ? client->host : server->host, to = server->present ? server->host : from;

	kw_path_count(&replay->counts[from * replay->recorded.count + to], &pair->path,
		      client->present ? client->event.connection : NULL,
		      server->present ? server->event.connection : NULL);
	return 0;
}

/* Each event counts for its host's report, and for the paths. */
static int on_reported(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct host *host = context;
	struct kw_sink next = kw_both_ends_sink(&host->both);
	int r = on_pair_event(context, event, verdict);

	return r < 0 ? r : next.event(next.context, event, verdict);
}

static int open_report(struct host *host, const struct kw_recorded_host *recorded, struct kw_source source)
{
	struct kw_reporter_settings settings = kw_settings_report(host->replay->options);
	int r;

	settings.host = recorded->label;
	r = kw_reporter_open(&host->reporter, &settings, source);
	if (r < 0)
		return r;
	kw_reporter_start(&host->reporter, recorded->header.started);
	return kw_both_ends_open(&host->both, kw_reporter_sink(&host->reporter));
}

static int finish_report(struct host *host)
{
	int r = kw_both_ends_end(&host->both);

	if (r == 0)
		r = kw_reporter_finish(&host->reporter);
	host->replay->found |= host->reporter.found;
	return r;
}

static void name_paths(struct replay *replay)
{
	size_t count = replay->recorded.count;

	for (size_t i = 0; i < count * count; i++) {
		replay->counts[i].client = replay->recorded.list[i / count].label;
		replay->counts[i].server = replay->recorded.list[i % count].label;
	}
}

static int print_paths(struct replay *replay)
{
	size_t count = replay->recorded.count;
	struct kw_paths_report report = {.counts = replay->counts, .count = count * count};
	const struct kw_report_style style = {kw_output_has_colour(), kw_terminal_width(STDOUT_FILENO)};
	struct kw_finding finding;
	int r;

	if (replay->options->json)
		r = kw_paths_json(stdout, &report);
	else
		r = kw_paths_text(stdout, &report, &style);
	for (size_t i = 0; i < report.count; i++)
		if (kw_raise_middlebox(&report.counts[i], &finding))
			replay->found |= finding.severity >= replay->options->fail_on;
	r = kw_output_flush(r);
	return r < 0 ? r : 0;
}

static int as_report(struct replay *replay)
{
	struct kw_recorded_hosts *recorded = &replay->recorded;
	int r = open_pairs(replay, count_pair, replay);

	replay->counts = calloc(recorded->count * recorded->count, sizeof(*replay->counts));
	if (!replay->counts)
		return kw_log_error(-ENOMEM, "out of memory");
	name_paths(replay);
	for (size_t i = 0; i < recorded->count && r == 0; i++) {
		r = open_report(&replay->hosts[i], &recorded->list[i],
				kw_player_source(&recorded->list[i].player));
		replay->sinks[i] = (struct kw_sink){.context = &replay->hosts[i], .event = on_reported};
	}
	if (r == 0)
		r = play(replay);
	if (r == 0)
		r = kw_across_end(&replay->across);
	for (size_t i = 0; i < recorded->count && r == 0; i++)
		r = finish_report(&replay->hosts[i]);
	return r == 0 ? print_paths(replay) : r;
}

/* ---- all ---- */

static int open_replay(struct replay *replay)
{
	size_t count = count_of(replay->options);

	replay->labels = calloc(count, sizeof(*replay->labels));
	replay->hosts = calloc(count, sizeof(*replay->hosts));
	replay->sinks = calloc(count, sizeof(*replay->sinks));
	if (!replay->labels || !replay->hosts || !replay->sinks)
		return kw_log_error(-ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		replay->hosts[i].replay = replay;
		replay->hosts[i].number = i;
	}
	return open_files(replay);
}

enum kw_exit kw_replay_hosts(const struct kw_options *options)
{
	_cleanup_(close_replay) struct replay replay = {.options = options};
	int r = open_replay(&replay);

	if (r == 0)
		r = survey(&replay);
	if (r == 0 && options->pair)
		r = as_pairs(&replay);
	else if (r == 0)
		r = options->replay_as == KW_COMMAND_REPORT ? as_report(&replay) : as_trace(&replay);
	if (r < 0 || replay.damaged)
		return KW_EXIT_FAILED;
	return replay.found ? KW_EXIT_FINDING : KW_EXIT_DONE;
}
