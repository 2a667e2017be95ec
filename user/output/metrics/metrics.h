/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes all counts as Prometheus metrics. Their names and labels are the public contract. */
#ifndef KEEPWATCH_METRICS_H
#define KEEPWATCH_METRICS_H

#include "aggregate/aggregate.h"
#include "observe/loader.h"
#include "base/process.h"

struct kw_metrics {
	struct kw_aggregate *aggregate; /* not const, because it also notes which findings were exported */
	const struct kw_program_stats *programs;
	size_t program_count;
	const struct kw_process *process; /* NULL in a replay, which has no programs either */
};

/* Writes all families to *ret_text, which the caller frees. Returns 0 or -ENOMEM. */
int kw_metrics_write(const struct kw_metrics *metrics, bool open_metrics, char **ret_text, size_t *ret_length);

#endif
