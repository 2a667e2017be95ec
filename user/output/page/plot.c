/* SPDX-License-Identifier: BSD-2-Clause */
/* Plots idle times before a reuse (above) and idle times at a close (below) on one logarithmic axis. Where the two
 * overlap, requests get lost. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/words.h"
#include "output/page/html.h"
#include "output/page/sections.h"

#define WIDTH 460
#define LEFT 12
#define RIGHT (WIDTH - 12)
#define HEIGHT 214
#define AXIS 108
#define BAR 68      /* height of the highest bar */
#define BAR_LEAST 3 /* least height of a bar, so that small counts are visible */
#define COLUMN 3    /* width of a bar of closes, whose times are known precisely */
#define COLUMNS ((RIGHT - LEFT) / COLUMN)
#define SHORTEST 0.0005 /* s; left edge of the first bucket */
#define LONGEST 7200.0  /* s; right edge of the last bucket */
#define TEXT 6.3        /* approximate width of a letter */

/* The range of times that the plot shows. */
struct axis {
	double from, to; /* seconds */
};

static double bound_of(int bucket)
{
	uint64_t bound;

	if (bucket < 0)
		return SHORTEST;
	bound = kw_histogram_bounds[KW_HISTOGRAM_IDLE][bucket];
	return bound == KW_NEVER ? LONGEST : (double)bound / 1e9;
}

static double seconds_of(const struct kw_sketch_bin *bin)
{
	return (double)bin->sum / (double)bin->count / 1e6;
}

static double x_of(const struct axis *axis, double seconds)
{
	double at = fmin(fmax(seconds, axis->from), axis->to);

	return LEFT + (RIGHT - LEFT) * log(at / axis->from) / log(axis->to / axis->from);
}

static void include(struct axis *axis, double from, double to)
{
	axis->from = fmin(axis->from, fmax(from, SHORTEST));
	axis->to = fmax(axis->to, fmin(to, LONGEST));
}

/* A range with all times and timeouts, and a margin; at least a decade. */
static struct axis axis_of(const struct kw_assessment *service)
{
	const struct kw_sketch *closes = &service->sum.close_idle;
	struct axis axis = {LONGEST, SHORTEST};

	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
		if (service->sum.traffic.reuse_idle.buckets[i])
			include(&axis, bound_of(i - 1), bound_of(i));
	for (uint32_t i = 0; i < closes->used; i++)
		include(&axis, seconds_of(&closes->bins[i]) / 1.3, seconds_of(&closes->bins[i]) * 1.3);
	if (service->has_timeout && service->timeout > 0)
		include(&axis, service->timeout / 1.3, service->timeout * 1.3);
	while (axis.to / axis.from < 10)
		axis = (struct axis){axis.from / 1.2, axis.to * 1.2};
	return axis;
}

static double height_of(uint64_t count, uint64_t most)
{
	return fmax(BAR_LEAST, BAR * (double)count / (double)most);
}

/* ---- what is drawn ---- */

static void write_ticks(FILE *file, const struct axis *axis)
{
	static const double steps[] = {1, 2, 5};
	bool fine = axis->to / axis->from < 300;

	for (double decade = SHORTEST * 2; decade <= LONGEST; decade *= 10)
		for (int i = 0; i < (fine ? 3 : 1); i++) {
			double at = decade * steps[i], x = x_of(axis, at);

			if (at < axis->from || at > axis->to)
				continue;
			fprintf(file, "<path class=\"grid\" d=\"M%.1f 34V190\"/>", x);
			if (x < LEFT + 12 || x > RIGHT - 16)
				continue;
			fprintf(file, "<text class=\"tick\" x=\"%.1f\" y=\"%d\">", x, HEIGHT - 8);
			kw_page_seconds(file, at);
			fputs("</text>", file);
		}
	fputc('\n', file);
}

/* Shades the idle times after which a request may meet the close. */
static void write_danger(FILE *file, const struct axis *axis, const struct kw_assessment *service)
{
	double from = x_of(axis, KW_NEAR_TIMEOUT * service->timeout);

	if (service->has_timeout && service->timeout > 0)
		fprintf(file,
			"<rect class=\"danger\" x=\"%.1f\" y=\"34\" width=\"%.1f\" height=\"%d\"><title>a "
			"request sent after this much idle time may meet the server's close and be "
			"lost</title></rect>\n",
			from, RIGHT - from, AXIS - 34);
}

static void write_bar_title(FILE *file, double from, double to, uint64_t count, const char *what)
{
	fputs("<title>", file);
	kw_page_seconds(file, from);
	if (to > from) {
		fputs(" to ", file);
		kw_page_seconds(file, to);
	}
	fprintf(file, ": %s %" PRIu64 " time%s</title>", what, count, kw_plural(count));
}

/* The last bar ends at the longest time, which is known exactly. */
static void write_reuses(FILE *file, const struct axis *axis, const struct kw_assessment *service)
{
	const uint64_t *buckets = service->sum.traffic.reuse_idle.buckets;
	double longest = service->reuse_max, danger = KW_NEAR_TIMEOUT * service->timeout;
	uint64_t most = 1;

	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
		most = buckets[i] > most ? buckets[i] : most;
	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++) {
		double from = bound_of(i - 1), to = bound_of(i), height, left, width;

		if (!buckets[i])
			continue;
		if (longest > from && longest < to)
			to = longest;
		height = height_of(buckets[i], most);
		left = x_of(axis, from);
		width = fmax(x_of(axis, to) - left - 1, 2);
		fprintf(file, "<rect class=\"reuse%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">",
			service->has_timeout && to >= danger ? " late" : "", left, AXIS - height, width,
			height);
		write_bar_title(file, from, to, buckets[i], "used again");
		fputs("</rect>\n", file);
	}
}

static void write_closes(FILE *file, const struct axis *axis, const struct kw_sketch *closes)
{
	struct {
		uint64_t count;
		double from, to;
	} columns[COLUMNS + 1] = {{0}};
	uint64_t most = 1;

	for (uint32_t i = 0; i < closes->used; i++) {
		double at = seconds_of(&closes->bins[i]);
		int k = (int)((x_of(axis, at) - LEFT) / COLUMN);

		if (!columns[k].count)
			columns[k].from = at;
		columns[k].to = at;
		columns[k].count += closes->bins[i].count;
		most = columns[k].count > most ? columns[k].count : most;
	}
	for (int k = 0; k <= COLUMNS; k++) {
		if (!columns[k].count)
			continue;
		fprintf(file, "<rect class=\"close\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%.1f\">",
			LEFT + k * COLUMN, AXIS, COLUMN, height_of(columns[k].count, most));
		write_bar_title(file, columns[k].from, columns[k].to, columns[k].count, "closed while idle");
		fputs("</rect>\n", file);
	}
}

/* Draws a line over its half of the plot, and its name on the side with room for it. */
static void write_mark(FILE *file, const struct axis *axis, double seconds, const char *name, int row)
{
	double x = x_of(axis, seconds);
	bool left = x + ((double)strlen(name) + 8) * TEXT > RIGHT;

	fprintf(file, "<path class=\"mark\" d=\"M%.1f %dV%d\"/><text class=\"label%s\" x=\"%.1f\" y=\"%d\">%s ",
		x, row < AXIS ? row - 8 : AXIS, row < AXIS ? AXIS : row, left ? " left" : "",
		left ? x - 4 : x + 4, row, name);
	kw_page_seconds(file, seconds);
	fputs("</text>\n", file);
}

static void write_marks(FILE *file, const struct axis *axis, const struct kw_assessment *service)
{
	if (service->reuse_max > 0)
		write_mark(file, axis, service->reuse_max, "longest reuse", 13);
	if (service->counters->has_advertised_timeout)
		write_mark(file, axis, service->counters->advertised_timeout, "advertised", 27);
	if (service->server_idle.known)
		write_mark(file, axis, service->server_idle.seconds, "server closes at", 190);
	else if (service->client_idle.known)
		write_mark(file, axis, service->client_idle.seconds, "client closes at", 190);
}

/* Describes the plot in words, for screen readers. */
static void write_description(FILE *file, const struct kw_assessment *service, size_t number)
{
	const struct kw_sketch *closes = &service->sum.close_idle;

	fprintf(file, "<title id=\"plot-%zu-title\">Idle times of ", number);
	kw_html_text(file, service->counters->service.name);
	fprintf(file, "</title><desc id=\"plot-%zu-desc\">Used again %" PRIu64 " times, after up to ", number,
		kw_reused(&service->sum));
	kw_page_seconds(file, service->reuse_max);
	fprintf(file, ". Closed while idle %" PRIu64 " times, after ", closes->count);
	kw_page_seconds(file, (double)closes->least / 1e6);
	fputs(" to ", file);
	kw_page_seconds(file, (double)closes->most / 1e6);
	fputs(", half of them by ", file);
	kw_page_seconds(file, (double)kw_sketch_quantile(closes, 0.5) / 1e6);
	fputs(".</desc>\n", file);
}

/* The names of both ends, if both are on this host. */
static void write_names(FILE *file, const struct kw_overview *overview, const struct kw_assessment *service)
{
	const struct kw_assessment *end = NULL;

	fputs("<h3>", file);
	kw_page_who(file, service->counters);
	while ((end = kw_overview_next_end(overview, service, end))) {
		fputs(", ", file);
		kw_page_who(file, end->counters);
	}
	fputs("</h3>\n", file);
}

static void write_key(FILE *file, const struct kw_assessment *service)
{
	fprintf(file,
		"<span class=\"key reuse\">used again (%s%" PRIu64 ")</span> "
		"<span class=\"key close\">closed while idle (%" PRIu64 ")</span>",
		service->sum.traffic.exchanges ? "~" : "", kw_reused(&service->sum),
		service->sum.close_idle.count);
	if (service->has_timeout)
		fputs(" <span class=\"key danger\">requests here may be lost</span>", file);
	if (service->has_margin) {
		fprintf(file, " <span class=\"key margin%s\">safe margin ",
			service->reuse_max >= KW_NEAR_TIMEOUT * service->timeout ? " critical" : "");
		kw_page_seconds(file, fabs(service->margin));
		fprintf(file, "%s</span>", service->margin < 0 ? " below zero" : "");
	}
}

static void write_drawing(FILE *file, const struct kw_assessment *service, size_t number)
{
	struct axis axis = axis_of(service);

	fprintf(file,
		"<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"plot-%zu-title plot-%zu-desc\">\n",
		WIDTH, HEIGHT, number, number);
	write_description(file, service, number);
	write_ticks(file, &axis);
	write_danger(file, &axis, service);
	write_reuses(file, &axis, service);
	write_closes(file, &axis, &service->sum.close_idle);
	fprintf(file, "<path class=\"axis\" d=\"M%d %dH%d\"/>\n", LEFT, AXIS, RIGHT);
	write_marks(file, &axis, service);
	fputs("</svg>\n", file);
}

bool kw_page_plot(FILE *file, const struct kw_overview *overview, const struct kw_assessment *service,
		  size_t number)
{
	const struct kw_assessment *end = kw_overview_idle_end(overview, service);

	if (!kw_reused(&end->sum) || !end->sum.close_idle.count)
		return false;
	fputs("<figure class=\"plot\">\n<figcaption>", file);
	write_names(file, overview, service);
	write_key(file, end);
	fputs("</figcaption>\n", file);
	write_drawing(file, end, number);
	fputs("</figure>\n", file);
	return true;
}

/* Whether a finding of a timeout race is about this row; then its plot is beside that. */
static bool has_race(const struct kw_overview *overview, const struct kw_assessment *service)
{
	for (size_t i = 0; i < overview->finding_count && i < KW_PAGE_FINDINGS; i++) {
		const struct kw_overview_finding *entry = &overview->findings[i];

		if (entry->finding->id == KW_FINDING_TIMEOUT_RACE &&
		    (entry->service == service || entry->other == service ||
		     kw_overview_server_end(overview, entry->service) == service))
			return true;
	}
	return false;
}

void kw_page_plots(FILE *file, const struct kw_overview *overview)
{
	size_t drawn = 0;

	fputs("<section id=\"idle\" aria-labelledby=\"idle-title\">\n<h2 id=\"idle-title\">Idle times</h2>\n<p "
	      "class=\"none\">Bars up: how long connections had been idle when they were used again. Bars "
	      "down: how long they had been idle when they were closed. Where the two overlap, requests get "
	      "lost. The highest bar of each direction has full height. The plots of services with a timeout "
	      "race are above, at that finding.</p>\n<div class=\"plots\">\n",
	      file);
	for (size_t i = 0; i < overview->service_count && drawn < KW_PAGE_PLOTS; i++)
		if (kw_overview_has_row(overview, &overview->services[i]) &&
		    !has_race(overview, &overview->services[i]))
			drawn += kw_page_plot(file, overview, &overview->services[i], KW_PAGE_FINDINGS + drawn);
	fputs("</div>\n", file);
	if (!drawn)
		fputs("<p class=\"none\">None yet: a plot needs a service whose connections were both used "
		      "again and closed while idle.</p>\n",
		      file);
	fputs("</section>\n", file);
}
