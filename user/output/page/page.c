/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/page/page.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "output/page/html.h"
#include "output/page/sections.h"
#include "output/report/print.h"
#include "output/trace/text.h"

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
	[LEVEL_NOTHING] = {"nothing", "&#8943;", "No HTTP/1.x connection seen yet"},
	[LEVEL_HEALTHY] = {"healthy", "&#10003;", "Healthy: no finding"},
	[LEVEL_INFO] = {"info", "i", "No request is in danger"},
	[LEVEL_WARNING] = {"warning", "!", "No request was lost yet, but requests may be"},
	[LEVEL_CRITICAL] = {"critical", "!", "Requests are being lost"},
	[LEVEL_LOSSES] = {"warning", "!", "Some requests were lost"},
};

struct sums {
	uint64_t closed, premature, requests, reused, used;
	uint64_t lost[KW_ROLE_MAX]; /* requests, by the role of the end that saw the loss */
	int64_t open;
};

static struct sums sum_up(const struct kw_digest *digest, const struct kw_aggregate *aggregate)
{
	struct sums sums = {0};

	for (size_t i = 0; i < digest->service_count; i++) {
		const struct kw_statistics *sum = &digest->services[i].sum;

		sums.closed += sum->closed;
		sums.premature += sum->premature;
		sums.requests += sum->requests;
		sums.reused += sum->reused;
		sums.lost[digest->services[i].stats->service.role % KW_ROLE_MAX] += sum->lost;
	}
	for (const struct kw_stats *stats = aggregate->services; stats; stats = stats->hh.next)
		sums.open += stats->open;
	return sums;
}

/* Finds the state. LEVEL_LOSSES stands for losses without a critical finding, because they are few or have only just
 * happened. */
static enum level_id level_of(const struct kw_digest *digest, const struct sums *sums)
{
	enum level_id level = digest->has_http || digest->failed ? LEVEL_HEALTHY : LEVEL_NOTHING;

	if (digest->finding_count)
		level = LEVEL_INFO + digest->findings[0].finding->severity;
	return level < LEVEL_CRITICAL && sums->premature ? LEVEL_LOSSES : level;
}

/* ---- what sections share ---- */

bool kw_page_is_seconds(const char *name)
{
	size_t length = strlen(name);

	return length > 2 && strcmp(name + length - 2, "_s") == 0;
}

void kw_page_words(FILE *file, const char *name)
{
	size_t length = strlen(name) - (kw_page_is_seconds(name) ? 2 : 0);

	for (size_t i = 0; i < length; i++) {
		char letter = name[i] == '_' ? ' ' : name[i];

		fputc(i == 0 && letter >= 'a' && letter <= 'z' ? letter - 'a' + 'A' : letter, file);
	}
}

void kw_page_seconds(FILE *file, double seconds)
{
	fprintf(file, "%s%s", seconds < 0 ? "-" : "", kw_duration_about(fabs(seconds)).text);
}

void kw_page_span(uint64_t ns, char ret_text[KW_DURATION_TEXT])
{
	if (ns < 100 * KW_S)
		snprintf(ret_text, KW_DURATION_TEXT, "%.0f s", (double)ns / 1e9);
	else
		kw_text_duration(ns, ret_text);
}

void kw_page_time(FILE *file, const struct kw_clock *clock, uint64_t monotonic)
{
	char at[KW_TIMESTAMP];

	kw_timestamp(clock, monotonic, at);
	fprintf(file, "<time datetime=\"%s\">%.12s</time>", at, at + strlen("2026-01-01T"));
}

void kw_page_who(FILE *file, const struct kw_stats *stats)
{
	char comm[KW_COMM + 1] = "";

	memcpy(comm, stats->comm, sizeof(stats->comm));
	fputs("<bdi class=\"name\">", file);
	kw_html_text(file, stats->service.name);
	fprintf(file, "</bdi> <span class=\"role\">%s", kw_role_name(stats->service.role));
	if (stats->service.role == KW_ROLE_CLIENT && comm[0]) {
		fputs(" <bdi>", file);
		kw_html_text(file, comm);
		fputs("</bdi>", file);
	}
	if (stats->service.peer[0]) {
		fputs(", from <bdi>", file);
		kw_html_text(file, stats->service.peer);
		fputs("</bdi>", file);
	}
	fputs("</span>", file);
}

void kw_page_id(FILE *file, uint64_t cookie, uint32_t generation)
{
	struct kw_identity identity = {.cookie = cookie, .generation = generation};
	char id[KW_ID_TEXT];

	kw_record_id(&identity, id);
	fprintf(file, "<code>%s</code>", id);
}

/* ---- how things stand ---- */

static void explain_level(FILE *file, const struct kw_digest *digest, const struct sums *sums,
			  enum level_id level)
{
	if (level == LEVEL_NOTHING) {
		fputs("Connections show up here within a second. keepwatch counts TLS and HTTP/2 connections "
		      "but cannot read them. Connections that were open before keepwatch started count from "
		      "their next request on.",
		      file);
		return;
	}
	fprintf(file, "%" PRIu64 " of %" PRIu64 " closed connections ended <a href=\"#closes\">prematurely</a>",
		sums->premature, sums->closed);
	if (digest->finding_count) {
		fprintf(file, ". %s: <a href=\"#finding-0\">", digest->finding_count > 1 ? "First" : "See");
		kw_page_words(file, kw_finding_name(digest->findings[0].finding->id));
		fputs("</a> at ", file);
		kw_page_who(file, digest->findings[0].service->stats);
	}
	fputc('.', file);
}

static void figure(FILE *file, const char *name, const char *value, const char *about, const char *severity)
{
	fprintf(file, "<div class=\"figure %s\"><dt>%s</dt><dd><b>%s</b> <span>%s</span></dd></div>\n",
		severity, name, value, about);
}

static void write_figures(FILE *file, const struct kw_digest *digest, const struct sums *sums)
{
	uint64_t lost = sums->lost[KW_ROLE_CLIENT] + sums->lost[KW_ROLE_SERVER];
	char value[32], about[96];

	fputs("<dl class=\"figures\">\n", file);
	snprintf(value, sizeof(value), "%" PRIu64, lost);
	snprintf(about, sizeof(about), "%" PRIu64 " seen by clients here, %" PRIu64 " by servers here",
		 sums->lost[KW_ROLE_CLIENT], sums->lost[KW_ROLE_SERVER]);
	figure(file, "Requests lost", value, about, lost ? "critical" : "");
	snprintf(value, sizeof(value), "%" PRIu64, sums->premature);
	snprintf(about, sizeof(about), "%.3g%% of %" PRIu64 " closes",
		 sums->closed ? 100.0 * (double)sums->premature / (double)sums->closed : 0, sums->closed);
	figure(file, "Premature closes", value, about, sums->premature ? "critical" : "");
	snprintf(value, sizeof(value), "%" PRIu64, sums->requests);
	if (digest->paired)
		snprintf(about, sizeof(about), "on %" PRIu64 " connections, %" PRIu64 " seen from both ends",
			 digest->connections, digest->paired);
	else
		snprintf(about, sizeof(about), "on %" PRIu64 " connections", digest->connections);
	figure(file, "Requests", value, about, "");
	snprintf(value, sizeof(value), "%.3g%%",
		 sums->requests ? 100.0 * (double)sums->reused / (double)sums->requests : 0);
	figure(file, "Reuse", value, "of requests went over a connection that was already used", "");
	snprintf(value, sizeof(value), "%" PRId64, sums->open > 0 ? sums->open : 0);
	figure(file, "Open now", value, "connections, counted at each end on this host", "");
	if (digest->closing.connections) {
		snprintf(value, sizeof(value), "%" PRIu32, digest->closing.connections);
		snprintf(about, sizeof(about), "not final yet; %" PRIu32 " requests on them may be lost",
			 digest->closing.requests);
		figure(file, "Closing", value, about, digest->closing.requests ? "warning" : "");
	}
	if (digest->lost_events) {
		snprintf(value, sizeof(value), "%" PRIu64, digest->lost_events);
		figure(file, "Events lost", value, "a larger --ring-size may help", "warning");
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

static void write_main(FILE *file, const struct kw_page_source *source, const struct kw_digest *digest)
{
	struct sums sums = sum_up(digest, source->aggregate);
	enum level_id level = level_of(digest, &sums);

	fprintf(file, "<main id=\"main\" data-level=\"%s\" data-title=\"", levels[level].name);
	kw_html_text(file, levels[level].headline);
	fputs(" - ", file);
	kw_html_text(file, source->host);
	fprintf(file, " - keepwatch\">\n<section class=\"state %s\" aria-labelledby=\"state\">\n",
		levels[level].name);
	fprintf(file, "<span class=\"mark\" aria-hidden=\"true\">%s</span>\n<div><h1 id=\"state\">%s</h1>\n<p>",
		levels[level].mark, levels[level].headline);
	explain_level(file, digest, &sums, level);
	fputs("</p></div>\n</section>\n", file);
	write_span(file, source);
	if (level != LEVEL_NOTHING)
		write_figures(file, digest, &sums);
	kw_page_findings(file, digest, source->clock);
	kw_page_closes(file, source->closes, source->clock, source->aggregate->now);
	kw_page_plots(file, digest);
	kw_page_services(file, digest);
	fputs("</main>\n", file);
}

/* ---- to memory ---- */

static int finish(FILE *file, char **text, size_t *length, char **ret_text, size_t *ret_length)
{
	bool failed = ferror(file);

	if (fclose(file) == EOF || failed) {
		free(*text);
		return -ENOMEM;
	}
	*ret_text = *text;
	*ret_length = *length;
	return 0;
}

int kw_page_main(const struct kw_page_source *source, char **ret_text, size_t *ret_length)
{
	struct kw_digest digest;
	size_t length = 0;
	char *text = NULL;
	FILE *file;
	int r = kw_digest_make(source->aggregate, &digest);

	if (r < 0)
		return r;
	file = open_memstream(&text, &length);
	if (file)
		write_main(file, source, &digest);
	kw_digest_free(&digest);
	return file ? finish(file, &text, &length, ret_text, ret_length) : -ENOMEM;
}

int kw_page_whole(const char *main, const char *nonce, char **ret_text, size_t *ret_length)
{
	size_t length = 0;
	char *text = NULL;
	FILE *file = open_memstream(&text, &length);

	if (!file)
		return -ENOMEM;
	fprintf(file,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
		"charset=\"utf-8\">\n<title>keepwatch</title>\n<meta name=\"viewport\" "
		"content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
		"dark\">\n<link rel=\"icon\" href=\"data:,\">\n<style "
		"nonce=\"%s\">\n%s</style>\n</head>\n<body>\n<header>\n<a class=\"product\" "
		"href=\"/\">keepwatch</a>\n<span class=\"claim\">why each HTTP/1.x connection "
		"closed</span>\n<nav aria-label=\"Page\"><a href=\"#findings\">Findings</a> <a "
		"href=\"#closes\">Closes</a> <a href=\"#idle\">Idle times</a> <a "
		"href=\"#services\">Services</a> <a href=\"/metrics\">Metrics</a></nav>\n<p "
		"id=\"live\"><noscript>Reload the page for the present state.</noscript><span "
		"role=\"status\"></span> <button type=\"button\" hidden>Pause</button></p>\n</header>\n",
		nonce, kw_page_css);
	fputs(main, file);
	fprintf(file,
		"<footer><p><code>keepwatch explain NAME</code> explains each finding and each reason. Version "
		"%s.</p></footer>\n<script nonce=\"%s\">\n%s</script>\n</body>\n</html>\n",
		KEEPWATCH_VERSION, nonce, kw_page_js);
	return finish(file, &text, &length, ret_text, ret_length);
}
