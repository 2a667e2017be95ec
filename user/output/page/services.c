/* SPDX-License-Identifier: BSD-2-Clause */
/* The page's table of services, like the report's. */
#include <inttypes.h>

#include "output/page/html.h"
#include "output/page/sections.h"

#define REASONS 3 /* number of reasons that a row names */

static void count_cell(FILE *file, uint64_t count, bool alarming)
{
	fprintf(file, "<td%s>%" PRIu64 "</td>", alarming && count ? " class=\"critical\"" : "", count);
}

/* A ~ says that a number is @inferred from TLS records. */
static const char *cell_beginning(bool inferred)
{
	return inferred ? "<td>~" : "<td>";
}

static void seconds_cell(FILE *file, bool known, bool inferred, double seconds)
{
	if (!known) {
		fputs("<td class=\"unknown\">-</td>", file);
		return;
	}
	fputs(cell_beginning(inferred), file);
	kw_page_seconds(file, seconds);
	fputs("</td>", file);
}

/* Below zero, requests are lost. */
static void margin_cell(FILE *file, const struct kw_assessment *service, bool inferred)
{
	if (!service->has_margin || service->margin >= 0) {
		seconds_cell(file, service->has_margin, inferred, service->margin);
		return;
	}
	fprintf(file, "<td class=\"critical\">%s", inferred ? "~" : "");
	kw_page_seconds(file, service->margin);
	fputs("</td>", file);
}

static void share_cell(FILE *file, uint64_t part, uint64_t whole, bool inferred)
{
	if (whole)
		fprintf(file, "%s%.1f%%</td>", cell_beginning(inferred), 100.0 * (double)part / (double)whole);
	else
		fputs("<td class=\"unknown\">-</td>", file);
}

/* Names the most frequent reasons. Of equally frequent ones, the first in the order of the rules wins. */
static void reasons_cell(FILE *file, const struct kw_window_statistics *sum)
{
	bool told[KW_REASON_MAX] = {false};

	fputs("<td class=\"reasons\">", file);
	for (int i = 0; i < REASONS; i++) {
		enum kw_reason most = KW_REASON_MAX;

		for (enum kw_reason reason = 0; reason < KW_REASON_MAX; reason++)
			if (!told[reason] && kw_traffic_closed_for(&sum->traffic, reason) &&
			    (most == KW_REASON_MAX || kw_traffic_closed_for(&sum->traffic, reason) >
							      kw_traffic_closed_for(&sum->traffic, most)))
				most = reason;
		if (most == KW_REASON_MAX)
			break;
		told[most] = true;
		fprintf(file, "%s%s&nbsp;%" PRIu64, i ? ", " : "", kw_reason_name(most),
			kw_traffic_closed_for(&sum->traffic, most));
	}
	fputs("</td>", file);
}

/* Each end has lines of its own: its name, and its role. */
static void names_cell(FILE *file, const struct kw_overview *overview, const struct kw_assessment *service)
{
	const struct kw_assessment *end = NULL;

	fputs("<th scope=\"row\"><span class=\"end\">", file);
	kw_page_who(file, service->counters);
	if (kw_speaks_tls(&service->sum))
		fputs(" <span class=\"protocol\">tls</span>", file);
	if (kw_speaks_h2c(&service->sum))
		fputs(" <span class=\"protocol\">h2c</span>", file);
	if (kw_speaks_h2(&service->sum))
		fputs(" <span class=\"protocol\">h2</span>", file);
	fputs("</span>", file);
	while ((end = kw_overview_next_end(overview, service, end))) {
		fputs(" <span class=\"end\">", file);
		kw_page_who(file, end->counters);
		fputs("</span>", file);
	}
	fputs("</th>", file);
}

static void write_row(FILE *file, const struct kw_overview *overview, const struct kw_assessment *service)
{
	const struct kw_assessment *idle = kw_overview_idle_end(overview, service);
	const struct kw_window_statistics *sum = &service->sum;
	bool tls = sum->traffic.exchanges;

	fputs("<tr>", file);
	names_cell(file, overview, service);
	count_cell(file, kw_overview_count(overview, service, kw_count_lost), true);
	count_cell(file, kw_overview_count(overview, service, kw_count_premature), true);
	count_cell(file, kw_overview_count(overview, service, kw_count_connections), false);
	fprintf(file, "%s%.1f</td>", cell_beginning(tls), kw_exchanges_per_connection(sum));
	share_cell(file, kw_reused(sum), kw_exchanges(sum), tls);
	seconds_cell(file, service->counters->has_advertised_timeout, false,
		     service->counters->advertised_timeout);
	seconds_cell(file, service->server_idle.known, tls, service->server_idle.seconds);
	seconds_cell(file, kw_reused(&idle->sum), tls, idle->reuse_max);
	margin_cell(file, idle, tls);
	reasons_cell(file, sum);
	fputs("</tr>\n", file);
}

void kw_page_services(FILE *file, const struct kw_overview *overview)
{
	size_t shown = 0;

	fputs("<section id=\"services\" aria-labelledby=\"services-title\">\n"
	      "<h2 id=\"services-title\">Services</h2>\n",
	      file);
	if (!overview->row_count) {
		fputs("<p class=\"none\">None yet.</p>\n</section>\n", file);
		return;
	}
	fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
	      "aria-labelledby=\"services-title\">\n<table aria-labelledby=\"services-title\">\n<thead><tr><th "
	      "scope=\"col\">Service</th><th scope=\"col\">Requests lost</th><th scope=\"col\">Prema&shy;ture "
	      "closes</th><th scope=\"col\">Connec&shy;tions</th><th scope=\"col\">Requests per "
	      "connec&shy;tion</th><th scope=\"col\">Reused</th><th scope=\"col\">Timeout advertised</th><th "
	      "scope=\"col\">Timeout inferred</th><th scope=\"col\">Longest idle before reuse</th><th "
	      "scope=\"col\">Safe margin</th><th scope=\"col\">Why connections "
	      "closed</th></tr></thead>\n<tbody>\n",
	      file);
	for (size_t i = 0; i < overview->service_count && shown < KW_PAGE_SERVICES; i++) {
		if (!kw_overview_has_row(overview, &overview->services[i]))
			continue;
		write_row(file, overview, &overview->services[i]);
		shown++;
	}
	fputs("</tbody>\n</table>\n</div>\n", file);
	if (shown < overview->row_count)
		fprintf(file,
			"<p class=\"none\">And %zu more: <code>keepwatch report</code> has them all.</p>\n",
			overview->row_count - shown);
	fputs("</section>\n", file);
}
