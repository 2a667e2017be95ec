/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints a report, as text or as JSON. The functions return 0, -ENOMEM, or -EIO with errno set. */
#ifndef KEEPWATCH_REPORT_PRINT_H
#define KEEPWATCH_REPORT_PRINT_H

#include <stdio.h>

#include "finding/overview.h"

#define KW_TIMESTAMP 40

/* RFC 3339 in UTC, with nanoseconds. */
void kw_timestamp(const struct kw_clock *clock, uint64_t monotonic, char ret_text[KW_TIMESTAMP]);

/* Prints the report as one line of JSON; the keys and their order are the public contract. */
int kw_report_json(FILE *file, const struct kw_digest *digest, const struct kw_clock *clock);

/* Prints the report as text. */
int kw_report_text(FILE *file, const struct kw_digest *digest, const struct kw_clock *clock, bool colour);

/* Prints a histogram of idle times before reuses, beside one of idle times at closes. */
void kw_report_histogram(FILE *file, const struct kw_assessment *service);

#endif
