/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "output/trace/record.h"
#include "output/report/print.h"
#include "base/sanitize.h"
#include "output/trace/text.h"

#define WIDTH 100    /* of wrapped text */
#define HISTOGRAMS 5 /* most services that get a histogram */
#define SERVICES 40  /* most services in the table; the JSON has them all */
#define NAME_LEAST 24

static const char *const colours[KW_SEVERITY_MAX] = {"\033[1;36m", "\033[1;33m", "\033[1;31m"};
#define PLAIN "\033[0m"

/* Prints text wrapped at spaces. The first line begins with @first, the others with as many spaces. */
static void print_wrapped(FILE *file, const char *first, const char *text)
{
	size_t indent = strlen(first), room = WIDTH - indent;

	fputs(first, file);
	for (;;) {
		size_t length = strlen(text), cut = length;

		if (length > room)
			for (cut = room; cut > 0 && text[cut] != ' '; cut--)
				;
		if (cut == 0)
			cut = length;
		fprintf(file, "%.*s\n", (int)cut, text);
		text += cut;
		text += strspn(text, " ");
		if (!*text)
			return;
		fprintf(file, "%*s", (int)indent, "");
	}
}

static void print_who(FILE *file, const struct kw_assessment *service)
{
	const struct kw_stats *stats = service->stats;
	char comm[3 * KW_COMM];

	kw_sanitize(stats->comm, sizeof(stats->comm), comm, sizeof(comm));
	fprintf(file, "%s (%s", stats->service.name, kw_role_name(stats->service.role));
	if (stats->service.role == KW_ROLE_CLIENT && comm[0])
		fprintf(file, " %s", comm);
	if (stats->service.peer[0])
		fprintf(file, ", from %s", stats->service.peer);
	fputc(')', file);
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

		kw_record_id(&identity, id);
		fprintf(file, "%s%s", i ? ", " : "    for example ", id);
	}
	if (examples->count)
		fputc('\n', file);
}

static void print_finding(FILE *file, const struct kw_digest *digest, size_t number,
			  const struct kw_clock *clock, bool colour)
{
	const struct kw_digest_finding *entry = &digest->findings[number];
	const struct kw_finding *finding = entry->finding;

	fprintf(file, "\n%s%s: %s%s  ", colour ? colours[finding->severity] : "",
		kw_severity_name(finding->severity), kw_finding_name(finding->id), colour ? PLAIN : "");
	print_who(file, entry->service);
	fputc('\n', file);
	if (kw_digest_seen_before(digest, number) != number) {
		fputs("    seen at the other end of the same connections: see above\n", file);
		return;
	}
	print_wrapped(file, "    ", finding->summary);
	if (finding->id == KW_FINDING_DRAIN)
		print_timeline(file, entry->service, clock);
	for (size_t i = 0; i < finding->advice_count; i++)
		print_wrapped(file, "  - ", finding->advice[i]);
	print_examples(file, &finding->examples);
}

/* ---- the table of services ---- */

static void seconds_or_dash(bool known, double seconds, char ret_text[KW_DURATION_TEXT])
{
	if (known)
		strcpy(ret_text, kw_duration_about(seconds).text);
	else
		strcpy(ret_text, "-");
}

static void share_or_dash(uint64_t part, uint64_t whole, char ret_text[KW_DURATION_TEXT])
{
	if (whole)
		snprintf(ret_text, KW_DURATION_TEXT, "%.1f%%", 100.0 * (double)part / (double)whole);
	else
		strcpy(ret_text, "-");
}

static void print_service(FILE *file, const struct kw_assessment *service, int width)
{
	const struct kw_statistics *sum = &service->sum;
	char reuse[KW_DURATION_TEXT], premature[KW_DURATION_TEXT], advertised[KW_DURATION_TEXT];
	char inferred[KW_DURATION_TEXT], longest[KW_DURATION_TEXT];

	share_or_dash(sum->reused, sum->requests, reuse);
	share_or_dash(sum->premature, sum->closed, premature);
	seconds_or_dash(service->stats->has_advertised_timeout, service->stats->advertised_timeout, advertised);
	seconds_or_dash(service->server_idle.known, service->server_idle.seconds, inferred);
	if (sum->reused)
		kw_text_duration(sum->reuse_idle_max, longest);
	else
		strcpy(longest, "-");
	fprintf(file, "%-*s  %-7s %11" PRIu64 " %9.1f %7s %9s %10s %9s %14s\n", width,
		service->stats->service.name, kw_role_name(service->stats->service.role), (uint64_t)sum->seen,
		kw_requests_per_connection(sum), reuse, premature, advertised, inferred, longest);
}

static void print_services(FILE *file, const struct kw_digest *digest)
{
	int width = NAME_LEAST;

	for (size_t i = 0; i < digest->service_count && i < SERVICES; i++) {
		int length = (int)strlen(digest->services[i].stats->service.name);

		if (length > width)
			width = length;
	}
	fprintf(file, "\n%-*s  %-7s %11s %9s %7s %9s %10s %9s %14s\n", width, "service", "role", "connections",
		"requests/", "reused", "premature", "timeout", "timeout", "longest idle");
	fprintf(file, "%-*s  %-7s %11s %9s %7s %9s %10s %9s %14s\n", width, "", "", "", "conn.", "", "",
		"advertised", "inferred", "before reuse");
	for (size_t i = 0; i < digest->service_count && i < SERVICES; i++)
		print_service(file, &digest->services[i], width);
	if (digest->service_count > SERVICES)
		fprintf(file, "and %zu more: see --json\n", digest->service_count - SERVICES);
}

/* ---- the page ---- */

static void print_verdict(FILE *file, const struct kw_digest *digest, bool colour)
{
	size_t counts[KW_SEVERITY_MAX] = {0};
	char closing[KW_CLOSING_TEXT];

	for (size_t i = 0; i < digest->finding_count; i++)
		counts[digest->findings[i].finding->severity]++;
	fprintf(file, "Observed for %.1f s: %" PRIu64 " connections", digest->observed, digest->connections);
	if (digest->paired)
		fprintf(file, " (%" PRIu64 " seen from both ends; their requests count at each end)",
			digest->paired);
	fprintf(file, ", %" PRIu64 " requests, %zu services.\n", digest->requests, digest->service_count);
	if (digest->lost_events)
		fprintf(file, "%" PRIu64 " events were lost: a larger --ring-size may help.\n",
			digest->lost_events);
	if (kw_text_closing(&digest->closing, closing))
		fprintf(file, "%s.\n", closing);
	if (!digest->finding_count && !digest->healthy) {
		fprintf(file,
			"no finding yet, but %" PRIu64 " premature closes and %" PRIu64 " failed connects\n",
			digest->premature, digest->failed);
		return;
	}
	if (!digest->finding_count) {
		fprintf(file, "%shealthy%s: no finding\n", colour ? "\033[1;32m" : "", colour ? PLAIN : "");
		return;
	}
	fprintf(file, "%s%zu finding%s%s:", colour ? colours[digest->findings[0].finding->severity] : "",
		digest->finding_count, digest->finding_count == 1 ? "" : "s", colour ? PLAIN : "");
	for (int severity = KW_SEVERITY_MAX - 1; severity >= 0; severity--)
		if (counts[severity])
			fprintf(file, " %zu %s", counts[severity], kw_severity_name(severity));
	fputc('\n', file);
}

/* A histogram is only useful for a service whose connections were both used again and closed while idle. */
static bool has_histogram(const struct kw_assessment *service)
{
	return service->sum.reused && service->sum.close_idle.count;
}

int kw_report_text(FILE *file, const struct kw_digest *digest, const struct kw_clock *clock, bool colour)
{
	int histograms = 0;

	if (!digest->has_http && digest->healthy && !digest->closing.connections) {
		fprintf(file, "No HTTP/1.x connection was seen in %.1f s.\n", digest->observed);
		return ferror(file) ? -EIO : 0;
	}
	print_verdict(file, digest, colour);
	for (size_t i = 0; i < digest->finding_count; i++)
		print_finding(file, digest, i, clock, colour);
	print_services(file, digest);
	for (size_t i = 0; i < digest->service_count && histograms < HISTOGRAMS; i++) {
		if (!has_histogram(&digest->services[i]))
			continue;
		fputs("\nIdle times of ", file);
		print_who(file, &digest->services[i]);
		fputc('\n', file);
		kw_report_histogram(file, &digest->services[i]);
		histograms++;
	}
	return ferror(file) ? -EIO : 0;
}
