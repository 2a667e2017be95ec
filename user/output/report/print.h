/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints a report, as text or as JSON. The functions return 0, -ENOMEM, or -EIO with errno set. */
#ifndef KEEPWATCH_REPORT_PRINT_H
#define KEEPWATCH_REPORT_PRINT_H

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "finding/overview.h"

/* Prints the report as one line of JSON; the keys and their order are the public contract. */
int kw_report_json(FILE *file, const struct kw_overview *overview, const struct kw_clock *clock);

/* For whom the text is. */
struct kw_report_style {
	bool colour;
	int width; /* columns of the terminal, KW_TERMINAL_LEAST or more; 0: there is none, and lines may have any length */
};

/* The parts of a finding that it has whatever it is about. Each is the caller's, or NULL if memory did not suffice. */
json_t *kw_report_numbers(const struct kw_finding *finding);
json_t *kw_report_advice(const struct kw_finding *finding);
json_t *kw_report_examples(const struct kw_examples *examples);

/* Prints a finding's headline up to its name, and what follows the headline. */
void kw_report_headline(FILE *file, const struct kw_finding *finding, const struct kw_report_style *style);
void kw_report_summary(FILE *file, const struct kw_finding *finding, const struct kw_report_style *style);
/* Prints the ids of connections that show it, in a line of their own; no line if there is none. */
void kw_report_examples_text(FILE *file, const struct kw_examples *examples, const char *indent);
void kw_report_advice_text(FILE *file, const struct kw_finding *finding, const struct kw_report_style *style);

/* Prints the report as text. */
int kw_report_text(FILE *file, const struct kw_overview *overview, const struct kw_clock *clock,
		   const struct kw_report_style *style);

/* ---- parts of the text; @width is that of struct kw_report_style ---- */

/* Prints the table of services. */
void kw_report_services(FILE *file, const struct kw_overview *overview, int width);

/* Prints a histogram of idle times before reuses, beside one of idle times at closes: the part of it where the two meet. */
void kw_report_histogram(FILE *file, const struct kw_assessment *service, int width);

#endif
