/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/report/reporter.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/standard_output.h"
#include "output/report/print.h"

#define CLEAR "\r\033[K"

int kw_reporter_open(struct kw_reporter *reporter, const struct kw_options *options, struct kw_source source)
{
	*reporter = (struct kw_reporter){.options = options};
	return kw_tally_open(&reporter->tally, options, 0, source);
}

void kw_reporter_start(struct kw_reporter *reporter, uint64_t started)
{
	reporter->tally.aggregate.started = started;
	reporter->tally.aggregate.now = started;
	if (reporter->options->every)
		reporter->next = started + reporter->options->every;
}

static void clear_progress(const struct kw_reporter *reporter)
{
	if (reporter->progress)
		fputs(CLEAR, stderr);
}

static void show_progress(const struct kw_reporter *reporter)
{
	const struct kw_aggregate *aggregate = &reporter->tally.aggregate;
	uint64_t connections = 0, requests = 0, lost = 0;

	for (const struct kw_stats *stats = aggregate->services; stats; stats = stats->hh.next) {
		connections += stats->opened + stats->preexisting;
		for (int i = 0; i < KW_VERSIONS; i++)
			requests += stats->requests[i];
		for (int reason = 0; reason < KW_REASON_LABELS; reason++)
			for (int i = 0; i < KW_RETRYABLE_MAX; i++)
				lost += stats->lost_requests[reason][i];
	}
	fprintf(stderr, CLEAR "%.0f s: %llu connections, %llu requests, %llu lost (Ctrl-C ends it)",
		(double)(aggregate->now - aggregate->started) / 1e9, (unsigned long long)connections,
		(unsigned long long)requests, (unsigned long long)lost);
}

static int print(struct kw_reporter *reporter)
{
	const struct kw_options *options = reporter->options;
	const struct kw_clock *clock = reporter->tally.source.clock;
	struct kw_digest digest;
	int r = kw_digest_make(&reporter->tally.aggregate, &digest);

	if (r < 0)
		return kw_log_error(r, "out of memory");
	clear_progress(reporter);
	r = options->json ? kw_report_json(stdout, &digest, clock)
			  : kw_report_text(stdout, &digest, clock, kw_output_has_colour());
	for (size_t i = 0; i < digest.finding_count; i++)
		reporter->found |= digest.findings[i].finding->severity >= options->fail_on;
	kw_digest_free(&digest);
	r = kw_output_flush(r);
	reporter->reader_gone = r == KW_OUTPUT_ENOUGH;
	return r;
}

static int on_time(struct kw_reporter *reporter, uint64_t now)
{
	if (reporter->progress)
		show_progress(reporter);
	if (!reporter->next || now < reporter->next)
		return 0;
	while (reporter->next <= now)
		reporter->next += reporter->options->every;
	if (!reporter->options->json)
		fputc('\n', stdout);
	return print(reporter);
}

static int on_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct kw_reporter *reporter = context;
	int r = kw_tally_event(&reporter->tally, event, verdict);

	return r == 0 && event->totals ? on_time(reporter, event->time) : r;
}

struct kw_sink kw_reporter_sink(struct kw_reporter *reporter)
{
	return (struct kw_sink){.context = reporter, .event = on_event};
}

int kw_reporter_finish(struct kw_reporter *reporter)
{
	int r;

	if (reporter->reader_gone)
		return 0;
	if (kw_aggregate_settle(&reporter->tally.aggregate, UINT64_MAX) < 0)
		return kw_log_error(-ENOMEM, "out of memory");
	r = print(reporter);
	return r < 0 ? r : 0;
}

void kw_reporter_close(struct kw_reporter *reporter)
{
	kw_tally_close(&reporter->tally);
}
