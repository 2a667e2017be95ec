/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/report/reporter.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory_stream.h"
#include "base/standard_output.h"
#include "output/report/print.h"

#define CLEAR "\r\033[K"

int kw_reporter_open(struct kw_reporter *reporter, const struct kw_reporter_settings *settings,
		     struct kw_source source)
{
	*reporter = (struct kw_reporter){.settings = *settings};
	return kw_intake_open(&reporter->intake, &settings->intake, source);
}

void kw_reporter_start(struct kw_reporter *reporter, uint64_t started)
{
	reporter->intake.aggregate.started = started;
	reporter->intake.aggregate.now = started;
	if (reporter->settings.every)
		reporter->next = started + reporter->settings.every;
}

static void clear_progress(const struct kw_reporter *reporter)
{
	if (reporter->progress)
		fputs(CLEAR, stderr);
}

static void show_progress(const struct kw_reporter *reporter)
{
	const struct kw_aggregate *aggregate = &reporter->intake.aggregate;
	uint64_t connections = 0, requests = 0, lost = 0;
	char line[160];

	for (const struct kw_service_counters *counters = aggregate->services; counters;
	     counters = counters->hh.next) {
		struct kw_traffic total;

		kw_window_total(&counters->window, &total);
		connections += kw_traffic_seen(&total);
		requests += kw_traffic_requests(&total) + total.requests[KW_VERSION_UNKNOWN];
		lost += kw_traffic_lost(&total);
	}
	snprintf(line, sizeof(line), "%.0f s: %llu connections, %llu requests, %llu lost (Ctrl-C ends it)",
		 (double)(aggregate->now - aggregate->started) / 1e9, (unsigned long long)connections,
		 (unsigned long long)requests, (unsigned long long)lost);
	fprintf(stderr, CLEAR "%.*s", reporter->progress - 1, line);
}

/* With the host as the object's first key. */
static int print_json_of(const char *host, const struct kw_overview *overview, const struct kw_clock *clock)
{
	_cleanup_(kw_memory_stream_close) struct kw_memory_stream line;
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = kw_memory_stream_open(&line);

	if (r == 0)
		r = kw_report_json(line.file, overview, clock);
	if (r == 0)
		r = kw_memory_stream_take(&line, &text, &length);
	return r < 0 ? r : kw_json_host(stdout, host, text);
}

static int print_overview(struct kw_reporter *reporter, const struct kw_overview *overview,
			  const struct kw_clock *clock)
{
	const struct kw_report_style style = {kw_output_has_colour(), reporter->settings.width};
	const char *host = reporter->settings.host;

	if (reporter->settings.json)
		return host ? print_json_of(host, overview, clock) : kw_report_json(stdout, overview, clock);
	if (host && printf("---- %s ----\n", host) < 0)
		return -EIO;
	return kw_report_text(stdout, overview, clock, &style);
}

static int print(struct kw_reporter *reporter)
{
	const struct kw_clock *clock = reporter->intake.source.clock;
	struct kw_overview overview;
	int r = kw_overview_make(&reporter->intake.aggregate, &overview);

	if (r < 0)
		return kw_log_error(r, "out of memory");
	clear_progress(reporter);
	r = print_overview(reporter, &overview, clock);
	for (size_t i = 0; i < overview.finding_count; i++)
		reporter->found |= overview.findings[i].finding->severity >= reporter->settings.fail_on;
	kw_overview_free(&overview);
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
	reporter->next += ((now - reporter->next) / reporter->settings.every + 1) * reporter->settings.every;
	if (!reporter->settings.json)
		fputc('\n', stdout);
	return print(reporter);
}

static int on_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct kw_reporter *reporter = context;
	int r = kw_intake_event(&reporter->intake, event, verdict);

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
	r = kw_intake_settle(&reporter->intake);
	if (r == 0)
		r = print(reporter);
	return r < 0 ? r : 0;
}

void kw_reporter_close(struct kw_reporter *reporter)
{
	kw_intake_close(&reporter->intake);
}
