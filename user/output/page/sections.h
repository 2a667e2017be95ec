/* SPDX-License-Identifier: BSD-2-Clause */
/* The sections of the status page, one per file, and their common helpers. All text except constants and numbers must
 * be escaped. */
#ifndef KEEPWATCH_PAGE_PARTS_H
#define KEEPWATCH_PAGE_PARTS_H

#include <stdio.h>

#include "finding/overview.h"
#include "output/page/page.h"
#include "output/trace/text.h"

/* The findings with their advice, the gravest first. */
void kw_page_findings(FILE *file, const struct kw_digest *digest, const struct kw_clock *clock);

/* The plots of idle times, one for each service that has such times. */
void kw_page_plots(FILE *file, const struct kw_digest *digest);

/* The latest premature closes, each with its evidence; @now is the page's time, monotonic ns. */
void kw_page_closes(FILE *file, const struct kw_premature_closes *closes, const struct kw_clock *clock,
		    uint64_t now);

/* A row for each service. */
void kw_page_services(FILE *file, const struct kw_digest *digest);

/* Writes one plot, as a figure. Returns false, after writing nothing, if there is nothing to compare. */
bool kw_page_plot(FILE *file, const struct kw_assessment *service, size_t number);

/* "timeout_race" as "Timeout race", "wait_s" as "Wait": the name of a finding, or of one of its numbers. */
void kw_page_words(FILE *file, const char *name);

/* Whether a number is in seconds, by its name: "wait_s". */
bool kw_page_is_seconds(const char *name);

/* "5.003 s", "210 ms". */
void kw_page_seconds(FILE *file, double seconds);

/* "42 s", "12.3 min": rounded as suits an age. */
void kw_page_span(uint64_t ns, char ret_text[KW_DURATION_TEXT]);

/* "14:03:22.123" in UTC, machine-readable too. */
void kw_page_time(FILE *file, const struct kw_clock *clock, uint64_t monotonic);

/* A service's name, and whether its connections are seen from the client's or the server's end. */
void kw_page_who(FILE *file, const struct kw_stats *stats);

/* The id of a connection, as in records. */
void kw_page_id(FILE *file, uint64_t cookie, uint32_t generation);

/* The style sheet and the script: page.css and page.js. */
extern const char kw_page_css[], kw_page_js[];

#endif
