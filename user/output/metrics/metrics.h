/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything that is counted, as Prometheus metrics; their names and labels are the public contract. */
#ifndef KEEPWATCH_METRICS_H
#define KEEPWATCH_METRICS_H

#include "aggregate/aggregate.h"
#include "base/process.h"

struct kw_metrics {
	struct kw_aggregate *aggregate; /* which findings were exposed is noted in it */
	const struct kw_program_stats *programs;
	size_t program_count;
	const struct kw_process *process; /* NULL: this is no living daemon, and neither are there programs */
};

/* Writes all families to *ret_text, which the caller frees. -ENOMEM. */
int kw_metrics_write(const struct kw_metrics *metrics, bool open_metrics, char **ret_text, size_t *ret_length);

#endif
