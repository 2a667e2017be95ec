/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics about keepwatch itself, without the labels role and service. */
#ifndef KEEPWATCH_METRICS_SELF_H
#define KEEPWATCH_METRICS_SELF_H

#include "aggregate/aggregate.h"
#include "base/process.h"
#include "output/metrics/exposition.h"

/* Losses and faults while observing, and the version. A replay knows them too. */
void kw_metrics_write_trouble(struct kw_exposition *out, const struct kw_aggregate *aggregate);

/* The resources that the daemon takes; @programs are its @count BPF programs. */
void kw_metrics_write_resources(struct kw_exposition *out, const struct kw_process *process,
				const struct kw_program_stats *programs, size_t count);

#endif
