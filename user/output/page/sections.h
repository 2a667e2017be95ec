/* SPDX-License-Identifier: BSD-2-Clause */
/* The sections of the status page, one per file. All text except constants and numbers must be escaped. */
#ifndef KEEPWATCH_PAGE_SECTIONS_H
#define KEEPWATCH_PAGE_SECTIONS_H

#include <stdio.h>

#include "aggregate/premature_closes.h"
#include "finding/overview.h"
#include "output/page/format.h"

/* The findings with their advice, the gravest first. */
void kw_page_findings(FILE *file, const struct kw_overview *overview, const struct kw_clock *clock);

/* The plots of idle times, one for each service that has such times. */
void kw_page_plots(FILE *file, const struct kw_overview *overview);

/* The latest premature closes, each with its evidence; @now is the page's time, monotonic ns. */
void kw_page_closes(FILE *file, const struct kw_premature_closes *closes, const struct kw_clock *clock,
		    uint64_t now);

/* A row for each service. */
void kw_page_services(FILE *file, const struct kw_overview *overview);

/* Writes the plot of the row of @service, as a figure. Returns false, after writing nothing, if there is nothing to compare. */
bool kw_page_plot(FILE *file, const struct kw_overview *overview, const struct kw_assessment *service,
		  size_t number);

/* The style sheet and the script: page.css and page.js. */
extern const char kw_page_css[], kw_page_js[];

#endif
