/* SPDX-License-Identifier: BSD-2-Clause */
/* The sections of the status page, a file each, Each writes nothing that is not escaped
 * but constants and numbers. */
#ifndef KEEPWATCH_PAGE_SECTIONS_H
#define KEEPWATCH_PAGE_SECTIONS_H

#include <stdio.h>

#include "aggregate/premature_closes.h"
#include "finding/overview.h"
#include "output/page/format.h"

/* What is wrong and what to change, the gravest first. */
void kw_page_findings(FILE *file, const struct kw_overview *overview, const struct kw_clock *clock);

/* For each service with such times: idle time at reuse against idle time at close. */
void kw_page_plots(FILE *file, const struct kw_overview *overview);

/* The latest premature closes, each with its evidence; @now is the page's time, monotonic ns. */
void kw_page_closes(FILE *file, const struct kw_premature_closes *closes, const struct kw_clock *clock,
		    uint64_t now);

/* A row for each service. */
void kw_page_services(FILE *file, const struct kw_overview *overview);

/* One plot, as a figure; false, and nothing is written, where there is nothing to compare. */
bool kw_page_plot(FILE *file, const struct kw_assessment *service, size_t number);

/* The style sheet and the script: page.css and page.js. */
extern const char kw_page_css[], kw_page_js[];

#endif
