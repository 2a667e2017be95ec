/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "commands.h"
#include "json.h"
#include "log.h"
#include "observe.h"
#include "text.h"

#define ENOUGH 1

struct trace {
	const struct kw_options *options;
	struct kw_observer observer;
	struct kw_cgroups *cgroups;
	struct kw_text_style style;
	struct kw_summary summary;
	uint64_t printed; /* closes */
	bool reader_gone; /* standard output is a closed pipe */
};

/* Whoever reads wants each line at once. A reader that has seen enough is no error. */
static int flush(struct trace *trace, int r)
{
	if (r == 0 && fflush(stdout) == 0)
		return 0;
	if (r == -ENOMEM)
		return kw_log_error(r, "out of memory");
	if (errno == EPIPE) {
		trace->reader_gone = true;
		return ENOUGH;
	}
	return kw_log_error(-EIO, "cannot write to standard output: %s", strerror(errno));
}

static bool is_wanted(const struct kw_options *options, const struct kw_verdict *verdict)
{
	if (options->premature && verdict->premature != KW_PREMATURE_YES)
		return false;
	return !options->reasons || options->reasons >> verdict->reason & 1;
}

static int print_connection(struct trace *trace, const struct kw_event *event, const struct kw_verdict *verdict)
{
	const struct kw_identity *identity = &event->connection->identity;
	struct kw_evidence evidence;
	struct kw_service service;
	struct kw_record record = {
		.event = event,
		.verdict = verdict,
		.evidence = verdict ? &evidence : NULL,
		.service = &service,
		.cgroup = kw_cgroups_path(trace->cgroups, identity->cgroup),
		.clock = trace->observer.clock,
	};

	if (verdict)
		kw_evidence_write(event->connection, verdict, &evidence);
	kw_service_name(&trace->options->namer, identity, record.cgroup, &service);
	if (trace->options->json)
		return flush(trace, kw_json_connection(stdout, &record));
	return flush(trace, kw_text_connection(stdout, &record, &trace->style));
}

static int on_closed(struct trace *trace, const struct kw_event *event, const struct kw_verdict *verdict)
{
	int r;

	trace->summary.connections++;
	trace->summary.tainted += event->connection->http.taints != 0;
	if (!is_wanted(trace->options, verdict))
		return 0;
	r = print_connection(trace, event, verdict);
	trace->printed++;
	return r == 0 && trace->printed == trace->options->count ? ENOUGH : r;
}

static int on_exchange(struct trace *trace, const struct kw_event_exchange *exchange)
{
	struct kw_service service;

	if (trace->options->json)
		return flush(trace, kw_json_exchange(stdout, exchange));
	kw_service_name(&trace->options->namer, &exchange->identity, NULL, &service);
	return flush(trace, kw_text_exchange(stdout, exchange, &service, &trace->observer.clock));
}

/* The record that this amends was printed before, if at all: its reason is not known here. */
static int on_late(struct trace *trace, const struct kw_event_late *late)
{
	struct kw_service service;

	if (trace->options->reasons)
		return 0;
	if (trace->options->json)
		return flush(trace, kw_json_amend(stdout, late));
	kw_service_name(&trace->options->namer, &late->identity, NULL, &service);
	return flush(trace, kw_text_late(stdout, late, &service, &trace->observer.clock, &trace->style));
}

static void on_totals(struct trace *trace, const struct kw_totals *totals)
{
	trace->summary.lost_events = 0;
	for (int i = 0; i < KW_LOST_MAX; i++)
		trace->summary.lost_events += totals->lost[i];
}

static int on_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct trace *trace = context;

	if (event->totals)
		on_totals(trace, &event->totals->totals);
	else if (event->exchange)
		return on_exchange(trace, event->exchange);
	else if (event->late)
		return on_late(trace, event->late);
	else if (verdict)
		return on_closed(trace, event, verdict);
	else if (event->connection->report == KW_REPORT_OPEN && trace->options->open)
		return print_connection(trace, event, NULL);
	return 0;
}

static int finish(struct trace *trace)
{
	if (trace->reader_gone)
		return 0;
	if (trace->options->json)
		return flush(trace, kw_json_summary(stdout, &trace->summary));
	if (trace->summary.lost_events)
		kw_log(KW_LOG_WARNING, "%llu events were lost: a larger --ring-size may help",
		       (unsigned long long)trace->summary.lost_events);
	return 0;
}

static int run(struct trace *trace)
{
	const struct kw_options *options = trace->options;
	struct kw_sink sink = {.context = trace, .event = on_event};
	int r = kw_observer_open(&trace->observer, &options->filter, options->ring_size,
				 options->open ? KW_SWEEP_OPEN : KW_SWEEP_FINAL, sink);

	if (r < 0)
		return r;
	if (options->duration)
		r = kw_loop_stop_after(&trace->observer.loop, options->duration);
	r = r < 0 ? kw_log_error(r, "cannot set a timer: %s", strerror(-r)) : kw_observer_run(&trace->observer);
	if (r == 0)
		r = finish(trace);
	kw_observer_close(&trace->observer);
	return r;
}

int kw_trace(const struct kw_options *options)
{
	struct trace trace = {.options = options};
	int r;

	trace.style.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	trace.style.evidence = options->verbosity > 0;
	r = kw_cgroups_open(&trace.cgroups);
	r = r < 0 ? kw_log_error(r, "out of memory") : run(&trace);
	kw_cgroups_close(trace.cgroups);
	return kw_exit_status(r);
}
