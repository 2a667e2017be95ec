/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/duration.h"
#include "base/sanitize.h"
#include "base/timestamp.h"
#include "base/words.h"
#include "base/wrap.h"
#include "event/names.h"
#include "output/report/print.h"
#include "output/trace/text.h"

#define WIDTH 100    /* of wrapped text */
#define HISTOGRAMS 5 /* most services that get a histogram */
#define SERVICES 40  /* most services in the table; the JSON has them all */
#define NAME_LEAST 24

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

static void print_examples(FILE *file, const struct kw_examples *examples)
{
	for (uint32_t i = 0; i < examples->count; i++) {
		struct kw_identity identity = {.cookie = examples->list[i].cookie,
					       .generation = examples->list[i].generation};
		char id[KW_ID_TEXT];

		kw_connection_id(&identity, id);
		fprintf(file, "%s%s", i ? ", " : "    for example ", id);
	}
	if (examples->count)
		fputc('\n', file);
}

void kw_report_headline(FILE *file, const struct kw_finding *finding, bool colour)
{
	fprintf(file, "\n%s%s: %s%s  ", colour ? colours[finding->severity] : "",
		kw_severity_name(finding->severity), kw_finding_name(finding->id), colour ? PLAIN : "");
}

void kw_report_summary(FILE *file, const struct kw_finding *finding)
{
	kw_wrap(file, WIDTH, "    ", finding->summary);
}

void kw_report_advice_text(FILE *file, const struct kw_finding *finding)
{
	for (size_t i = 0; i < finding->advice_count; i++)
		kw_wrap(file, WIDTH, "  - ", finding->advice[i]);
	print_examples(file, &finding->examples);
}

static void print_finding(FILE *file, const struct kw_overview *overview, size_t number,
			  const struct kw_clock *clock, bool colour)
{
	const struct kw_overview_finding *entry = &overview->findings[number];
	const struct kw_finding *finding = entry->finding;

	kw_report_headline(file, finding, colour);
	print_who(file, entry->service);
	print_other(file, entry->other);
	fputc('\n', file);
	kw_report_summary(file, finding);
	if (finding->id == KW_FINDING_DRAIN)
		print_timeline(file, entry->service, clock);
	kw_report_advice_text(file, finding);
}

/* ---- the table of services ---- */

struct cell {
	char text[KW_DURATION_TEXT + 1];
};

/* With a ~ if it is @inferred from TLS records; a dash if it is not @known. */
static struct cell cell_of(bool known, bool inferred, const char *text)
{
	struct cell cell;

	snprintf(cell.text, sizeof(cell.text), "%s%s", known && inferred ? "~" : "", known ? text : "-");
	return cell;
}

static struct cell seconds_cell(bool known, bool inferred, double seconds)
{
	return cell_of(known, inferred, kw_duration_about(seconds).text);
}

static struct cell share_cell(uint64_t part, uint64_t whole, bool inferred)
{
	char text[KW_DURATION_TEXT];

	snprintf(text, sizeof(text), "%.1f%%", whole ? 100.0 * (double)part / (double)whole : 0);
	return cell_of(whole, inferred, text);
}

static struct cell number_cell(double number, bool inferred)
{
	char text[KW_DURATION_TEXT];

	snprintf(text, sizeof(text), "%.1f", number);
	return cell_of(true, inferred, text);
}

/* The mark of a protocol, if the service speaks it. @file NULL: only counts. Returns the length. */
static int print_mark(FILE *file, const char *mark, bool speaks)
{
	if (speaks && file)
		fputs(mark, file);
	return speaks ? (int)strlen(mark) : 0;
}

/* "node:3000, 127.0.0.1:3000": the name at the server's end, and those at its clients' ends on this host. @file NULL: only
 * counts. Returns the length. */
static int print_names(FILE *file, const struct kw_overview *overview, const struct kw_assessment *service)
{
	const struct kw_assessment *end = NULL;
	int length = (int)strlen(service->counters->service.name);

	if (file)
		fputs(service->counters->service.name, file);
	length += print_mark(file, " (tls)", kw_speaks_tls(&service->sum));
	length += print_mark(file, " (h2c)", kw_speaks_http2(&service->sum));
	while ((end = kw_overview_next_end(overview, service, end))) {
		length += (int)strlen(end->counters->service.name) + 2;
		if (file)
			fprintf(file, ", %s", end->counters->service.name);
	}
	return length;
}

static const char *row_role(const struct kw_overview *overview, const struct kw_assessment *service)
{
	if (kw_overview_next_end(overview, service, NULL))
		return "both";
	return kw_role_name(service->counters->service.role);
}

static void print_service(FILE *file, const struct kw_overview *overview, const struct kw_assessment *service,
			  int width)
{
	const struct kw_window_statistics *sum = &service->sum;
	bool tls = sum->traffic.exchanges;

	fprintf(file, "%*s  %-7s %11" PRIu64 " %9s %7s %9s %10s %9s %14s\n",
		width - print_names(file, overview, service), "", row_role(overview, service),
		kw_overview_count(overview, service, kw_count_connections),
		number_cell(kw_exchanges_per_connection(sum), tls).text,
		share_cell(kw_reused(sum), kw_exchanges(sum), tls).text,
		share_cell(kw_overview_count(overview, service, kw_count_premature),
			   kw_overview_count(overview, service, kw_count_closed), false)
			.text,
		seconds_cell(service->counters->has_advertised_timeout, false,
			     service->counters->advertised_timeout)
			.text,
		seconds_cell(service->server_idle.known, tls, service->server_idle.seconds).text,
		cell_of(kw_reused(sum), tls, kw_duration(sum->reuse_idle_max).text).text);
}

static void print_services(FILE *file, const struct kw_overview *overview)
{
	int width = NAME_LEAST;
	size_t rows = 0;

	for (size_t i = 0; i < overview->service_count; i++) {
		int length = print_names(NULL, overview, &overview->services[i]);

		if (kw_overview_has_row(overview, &overview->services[i]) && length > width)
			width = length;
	}
	fprintf(file, "\n%-*s  %-7s %11s %9s %7s %9s %10s %9s %14s\n", width, "service", "role", "connections",
		"requests/", "reused", "premature", "timeout", "timeout", "longest idle");
	fprintf(file, "%-*s  %-7s %11s %9s %7s %9s %10s %9s %14s\n", width, "", "", "", "conn.", "", "",
		"advertised", "inferred", "before reuse");
	for (size_t i = 0; i < overview->service_count && rows < SERVICES; i++) {
		if (!kw_overview_has_row(overview, &overview->services[i]))
			continue;
		print_service(file, overview, &overview->services[i], width);
		rows++;
	}
	if (overview->row_count > SERVICES)
		fprintf(file, "and %zu more: see --json\n", overview->row_count - SERVICES);
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
	return kw_overview_has_row(overview, service) && kw_reused(&service->sum) &&
	       service->sum.close_idle.count;
}

int kw_report_text(FILE *file, const struct kw_overview *overview, const struct kw_clock *clock, bool colour)
{
	int histograms = 0;

	if (!overview->has_http && overview->healthy && !overview->closing.connections) {
		fprintf(file, "No HTTP connection was seen in %.1f s.\n", overview->observed);
		return ferror(file) ? -EIO : 0;
	}
	print_verdict(file, overview, colour);
	for (size_t i = 0; i < overview->finding_count; i++)
		print_finding(file, overview, i, clock, colour);
	print_services(file, overview);
	for (size_t i = 0; i < overview->service_count && histograms < HISTOGRAMS; i++) {
		if (!has_histogram(overview, &overview->services[i]))
			continue;
		fputs("\nIdle times of ", file);
		print_who(file, &overview->services[i]);
		fputs(overview->services[i].sum.traffic.exchanges ? ", inferred from TLS records in part\n"
								  : "\n",
		      file);
		kw_report_histogram(file, &overview->services[i]);
		histograms++;
	}
	return ferror(file) ? -EIO : 0;
}
