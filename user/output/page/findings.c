/* SPDX-License-Identifier: BSD-2-Clause */
/* The section of the page with the findings: each with its numbers, and with advice. */
#include <inttypes.h>
#include <string.h>

#include "output/page/html.h"
#include "output/page/sections.h"

#define OPEN 4 /* number of critical findings that are open without a click */

static void write_value(FILE *file, const struct kw_number *number)
{
	switch (number->kind) {
	case KW_NUMBER_COUNT: /* the name may say that it is in seconds */
		fprintf(file, "%.0f%s", number->value, kw_page_is_seconds(number->name) ? " s" : "");
		break;
	case KW_NUMBER_SECONDS:
		kw_page_seconds(file, number->value);
		break;
	case KW_NUMBER_SHARE:
		fprintf(file, "%.3g%%", 100 * number->value);
		break;
	case KW_NUMBER_RATE:
		fprintf(file, "%.3g", number->value);
		break;
	case KW_NUMBER_TEXT:
		kw_html_text(file, number->text);
		break;
	case KW_NUMBER_NULL:
		fputs("not known", file);
		break;
	}
}

static void write_numbers(FILE *file, const struct kw_finding *finding)
{
	fputs("<dl class=\"numbers\">", file);
	for (size_t i = 0; i < finding->number_count; i++) {
		fputs("<div><dt>", file);
		kw_page_words(file, finding->numbers[i].name);
		fputs("</dt><dd>", file);
		write_value(file, &finding->numbers[i]);
		fputs("</dd></div>", file);
	}
	fputs("</dl>\n", file);
}

static void write_advice(FILE *file, const struct kw_finding *finding)
{
	if (!finding->advice_count)
		return;
	fputs("<h4>What to change</h4>\n<ul class=\"advice\">\n", file);
	for (size_t i = 0; i < finding->advice_count; i++) {
		fputs("<li>", file);
		kw_html_text(file, finding->advice[i]);
		fputs("</li>\n", file);
	}
	fputs("</ul>\n", file);
}

static void write_timeline(FILE *file, const struct kw_assessment *service, const struct kw_clock *clock)
{
	fputs("<ul class=\"timeline\">\n", file);
	for (size_t i = 0; i < service->drain_count; i++) {
		fputs("<li>", file);
		kw_page_time(file, clock, service->drains[i].first);
		fprintf(file, " UTC: %" PRIu64 " closed, %" PRIu64 " requests lost</li>\n",
			service->drains[i].closed, service->drains[i].lost);
	}
	fputs("</ul>\n", file);
}

static void write_more(FILE *file, const struct kw_finding *finding)
{
	fprintf(file, "<p class=\"more\"><code>keepwatch explain %s</code>", kw_finding_name(finding->id));
	for (uint32_t i = 0; i < finding->examples.count; i++) {
		fputs(i ? ", " : ", for example connection ", file);
		kw_page_id(file, finding->examples.list[i].cookie, finding->examples.list[i].generation);
	}
	fputs("</p>\n", file);
}

/* Begins a finding, with a line that says what is wrong. The gravest findings are open, so that they show their
 * details at once. */
static void write_summary(FILE *file, const struct kw_overview *overview, size_t number)
{
	const struct kw_finding *finding = overview->findings[number].finding;
	const struct kw_service_counters *counters = overview->findings[number].service->counters;
	const char *severity = kw_severity_name(finding->severity);
	bool open = finding->severity == KW_SEVERITY_CRITICAL && number < OPEN;

	fprintf(file, "<details class=\"finding %s\" id=\"finding-%zu\" data-key=\"%s ", severity, number,
		kw_finding_name(finding->id));
	kw_html_text(file, counters->service.name);
	fprintf(file, " %s ", kw_role_name(counters->service.role));
	kw_html_text(file, counters->service.peer);
	fprintf(file, "\"%s>\n<summary><h3><span class=\"badge\">%s</span> ", open ? " open" : "", severity);
	kw_page_words(file, kw_finding_name(finding->id));
	fputs("</h3> ", file);
	kw_page_who(file, counters);
	if (overview->findings[number].other) {
		fputs(", ", file);
		kw_page_who(file, overview->findings[number].other->counters);
	}
	fputs("<span class=\"gist\">", file);
	kw_html_text(file, finding->summary);
	fputs("</span></summary>\n", file);
}

static void write_finding(FILE *file, const struct kw_overview *overview, size_t number,
			  const struct kw_clock *clock)
{
	const struct kw_overview_finding *entry = &overview->findings[number];

	write_summary(file, overview, number);
	fputs("<div class=\"sides\"><div>\n", file);
	if (entry->finding->id == KW_FINDING_DRAIN)
		write_timeline(file, entry->service, clock);
	write_advice(file, entry->finding);
	write_numbers(file, entry->finding);
	write_more(file, entry->finding);
	fputs("</div>\n", file);
	if (entry->finding->id == KW_FINDING_TIMEOUT_RACE)
		kw_page_plot(file, overview, entry->service, number);
	fputs("</div>\n</details>\n", file);
}

void kw_page_findings(FILE *file, const struct kw_overview *overview, const struct kw_clock *clock)
{
	size_t shown = overview->finding_count < KW_PAGE_FINDINGS ? overview->finding_count : KW_PAGE_FINDINGS;

	fputs("<section id=\"findings\" aria-labelledby=\"findings-title\">\n"
	      "<h2 id=\"findings-title\">Findings</h2>\n",
	      file);
	if (!shown)
		fputs("<p class=\"none\">None.</p>\n", file);
	for (size_t i = 0; i < shown; i++)
		write_finding(file, overview, i, clock);
	if (shown < overview->finding_count)
		fprintf(file,
			"<p class=\"none\">And %zu more: <code>keepwatch report</code> has them all.</p>\n",
			overview->finding_count - shown);
	fputs("</section>\n", file);
}
