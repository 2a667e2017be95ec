/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints what several hosts' recordings say together about the paths between them. */
#ifndef KEEPWATCH_REPORT_PATHS_H
#define KEEPWATCH_REPORT_PATHS_H

#include <stdio.h>

#include "finding/middlebox.h"
#include "output/report/print.h"

/* The paths to print: from each host to each. Those without a connection are left out. */
struct kw_paths_report {
	const struct kw_path_counts *counts; /* of each path */
	size_t count;
};

/* Prints one object, or text. 0, -ENOMEM, or -EIO with errno set. */
int kw_paths_json(FILE *file, const struct kw_paths_report *report);
int kw_paths_text(FILE *file, const struct kw_paths_report *report, const struct kw_report_style *style);

#endif
