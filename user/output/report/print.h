/* SPDX-License-Identifier: BSD-2-Clause */
/* A report for people and for programs. Each returns 0, or -ENOMEM, or -EIO with errno set. */
#ifndef KEEPWATCH_REPORT_PRINT_H
#define KEEPWATCH_REPORT_PRINT_H

#include <stdio.h>

#include "base/clock.h"
#include "finding/overview.h"

/* One line; the keys and their order are the public contract. */
int kw_report_json(FILE *file, const struct kw_overview *overview, const struct kw_clock *clock);

/* A page that reads top down. */
int kw_report_text(FILE *file, const struct kw_overview *overview, const struct kw_clock *clock, bool colour);

/* Idle times at which a service's connections were used again, beside those at which they were closed. */
void kw_report_histogram(FILE *file, const struct kw_assessment *service);

#endif
