/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory_stream.h"
#include "base/sanitize.h"
#include "base/timestamp.h"
#include "base/words.h"
#include "base/wrap.h"
#include "event/names.h"
#include "output/report/print.h"
#include "output/trace/text.h"

#define WIDTH 100    /* most columns of text, because longer lines are hard to read */
#define HISTOGRAMS 5 /* most services that get a histogram */

static const char *const colours[KW_SEVERITY_MAX] = {"\033[1;36m", "\033[1;33m", "\033[1;31m"};
#define PLAIN "\033[0m"

static void print_who(FILE *file, const struct kw_assessment *service)
{
	const struct kw_service_counters *counters = service->counters;
	char comm[3 * KW_COMM];

	kw_sanitize(counters->comm, sizeof(counters->comm), comm, sizeof(comm));
	fprintf(file, "%s (%s", counters->service.name, kw_role_name(counters->service.role));
	if (counters->service.role == KW_ROLE_CLIENT && comm[0])
		fprintf(file, " %s", comm);
	if (counters->service.peer[0])
		fprintf(file, ", from %s", counters->service.peer);
	fputc(')', file);
}

/* ", 127.0.0.1:3000 (client nginx)" */
static void print_other(FILE *file, const struct kw_assessment *other)
{
	if (!other)
		return;
	fputs(", ", file);
	print_who(file, other);
}

static void print_timeline(FILE *file, const struct kw_assessment *service, const struct kw_clock *clock)
{
	for (size_t i = 0; i < service->drain_count; i++) {
		const struct kw_drain *drain = &service->drains[i];
		char at[KW_TIMESTAMP];

		kw_timestamp(clock, drain->first, at);
		fprintf(file, "    %.23sZ  %" PRIu64 " closed, %" PRIu64 " lost\n", at, drain->closed,
			drain->lost);
	}
}

void kw_report_examples_text(FILE *file, const struct kw_examples *examples, const char *indent)
{
	for (uint32_t i = 0; i < examples->count; i++) {
		struct kw_identity identity = {.cookie = examples->list[i].cookie,
					       .generation = examples->list[i].generation};
		char id[KW_ID_TEXT];

		kw_connection_id(&identity, id);
		fprintf(file, "%s%s%s", i ? ", " : indent, i ? "" : "for example ", id);
	}
	if (examples->count)
		fputc('\n', file);
}

void kw_report_headline(FILE *file, const struct kw_finding *finding, const struct kw_report_style *style)
{
	fprintf(file, "\n%s%s: %s%s  ", style->colour ? colours[finding->severity] : "",
		kw_severity_name(finding->severity), kw_finding_name(finding->id), style->colour ? PLAIN : "");
}

/* Of lines that are read as sentences. */
static int width_of(const struct kw_report_style *style)
{
	return style->width && style->width < WIDTH ? style->width : WIDTH;
}

void kw_report_summary(FILE *file, const struct kw_finding *finding, const struct kw_report_style *style)
{
	kw_wrap(file, width_of(style), "    ", finding->summary);
}

void kw_report_advice_text(FILE *file, const struct kw_finding *finding, const struct kw_report_style *style)
{
	for (size_t i = 0; i < finding->advice_count; i++)
		kw_wrap(file, width_of(style), "  - ", finding->advice[i]);
	kw_report_examples_text(file, &finding->examples, "    ");
}

static void print_finding(FILE *file, const struct kw_overview *overview, size_t number,
			  const struct kw_clock *clock, const struct kw_report_style *style)
{
	const struct kw_overview_finding *entry = &overview->findings[number];
	const struct kw_finding *finding = entry->finding;

	kw_report_headline(file, finding, style);
	print_who(file, entry->service);
	print_other(file, entry->other);
	fputc('\n', file);
	kw_report_summary(file, finding, style);
	if (finding->id == KW_FINDING_DRAIN)
		print_timeline(file, entry->service, clock);
	kw_report_advice_text(file, finding, style);
}

/* ---- the page ---- */

static void print_verdict(FILE *file, const struct kw_overview *overview, bool colour)
{
	size_t counts[KW_SEVERITY_MAX] = {0};
	char closing[KW_CLOSING_TEXT];

	for (size_t i = 0; i < overview->finding_count; i++)
		counts[overview->findings[i].finding->severity]++;
	fprintf(file, "Observed for %.1f s: %" PRIu64 " connections", overview->observed,
		overview->connections);
	if (overview->paired)
		fprintf(file, " (%" PRIu64 " seen from both ends)", overview->paired);
	fprintf(file, ", %" PRIu64 " requests", overview->requests);
	if (overview->exchanges)
		fprintf(file, ", ~%" PRIu64 " exchanges within TLS", overview->exchanges);
	fprintf(file, ", %zu service%s.\n", overview->row_count, kw_plural(overview->row_count));
	if (kw_losses_all(&overview->losses))
		fprintf(file, "%" PRIu64 " events were lost: %s.\n", kw_losses_all(&overview->losses),
			kw_losses_hint(&overview->losses));
	if (kw_text_closing(&overview->closing, closing))
		fprintf(file, "%s.\n", closing);
	if (!overview->finding_count && !overview->healthy) {
		fprintf(file,
			"no finding yet, but %" PRIu64 " premature closes and %" PRIu64 " failed connects\n",
			overview->premature, overview->failed);
		return;
	}
	if (!overview->finding_count) {
		fprintf(file, "%shealthy%s: no finding\n", colour ? "\033[1;32m" : "", colour ? PLAIN : "");
		return;
	}
	fprintf(file, "%s%zu finding%s%s:", colour ? colours[overview->findings[0].finding->severity] : "",
		overview->finding_count, kw_plural(overview->finding_count), colour ? PLAIN : "");
	for (int severity = KW_SEVERITY_MAX - 1; severity >= 0; severity--)
		if (counts[severity])
			fprintf(file, " %zu %s", counts[severity], kw_severity_name(severity));
	fputc('\n', file);
}

/* A histogram is only useful for a service whose connections were both used again and closed while idle. */
static bool has_histogram(const struct kw_overview *overview, const struct kw_assessment *service)
{
	const struct kw_window_statistics *sum = &kw_overview_idle_end(overview, service)->sum;

	return kw_overview_has_row(overview, service) && kw_reused(sum) && sum->close_idle.count;
}

static void print_histograms(FILE *file, const struct kw_overview *overview, int width)
{
	int histograms = 0;

	for (size_t i = 0; i < overview->service_count && histograms < HISTOGRAMS; i++) {
		const struct kw_assessment *service = &overview->services[i], *end = NULL;

		if (!has_histogram(overview, service))
			continue;
		fputs("\nIdle times of ", file);
		print_who(file, service);
		while ((end = kw_overview_next_end(overview, service, end)))
			print_other(file, end);
		fputs(service->sum.traffic.exchanges ? ", inferred from TLS records in part\n" : "\n", file);
		kw_report_histogram(file, kw_overview_idle_end(overview, service), width);
		histograms++;
	}
}

static void print_report(FILE *file, const struct kw_overview *overview, const struct kw_clock *clock,
			 const struct kw_report_style *style)
{
	if (!overview->has_http && overview->healthy && !overview->closing.connections) {
		fprintf(file, "No HTTP connection was seen in %.1f s.\n", overview->observed);
		return;
	}
	print_verdict(file, overview, style->colour);
	for (size_t i = 0; i < overview->finding_count; i++)
		print_finding(file, overview, i, clock, style);
	kw_report_services(file, overview, style->width);
	print_histograms(file, overview, style->width);
}

int kw_report_text(FILE *file, const struct kw_overview *overview, const struct kw_clock *clock,
		   const struct kw_report_style *style)
{
	_cleanup_(kw_memory_stream_close) struct kw_memory_stream stream = {0};
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r;

	if (!style->width) {
		print_report(file, overview, clock, style);
		return ferror(file) ? -EIO : 0;
	}
	r = kw_memory_stream_open(&stream);
	if (r < 0)
		return r;
	print_report(stream.file, overview, clock, style);
	r = kw_memory_stream_take(&stream, &text, &length);
	if (r < 0)
		return r;
	kw_wrap_lines(file, style->width, text);
	return ferror(file) ? -EIO : 0;
}
