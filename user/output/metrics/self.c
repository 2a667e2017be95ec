/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/metrics/self.h"

#include "event/http1_names.h"
#include "event/names.h"

#define LABEL 256 /* enough for a kind, a program's name or a version, which are all constants */

/* A sample with one label. */
static void count(struct kw_exposition *out, const char *name, const char *value, uint64_t number)
{
	char label[LABEL] = "";

	kw_exposition_label(label, sizeof(label), name, value);
	kw_exposition_integer(out, label, (int64_t)number);
}

static void write_losses(struct kw_exposition *out, const struct kw_aggregate *aggregate)
{
	kw_exposition_family(out, "keepwatch_events_lost", KW_TYPE_COUNTER,
			     "Events lost between the kernel and the daemon, by kind.");
	for (int i = 0; i < KW_LOST_MAX; i++)
		count(out, "kind", kw_lost_name(i), aggregate->totals.lost[i]);
	count(out, "kind", "unseen", kw_unseen_lost(&aggregate->unseen));
	kw_exposition_family(out, "keepwatch_hidden_softirqs", KW_TYPE_COUNTER,
			     "Softirqs that the kernel showed to no program while keepwatch looked.");
	kw_exposition_integer(out, "", (int64_t)aggregate->unseen.softirqs);
}

static void write_trouble(struct kw_exposition *out, const struct kw_aggregate *aggregate)
{
	const struct kw_totals *totals = &aggregate->totals;

	kw_exposition_family(out, "keepwatch_parse_errors", KW_TYPE_COUNTER,
			     "Messages that broke a rule of HTTP/1.x, by the rule.");
	for (int i = 0; i < HTTP1_ERROR_MAX; i++)
		count(out, "kind", kw_http_error_name(i), totals->errors[i]);
	kw_exposition_family(out, "keepwatch_tainted_connections", KW_TYPE_COUNTER,
			     "Connections that keepwatch could not observe completely, by cause.");
	for (int i = 0; i < KW_TAINT_MAX; i++)
		count(out, "kind", kw_taint_name(i), totals->tainted[i]);
	kw_exposition_family(out, "keepwatch_services_dropped", KW_TYPE_COUNTER,
			     "Services that lost their own series, or never got them, by cause.");
	count(out, "why", "ceiling", aggregate->dropped[KW_SERVICE_DROPPED_CEILING]);
	count(out, "why", "idle", aggregate->dropped[KW_SERVICE_DROPPED_IDLE]);
	count(out, "why", "displaced", aggregate->dropped[KW_SERVICE_DROPPED_DISPLACED]);
}

static void seconds_of(struct kw_exposition *out, const struct kw_program_stats *program)
{
	char label[LABEL] = "";

	kw_exposition_label(label, sizeof(label), "program", program->name);
	kw_exposition_real(out, label, (double)program->run_ns / 1e9);
}

static void write_programs(struct kw_exposition *out, const struct kw_program_stats *programs, size_t size)
{
	kw_exposition_family(
		out, "keepwatch_bpf_run_seconds", KW_TYPE_COUNTER,
		"Time spent in keepwatch's programs in the kernel; needs kernel.bpf_stats_enabled=1.");
	for (size_t i = 0; i < size; i++)
		seconds_of(out, &programs[i]);
	kw_exposition_family(out, "keepwatch_bpf_runs", KW_TYPE_COUNTER,
			     "Runs of keepwatch's programs in the kernel; needs kernel.bpf_stats_enabled=1.");
	for (size_t i = 0; i < size; i++)
		count(out, "program", programs[i].name, programs[i].runs);
}

static void write_build(struct kw_exposition *out)
{
	kw_exposition_family(out, "keepwatch_build", KW_TYPE_INFO,
			     "The version of keepwatch, as a label; the value is always 1.");
	count(out, "version", KEEPWATCH_VERSION, 1);
}

static void write_process(struct kw_exposition *out, const struct kw_process *process)
{
	kw_exposition_family(out, "process_cpu_seconds", KW_TYPE_COUNTER,
			     "Processor time that the daemon has used, user and system.");
	kw_exposition_real(out, "", process->cpu_seconds);
	kw_exposition_family(out, "process_resident_memory_bytes", KW_TYPE_GAUGE,
			     "Resident memory of the daemon.");
	kw_exposition_integer(out, "", (int64_t)process->resident_bytes);
	kw_exposition_family(out, "process_virtual_memory_bytes", KW_TYPE_GAUGE,
			     "Virtual memory of the daemon.");
	kw_exposition_integer(out, "", (int64_t)process->virtual_bytes);
	kw_exposition_family(out, "process_open_fds", KW_TYPE_GAUGE,
			     "File descriptors that the daemon has open.");
	kw_exposition_integer(out, "", (int64_t)process->open_fds);
	kw_exposition_family(out, "process_max_fds", KW_TYPE_GAUGE,
			     "Largest number of file descriptors that the daemon may open.");
	kw_exposition_integer(out, "", (int64_t)process->max_fds);
	kw_exposition_family(out, "process_start_time_seconds", KW_TYPE_GAUGE,
			     "Start of the daemon, in seconds since 1970 UTC.");
	kw_exposition_real(out, "", process->start_seconds);
}

void kw_metrics_write_trouble(struct kw_exposition *out, const struct kw_aggregate *aggregate)
{
	write_trouble(out, aggregate);
	write_losses(out, aggregate);
	write_build(out);
}

void kw_metrics_write_resources(struct kw_exposition *out, const struct kw_process *process,
				const struct kw_program_stats *programs, size_t count)
{
	write_programs(out, programs, count);
	write_process(out, process);
}
