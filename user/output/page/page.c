/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/page/page.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/memory_stream.h"
#include "base/timestamp.h"
#include "output/page/html.h"
#include "output/page/sections.h"
#include "output/report/print.h"

/* The overall state: a word for the style, the icon in the browser's tab, and a sentence. */
struct level {
	const char *name;
	const char *mark;
	const char *headline;
};

enum level_id {
	LEVEL_NOTHING,
	LEVEL_HEALTHY,
	LEVEL_INFO,
	LEVEL_WARNING,
	LEVEL_CRITICAL,
	LEVEL_LOSSES,
};

static const struct level levels[] = {
	[LEVEL_NOTHING] = {"nothing", "&#8943;", "No HTTP connection seen yet"},
	[LEVEL_HEALTHY] = {"healthy", "&#10003;", "Healthy: no finding"},
	[LEVEL_INFO] = {"info", "i", "No request is in danger"},
	[LEVEL_WARNING] = {"warning", "!", "No request was lost yet, but requests may be"},
	[LEVEL_CRITICAL] = {"critical", "!", "Requests are being lost"},
	[LEVEL_LOSSES] = {"warning", "!", "Some requests were lost"},
};

struct sums {
	uint64_t closed, premature, requests, exchanges, reused, lost;
	uint64_t lost_at[KW_ROLE_MAX]; /* requests, by the role of the end that saw the loss */
	int64_t open;
};

static struct sums sum_up(const struct kw_overview *overview, const struct kw_aggregate *aggregate)
{
	struct sums sums = {0};

	sums.closed = kw_overview_sum(overview, kw_count_closed);
	sums.premature = overview->premature;
	sums.requests = overview->requests;
	sums.exchanges = overview->exchanges;
	sums.reused = kw_overview_sum(overview, kw_count_reused) +
		      kw_overview_sum(overview, kw_count_exchanges_reused);
	sums.lost = kw_overview_sum(overview, kw_count_lost);
	for (size_t i = 0; i < overview->service_count; i++)
		sums.lost_at[overview->services[i].counters->service.role % KW_ROLE_MAX] +=
			kw_count_lost(&overview->services[i]);
	for (const struct kw_service_counters *counters = aggregate->services; counters;
	     counters = counters->hh.next)
		sums.open += (int64_t)lround((double)counters->open * kw_share_apart(counters));
	return sums;
}

/* Finds the state. LEVEL_LOSSES stands for losses without a critical finding, because they are few or have only just
 * happened. */
static enum level_id level_of(const struct kw_overview *overview, const struct sums *sums)
{
	enum level_id level = overview->has_http || overview->failed ? LEVEL_HEALTHY : LEVEL_NOTHING;

	if (overview->finding_count)
		level = LEVEL_INFO + overview->findings[0].finding->severity;
	return level < LEVEL_CRITICAL && sums->premature ? LEVEL_LOSSES : level;
}

/* ---- how things stand ---- */

static void explain_level(FILE *file, const struct kw_overview *overview, const struct sums *sums,
			  enum level_id level)
{
	if (level == LEVEL_NOTHING) {
		fputs("Connections show up here within a second. Of TLS keepwatch reads only the records. Connections "
		      "that were open before keepwatch started count from their next request on.",
		      file);
		return;
	}
	fprintf(file, "%" PRIu64 " of %" PRIu64 " closed connections ended <a href=\"#closes\">prematurely</a>",
		sums->premature, sums->closed);
	if (overview->finding_count) {
		fprintf(file, ". %s: <a href=\"#finding-0\">", overview->finding_count > 1 ? "First" : "See");
		kw_page_words(file, kw_finding_name(overview->findings[0].finding->id));
		fputs("</a> at ", file);
		kw_page_who(file, overview->findings[0].service->counters);
	}
	fputc('.', file);
}

static void figure(FILE *file, const char *name, const char *value, const char *about, const char *severity)
{
	fprintf(file, "<div class=\"figure %s\"><dt>%s</dt><dd><b>%s</b> <span>%s</span></dd></div>\n",
		severity, name, value, about);
}

static double reused_percent(const struct sums *sums)
{
	uint64_t all = sums->requests + sums->exchanges;

	return all ? 100.0 * (double)sums->reused / (double)all : 0;
}

static void write_figures(FILE *file, const struct kw_overview *overview, const struct sums *sums)
{
	char value[32], about[96];

	fputs("<dl class=\"figures\">\n", file);
	snprintf(value, sizeof(value), "%" PRIu64, sums->lost);
	snprintf(about, sizeof(about), "%" PRIu64 " seen by clients here, %" PRIu64 " by servers here",
		 sums->lost_at[KW_ROLE_CLIENT], sums->lost_at[KW_ROLE_SERVER]);
	figure(file, "Requests lost", value, about, sums->lost ? "critical" : "");
	snprintf(value, sizeof(value), "%" PRIu64, sums->premature);
	snprintf(about, sizeof(about), "%.3g%% of %" PRIu64 " closes",
		 sums->closed ? 100.0 * (double)sums->premature / (double)sums->closed : 0, sums->closed);
	figure(file, "Premature closes", value, about, sums->premature ? "critical" : "");
	snprintf(value, sizeof(value), "%" PRIu64, sums->requests);
	if (overview->paired)
		snprintf(about, sizeof(about), "on %" PRIu64 " connections, %" PRIu64 " seen from both ends",
			 overview->connections, overview->paired);
	else
		snprintf(about, sizeof(about), "on %" PRIu64 " connections", overview->connections);
	figure(file, "Requests", value, about, "");
	if (sums->exchanges) {
		snprintf(value, sizeof(value), "~%" PRIu64, sums->exchanges);
		figure(file, "Within TLS", value, "exchanges, inferred from its records", "");
	}
	snprintf(value, sizeof(value), "%s%.3g%%", sums->exchanges ? "~" : "", reused_percent(sums));
	figure(file, "Reuse", value, "of requests went over a connection that was already used", "");
	snprintf(value, sizeof(value), "%" PRId64, sums->open > 0 ? sums->open : 0);
	figure(file, "Open now", value, "connections, those with both ends on this host once", "");
	if (overview->closing.connections) {
		snprintf(value, sizeof(value), "%" PRIu32, overview->closing.connections);
		snprintf(about, sizeof(about), "not final yet; %" PRIu32 " requests on them may be lost",
			 overview->closing.requests);
		figure(file, "Closing", value, about, overview->closing.requests ? "warning" : "");
	}
	if (kw_losses_all(&overview->losses)) {
		snprintf(value, sizeof(value), "%" PRIu64, kw_losses_all(&overview->losses));
		figure(file, "Events lost", value, kw_losses_hint(&overview->losses), "warning");
	}
	fputs("</dl>\n", file);
}

/* Writes the time that the numbers cover: the window, or less while it is not full yet. */
static void write_span(FILE *file, const struct kw_page_source *source)
{
	const struct kw_aggregate *aggregate = source->aggregate;
	uint64_t observed = aggregate->now - aggregate->started;
	char at[KW_TIMESTAMP], window[KW_DURATION_TEXT], all[KW_DURATION_TEXT];

	kw_page_span(observed, all);
	kw_page_span(aggregate->window, window);
	kw_timestamp(source->clock, aggregate->now, at);
	fputs("<p class=\"span\">Host <bdi class=\"name\">", file);
	kw_html_text(file, source->host);
	fputs("</bdi>, ", file);
	if (aggregate->window && aggregate->window < observed)
		fprintf(file, "the last %s of %s observed", window, all);
	else
		fprintf(file, "observed for %s", all);
	fprintf(file, ", as of <time datetime=\"%s\">%.10s %.8s UTC</time>.</p>\n", at, at,
		at + strlen("2026-01-01T"));
}

static void write_main(FILE *file, const struct kw_page_source *source, const struct kw_overview *overview)
{
	struct sums sums = sum_up(overview, source->aggregate);
	enum level_id level = level_of(overview, &sums);

	fprintf(file, "<main id=\"main\" data-level=\"%s\" data-title=\"", levels[level].name);
	kw_html_text(file, levels[level].headline);
	fputs(" - ", file);
	kw_html_text(file, source->host);
	fprintf(file, " - keepwatch\">\n<section class=\"state %s\" aria-labelledby=\"state\">\n",
		levels[level].name);
	fprintf(file, "<span class=\"mark\" aria-hidden=\"true\">%s</span>\n<div><h1 id=\"state\">%s</h1>\n<p>",
		levels[level].mark, levels[level].headline);
	explain_level(file, overview, &sums, level);
	fputs("</p></div>\n</section>\n", file);
	write_span(file, source);
	if (level != LEVEL_NOTHING)
		write_figures(file, overview, &sums);
	kw_page_findings(file, overview, source->clock);
	kw_page_closes(file, source->closes, source->clock, source->aggregate->now);
	kw_page_plots(file, overview);
	kw_page_services(file, overview);
	fputs("</main>\n", file);
}

/* ---- to memory ---- */

int kw_page_main(const struct kw_page_source *source, char **ret_text, size_t *ret_length)
{
	_cleanup_(kw_memory_stream_close) struct kw_memory_stream stream = {0};
	_cleanup_(kw_overview_free) struct kw_overview overview = {0};
	int r = kw_overview_make(source->aggregate, &overview);

	if (r == 0)
		r = kw_memory_stream_open(&stream);
	if (r < 0)
		return r;
	write_main(stream.file, source, &overview);
	return kw_memory_stream_take(&stream, ret_text, ret_length);
}

int kw_page_whole(const char *main, const char *nonce, char **ret_text, size_t *ret_length)
{
	_cleanup_(kw_memory_stream_close) struct kw_memory_stream stream = {0};

	if (kw_memory_stream_open(&stream) < 0)
		return -ENOMEM;
	fprintf(stream.file,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>keepwatch</title>\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<link rel=\"icon\" href=\"data:,\">\n<style nonce=\"%s\">\n%s</style>\n</head>\n<body>\n"
		"<header>\n<a class=\"product\" href=\"/\">keepwatch</a>\n"
		"<span class=\"claim\">why each HTTP connection closed</span>\n"
		"<nav aria-label=\"Page\"><a href=\"#findings\">Findings</a> <a href=\"#closes\">Closes</a> "
		"<a href=\"#idle\">Idle times</a> <a href=\"#services\">Services</a> "
		"<a href=\"/metrics\">Metrics</a></nav>\n"
		"<p id=\"live\"><noscript>Reload the page for the present state.</noscript>"
		"<span role=\"status\"></span> <button type=\"button\" hidden>Pause</button></p>\n</header>\n",
		nonce, kw_page_css);
	fputs(main, stream.file);
	fprintf(stream.file,
		"<footer><p><code>keepwatch explain NAME</code> explains each finding and each reason. Version "
		"%s.</p></footer>\n<script nonce=\"%s\">\n%s</script>\n</body>\n</html>\n",
		KEEPWATCH_VERSION, nonce, kw_page_js);
	return kw_memory_stream_take(&stream, ret_text, ret_length);
}
