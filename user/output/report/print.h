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

/* Prints the report as text. */
int kw_report_text(FILE *file, const struct kw_overview *overview, const struct kw_clock *clock, bool colour);

/* The parts of a finding that it has whatever it is about. Each is the caller's, or NULL if memory did not suffice. */
json_t *kw_report_numbers(const struct kw_finding *finding);
json_t *kw_report_advice(const struct kw_finding *finding);
json_t *kw_report_examples(const struct kw_examples *examples);

/* Prints a finding's headline up to its name, and what follows the headline. */
void kw_report_headline(FILE *file, const struct kw_finding *finding, bool colour);
void kw_report_summary(FILE *file, const struct kw_finding *finding);
void kw_report_advice_text(FILE *file, const struct kw_finding *finding);

/* Prints a histogram of idle times before reuses, beside one of idle times at closes. */
void kw_report_histogram(FILE *file, const struct kw_assessment *service);

#endif
